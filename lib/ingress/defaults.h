/* defaults: what the controller's ConfigMap says for all Ingresses.
 *
 * A key is the name of ingress-nginx's, and stands for one row of the
 * annotation table (annot.h): its value is the row's default, so that an
 * annotation beats it.  Values are read and bounded by the row, as an
 * annotation's are.  A bad one is told and the last good one stays; a key
 * that is taken out is the table's own default again.
 *
 * Ownership: everything is copied.  Not locked; pure otherwise.
 */
#ifndef INGRESS_DEFAULTS_H
#define INGRESS_DEFAULTS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/compiler.h"
#include "lib/ingress/finding.h"
#include "lib/kube/object.h"

struct defaults;

struct defaults *defaults_new(void) MUST_USE RETURNS_NONNULL;
void defaults_free(struct defaults *);      /* Accepts NULL. */

/* Takes what 'config_map' says, NULL: that there is none (any more).  True
 * where any default became another one. */
bool defaults_read(struct defaults *, const struct kube_object *config_map,
                   struct findings *);
/* Tells of keys that have no effect, or more than was meant, without
 * another.  'configmap' is its key. */
void defaults_check(const struct defaults *, const char *configmap,
                    struct findings *);
/* Takes over the values of 'from': a last good one is history. */
void defaults_inherit(struct defaults *, const struct defaults *from);

/* The default of row 'i' of the annotation table as one would write it, NULL
 * where the ConfigMap has none.  'd' may be NULL. */
const char *defaults_get(const struct defaults *d, size_t i);

/* True where the ConfigMap gives row 'i', a protection, a value that cannot be
 * read and no good one was there before. */
bool defaults_is_broken(const struct defaults *d, size_t i);
bool defaults_has_broken(const struct defaults *d);     /* Of any row. */

struct annot_value;
/* The default of row 'i' as it was read: the ConfigMap's, else the table's
 * own, which is read once in the life of a process; NULL where there is
 * neither or the row has no support.  'd' may be NULL. */
const struct annot_value *defaults_value(const struct defaults *d, size_t i);

struct settings_base;
/* All of them applied, for settings_read(); lives until they change.  'd' may
 * be NULL. */
const struct settings_base *defaults_base(const struct defaults *d);

/* The same of a key that is no default of a row (enum annot_global): as it
 * was read, NULL where the ConfigMap has none. */
const struct annot_value *defaults_global(const struct defaults *d,
                                          unsigned global);
/* The same, and the table's own where the ConfigMap has none. */
const struct annot_value *defaults_global_or_own(const struct defaults *d,
                                                 unsigned global);

#endif /* INGRESS_DEFAULTS_H */
