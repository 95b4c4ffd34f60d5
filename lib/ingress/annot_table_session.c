/* Rows: cookie affinity and canaries. */
#include "lib/ingress/annot_priv.h"

#define TEN_YEARS 315360000

static const char *const affinities[] = { "cookie", NULL };
static const char *const modes[] = { "balanced", "persistent", NULL };
static const char *const samesites[] = { "None", "Lax", "Strict", NULL };

static const char *const canary_behaviors[] = { "sticky", "legacy", NULL };

static const struct annot_def session[] = {
    {
        .name = "affinity",
        .kind = ANNOT_CHOICE,
        .choices = affinities,
        .scope = ANNOT_SCOPE_BACKEND,
        .effect = ANNOT_EFFECT_CLASS,
        .risk = ANNOT_RISK_MEDIUM,
        .support = ANNOT_PARTIAL,
        .apply = annot_apply_affinity,
        .doc = "Keeps a client on one endpoint by a cookie. Cookies of "
               "ingress-nginx mean nothing here: each client is balanced "
               "once more.",
    },
    {
        .name = "affinity-mode",
        .kind = ANNOT_CHOICE,
        .choices = modes,
        .dflt = "balanced",
        .scope = ANNOT_SCOPE_BACKEND,
        .risk = ANNOT_RISK_MEDIUM,
        .support = ANNOT_PARTIAL,
        .needs = { "affinity" },
        .apply = annot_apply_nothing,
        .doc = "Clients stay on their endpoint in both modes; balanced does "
               "not move them when endpoints are added.",
    },
    {
        .name = "session-cookie-name",
        .kind = ANNOT_TEXT,
        .set = &annot_set_cookie_name,
        .max_length = 64,
        .dflt = "INGRESSCOOKIE",
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_MEDIUM,
        .support = ANNOT_FULL,
        .needs = { "affinity" },
        .at = ANNOT_AT(s.cookie_name),
        .apply = annot_apply_text,
        .doc = "Name of the cookie.",
    },
    {
        .name = "session-cookie-path",
        .kind = ANNOT_PATH,
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_MEDIUM,
        .support = ANNOT_PARTIAL,
        .needs = { "affinity" },
        .at = ANNOT_AT(s.cookie_path),
        .apply = annot_apply_text,
        .doc = "Path of the cookie, the route's path if not set; \"/\" where "
               "that is a regular expression.",
    },
    {
        .name = "session-cookie-domain",
        .kind = ANNOT_DOMAIN,
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_MEDIUM,
        .support = ANNOT_FULL,
        .needs = { "affinity" },
        .at = ANNOT_AT(s.cookie_domain),
        .apply = annot_apply_text,
        .doc = "Domain of the cookie, the request's host if not set.",
    },
    {
        .name = "session-cookie-samesite",
        .kind = ANNOT_CHOICE,
        .choices = samesites,
        .any_case = true,
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_LOW,
        .support = ANNOT_FULL,
        .needs = { "affinity" },
        .apply = annot_apply_samesite,
        .doc = "SameSite of the cookie, left out if not set.",
    },
    {
        .name = "session-cookie-secure",
        .kind = ANNOT_BOOL,
        .dflt = "false",
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_LOW,
        .support = ANNOT_FULL,
        .needs = { "affinity" },
        .at = ANNOT_AT(s.cookie_secure),
        .apply = annot_apply_flag,
        .doc = "true: the cookie is always Secure; false: on https only.",
    },
    {
        .name = "session-cookie-expires",
        .kind = ANNOT_SECONDS,
        .range = { 0, TEN_YEARS },
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_MEDIUM,
        .support = ANNOT_FULL,
        .needs = { "affinity" },
        .at = ANNOT_AT(s.cookie_expires_s),
        .apply = annot_apply_number,
        .doc = "Expires of the cookie, that many seconds from now; 0: none.",
    },
    {
        .name = "session-cookie-max-age",
        .kind = ANNOT_SECONDS,
        .range = { 0, TEN_YEARS },
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_MEDIUM,
        .support = ANNOT_FULL,
        .needs = { "affinity" },
        .at = ANNOT_AT(s.cookie_max_age_s),
        .apply = annot_apply_number,
        .doc = "Max-Age of the cookie in seconds; 0: none.",
    },
    {
        .name = "session-cookie-change-on-failure",
        .kind = ANNOT_BOOL,
        .dflt = "true",
        .scope = ANNOT_SCOPE_BACKEND,
        .effect = ANNOT_EFFECT_CLASS,
        .risk = ANNOT_RISK_LOW,
        .support = ANNOT_PARTIAL,
        .needs = { "affinity" },
        .at = ANNOT_AT(s.cookie_change_on_failure),
        .apply = annot_apply_flag,
        .doc = "true, the default here: a client whose endpoint fails gets "
               "another one and its cookie. false: it stays, and gets 502 "
               "while the endpoint fails. An endpoint that Kubernetes took "
               "away is replaced in either case.",
    },
    {
        .name = "session-cookie-conditional-samesite-none",
        .kind = ANNOT_BOOL,
        .dflt = "false",
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_LOW,
        .support = ANNOT_FULL,
        .needs = { "session-cookie-samesite" },
        .at = ANNOT_AT(s.cookie_conditional_none),
        .apply = annot_apply_flag,
        .doc = "Leaves SameSite=None out for browsers that are known to "
               "misread it: iOS 12, Safari of macOS 10.14, Chrome 51 to "
               "66, UC Browser before 12.13.2.",
    },
    {
        .name = "session-cookie-partitioned",
        .kind = ANNOT_BOOL,
        .dflt = "false",
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_LOW,
        .support = ANNOT_FULL,
        .needs = { "affinity" },
        .at = ANNOT_AT(s.cookie_partitioned),
        .apply = annot_apply_flag,
        .doc = "true: the cookie is Partitioned, one for each site that the "
               "host is framed in. Browsers take such a cookie where it is "
               "Secure.",
    },
    {
        .name = "affinity-canary-behavior",
        .kind = ANNOT_CHOICE,
        .choices = canary_behaviors,
        .any_case = true,
        .dflt = "sticky",
        .scope = ANNOT_SCOPE_BACKEND,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_LOW,
        .support = ANNOT_FULL,
        .needs = { "affinity" },
        .at = ANNOT_AT(s.canary_legacy),
        .apply = annot_apply_legacy,
        .doc = "sticky: a client stays with main or canary, whichever it "
               "had first, before headers, cookies and weight are asked. "
               "legacy: those decide for every request, and the canary "
               "sets no cookie.",
    },
};

