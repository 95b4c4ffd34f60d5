/* Rows: services that are asked whether a request may pass. */
#include "lib/ingress/annot_priv.h"

static const char *const methods[] = {
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", NULL,
};

static const struct annot_def defs[] = {
    {
        .name = "auth-url",
        .key = "global-auth-url",
        .kind = ANNOT_TEXT,
        .set = &annot_set_ask,
        .max_length = 2000,
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_HIGH,
        .support = ANNOT_PARTIAL,
        .protective = true,
        .at = ANNOT_AT(ask.url),
        .check = annot_check_ask_url,
        .apply = annot_apply_text,
        .doc = "A service that is asked about every request: 2xx lets "
               "it in, 401 and 403 are the answer, no answer or a 5xx "
               "is 503, anything else 500. A Service is written "
               "SERVICE.NAMESPACE.svc.cluster.local, of any namespace "
               "(only GET and HEAD, unless allow-cross-namespace- "
               "resources). Any other host is asked here, by its "
               "routes, where this controller serves it; else over "
               "https with a certificate that the system trusts, over "
               "http only with --allow-external-names. The key is for "
               "all Ingresses that have none and not enable-global- "
               "auth: \"false\".",
    },
    {
        .name = "auth-method",
        .key = "global-auth-method",
        .yields_to = "auth-url",
        .kind = ANNOT_CHOICE,
        .choices = methods,
        .dflt = "GET",
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_LOW,
        .support = ANNOT_FULL,
        .needs = { "auth-url" },
        .at = ANNOT_AT(ask.method),
        .apply = annot_apply_number,
        .doc = "The method with which auth-url is asked; no body is "
               "sent.",
    },
    {
        .name = "auth-signin",
        .key = "global-auth-signin",
        .yields_to = "auth-url",
        .kind = ANNOT_TEXT,
        .set = &annot_set_ask,
        .max_length = 2000,
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_HIGH,
        .support = ANNOT_FULL,
        .needs = { "auth-url" },
        .at = ANNOT_AT(ask.signin),
        .check = annot_check_ask_signin,
        .apply = annot_apply_text,
        .doc = "Where a client that auth-url answers 401 is sent (302), "
               "with the way back in auth-signin-redirect-param unless "
               "its query has that already.",
    },
    {
        .name = "auth-signin-redirect-param",
        .key = "global-auth-signin-redirect-param",
        .yields_to = "auth-url",
        .kind = ANNOT_TEXT,
        .set = &annot_set_token,
        .max_length = 64,
        .dflt = "rd",
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_MEDIUM,
        .support = ANNOT_FULL,
        .needs = { "auth-signin" },
        .at = ANNOT_AT(ask.param),
        .apply = annot_apply_text,
        .doc = "The parameter of auth-signin that names the way back.",
    },
    {
        .name = "auth-response-headers",
        .key = "global-auth-response-headers",
        .yields_to = "auth-url",
        .kind = ANNOT_HEADERS,
        .max_length = 1024,
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_MEDIUM,
        .support = ANNOT_FULL,
        .protective = true,
        .needs = { "auth-url" },
        .at = ANNOT_AT(ask.headers),
        .check = annot_check_ask_headers,
        .apply = annot_apply_text,
        .doc = "Headers of the answer of auth-url that the Service "
               "gets; those of the client by these names never reach "
               "it. 32 at most; more than 8000 bytes of them are 503.",
    },
    {
        .name = "auth-request-redirect",
        .key = "global-auth-request-redirect",
        .yields_to = "auth-url",
        .kind = ANNOT_TEXT,
        .set = &annot_set_ask,
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_MEDIUM,
        .support = ANNOT_FULL,
        .needs = { "auth-url" },
        .at = ANNOT_AT(ask.redirect),
        .check = annot_check_ask_text,
        .apply = annot_apply_text,
        .doc = "The header X-Auth-Request-Redirect for auth-url; "
               "$request_uri where it is not set.",
    },
    {
        .name = "auth-proxy-set-headers",
        .kind = ANNOT_TEXT,
        .set = &annot_set_object,
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_MEDIUM,
        .support = ANNOT_PARTIAL,
        .needs = { "auth-url" },
        .at = ANNOT_AT(ask.set_headers),
        .apply = annot_apply_text,
        .doc = "A ConfigMap of the namespace, name or namespace/name, "
               "with more headers for auth-url; values have no "
               "variables. Where it is not there, or has what is no "
               "header, the routes answer 503.",
    },
    {
        .name = "auth-cache-key",
        .key = "global-auth-cache-key",
        .yields_to = "auth-url",
        .kind = ANNOT_TEXT,
        .set = &annot_set_ask,
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_MEDIUM,
        .support = ANNOT_PARTIAL,
        .needs = { "auth-url" },
        .at = ANNOT_AT(ask.cache_key),
        .check = annot_check_ask_key,
        .apply = annot_apply_text,
        .doc = "What answers of auth-url are remembered by, such as "
               "\"$http_authorization\". Each thread remembers for "
               "itself, 256 answers of one policy; not where all "
               "variables are empty, nor an answer that sets a cookie, "
               "nor what Cache-Control forbids.",
    },
    {
        .name = "auth-cache-duration",
        .key = "global-auth-cache-duration",
        .yields_to = "auth-url",
        .kind = ANNOT_TEXT,
        .set = &annot_set_duration,
        .dflt = "200 202 401 5m",
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_MEDIUM,
        .support = ANNOT_FULL,
        .needs = { "auth-cache-key" },
        .at = ANNOT_AT(ask.cache_for),
        .check = annot_check_ask_duration,
        .apply = annot_apply_text,
        .doc = "How long they are remembered, by status, a day at most: "
               "\"200 202 10m, 401 1m\".",
    },
    {
        .name = "auth-always-set-cookie",
        .key = "global-auth-always-set-cookie",
        .yields_to = "auth-url",
        .kind = ANNOT_BOOL,
        .dflt = "false",
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_LOW,
        .support = ANNOT_FULL,
        .needs = { "auth-url" },
        .at = ANNOT_AT(ask.always_cookie),
        .apply = annot_apply_flag,
        .doc = "Cookies of auth-url reach the client with every answer, "
               "not only with 2xx and 3xx.",
    },
    {
        .name = "auth-keepalive",
        .kind = ANNOT_INT,
        .range = { 0, 1000000 },
        .dflt = "0",
        .scope = ANNOT_SCOPE_PATH,
        .risk = ANNOT_RISK_LOW,
        .support = ANNOT_PARTIAL,
        .needs = { "auth-url" },
        .apply = annot_apply_nothing,
        .doc = "Connections to a service that is asked are kept and "
               "shared whatever the number; an answer that is 2xx lets "
               "in.",
    },
    {
        .name = "auth-keepalive-requests",
        .kind = ANNOT_INT,
        .range = { 1, 1000000 },
        .dflt = "1000",
        .scope = ANNOT_SCOPE_PATH,
        .risk = ANNOT_RISK_LOW,
        .support = ANNOT_PARTIAL,
        .needs = { "auth-url" },
        .apply = annot_apply_nothing,
        .doc = "A connection to it has as many requests as it bears.",
    },
    {
        .name = "auth-keepalive-timeout",
        .kind = ANNOT_SECONDS,
        .range = { 1, 1000000 },
        .dflt = "60",
        .scope = ANNOT_SCOPE_PATH,
        .risk = ANNOT_RISK_LOW,
        .support = ANNOT_PARTIAL,
        .needs = { "auth-url" },
        .apply = annot_apply_nothing,
        .doc = "An idle connection to it is kept for some seconds, as "
               "those to any Service.",
    },
    {
        .name = "auth-keepalive-share-vars",
        .kind = ANNOT_BOOL,
        .dflt = "false",
        .scope = ANNOT_SCOPE_PATH,
        .risk = ANNOT_RISK_LOW,
        .support = ANNOT_PARTIAL,
        .needs = { "auth-url" },
        .apply = annot_apply_nothing,
        .doc = "A question has the X-Request-ID of its request in any "
               "case; other variables of nginx are not shared.",
    },
    {
        .name = "enable-global-auth",
        .kind = ANNOT_BOOL,
        .dflt = "true",
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_LOW,
        .support = ANNOT_FULL,
        .at = ANNOT_AT(global_auth),
        .apply = annot_apply_flag,
        .doc = "\"false\": the paths are not under the global-auth-url of "
               "the ConfigMap.",
    },
    {
        .name = "no-auth-locations",
        .key = "no-auth-locations",
        .kind = ANNOT_TEXT,
        .set = &annot_set_locations,
        .dflt = "/.well-known/acme-challenge",
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_HIGH,
        .support = ANNOT_FULL,
        .is_own = true,
        .is_key_only = true,
        .at = ANNOT_AT(s.no_auth),
        .check = annot_check_locations,
        .apply = annot_apply_text,
        .doc = "Only in the controller's ConfigMap: beginnings of "
               "paths, with commas. A path of an Ingress, not of a "
               "request, that begins so is under neither auth-url nor "
               "auth-type.",
    },
};

const struct annot_group annot_group_ask = {
    .heading = "External authentication",
    .defs = defs,
    .n = ARRAY_SIZE(defs),
};
