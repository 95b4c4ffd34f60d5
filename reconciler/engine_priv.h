/* engine_priv: the inside of the engine, for engine*.c only. */
#ifndef RECONCILER_ENGINE_PRIV_H
#define RECONCILER_ENGINE_PRIV_H

#include "lib/ingress/claims.h"
#include "reconciler/engine.h"
#include "reconciler/keyset.h"

struct engine {
    struct ruleset rules;       /* The caller's, with our defaults. */
    const struct ruleset *ruleset;      /* Those. */
    struct defaults *defaults;
    struct findings *complaints;        /* Of the ConfigMap. */
    struct findings *global_complaints;
    bool lacks_rates;
    struct cache *cache;
    struct plan *plan;
    struct claims *claims;
    struct backends *backends;
    struct certs *certs;
    struct stores *stores;
    struct authorities *authorities;
    struct upstreams *upstreams;
    struct routing *routing;
    struct users *users;
    struct asks *asks;
    struct refs *refs;
    struct quotas *quotas;
    struct keyset *touched;     /* Ingresses to look at again. */
    struct keyset *hosts;       /* Hosts to rebuild beside the claims' own. */
    struct keyset *secrets;     /* Of which other things are known now. */
    int64_t now_s;
};

/* The model of an Ingress that is served or left out (quotas.h). */
const struct model *engine_known_(const struct engine *, const char *key);

/* Notes that there is something new to say of an Ingress; 'aux' is the
 * engine. */
void engine_touch_(const char *ingress_key, void *aux);
/* The same of all that a Secret's certificate is said of. */
void engine_touch_users_(const char *secret_key, void *aux);

#endif /* RECONCILER_ENGINE_PRIV_H */
