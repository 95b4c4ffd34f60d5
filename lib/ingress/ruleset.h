/* ruleset: what an administrator chose for all Ingresses of one controller.
 *
 * Filled from flags, the same ones in reconciler, webhook and sallyport, so
 * that three doors judge alike.  Read-only after start, but for the defaults
 * of the controller's ConfigMap: they change settings and what is found in
 * them, never what an Ingress claims.
 */
#ifndef INGRESS_RULESET_H
#define INGRESS_RULESET_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"
#include "lib/base/flags.h"
#include "lib/ingress/pins.h"

enum host_policy {
    HOST_POLICY_NAMESPACE,      /* A host belongs to one namespace. */
    HOST_POLICY_PATH,           /* Only host + path is owned. */
    HOST_POLICY_INGRESS,        /* A host belongs to one Ingress. */
    HOST_POLICY_NONE,           /* Nothing is owned at admission. */
};

/* What a refusal says of Ingresses of other namespaces. */
enum conflict_messages {
    CONFLICT_FULL,              /* Their names. */
    CONFLICT_NAMESPACE,         /* Their namespaces. */
    CONFLICT_HOST,              /* That there is one. */
};

/* Mozilla's. */
enum tls_profile { TLS_PROFILE_INTERMEDIATE, TLS_PROFILE_MODERN };

#define RULESET_CLASS "sallyport"
#define RULESET_CONTROLLER "sallyport.dev/ingress-controller"

struct defaults;

struct ruleset {
    const char *ingress_class;          /* --ingress-class */
    const char *controller_class;       /* --controller-class */
    bool watch_without_class;           /* --watch-ingress-without-class */
    bool class_by_name;                 /* See class.h: no cluster. */
    const char *watch_namespace;        /* --watch-namespace, as given */
    int host_policy;                    /* --host-policy */
    bool enforce_host_policy;           /* --enforce-host-policy */
    const char *host_owners;            /* --host-owners, as given */
    bool namespace_allowed_hosts;       /* --namespace-allowed-hosts */
    int conflict_messages;              /* --conflict-messages */
    bool allow_external_names;          /* --allow-external-names */
    bool disable_catch_all;             /* --disable-catch-all */
    bool ssl_passthrough;               /* --enable-ssl-passthrough */
    bool strict_sni;                    /* --strict-sni */
    int tls_profile;                    /* --tls-profile */
    /* Keys "namespace/name", or NULL. */
    const char *configmap;              /* --configmap */
    const char *default_ssl_certificate;    /* Its flag: see below. */
    uint64_t max_per_namespace[4];      /* By enum quota_kind; 0: any. */
    const struct defaults *defaults;    /* Of the ConfigMap, or NULL. */
    char **namespaces;                  /* Split by ruleset_finish(). */
    size_t n_namespaces;                /* 0: all namespaces. */
    struct pins *pins;                  /* NULL: no --host-owners. */
};

#define RULESET_INIT                                                       \
    {                                                                      \
        .ingress_class = RULESET_CLASS,                                    \
        .controller_class = RULESET_CONTROLLER,                            \
        .max_per_namespace = { 50000, 1000, 20000, 20000 },                \
    }

/* Writes the rows of the flags above into 'out' (room for
 * RULESET_MAX_FLAGS) and returns how many. */
#define RULESET_MAX_FLAGS 20
size_t ruleset_flags(struct ruleset *, struct flag *out);
/* --default-ssl-certificate, for those who read Secrets: nothing is said of
 * it but on the Secret itself. */
struct flag ruleset_certificate_flag(struct ruleset *);
/* What a flag must be that names an object; NULL, not given, is right. */
struct err *ruleset_check_key(const char *flag, const char *value) MUST_USE;
/* Splits and checks what the flags gave. */
struct err *ruleset_finish(struct ruleset *) MUST_USE;
void ruleset_fini(struct ruleset *);
bool ruleset_has_namespace(const struct ruleset *, const char *ns);

#endif /* INGRESS_RULESET_H */
