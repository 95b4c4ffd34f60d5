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
               "not set. Of several hosts the first counts, of schemes only "
               "http and https. Host stays as it came, where ingress-nginx "
               "put the first host: write upstream-vhost.",
    },
    [GLOBAL_PROXY_PROTOCOL] = {
        KEY("use-proxy-protocol", ANNOT_BOOL),
        .dflt = "false",
        .doc = "Connections of the addresses of proxy-real-ip-cidr begin "
               "with the PROXY protocol; others do not, and are served as "
               "they are. The port it says is X-Forwarded-Port, and 443 on "
               "the port of http is https.",
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
    [GLOBAL_REAL_IP] = {
        KEY("enable-real-ip", ANNOT_BOOL),
        .dflt = "false",
        .doc = "Of the addresses of proxy-real-ip-cidr the client's address "
               "is believed, and nothing else, as use-forwarded-headers "
               "would.",
    },
    [GLOBAL_FORWARDED_HEADER] = {
        KEY("forwarded-for-header", ANNOT_TEXT),
        .set = &annot_set_token,
        .dflt = "X-Forwarded-For",
        .max_length = 100,
        .doc = "The header that has the client's address, where one of the "
               "two keys above has it believed. Of several lines the last "
               "one counts.",
    },
    [GLOBAL_FORWARDED_FULL] = {
        KEY("compute-full-forwarded-for", ANNOT_BOOL),
        .dflt = "false",
        .doc = "Services get the X-Forwarded-For that was believed, with the "
               "address of the connection behind it, in place of the "
               "client's address alone.",
    },
    [GLOBAL_BLOCK_CIDRS] = {
        KEY("block-cidrs", ANNOT_CIDRS),
        .max_length = ANNOT_MAX_LIST_LENGTH,
        .doc = "Clients that get 403, whatever they ask for.",
    },
    [GLOBAL_BLOCK_AGENTS] = {
        KEY("block-user-agents", ANNOT_MATCHES),
        .max_length = 8192,
        .doc = "Values of User-Agent that get 403: a text is the whole "
               "value, ~ and ~* begin a regular expression, the latter "
               "without regard to case.",
    },
    [GLOBAL_BLOCK_REFERERS] = {
        KEY("block-referers", ANNOT_MATCHES),
        .max_length = 8192,
        .doc = "Values of Referer that get 403, written so.",
    },
    [GLOBAL_QUIET_URLS] = {
        KEY("skip-access-log-urls", ANNOT_MATCHES),
        .max_length = 8192,
        .doc = "Paths with their query that have no line in the access log, "
               "written so.",
    },
    [GLOBAL_NO_REDIRECT] = {
        KEY("no-tls-redirect-locations", ANNOT_PATHS),
        .dflt = "/.well-known/acme-challenge",
        .doc = "Paths of Ingresses that begin so are never redirected to "
               "https.",
    },
    [GLOBAL_UNDERSCORES] = {
        KEY("enable-underscores-in-headers", ANNOT_BOOL),
        .dflt = "false",
        .doc = "Headers with an underscore in their name reach the Services. "
               "Many of them take X_Real_IP for X-Real-IP.",
    },
    [GLOBAL_SERVER_HEADER] = {
        KEY("allow-backend-server-header", ANNOT_BOOL),
        .dflt = "false",
        .doc = "The header Server of a Service's answer reaches the client.",
    },
    [GLOBAL_ORIGINAL_URI] = {
        KEY("proxy-add-original-uri-header", ANNOT_BOOL),
        .dflt = "false",
        .doc = "Services get X-Original-URI, the path and query as the "
               "client sent them.",
    },
    [GLOBAL_REQUEST_ID] = {
        KEY("generate-request-id", ANNOT_BOOL),
        .dflt = "true",
        .doc = "A request without X-Request-ID gets one.",
    },
    [GLOBAL_OCSP] = {
        KEY("enable-ocsp", ANNOT_BOOL),
        .dflt = "false",
        .doc = "OCSP responses about certificates that name a responder are "
               "fetched, verified and stapled. Responders are asked over "
               "http, on port 80 or 443 of public addresses: docs/tls.md.",
    },
    [GLOBAL_OCSP_RESPONDERS] = {
        KEY("ocsp-responders", ANNOT_HOSTS),
        .max_length = 8192,
        .doc = "Responders that are asked wherever they are: those inside "
               "the cluster, or on another port. Whoever may write a Secret "
               "can have requests sent there.",
    },
};

const struct annot_def *
annot_global(enum annot_global which)
{
    return &rows[which];
}
