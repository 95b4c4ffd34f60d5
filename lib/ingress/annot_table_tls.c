/* Rows: TLS to endpoints, versions and ciphers for clients. */
#include "lib/ingress/annot_priv.h"

static const char *const on_off[] = { "on", "off", NULL };

static const struct annot_set set_ciphers = {
    .bytes = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
             "0123456789:+!-_@=.",
    .text = "letters, digits and :+!-_@=.",
};

static const struct annot_set set_versions = {
    .bytes = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
             "0123456789. ",
    .text = "letters, digits, \".\" and blanks",
};

static const struct annot_def tls_rows[] = {
    {
        .name = "proxy-ssl-secret",
        .kind = ANNOT_OBJECT,
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_SERVER,
        .risk = ANNOT_RISK_MEDIUM,
        .support = ANNOT_FULL,
        .protective = true,
        .at = ANNOT_AT(s.ssl_secret),
        .apply = annot_apply_text,
        .doc = "The Secret with the certificate that endpoints spoken to in "
               "TLS are shown (tls.crt, tls.key) and the authority of "
               "theirs (ca.crt); either is enough. Where it is missing or "
               "bad, the paths answer 503.",
    },
    {
        .name = "proxy-ssl-verify",
        .kind = ANNOT_CHOICE,
        .choices = on_off,
        .dflt = "off",
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_SERVER,
        .risk = ANNOT_RISK_MEDIUM,
        .support = ANNOT_FULL,
        .protective = true,
        .at = ANNOT_AT(s.ssl_verify),
        .apply = annot_apply_on,
        .doc = "on: the endpoints' certificates must be signed by ca.crt of "
               "proxy-ssl-secret and be for proxy-ssl-name. Without the two "
               "it is refused: ingress-nginx would verify nothing, or a "
               "name that no certificate has.",
    },
    {
        .name = "proxy-ssl-verify-depth",
        .kind = ANNOT_INT,
        .range = { 0, 100 },
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_NONE,
        .risk = ANNOT_RISK_LOW,
        .support = ANNOT_PARTIAL,
        .needs = { "proxy-ssl-verify" },
        .check = annot_check_depth,
        .apply = annot_apply_nothing,
        .doc = "How long their chain may be. HAProxy has no such limit: a "
               "warning says so.",
    },
    {
        .name = "proxy-ssl-name",
        .kind = ANNOT_DOMAIN,
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_HIGH,
        .support = ANNOT_FULL,
        .at = ANNOT_AT(s.ssl_name),
        .apply = annot_apply_text,
        .doc = "The server name of endpoints spoken to in TLS, which is "
               "verified, sent, or both. proxy-ssl-secret is not needed for "
               "the latter.",
    },
    {
        .name = "proxy-ssl-server-name",
        .kind = ANNOT_CHOICE,
        .choices = on_off,
        .dflt = "off",
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_MAP,
        .risk = ANNOT_RISK_LOW,
        .support = ANNOT_FULL,
        .needs = { "proxy-ssl-name" },
        .apply = annot_apply_ssl_server_name,
        .doc = "Whether that name is sent to them. Without one none is: "
               "ingress-nginx would send that of its upstream block.",
    },
    {
        .name = "proxy-ssl-ciphers",
        .kind = ANNOT_TEXT,
        .set = &set_ciphers,
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_SERVER,
        .risk = ANNOT_RISK_MEDIUM,
        .support = ANNOT_FULL,
        .at = ANNOT_AT(s.ssl_ciphers),
        .check = annot_check_endpoint_ciphers,
        .apply = annot_apply_text,
        .doc = "Ciphers to endpoints spoken to in TLS, up to TLS 1.2, judged "
               "as ssl-ciphers are; those without encryption or "
               "authentication are left out. proxy-ssl-secret is not needed "
               "for it.",
    },
    {
        .name = "proxy-ssl-protocols",
        .kind = ANNOT_TEXT,
        .set = &set_versions,
        .max_length = 128,
        .scope = ANNOT_SCOPE_PATH,
        .effect = ANNOT_EFFECT_SERVER,
        .risk = ANNOT_RISK_LOW,
        .support = ANNOT_PARTIAL,
        .check = annot_check_protocols,
        .apply = annot_apply_server_protocols,
        .doc = "TLSv1.2, TLSv1.3 or both to endpoints spoken to in TLS; "
               "older ones are never spoken. proxy-ssl-secret is not needed "
               "for it.",
    },
    {
        .name = "ssl-ciphers",
        .key = "ssl-ciphers",
        .kind = ANNOT_TEXT,
        .set = &set_ciphers,
        .scope = ANNOT_SCOPE_HOST,
        .effect = ANNOT_EFFECT_CERTIFICATE,
        .risk = ANNOT_RISK_LOW,
        .support = ANNOT_FULL,
        .at = ANNOT_AT(s.tls_ciphers),
        .check = annot_check_ciphers,
        .apply = annot_apply_text,
        .doc = "Ciphers for clients of the host up to TLS 1.2, in place of "
               "those of Mozilla's intermediate profile; TLS 1.3 has its "
               "own. What OpenSSL has no more is left out with a warning; "
               "a list that protects nobody is refused. Of several "
               "Ingresses of a host the first that has one counts.",
    },
    {
        .name = "ssl-prefer-server-ciphers",
        .key = "ssl-prefer-server-ciphers",
        .kind = ANNOT_BOOL,
        .dflt = "true",
        .scope = ANNOT_SCOPE_HOST,
        .effect = ANNOT_EFFECT_NONE,
        .risk = ANNOT_RISK_LOW,
        .support = ANNOT_PARTIAL,
        .check = annot_check_server_order,
        .apply = annot_apply_nothing,
        .doc = "The server's order of ciphers counts always.",
    },
    {
        .name = "tls-protocols",
        .key = "ssl-protocols",
        .kind = ANNOT_TEXT,
        .set = &set_versions,
        .max_length = 128,
        .scope = ANNOT_SCOPE_HOST,
        .effect = ANNOT_EFFECT_CERTIFICATE,
        .risk = ANNOT_RISK_LOW,
        .support = ANNOT_FULL,
        .is_own = true,
        .check = annot_check_protocols,
        .apply = annot_apply_protocols,
        .doc = "TLSv1.2, TLSv1.3 or both for clients of the host; older "
               "ones are never spoken, nor is TLSv1.2 with --tls-profile "
               "modern. Of several Ingresses of a host the first that has "
               "it counts.",
    },
};

const struct annot_group annot_group_backend_tls = {
    .heading = "TLS to endpoints and ciphers",
    .defs = tls_rows,
    .n = ARRAY_SIZE(tls_rows),
};
