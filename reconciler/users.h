/* users: Secrets with users and passwords, as tables for sallyport-auth.
 *
 * A table is made of one Secret read in one way (file or map, basic or
 * digest) for all Ingresses that name it so; its id is a digest of these, so
 * that a change of the Secret changes a file and nothing in HAProxy.  Lines
 * that cannot be used are left out and told; a Secret without any user has no
 * table, and its routes answer 503.
 *
 * Pure over the cache.  One thread.
 */
#ifndef RECONCILER_USERS_H
#define RECONCILER_USERS_H

#include <stdbool.h>

#include "lib/base/buf.h"
#include "lib/ingress/finding.h"
#include "lib/ingress/settings.h"
#include "lib/kube/cache.h"
#include "reconciler/keyset.h"

struct model;           /* lib/ingress/model.h, not haproxy's. */
struct users;

#define USERS_ID_SIZE 33        /* 32 hex digits and the NUL. */

/* Does the absence of this Secret mean anything yet?  NULL: always. */
typedef bool users_known_fn(const char *secret_key, void *aux);

struct users *users_new(const struct cache *, users_known_fn *known,
                        void *aux) MUST_USE RETURNS_NONNULL;
void users_free(struct users *);        /* Accepts NULL. */

/* The table that the settings ask for; they have 'auth'. */
void users_table_id(const struct settings *, char out[USERS_ID_SIZE]);

/* Whose work verifying is: a name for the namespace. */
#define USERS_GROUP_SIZE 17
void users_group(const char *ns, char out[USERS_GROUP_SIZE]);
/* Groups of whose questions sallyport-auth refused some a moment ago, sorted;
 * false where they are the same as before. */
bool users_set_crowded(struct users *, const char *const *groups, size_t n);
void users_inherit(struct users *, const struct users *from);

/* What the Ingress asks for now; NULL: nothing any more. */
void users_set(struct users *, const char *ingress_key, const struct model *);
void users_secret_changed(struct users *, const char *secret_key);
/* Calls 'each' with the Secrets whose absence has come to mean something
 * since; false: none. */
bool users_each_known(struct users *,
                      void (*each)(const char *secret_key, void *aux),
                      void *aux);

/* What there is to say to this Ingress. */
void users_report(const struct users *, const struct model *,
                  struct findings *out);
/* The Secrets named, sorted; the array is the caller's to free. */
const char **users_secrets(const struct users *, size_t *n)
    MUST_USE RETURNS_NONNULL;
/* A line for each table: for comparisons. */
void users_dump(const struct users *, struct buf *out);

/* For userfiles.h.  Ids of tables whose files may be other ones, as
 * keyset_take(); one of them to be tried again. */
char **users_take_dirty(struct users *) MUST_USE RETURNS_NONNULL;
void users_put_back(struct users *, const char *id);
void users_put_all_back(struct users *);
/* Is this a table of ours?  False for what nobody asks for (any more). */
bool users_has(const struct users *, const char *id);
/* May its file be touched? */
bool users_is_known(const struct users *, const char *id);
/* The file; NULL: there is none.  Borrowed. */
const char *users_text(const struct users *, const char *id);

#endif /* RECONCILER_USERS_H */
