/* Rows: keys of the ConfigMap that are no default of an annotation. */
#include "lib/ingress/annot_priv.h"

static const char *const redirect_codes[] = {
    "301", "302", "303", "307", "308", NULL,
};

#define KEY(name_, kind_)                                                  \
    .name = (name_), .key = (name_), .kind = (kind_),                      \
    .scope = ANNOT_SCOPE_HOST, .effect = ANNOT_EFFECT_MAP,                 \
    .support = ANNOT_FULL, .apply = annot_apply_nothing

static const struct annot_def rows[] = {
    [GLOBAL_ALLOWED_HEADERS] = {
        KEY("global-allowed-response-headers", ANNOT_HEADERS),
        .max_length = 8192,
        .doc = "Names that custom-headers may have.",
    },
    [GLOBAL_FORWARDED] = {
        KEY("use-forwarded-headers", ANNOT_BOOL),
        .dflt = "false",
        .doc = "X-Forwarded-For, -Proto, -Host and -Port of the addresses "
               "of proxy-real-ip-cidr are believed; of nobody where that is "
               "not set.",
    },
    [GLOBAL_PROXY_PROTOCOL] = {
        KEY("use-proxy-protocol", ANNOT_BOOL),
        .dflt = "false",
        .doc = "Connections of the addresses of proxy-real-ip-cidr begin "
               "with the PROXY protocol; others do not, and are served as "
               "they are.",
    },
    [GLOBAL_TRUSTED] = {
        KEY("proxy-real-ip-cidr", ANNOT_CIDRS),
        .doc = "Load balancers and proxies before this controller. Nobody, "
               "where it is not set: it never means 0.0.0.0/0 unless that is "
               "written.",
    },
    [GLOBAL_REDIRECT_CODE] = {
        KEY("http-redirect-code", ANNOT_CHOICE),
        .choices = redirect_codes,
        .dflt = "308",
        .doc = "Status of redirects to https.",
    },
    [GLOBAL_ADD_HEADERS] = {
        KEY("add-headers", ANNOT_TEXT),
        .set = &annot_set_object,
        .doc = "A ConfigMap, namespace/name, with headers for the answers of "
               "all Services.",
    },
    [GLOBAL_SET_HEADERS] = {
        KEY("proxy-set-headers", ANNOT_TEXT),
        .set = &annot_set_object,
        .doc = "A ConfigMap, namespace/name, with headers that all Services "
               "get.",
    },
    [GLOBAL_HIDE_HEADERS] = {
        KEY("hide-headers", ANNOT_HEADERS),
        .doc = "Headers taken out of the answers of all Services.",
    },
    [GLOBAL_AUTH_SNIPPET] = {
        .name = "global-auth-snippet",
        .key = "global-auth-snippet",
        .kind = ANNOT_RAW,
        .scope = ANNOT_SCOPE_HOST,
        .support = ANNOT_REFUSED,
        .instead = "raw proxy configuration; write global-auth-url and the "
                   "keys beside it",
        .doc = "Refused: raw proxy configuration.",
    },
};

const struct annot_def *
annot_global(enum annot_global which)
{
    return &rows[which];
}
