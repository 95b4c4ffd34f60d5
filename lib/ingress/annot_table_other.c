/* Rows: logs, traces, firewalls, snippets, and our own names. */
#include "lib/ingress/annot_priv.h"

static const struct annot_def observe[] = {
    {
        .name = "enable-access-log",
        .kind = ANNOT_BOOL,
        .dflt = "true",
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_LOW,
        .support = ANNOT_NOT_YET,
        .doc = "false: requests of the paths are not logged.",
    },
    {
        .name = "enable-rewrite-log",
        .kind = ANNOT_BOOL,
        .scope = ANNOT_SCOPE_PATH,
        .risk = ANNOT_RISK_LOW,
        .support = ANNOT_IGNORED,
        .doc = "There is no log of rewrites.",
    },
    {
        .name = "enable-opentelemetry",
        .kind = ANNOT_BOOL,
        .dflt = "false",
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_LOW,
        .support = ANNOT_NOT_YET,
        .doc = "Traces of the requests.",
    },
    {
        .name = "opentelemetry-trust-incoming-span",
        .kind = ANNOT_BOOL,
        .dflt = "true",
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_LOW,
        .support = ANNOT_NOT_YET,
        .doc = "Whether the client's trace goes on.",
    },
    {
        .name = "opentelemetry-operation-name",
        .kind = ANNOT_RAW,
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_MEDIUM,
        .support = ANNOT_NOT_YET,
        .doc = "What a trace is called.",
    },
    {
        .name = "enable-modsecurity",
        .kind = ANNOT_BOOL,
        .dflt = "false",
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_LOW,
        .support = ANNOT_NOT_YET,
        .protective = true,
        .doc = "A web application firewall in front of the paths.",
    },
    {
        .name = "enable-owasp-core-rules",
        .kind = ANNOT_BOOL,
        .dflt = "false",
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_LOW,
        .support = ANNOT_NOT_YET,
        .doc = "The OWASP rules for enable-modsecurity.",
    },
    {
        .name = "modsecurity-transaction-id",
        .kind = ANNOT_RAW,
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_HIGH,
        .support = ANNOT_NOT_YET,
        .doc = "How that firewall names a request.",
    },
};

static const struct annot_def snippets[] = {
    {
        .name = "configuration-snippet",
        .kind = ANNOT_RAW,
        .scope = ANNOT_SCOPE_PATH,
        .risk = ANNOT_RISK_CRITICAL,
        .support = ANNOT_REFUSED,
        .protective = true,
        .check = annot_check_snippet,
        .doc = "Raw nginx configuration of a location. See docs/snippets.md.",
    },
    {
        .name = "server-snippet",
        .kind = ANNOT_RAW,
        .scope = ANNOT_SCOPE_HOST,
        .risk = ANNOT_RISK_CRITICAL,
        .support = ANNOT_REFUSED,
        .protective = true,
        .check = annot_check_snippet,
        .doc = "Raw nginx configuration of a server. See docs/snippets.md.",
    },
    {
        .name = "stream-snippet",
        .kind = ANNOT_RAW,
        .scope = ANNOT_SCOPE_HOST,
        .risk = ANNOT_RISK_CRITICAL,
        .support = ANNOT_REFUSED,
        .check = annot_check_snippet,
        .doc = "Raw nginx configuration of a stream. See docs/snippets.md.",
    },
    {
        .name = "auth-snippet",
        .kind = ANNOT_RAW,
        .scope = ANNOT_SCOPE_PATH,
        .risk = ANNOT_RISK_CRITICAL,
        .support = ANNOT_REFUSED,
        .check = annot_check_snippet,
        .doc = "Raw nginx configuration of a request to auth-url. See "
               "docs/snippets.md.",
    },
    {
        .name = "modsecurity-snippet",
        .kind = ANNOT_RAW,
        .scope = ANNOT_SCOPE_PATH,
        .risk = ANNOT_RISK_CRITICAL,
        .support = ANNOT_REFUSED,
        .protective = true,
        .check = annot_check_snippet,
        .doc = "Raw rules of ModSecurity. See docs/snippets.md.",
    },
};

static const struct annot_def own[] = {
    {
        .name = "share-host-with",
        .kind = ANNOT_RAW,
        .scope = ANNOT_SCOPE_HOST,
        .risk = ANNOT_RISK_MEDIUM,
        .support = ANNOT_NOT_YET,
        .is_own = true,
        .doc = "Namespaces that may add paths to the hosts of this Ingress.",
    },
    {
        .name = "takeover-from",
        .kind = ANNOT_RAW,
        .scope = ANNOT_SCOPE_HOST,
        .risk = ANNOT_RISK_MEDIUM,
        .support = ANNOT_NOT_YET,
        .is_own = true,
        .doc = "The Ingress whose hosts and paths this one takes over.",
    },
};

const struct annot_group annot_group_observe = {
    .heading = "Logs, traces and firewalls",
    .defs = observe,
    .n = ARRAY_SIZE(observe),
};

const struct annot_group annot_group_snippets = {
    .heading = "Snippets",
    .defs = snippets,
    .n = ARRAY_SIZE(snippets),
};

const struct annot_group annot_group_own = {
    .heading = "Only under sallyport.dev/",
    .defs = own,
    .n = ARRAY_SIZE(own),
};
