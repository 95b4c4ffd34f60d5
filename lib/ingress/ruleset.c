#include "lib/ingress/ruleset.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/ingress/name.h"
#include "lib/ingress/quota.h"

#define MAX_NAMESPACES 1000
#define MAX_CONTROLLER 250

static const char *const policies[] = {
    [HOST_POLICY_NAMESPACE] = "namespace",
    [HOST_POLICY_PATH] = "path",
    [HOST_POLICY_INGRESS] = "ingress",
    [HOST_POLICY_NONE] = "none",
    NULL,
};

static const char *const messages[] = {
    [CONFLICT_FULL] = "full",
    [CONFLICT_NAMESPACE] = "namespace",
    [CONFLICT_HOST] = "host",
    NULL,
};

static const char *const profiles[] = {
    [TLS_PROFILE_INTERMEDIATE] = "intermediate",
    [TLS_PROFILE_MODERN] = "modern",
    NULL,
};

/* Which Ingresses are ours. */
static size_t
put_class_flags(struct ruleset *r, struct flag *out)
{
    const struct flag flags[] = {
        {
            .name = "ingress-class",
            .value_name = "NAME",
            .kind = FLAG_TEXT,
            .out = &r->ingress_class,
            .doc = "The IngressClass (or legacy annotation) whose Ingresses "
                   "are ours (" RULESET_CLASS ").",
        },
        {
            .name = "controller-class",
            .value_name = "NAME",
            .kind = FLAG_TEXT,
            .out = &r->controller_class,
            .doc = "What spec.controller of that IngressClass must be "
                   "(" RULESET_CONTROLLER ").",
        },
        {
            .name = "watch-ingress-without-class",
            .kind = FLAG_BOOL,
            .out = &r->watch_without_class,
            .doc = "Serve Ingresses that name no class, too.",
        },
        {
            .name = "watch-namespace",
            .value_name = "NS,...",
            .kind = FLAG_TEXT,
            .out = &r->watch_namespace,
            .doc = "Serve only these namespaces (all).",
        },
    };

    memcpy(out, flags, sizeof flags);
    return ARRAY_SIZE(flags);
}

/* What they may have. */
static size_t
put_policy_flags(struct ruleset *r, struct flag *out)
{
    const struct flag flags[] = {
        {
            .name = "host-policy",
            .value_name = "POLICY",
            .kind = FLAG_CHOICE,
            .out = &r->host_policy,
            .choices = policies,
            .doc = "Who may use a host that is in use: namespace (only the "
                   "namespace that has it), path (everybody, on other "
                   "paths), ingress (nobody else), none (namespace).",
        },
        {
            .name = "namespace-max-routes",
            .value_name = "N",
            .kind = FLAG_NUMBER,
            .out = &r->max_per_namespace[QUOTA_ROUTES],
            .max = 10000000,
            .doc = "Routes that one namespace may have; 0: any (50000).",
        },
        {
            .name = "namespace-max-regexes",
            .value_name = "N",
            .kind = FLAG_NUMBER,
            .out = &r->max_per_namespace[QUOTA_REGEXES],
            .max = 10000000,
            .doc = "Regular expressions for paths that one namespace may "
                   "have; 0: any (1000).",
        },
        {
            .name = "namespace-max-certificates",
            .value_name = "N",
            .kind = FLAG_NUMBER,
            .out = &r->max_per_namespace[QUOTA_CERTIFICATES],
            .max = 10000000,
            .doc = "TLS hosts with a Secret that one namespace may have; 0: "
                   "any (20000).",
        },
        {
            .name = "namespace-max-backends",
            .value_name = "N",
            .kind = FLAG_NUMBER,
            .out = &r->max_per_namespace[QUOTA_BACKENDS],
            .max = 10000000,
            .doc = "Paths with a Service that one namespace may have, and so "
                   "slots of HAProxy; 0: any (20000).",
        },
        {
            .name = "enforce-host-policy",
            .kind = FLAG_BOOL,
            .out = &r->enforce_host_policy,
            .doc = "Apply --host-policy to what exists already, not only to "
                   "what is new.",
        },
        {
            .name = "host-owners",
            .value_name = "SUFFIX=NS+NS,...",
            .kind = FLAG_TEXT,
            .out = &r->host_owners,
            .doc = "Keep a host and all below it for some namespaces; the "
                   "key " PINS_KEY " of --configmap adds to them.",
        },
        {
            .name = "namespace-allowed-hosts",
            .kind = FLAG_BOOL,
            .out = &r->namespace_allowed_hosts,
            .doc = "Honour the annotation " PINS_ALLOWED_HOSTS
                   " of Namespaces.",
        },
        {
            .name = "conflict-messages",
            .value_name = "HOW",
            .kind = FLAG_CHOICE,
            .out = &r->conflict_messages,
            .choices = messages,
            .doc = "What a conflict tells of Ingresses in other namespaces: "
                   "full (their names), namespace (their namespaces), host "
                   "(nothing) (full).",
        },
        {
            .name = "allow-external-names",
            .kind = FLAG_BOOL,
            .out = &r->allow_external_names,
            .doc = "Serve Services of type ExternalName.",
        },
        {
            .name = "disable-catch-all",
            .kind = FLAG_BOOL,
            .out = &r->disable_catch_all,
            .doc = "Refuse spec.defaultBackend and rules without a host.",
        },
    };

    memcpy(out, flags, sizeof flags);
    return ARRAY_SIZE(flags);
}

