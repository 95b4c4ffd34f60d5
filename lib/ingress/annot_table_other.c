/* Rows: logs, traces, firewalls, snippets, and our own names. */
#include "lib/ingress/annot_priv.h"

static const struct annot_def observe[] = {
    {
        .name = "enable-access-log",
        .key = "disable-access-log",
        .key_inverts = true,
        .kind = ANNOT_BOOL,
        .dflt = "true",
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_LOW,
        .support = ANNOT_PARTIAL,
        .at = ANNOT_AT(s.access_log),
        .apply = annot_apply_flag,
        .doc = "false: requests of the paths are not logged, but for those "
               "redirected to https.",
    },
    {
        .name = "enable-rewrite-log",
        .kind = ANNOT_BOOL,
        .dflt = "false",
        .scope = ANNOT_SCOPE_PATH,
        .risk = ANNOT_RISK_LOW,
        .support = ANNOT_REFUSED,
        .instead = "HAProxy has no log of rewrites: \"sallyport explain --url "
               "URL\" says which route answers and what becomes of the "
               "path",
        .doc = "A log of what rewrites do.",
    },
    {
        .name = "enable-opentelemetry",
        .key = "enable-opentelemetry",
        .kind = ANNOT_BOOL,
        .dflt = "false",
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_LOW,
        .support = ANNOT_PARTIAL,
        .at = ANNOT_AT(s.trace),
        .apply = annot_apply_flag,
        .doc = "Gives every request a traceparent header of W3C Trace "
               "Context, so that the Services are parts of one trace. No "
               "span of the proxy itself is exported.",
    },
    {
        .name = "opentelemetry-trust-incoming-span",
        .key = "opentelemetry-trust-incoming-span",
        .kind = ANNOT_BOOL,
        .dflt = "true",
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_LOW,
        .support = ANNOT_FULL,
        .needs = { "enable-opentelemetry" },
        .at = ANNOT_AT(s.trace_trusts),
        .apply = annot_apply_flag,
        .doc = "true: a good traceparent of the client goes on, with its "
               "tracestate. false: every request begins a trace.",
    },
    {
        .name = "opentelemetry-operation-name",
        .kind = ANNOT_RAW,
        .scope = ANNOT_SCOPE_PATH,
        .risk = ANNOT_RISK_MEDIUM,
        .support = ANNOT_REFUSED,
        .instead = "the proxy exports no span that could have the name: take "
               "it out, and name the spans of the Services",
        .doc = "What a span of the proxy is called.",
    },
    {
        .name = "enable-modsecurity",
        .kind = ANNOT_BOOL,
        .dflt = "false",
        .scope = ANNOT_SCOPE_PATH,
        .risk = ANNOT_RISK_LOW,
        .support = ANNOT_REFUSED,
        .protective = true,
        .instead = "no web application firewall runs here: put one behind the "
               "Service or before this controller, see docs/migration.md",
        .doc = "A web application firewall in front of the paths.",
    },
    {
        .name = "enable-owasp-core-rules",
        .kind = ANNOT_BOOL,
        .dflt = "false",
        .scope = ANNOT_SCOPE_PATH,
        .risk = ANNOT_RISK_LOW,
        .support = ANNOT_REFUSED,
        .protective = true,
        .instead = "no web application firewall runs here: put one behind the "
               "Service or before this controller, see docs/migration.md",
        .doc = "The OWASP rules for enable-modsecurity.",
    },
    {
        .name = "modsecurity-transaction-id",
        .kind = ANNOT_RAW,
        .scope = ANNOT_SCOPE_PATH,
        .risk = ANNOT_RISK_HIGH,
        .support = ANNOT_REFUSED,
        .instead = "no web application firewall runs here: put one behind the "
               "Service or before this controller, see docs/migration.md",
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
        .doc = "Raw nginx configuration of a location. See docs/migration.md.",
    },
    {
        .name = "server-snippet",
        .kind = ANNOT_RAW,
        .scope = ANNOT_SCOPE_HOST,
        .risk = ANNOT_RISK_CRITICAL,
        .support = ANNOT_REFUSED,
        .protective = true,
        .check = annot_check_snippet,
        .doc = "Raw nginx configuration of a server. See docs/migration.md.",
    },
    {
        .name = "stream-snippet",
        .kind = ANNOT_RAW,
        .scope = ANNOT_SCOPE_HOST,
        .risk = ANNOT_RISK_CRITICAL,
        .support = ANNOT_REFUSED,
        .check = annot_check_snippet,
        .doc = "Raw nginx configuration of a stream. See docs/migration.md.",
    },
    {
        .name = "auth-snippet",
        .kind = ANNOT_RAW,
        .scope = ANNOT_SCOPE_PATH,
        .risk = ANNOT_RISK_CRITICAL,
        .support = ANNOT_REFUSED,
        .check = annot_check_snippet,
        .doc = "Raw nginx configuration of a request to auth-url. See "
               "docs/migration.md.",
    },
    {
        .name = "modsecurity-snippet",
        .kind = ANNOT_RAW,
        .scope = ANNOT_SCOPE_PATH,
        .risk = ANNOT_RISK_CRITICAL,
        .support = ANNOT_REFUSED,
        .protective = true,
        .check = annot_check_snippet,
        .doc = "Raw rules of ModSecurity. See docs/migration.md.",
    },
};

