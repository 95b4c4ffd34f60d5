/* Rows: redirects, rewrites, hosts, and how a Service is reached. */
#include "lib/ingress/annot_priv.h"

static const char *const permanent_codes[] = {
    "301", "302", "303", "307", "308", NULL,
};
static const char *const temporal_codes[] = {
    "301", "302", "303", "307", NULL,
};
static const char *const balances[] = { "round_robin", "ewma", NULL };
static const char *const protocols[] = {
    "HTTP", "HTTPS", "AUTO_HTTP", "GRPC", "GRPCS", NULL,
};
static const char *const refused_protocols[] = {
    "FCGI", "FastCGI is not spoken to endpoints: run a web server beside "
    "the application, which speaks it, and let the Service name that one",
    NULL,
};
#define BY_HASH "a hash needs a key: take it out and write upstream-hash-by"
#define BY_COOKIE "take it out and write affinity: \"cookie\""
static const char *const refused_balances[] = {
    "chash", BY_HASH, "chashsubset", BY_HASH, "sticky_balanced", BY_COOKIE,
    "sticky_persistent", BY_COOKIE, NULL,
};

static const struct annot_def defs[] = {
    {
        .name = "ssl-redirect",
        .key = "ssl-redirect",
        .kind = ANNOT_BOOL,
        .dflt = "true",
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_LOW,
        .support = ANNOT_PARTIAL,
        .at = ANNOT_AT(s.ssl_redirect),
        .apply = annot_apply_flag,
        .doc = "Answers http requests with 308 to https where a tls section "
               "names the host, or its own Ingress's names the wildcard "
               "above. The URL is kept as it is: a final slash is "
               "not stripped.",
    },
    {
        .name = "force-ssl-redirect",
        .key = "force-ssl-redirect",
        .kind = ANNOT_BOOL,
        .dflt = "false",
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_MEDIUM,
        .support = ANNOT_FULL,
        .at = ANNOT_AT(s.force_ssl_redirect),
        .apply = annot_apply_flag,
        .doc = "Redirects to https even where no tls section names the "
               "host.",
    },
    {
        .name = "ssl-passthrough",
        .kind = ANNOT_BOOL,
        .dflt = "false",
        .scope = ANNOT_SCOPE_HOST,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_LOW,
        .support = ANNOT_FULL,
        .at = ANNOT_AT(s.ssl_passthrough),
        .apply = annot_apply_flag,
        .doc = "Hands TLS connections for the host, unopened, to the "
               "endpoints of the Service of \"/\". Needs "
               "--enable-ssl-passthrough; no other annotation can work on "
               "such a connection.",
    },
    {
        .name = "rewrite-target",
        .kind = ANNOT_REWRITE,
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_MEDIUM,
        .support = ANNOT_PARTIAL,
        .at = ANNOT_AT(s.rewrite_target),
        .apply = annot_apply_text,
        .doc = "Replaces the whole path; $1 to $9 are the groups of the "
               "path, which becomes a regular expression; the query is "
               "kept. It must begin with \"/\", and only this Ingress's "
               "paths become expressions, not the whole host's.",
    },
    {
        .name = "use-regex",
        .kind = ANNOT_BOOL,
        .dflt = "false",
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_LOW,
        .support = ANNOT_PARTIAL,
        .at = ANNOT_AT(s.use_regex),
        .apply = annot_apply_flag,
        .doc = "Paths of this Ingress are regular expressions, anchored at "
               "their start, without regard to case. Paths of other "
               "Ingresses of the host stay what they are.",
    },
    {
        .name = "temporal-redirect",
        .kind = ANNOT_URL,
        .max_length = 2048,
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_MEDIUM,
        .support = ANNOT_FULL,
        .at = ANNOT_AT(temporal_url),
        .apply = annot_apply_text,
        .doc = "Answers every request with 302 to this URL; wins over "
               "permanent-redirect.",
    },
    {
        .name = "temporal-redirect-code",
        .kind = ANNOT_CHOICE,
        .choices = temporal_codes,
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_LOW,
        .support = ANNOT_PARTIAL,
        .needs = { "temporal-redirect" },
        .at = ANNOT_AT(temporal_code),
        .apply = annot_apply_code,
        .doc = "Status of temporal-redirect, 302 if not set. 300, 304, 305 "
               "and 306 are not redirects of HAProxy.",
    },
    {
        .name = "permanent-redirect",
        .kind = ANNOT_URL,
        .max_length = 2048,
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_MEDIUM,
        .support = ANNOT_FULL,
        .at = ANNOT_AT(permanent_url),
        .apply = annot_apply_text,
        .doc = "Answers every request with 301 to this URL; the request's "
               "path is not appended.",
    },
    {
        .name = "permanent-redirect-code",
        .kind = ANNOT_CHOICE,
        .choices = permanent_codes,
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_LOW,
        .support = ANNOT_PARTIAL,
        .needs = { "permanent-redirect" },
        .at = ANNOT_AT(permanent_code),
        .apply = annot_apply_code,
        .doc = "Status of permanent-redirect, 301 if not set. 300, 304, 305 "
               "and 306 are not redirects of HAProxy.",
    },
    {
        .name = "load-balance",
        .key = "load-balance",
        .kind = ANNOT_CHOICE,
        .choices = balances,
        .never = refused_balances,
        .dflt = "round_robin",
        .scope = ANNOT_SCOPE_BACKEND,
        .effect = ANNOT_EFFECT_CLASS,
        .risk = ANNOT_RISK_LOW,
        .support = ANNOT_PARTIAL,
        .check = annot_check_balance,
        .apply = annot_apply_balance,
        .doc = "How a Service's endpoints take turns. ewma becomes HAProxy's "
               "leastconn.",
    },
    {
        .name = "app-root",
        .kind = ANNOT_PATH,
        .scope = ANNOT_SCOPE_HOST,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_MEDIUM,
        .support = ANNOT_PARTIAL,
        .at = ANNOT_AT(s.app_root),
        .check = annot_check_local_path,
        .apply = annot_apply_text,
        .doc = "Redirects \"/\" of the host to this path with 302, as a "
               "Location without scheme and host. Of several Ingresses of a "
               "host the oldest one with it counts, unless \"/\" belongs "
               "to another namespace.",
    },
    {
        .name = "preserve-trailing-slash",
        .key = "preserve-trailing-slash",
        .kind = ANNOT_BOOL,
        .scope = ANNOT_SCOPE_PATH,
        .risk = ANNOT_RISK_LOW,
        .support = ANNOT_PARTIAL,
        .apply = annot_apply_nothing,
        .doc = "Redirects to https always keep a final slash, which is "
               "\"true\"; ingress-nginx takes it off by default.",
    },
    {
        .name = "use-port-in-redirects",
        .key = "use-port-in-redirects",
        .kind = ANNOT_BOOL,
        .scope = ANNOT_SCOPE_PATH,
        .risk = ANNOT_RISK_LOW,
        .support = ANNOT_PARTIAL,
        .apply = annot_apply_nothing,
        .doc = "Redirects to https name the port that clients dial where it is "
               "not 443 (--public-https-port, else --https-port), "
               "from-to-www-redirect the one the client came with, whatever "
               "stands here.",
    },
    {
        .name = "relative-redirects",
        .key = "relative-redirects",
        .kind = ANNOT_BOOL,
        .scope = ANNOT_SCOPE_PATH,
        .risk = ANNOT_RISK_LOW,
        .support = ANNOT_PARTIAL,
        .apply = annot_apply_nothing,
        .doc = "A redirect names the host where it changes host or scheme, "
               "and only there, which is \"true\".",
    },
    {
        .name = "from-to-www-redirect",
        .kind = ANNOT_BOOL,
        .dflt = "false",
        .scope = ANNOT_SCOPE_HOST,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_LOW,
        .support = ANNOT_PARTIAL,
        .at = ANNOT_AT(s.from_to_www),
        .apply = annot_apply_flag,
        .doc = "Redirects www.HOST to HOST, or the other way round, with "
               "308; scheme, port, path and query stay as they are. The "
               "Ingress owns both names; where a rule has paths for the "
               "other one, they are served and nothing is redirected.",
    },
    {
        .name = "server-alias",
        .kind = ANNOT_ALIASES,
        .max_length = 8192,
        .scope = ANNOT_SCOPE_HOST,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_HIGH,
        .support = ANNOT_PARTIAL,
        .at = ANNOT_AT(s.aliases),
        .apply = annot_apply_list,
        .doc = "More names of the first rule's host, exact or \"*.\": this "
               "Ingress's paths of it are served there, too, and it owns "
               "them as if a rule named them. Regular expressions are "
               "refused, since nobody could own what they match.",
    },
    {
        .name = "default-backend",
        .kind = ANNOT_TEXT,
        .set = &annot_set_service,
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_LOW,
        .support = ANNOT_FULL,
        .at = ANNOT_AT(s.default_service),
        .check = annot_check_service,
        .apply = annot_apply_text,
        .doc = "A Service of the namespace, by its first port, that "
               "answers while the path's own has no endpoints, and in "
               "place of the errors of custom-http-errors. It is told for "
               "whom in X-Code, X-Original-URI, X-Namespace, "
               "X-Ingress-Name, X-Service-Name and X-Service-Port.",
    },
    {
        .name = "upstream-vhost",
        .kind = ANNOT_HOST,
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_LOW,
        .support = ANNOT_PARTIAL,
        .at = ANNOT_AT(s.upstream_vhost),
        .apply = annot_apply_text,
        .doc = "The Host header that the Service gets. Variables of nginx "
               "are refused.",
    },
    {
        .name = "x-forwarded-prefix",
        .kind = ANNOT_PATH,
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_MEDIUM,
        .support = ANNOT_PARTIAL,
        .needs = { "rewrite-target" },
        .at = ANNOT_AT(s.forwarded_prefix),
        .apply = annot_apply_text,
        .doc = "The X-Forwarded-Prefix header beside a rewrite. It must "
               "begin with \"/\", and groups of the path are refused.",
    },
    {
        .name = "backend-protocol",
        .kind = ANNOT_CHOICE,
        .choices = protocols,
        .never = refused_protocols,
        .any_case = true,
        .dflt = "HTTP",
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_SERVER,
        .risk = ANNOT_RISK_LOW,
        .support = ANNOT_PARTIAL,
        .apply = annot_apply_protocol,
        .doc = "What is spoken to the endpoints. HTTPS and GRPCS do not "
               "verify their certificates, as in ingress-nginx; GRPC is "
               "HTTP/2 without TLS; AUTO_HTTP is HTTPS for requests over "
               "https. FCGI is refused.",
    },
    {
        .name = "service-upstream",
        .key = "service-upstream",
        .kind = ANNOT_BOOL,
        .dflt = "false",
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_SERVER,
        .risk = ANNOT_RISK_LOW,
        .support = ANNOT_FULL,
        .at = ANNOT_AT(s.service_upstream),
        .apply = annot_apply_flag,
        .doc = "The Service's cluster IP in place of its endpoints; a "
               "headless one has its endpoints all the same.",
    },
    {
        .name = "upstream-hash-by",
        .kind = ANNOT_TEXT,
        .set = &annot_set_hash,
        .scope = ANNOT_SCOPE_BACKEND,
        .effect = ANNOT_EFFECT_CLASS,
        .risk = ANNOT_RISK_HIGH,
        .support = ANNOT_PARTIAL,
        .at = ANNOT_AT(s.hash_by),
        .check = annot_check_hash,
        .apply = annot_apply_text,
        .doc = "Chooses the endpoint by a consistent hash of these "
               "variables: $request_uri, $uri, $args, $host, $remote_addr, "
               "$request_method, $scheme, one $http_NAME, one $cookie_NAME "
               "and one $arg_NAME. Other text is the same for all requests "
               "and left out; other variables are refused.",
    },
    {
        .name = "upstream-hash-by-subset",
        .kind = ANNOT_BOOL,
        .dflt = "false",
        .scope = ANNOT_SCOPE_BACKEND,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_LOW,
        .support = ANNOT_PARTIAL,
        .needs = { "upstream-hash-by" },
        .at = ANNOT_AT(s.hash_subset),
        .apply = annot_apply_flag,
        .doc = "Spreads one hash over upstream-hash-by-subset-size "
               "endpoints, one of them by chance for each request. Two of "
               "them may be the same one.",
    },
    {
        .name = "upstream-hash-by-subset-size",
        .kind = ANNOT_INT,
        .range = { 1, 1000 },
        .dflt = "3",
        .scope = ANNOT_SCOPE_BACKEND,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_LOW,
        .support = ANNOT_PARTIAL,
        .needs = { "upstream-hash-by-subset" },
        .at = ANNOT_AT(s.hash_subset_size),
        .apply = annot_apply_number,
        .doc = "How many those are at most.",
    },
};

const struct annot_group annot_group_routing = {
    .heading = "Redirects, rewrites and routing",
    .defs = defs,
    .n = ARRAY_SIZE(defs),
};