/* How they are served. */
static size_t
put_service_flags(struct ruleset *r, struct flag *out)
{
    const struct flag flags[] = {
        {
            .name = "configmap",
            .value_name = "NS/NAME",
            .kind = FLAG_TEXT,
            .out = &r->configmap,
            .doc = "ConfigMap of the controller: its keys are defaults for "
                   "all Ingresses, and " PINS_KEY " keeps hosts for "
                   "namespaces.",
        },
        {
            .name = "enable-ssl-passthrough",
            .kind = FLAG_BOOL,
            .out = &r->ssl_passthrough,
            .doc = "Honour the annotation ssl-passthrough.",
        },
        {
            .name = "strict-sni",
            .kind = FLAG_BOOL,
            .out = &r->strict_sni,
            .doc = "Refuse TLS connections to names without a certificate "
                   "of their own, instead of serving the default one.",
        },
        {
            .name = "tls-profile",
            .value_name = "PROFILE",
            .kind = FLAG_CHOICE,
            .out = &r->tls_profile,
            .choices = profiles,
            .doc = "Mozilla's intermediate (TLS 1.2 and 1.3) or modern (TLS "
                   "1.3 only) (intermediate).",
        },
    };

    memcpy(out, flags, sizeof flags);
    return ARRAY_SIZE(flags);
}

size_t
ruleset_flags(struct ruleset *r, struct flag *out)
{
    size_t n = put_class_flags(r, out);

    n += put_policy_flags(r, out + n);
    n += put_service_flags(r, out + n);
    assert(n <= RULESET_MAX_FLAGS);
    return n;
}

struct flag
ruleset_certificate_flag(struct ruleset *r)
{
    return (struct flag) {
        .name = "default-ssl-certificate",
        .value_name = "NS/NAME",
        .kind = FLAG_TEXT,
        .out = &r->default_ssl_certificate,
        .doc = "TLS Secret for hosts without a certificate of their own; "
               "without it a self-signed one is made at start.",
    };
}

static int
compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *) a, *(const char *const *) b);
}

static bool
has_name(const struct ruleset *r, const char *ns)
{
    return r->n_namespaces > 0 &&
           bsearch(&ns, r->namespaces, r->n_namespaces,
                   sizeof *r->namespaces, compare_names) != NULL;
}

/* Keeps the array sorted, each name once. */
static bool
add_namespace(const char *piece, size_t length, void *aux)
{
    struct ruleset *r = aux;
    AUTO_FREE char *ns = xstrndup(piece, length);

    if (!name_is_label(ns) || r->n_namespaces >= MAX_NAMESPACES) {
        return false;
    }
    if (!has_name(r, ns)) {
        r->namespaces = xrealloc(r->namespaces, r->n_namespaces + 1,
                                 sizeof *r->namespaces);
        r->namespaces[r->n_namespaces++] = STEAL_PTR(ns);
        qsort(r->namespaces, r->n_namespaces, sizeof *r->namespaces,
              compare_names);
    }
    return true;
}

static bool
is_controller_name(const char *s)
{
    size_t length = strlen(s);

    if (length == 0 || length > MAX_CONTROLLER) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        if (s[i] <= ' ' || s[i] > '~') {
            return false;
        }
    }
    return true;
}

struct err *
ruleset_check_key(const char *flag, const char *value)
{
    AUTO_FREE char *quoted = str_quote(value ? value : "");

    return !value || name_is_key(value)
               ? NULL
               : err_new(ERR_INVALID, "--%s: %s is not NAMESPACE/NAME", flag,
                         quoted);
}

static struct err *
check_names(const struct ruleset *r)
{
    struct err *err = NULL;

    if (!name_is_subdomain(r->ingress_class)) {
        AUTO_FREE char *quoted = str_quote(r->ingress_class);

        return err_new(ERR_INVALID,
                       "--ingress-class: %s is not a name of an IngressClass",
                       quoted);
    }
    if (!is_controller_name(r->controller_class)) {
        AUTO_FREE char *quoted = str_quote(r->controller_class);

        return err_new(ERR_INVALID,
                       "--controller-class: %s is not a controller's name "
                       "such as " RULESET_CONTROLLER,
                       quoted);
    }
    err = ruleset_check_key("configmap", r->configmap);
    return err ? err
               : ruleset_check_key("default-ssl-certificate",
                                   r->default_ssl_certificate);
}

static struct err *
read_pins(struct ruleset *r)
{
    struct err *err;

    if (str_is_empty(r->host_owners)) {
        return NULL;
    }
    r->pins = pins_new();
    err = err_wrap(pins_parse_flag(r->host_owners, r->pins),
                   "--host-owners");
    if (err) {
        ruleset_fini(r);
    }
    return err;
}

struct err *
ruleset_finish(struct ruleset *r)
{
    struct err *err = check_names(r);

    if (err) {
        return err;
    }
    ruleset_fini(r);
    if (!str_is_empty(r->watch_namespace) &&
        !str_split(r->watch_namespace, ',', add_namespace, r)) {
        AUTO_FREE char *quoted = str_quote(r->watch_namespace);

        ruleset_fini(r);
        return err_new(ERR_INVALID,
                       "--watch-namespace: %s is not a list of at most %d "
                       "namespaces with commas between them",
                       quoted, MAX_NAMESPACES);
    }
    return read_pins(r);
}

void
ruleset_fini(struct ruleset *r)
{
    for (size_t i = 0; i < r->n_namespaces; i++) {
        free(r->namespaces[i]);
    }
    free(r->namespaces);
    r->namespaces = NULL;
    r->n_namespaces = 0;
    pins_free(r->pins);
    r->pins = NULL;
}

bool
ruleset_has_namespace(const struct ruleset *r, const char *ns)
{
    return r->n_namespaces == 0 || has_name(r, ns);
}