static const char *const limit_codes[] = { "503", "429", NULL };
static const char *const proxy_protocols[] = { "v2", NULL };

static const struct annot_def own[] = {
    {
        .name = "share-host-with",
        .kind = ANNOT_NAMESPACES,
        .scope = ANNOT_SCOPE_HOST,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_MEDIUM,
        .support = ANNOT_FULL,
        .is_own = true,
        .at = ANNOT_AT(s.share_with),
        .apply = annot_apply_list,
        .doc = "Namespaces that may add paths to the hosts of this Ingress, "
               "where its namespace has them; * stands for all. A shared "
               "wildcard shares none of the hosts below it.",
    },
    {
        .name = "takeover-from",
        .kind = ANNOT_INGRESS,
        .scope = ANNOT_SCOPE_HOST,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_MEDIUM,
        .support = ANNOT_FULL,
        .is_own = true,
        .at = ANNOT_AT(s.takeover_from),
        .apply = annot_apply_text,
        .doc = "The Ingress whose hosts and paths this one takes over: both "
               "may be there, this one is served, and deleting the other "
               "changes nothing. It is of the same namespace, or releases "
               "its hosts to this one.",
    },
    {
        .name = "release-to",
        .kind = ANNOT_INGRESS,
        .scope = ANNOT_SCOPE_HOST,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_MEDIUM,
        .support = ANNOT_FULL,
        .is_own = true,
        .at = ANNOT_AT(s.release_to),
        .apply = annot_apply_text,
        .doc = "The Ingress of another namespace that may take over from "
               "this one.",
    },
    {
        .name = "proxy-protocol",
        .kind = ANNOT_CHOICE,
        .choices = proxy_protocols,
        .scope = ANNOT_SCOPE_BACKEND,
        .effect = ANNOT_EFFECT_SERVER,
        .risk = ANNOT_RISK_LOW,
        .support = ANNOT_FULL,
        .is_own = true,
        .needs = { "ssl-passthrough" },
        .apply = annot_apply_proxy_protocol,
        .doc = "Begins each connection that ssl-passthrough hands on with a "
               "PROXY protocol header of version 2, which has the client's "
               "address. The endpoints must expect it.",
    },
    {
        .name = "hsts",
        .key = "hsts",
        .kind = ANNOT_BOOL,
        .dflt = "false",
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_LOW,
        .support = ANNOT_FULL,
        .is_own = true,
        .at = ANNOT_AT(s.hsts),
        .apply = annot_apply_flag,
        .doc = "Strict-Transport-Security on every answer over https, in "
               "place of the Service's.",
    },
    {
        .name = "hsts-max-age",
        .key = "hsts-max-age",
        .kind = ANNOT_SECONDS,
        .range = { 0, 315360000 },
        .dflt = "31536000",
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_LOW,
        .support = ANNOT_FULL,
        .is_own = true,
        .at = ANNOT_AT(s.hsts_max_age_s),
        .apply = annot_apply_number,
        .doc = "How long a browser keeps to https; 0: it forgets.",
    },
    {
        .name = "hsts-include-subdomains",
        .key = "hsts-include-subdomains",
        .kind = ANNOT_BOOL,
        .dflt = "true",
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_LOW,
        .support = ANNOT_FULL,
        .is_own = true,
        .at = ANNOT_AT(s.hsts_include_subdomains),
        .apply = annot_apply_flag,
        .doc = "Whether that is so for all names under the host.",
    },
    {
        .name = "hsts-preload",
        .key = "hsts-preload",
        .kind = ANNOT_BOOL,
        .dflt = "false",
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_LOW,
        .support = ANNOT_FULL,
        .is_own = true,
        .at = ANNOT_AT(s.hsts_preload),
        .apply = annot_apply_flag,
        .doc = "Whether browsers may ship the host in their list.",
    },
    {
        .name = "limit-req-status-code",
        .key = "limit-req-status-code",
        .kind = ANNOT_CHOICE,
        .choices = limit_codes,
        .dflt = "503",
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_LOW,
        .support = ANNOT_FULL,
        .is_own = true,
        .at = ANNOT_AT(s.limit_req_status),
        .apply = annot_apply_code,
        .doc = "What a request beyond limit-rps or limit-rpm gets.",
    },
    {
        .name = "limit-conn-status-code",
        .key = "limit-conn-status-code",
        .kind = ANNOT_CHOICE,
        .choices = limit_codes,
        .dflt = "503",
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_LOW,
        .support = ANNOT_FULL,
        .is_own = true,
        .at = ANNOT_AT(s.limit_conn_status),
        .apply = annot_apply_code,
        .doc = "What one beyond limit-connections gets.",
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
