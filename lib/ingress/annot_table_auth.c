/* Rows: passwords, client certificates. */
#include "lib/ingress/annot_priv.h"

static const char *const verify_client[] = {
    "on", "off", "optional", "optional_no_ca", NULL,
};
static const char *const auth_types[] = { "basic", "digest", NULL };
static const char *const secret_types[] = { "auth-file", "auth-map", NULL };

static const struct annot_def defs[] = {
    {
        .name = "auth-type",
        .kind = ANNOT_CHOICE,
        .choices = auth_types,
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_LOW,
        .support = ANNOT_FULL,
        .protective = true,
        .apply = annot_apply_auth,
        .doc = "Users and passwords of auth-secret, verified by a daemon of "
               "its own; it absent, or too much to do, is 503. digest: "
               "RFC 7616, qop=auth, MD5 and SHA-256. The Service does not "
               "get the Authorization header.",
    },
    {
        .name = "auth-secret",
        .kind = ANNOT_TEXT,
        .set = &annot_set_secret,
        .max_length = 317,
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_MEDIUM,
        .support = ANNOT_FULL,
        .protective = true,
        .needs = { "auth-type" },
        .at = ANNOT_AT(s.auth_secret),
        .check = annot_check_secret,
        .apply = annot_apply_text,
        .doc = "The Secret with the users of auth-type: NAME or "
               "NAMESPACE/NAME, another namespace only where the ConfigMap "
               "has allow-cross-namespace-resources. Missing, or without any "
               "user: 503. A costly hash (bcrypt above 14) is left out. "
               "digest: lines of htdigest.",
    },
    {
        .name = "auth-secret-type",
        .kind = ANNOT_CHOICE,
        .choices = secret_types,
        .dflt = "auth-file",
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_LOW,
        .support = ANNOT_FULL,
        .protective = true,
        .needs = { "auth-type" },
        .at = ANNOT_AT(s.auth_is_map),
        .apply = annot_apply_number,
        .doc = "auth-file: its key \"auth\" is a file of htpasswd (digest: "
               "htdigest). auth-map: each key is a user, its value the hash "
               "(digest: REALM:HA1).",
    },
    {
        .name = "auth-realm",
        .kind = ANNOT_TEXT,
        .set = &annot_set_realm,
        .max_length = 200,
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_MEDIUM,
        .support = ANNOT_FULL,
        .protective = true,
        .needs = { "auth-type" },
        .at = ANNOT_AT(s.auth_realm),
        .apply = annot_apply_text,
        .doc = "The realm of auth-type; empty where it is not said.",
    },
    {
        .name = "allow-cross-namespace-resources",
        .key = "allow-cross-namespace-resources",
        .kind = ANNOT_BOOL,
        .dflt = "false",
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_HIGH,
        .support = ANNOT_FULL,
        .is_own = true,
        .is_key_only = true,
        .at = ANNOT_AT(allow_cross_namespace),
        .apply = annot_apply_flag,
        .doc = "Only in the controller's ConfigMap: auth-secret may name a "
               "Secret of another namespace, auth-proxy-set-headers a "
               "ConfigMap, and auth-url may ask a Service there by any "
               "method.",
    },
    {
        .name = "auth-tls-secret",
        .kind = ANNOT_OBJECT,
        .scope = ANNOT_SCOPE_HOST,
        .effect = ANNOT_EFFECT_CERTIFICATE,
        .risk = ANNOT_RISK_MEDIUM,
        .support = ANNOT_FULL,
        .protective = true,
        .at = ANNOT_AT(s.client_secret),
        .apply = annot_apply_text,
        .doc = "The Secret whose ca.crt must have signed the certificates of "
               "clients, and whose ca.crl takes some back. It asks on the "
               "whole host, of the oldest Ingress that has it. A Secret that "
               "is missing or bad answers 503 on the host.",
    },
    {
        .name = "auth-tls-verify-client",
        .kind = ANNOT_CHOICE,
        .choices = verify_client,
        .dflt = "on",
        .scope = ANNOT_SCOPE_HOST,
        .effect = ANNOT_EFFECT_CERTIFICATE,
        .risk = ANNOT_RISK_MEDIUM,
        .support = ANNOT_FULL,
        .protective = true,
        .needs = { "auth-tls-secret" },
        .apply = annot_apply_client,
        .doc = "Whether a client certificate must be there (400 without), "
               "must be good where it is there, or is only told to the "
               "Service (ssl-client-verify). Plain http has none.",
    },
    {
        .name = "auth-tls-verify-depth",
        .kind = ANNOT_INT,
        .range = { 0, 100 },
        .scope = ANNOT_SCOPE_HOST,
        .effect = ANNOT_EFFECT_CERTIFICATE,
        .risk = ANNOT_RISK_LOW,
        .support = ANNOT_PARTIAL,
        .needs = { "auth-tls-secret" },
        .at = ANNOT_AT(client_depth),
        .check = annot_check_depth,
        .apply = annot_apply_number,
        .doc = "How long its chain may be. HAProxy has no such limit: a "
               "warning says so.",
    },
    {
        .name = "auth-tls-error-page",
        .kind = ANNOT_URL,
        .scope = ANNOT_SCOPE_HOST,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_HIGH,
        .support = ANNOT_FULL,
        .needs = { "auth-tls-secret" },
        .at = ANNOT_AT(s.client_page),
        .apply = annot_apply_text,
        .doc = "Where clients without a good certificate are sent (302). A "
               "path or a location of nginx is refused: it would be on the "
               "same host, behind the same door.",
    },
    {
        .name = "auth-tls-pass-certificate-to-upstream",
        .kind = ANNOT_BOOL,
        .dflt = "false",
        .scope = ANNOT_SCOPE_HOST,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_LOW,
        .support = ANNOT_FULL,
        .needs = { "auth-tls-secret" },
        .at = ANNOT_AT(s.client_pass),
        .apply = annot_apply_flag,
        .doc = "The Service gets the client's certificate in the header "
               "ssl-client-cert, as PEM with % escapes.",
    },
    {
        .name = "auth-tls-match-cn",
        .kind = ANNOT_TEXT,
        .set = &annot_set_pattern,
        .scope = ANNOT_SCOPE_HOST,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_HIGH,
        .support = ANNOT_FULL,
        .protective = true,
        .needs = { "auth-tls-secret" },
        .at = ANNOT_AT(s.client_subject),
        .check = annot_check_subject,
        .apply = annot_apply_text,
        .doc = "\"CN=\" and a regular expression: what must be found in the "
               "subject of the client's certificate (403).",
    },
};

const struct annot_group annot_group_auth = {
    .heading = "Authentication",
    .defs = defs,
    .n = ARRAY_SIZE(defs),
};
