/* model: one Ingress, compiled: routes, TLS hosts, settings, findings.
 *
 * A pure function of (object, ruleset).  What an Ingress asks for stands
 * here; who gets it when several ask for the same stands in claims.h.
 *
 * What is wrong in an Ingress becomes a finding and is left out; the rest of
 * it stays.  A host that should have been written otherwise (upper case,
 * trailing dot) is an error and served all the same.
 *
 * Ownership: a model holds a reference to its object (a packed one has none),
 * from which it borrows most texts, and has the rest in its own block; it is
 * immutable after model_new() and shared by (atomic) reference count.
 * The ruleset must outlive it.
 */
#ifndef INGRESS_MODEL_H
#define INGRESS_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/ingress/finding.h"
#include "lib/ingress/ruleset.h"
#include "lib/ingress/settings.h"
#include "lib/kube/object.h"

/* A path of a rule, a default backend, or a passthrough host. */
enum route_kind {
    ROUTE_EXACT,
    ROUTE_PREFIX,
    ROUTE_REGEX,            /* Only under use-regex or a rewrite. */
    ROUTE_DEFAULT,          /* spec.defaultBackend without rules: "" "/". */
    ROUTE_PASSTHROUGH,      /* ssl-passthrough: the whole host. */
    ROUTE_HOST,             /* Owns the host and routes nothing: a rule
                             * without http, or without one good path. */
};

struct route {
    enum route_kind kind;
    bool stays_http;        /* Never redirected to https. */
    const char *host;       /* Canonical, "" for every host. */
    const char *path;       /* As given, "/" where it was left out. */
    /* Names the claim; of ROUTE_EXACT, _PREFIX and _DEFAULT also the row
     * (key.h).  Passthrough: host + ":".  ROUTE_HOST: the host.  A regex
     * that is a plain path has that Prefix's key (it takes the same
     * requests), any other has host + "~" + its text. */
    const char *key;
    /* Of another name (server-alias, from-to-www-redirect) the host whose
     * name it is; else NULL.  A ROUTE_HOST with it is redirected there. */
    const char *of;
    const char *regex;      /* ROUTE_REGEX: without anchor; else NULL. */
    struct kube_backend backend;    /* Strings borrowed from the object. */
    char *field;            /* "spec.rules[0].http.paths[1]" */
};

struct model_tls {
    const char *host;       /* Canonical; "" where the entry lists none. */
    char *secret;           /* "namespace/name", NULL: default certificate. */
    char *field;            /* "spec.tls[0].hosts[1]" */
    /* Another Secret of the host in the same Ingress, for a key of another
     * kind, and the field that names the host with it; NULL: none. */
    char *second;
    char *second_field;
};

struct model {
    const struct kube_object *object;   /* NULL where it is packed. */
    char *name;             /* "Ingress default/alpha" */
    /* Of the object, as the next five are. */
    const char *ns;
    const char *key;
    const char *class_name;     /* As class_wish() has it. */
    int64_t created;
    bool is_class_legacy;
    bool is_deleting;
    bool is_canary;             /* Its routes hold nothing (claims.h). */
    unsigned n_refs;
    const struct settings *settings;    /* Shared (settings_share.h). */
    struct route *routes;   /* Only well-formed ones, no key twice. */
    size_t n_routes;
    struct model_tls *tls;  /* Only well-formed ones, no host twice. */
    size_t n_tls;
    /* spec.defaultBackend beside rules: what "/" of its hosts means where no
     * rule has it.  NULL: none. */
    const struct kube_backend *default_backend;
    struct findings *findings;  /* Errors and warnings of this object; NULL:
                                 * none. */
    const struct ruleset *ruleset;
};

/* 'object' is an Ingress of our class; the model takes its own reference. */
struct model *model_new(const struct kube_object *object,
                        const struct ruleset *) MUST_USE RETURNS_NONNULL;
struct model *model_ref(struct model *);
void model_unref(struct model *);       /* Accepts NULL. */
/* A copy in one block for an index that others are judged against: without
 * object, findings and second certificates, and every field in it is empty. */
struct model *model_packed(const struct model *) MUST_USE RETURNS_NONNULL;
/* The same with 'room' bytes, all zero, right behind the struct: for whoever
 * has more to say of each. */
struct model *model_packed_with(const struct model *, size_t room)
    MUST_USE RETURNS_NONNULL;

/* True where 'regex', another route of the same host, is tried before 'r' and
 * takes all of its requests, so that it never matches (model_shadow.c). */
bool route_is_hidden(const struct route *r, const struct route *regex);

#endif /* INGRESS_MODEL_H */
