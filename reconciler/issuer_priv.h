/* issuer_priv: what issuer.c, issuer_read.c and issuer_decide.c share. */
#ifndef RECONCILER_ISSUER_PRIV_H
#define RECONCILER_ISSUER_PRIV_H

#include <jansson.h>

#include "lib/base/backoff.h"
#include "lib/base/buf.h"
#include "lib/base/x509_ca.h"
#include "lib/kube/allowance.h"
#include "reconciler/issuer.h"

#define ISSUER_MAX_NAMES 16
#define ISSUER_CA_DAYS 365
#define ISSUER_LEAF_DAYS 30

/* An object as it was read last. */
struct issuer_seen {
    bool is_known;          /* Read, and nobody rang since. */
    json_t *document;       /* NULL: not there. */
    int64_t read_ms;
    int64_t due_ms;         /* No request before this. */
    struct backoff backoff;
    bool has_failed_write;  /* The last write, and none went well since. */
    unsigned n_rings;
    char *text;             /* "Secret ns/name" */
};

struct issuer {
    char *ns;
    char *name[ISSUER_N_OBJECTS];
    char *names[ISSUER_MAX_NAMES];
    size_t n_names;
    int64_t overlap_ms;

    struct issuer_seen seen[ISSUER_N_OBJECTS];
    struct x509_bundle bundle;      /* Of the CA's Secret, newest last. */
    char *ca_key;
    bool has_ca;                    /* The newest is a CA, the key its own. */
    const struct x509_ca *issuer;   /* Of the leaf, in the bundle, or NULL. */
    char *leaf_chain;
    struct x509_pair leaf;          /* pem is NULL: there is no good one. */

    bool is_leading;
    bool is_sending;
    bool is_write;
    enum issuer_object object;      /* Of the request that is under way. */
    unsigned n_rings;               /* Of that object when it was sent. */
    int64_t trusted_ms;             /* Since when; -1: not trusted. */
    char *trusted_pem;              /* The CA that is meant by that. */
    bool has_news;                  /* An answer, or a new leader. */
    int64_t next_ms;                /* What is due by time alone. */
    struct allowance *writes;
    char *complaint;
};

/* --- issuer_read.c --- */

/* Takes in what the document of 'object' says (NULL: it is not there). */
void issuer_read(struct issuer *, enum issuer_object, json_t *document);
void issuer_forget(struct issuer *);
/* Has this CA signed the certificate in the Secret? */
bool issuer_is_of_leaf(const struct issuer *, const struct x509_ca *);
/* True where 'fn' says so of one caBundle in the configuration. */
typedef bool issuer_webhook_fn(const char *name, const char *ca_bundle,
                               void *aux);
bool issuer_any_webhook(const struct issuer *, enum issuer_object,
                        issuer_webhook_fn *, void *aux);
/* The decoded caBundle, "" where it is none; the caller's to free. */
char *issuer_decode_bundle(const char *ca_bundle) MUST_USE RETURNS_NONNULL;

/* --- issuer_decide.c --- */

/* The write that is due, with its body; false: none, and next_ms is the
 * earliest time at which that may change by itself. */
bool issuer_decide(struct issuer *, int64_t now_ms, int64_t wall_s,
                   enum issuer_object *object, char **body);

#endif /* RECONCILER_ISSUER_PRIV_H */
