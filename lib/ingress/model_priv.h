/* What the files of the model share while they build one; for them alone. */
#ifndef INGRESS_MODEL_PRIV_H
#define INGRESS_MODEL_PRIV_H

#include "lib/base/map.h"
#include "lib/base/vec.h"
#include "lib/ingress/model.h"

struct build {
    struct model *model;
    const struct ruleset *ruleset;
    const struct kube_ingress *spec;
    VEC(struct route) routes;
    VEC(struct model_tls) tls;
    VEC(char *) owned;
    struct map *keys;       /* Key of a route -> its index + 1. */
    struct map *hosts;      /* Hosts of routes (values mean nothing). */
    struct map *parents;    /* The wildcards that cover those hosts. */
    unsigned n_regexes;     /* Paths that were probed as expressions. */
};

/* Keeps 'text' while the model is built; build_gather() copies it if it is
 * among the texts of name, routes or TLS. */
char *build_own(struct build *, char *text);
/* "BASE[i]"; the caller's to free, or to keep. */
char *build_item(const char *base, size_t i) MUST_USE RETURNS_NONNULL;
void build_error(struct build *, struct place, const char *fmt, ...)
    PRINTF(3, 4);
void build_warn(struct build *, struct place, const char *fmt, ...)
    PRINTF(3, 4);

/* The canonical host, or NULL after a finding. */
const char *build_host(struct build *, const char *host, struct place);
/* Adds a route unless its key is there already, which is a finding. */
void build_route(struct build *, const struct route *);
bool build_has_backend(struct build *, const struct kube_backend *,
                       struct place);

void build_rules(struct build *);       /* model_rules.c */
/* 'field' lives as long as the model (model_path.c). */
void build_path(struct build *, const char *host, const struct kube_path *,
                char *field);
void build_aliases(struct build *);     /* model_alias.c; after the rules */
void build_shadows(struct build *);     /* model_shadow.c; after both */
void build_tls(struct build *);         /* model_tls.c */
/* What was built, in one block; frees its pieces.  model_gather.c. */
struct model *build_gather(struct build *) MUST_USE RETURNS_NONNULL;

#endif /* INGRESS_MODEL_PRIV_H */