static const struct annot_def canary[] = {
    {
        .name = "canary",
        .kind = ANNOT_BOOL,
        .dflt = "false",
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_LOW,
        .support = ANNOT_PARTIAL,
        .at = ANNOT_AT(s.canary),
        .apply = annot_apply_flag,
        .doc = "This Ingress is the canary of the one with the same host and "
               "path in its namespace: some of its requests come here, under "
               "the main one's annotations but for those of balancing and of "
               "the backend. While it has no endpoint, the main one has all "
               "of them. The oldest canary counts. On the names of the main "
               "one's server-alias it is where it has the same alias.",
    },
    {
        .name = "canary-weight",
        .kind = ANNOT_INT,
        .range = { 0, 1000000 },
        .dflt = "0",
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_LOW,
        .support = ANNOT_FULL,
        .needs = { "canary" },
        .at = ANNOT_AT(s.canary_weight),
        .apply = annot_apply_number,
        .doc = "Share of requests for the canary, drawn for each request.",
    },
    {
        .name = "canary-weight-total",
        .kind = ANNOT_INT,
        .range = { 1, 1000000 },
        .dflt = "100",
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_LOW,
        .support = ANNOT_FULL,
        .needs = { "canary-weight" },
        .at = ANNOT_AT(s.canary_total),
        .apply = annot_apply_number,
        .doc = "What canary-weight is a share of; less than 100 is 100.",
    },
    {
        .name = "canary-by-header",
        .kind = ANNOT_TEXT,
        .set = &annot_set_token,
        .max_length = 128,
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_MEDIUM,
        .support = ANNOT_FULL,
        .needs = { "canary" },
        .at = ANNOT_AT(s.canary_header),
        .apply = annot_apply_text,
        .doc = "A header that decides before all else: always chooses the "
               "canary, never the main one, other values neither.",
    },
    {
        .name = "canary-by-header-value",
        .kind = ANNOT_TEXT,
        .set = &annot_set_value,
        .max_length = 200,
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_MEDIUM,
        .support = ANNOT_PARTIAL,
        .needs = { "canary-by-header" },
        .at = ANNOT_AT(s.canary_value),
        .apply = annot_apply_text,
        .doc = "The value with which that header chooses the canary, in "
               "place of always and never. It has no blanks.",
    },
    {
        .name = "canary-by-header-pattern",
        .kind = ANNOT_TEXT,
        .set = &annot_set_pattern,
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_MEDIUM,
        .support = ANNOT_FULL,
        .needs = { "canary-by-header" },
        .at = ANNOT_AT(s.canary_pattern),
        .check = annot_check_pattern,
        .apply = annot_apply_text,
        .doc = "A regular expression that is looked for in that header's "
               "value, in place of always and never.",
    },
    {
        .name = "canary-by-cookie",
        .kind = ANNOT_TEXT,
        .set = &annot_set_cookie_name,
        .max_length = 64,
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_MEDIUM,
        .support = ANNOT_FULL,
        .needs = { "canary" },
        .at = ANNOT_AT(s.canary_cookie),
        .apply = annot_apply_text,
        .doc = "A cookie that decides after the header and before the "
               "weight, by always and never.",
    },
};

const struct annot_group annot_group_session = {
    .heading = "Session affinity",
    .defs = session,
    .n = ARRAY_SIZE(session),
};

const struct annot_group annot_group_canary = {
    .heading = "Canaries",
    .defs = canary,
    .n = ARRAY_SIZE(canary),
};
