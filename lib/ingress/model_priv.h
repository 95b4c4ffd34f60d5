/* What the files of the model share while they build one; for them alone. */
#ifndef INGRESS_MODEL_PRIV_H
#define INGRESS_MODEL_PRIV_H

#include "lib/base/arena.h"
#include "lib/base/texts.h"
#include "lib/base/vec.h"
#include "lib/ingress/model.h"

struct build {
    struct model *model;
    const struct ruleset *ruleset;
    const struct kube_ingress *spec;
    VEC(struct route) routes;
    VEC(struct model_tls) tls;
    struct arena owned;     /* The texts that the model will own. */
    struct texts keys;      /* Of the routes, in their order. */
    struct texts hosts;     /* Of the routes, each once. */
    unsigned n_regexes;     /* Paths that were probed as expressions. */
};

/* Frees 'text' (or NULL) and returns a copy that the model owns. */
char *build_own(struct build *, char *text);
/* "BASE[i]" */
#define BUILD_ITEM_SIZE 64
const char *build_item(const char *base, size_t i,
                       char room[BUILD_ITEM_SIZE]);
void build_error(struct build *, struct place, const char *fmt, ...)
    PRINTF(3, 4);
void build_warn(struct build *, struct place, const char *fmt, ...)
    PRINTF(3, 4);

/* The canonical host, which the model or its object owns, or NULL after a
 * finding. */
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
/* What was built, in one block (model_gather.c). */
struct model *build_gather(const struct build *) MUST_USE RETURNS_NONNULL;

#endif /* INGRESS_MODEL_PRIV_H */
