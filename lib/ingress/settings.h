/* settings: what the annotations of one Ingress ask for, checked and typed.
 *
 * settings_read() runs the annotation table over an Ingress: every key under
 * our prefixes is looked up, parsed and bounded by its row; what is wrong
 * becomes a finding.  A wrong value never becomes a setting: the default
 * stays, and where the annotation is a protection (its row says so)
 * 'refuse' is set, so that all routes of the Ingress answer 503 rather than
 * serve unprotected.
 *
 * Ownership: settings_fini() frees what settings_read() allocated.
 * Source: ingress-nginx's annotations, docs/annotations.md (generated).
 */
#ifndef INGRESS_SETTINGS_H
#define INGRESS_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/ingress/defaults.h"
#include "lib/ingress/finding.h"
#include "lib/kube/object.h"

/* HAProxy's timers end at 2^31 milliseconds. */
#define SETTINGS_MAX_TIMEOUT_S 2147483

enum settings_balance {
    BALANCE_ROUND_ROBIN,
    BALANCE_LEAST_CONN,         /* For ewma. */
};

enum settings_protocol {
    PROTOCOL_HTTP,
    PROTOCOL_HTTPS,
    PROTOCOL_AUTO_HTTP,         /* As the client's. */
    PROTOCOL_GRPC,
    PROTOCOL_GRPCS,
};

/* proxy-next-upstream: bits, in the order of the table's words. */
enum settings_next {
    NEXT_ERROR = 1 << 0,
    NEXT_TIMEOUT = 1 << 1,
    NEXT_INVALID = 1 << 2,
    NEXT_403 = 1 << 3,
    NEXT_404 = 1 << 4,
    NEXT_500 = 1 << 5,
    NEXT_502 = 1 << 6,
    NEXT_503 = 1 << 7,
    NEXT_504 = 1 << 8,
    NEXT_NON_IDEMPOTENT = 1 << 9,
    NEXT_OFF = 1 << 10,
};

/* Certificates of clients, on all hosts of the Ingress. */
enum settings_client {
    CLIENT_NONE,                /* Are not asked for. */
    CLIENT_ON,                  /* Must be there, and good. */
    CLIENT_OPTIONAL,            /* Must be good where they are there. */
    CLIENT_OPTIONAL_NO_CA,      /* The server hears what they are. */
    CLIENT_CLOSED,              /* Cannot be judged: nobody gets in. */
};

enum settings_samesite {
    SAMESITE_UNSET,
    SAMESITE_NONE,
    SAMESITE_LAX,
    SAMESITE_STRICT,
};

enum settings_auth {
    SETTINGS_AUTH_NONE,
    SETTINGS_AUTH_BASIC,
    SETTINGS_AUTH_DIGEST,
};

struct settings_texts {
    char **items;
    size_t n;
};

/* A service that is asked whether a request may pass. */
struct settings_ask {
    char *url;                  /* askurl.h reads it. */
    bool is_global;             /* It is the ConfigMap's. */
    uint64_t method;            /* By settings_ask_method(). */
    char *signin;               /* Whole, with the way back; NULL: none. */
    char *param;                /* NULL: it is in 'signin'. */
    char *headers;              /* With commas; NULL: none. */
    char *redirect;             /* NULL: the request's URL. */
    char *set_headers;          /* ConfigMap, "namespace/name", or NULL. */
    char *cache_key;            /* NULL: nothing is remembered. */
    char *cache_for;            /* "200:300/401:60", seconds by status. */
    bool always_cookie;
};

struct settings {
    bool refuse;                /* Fail closed: routes answer 503. */

    bool ssl_redirect;          /* Default true: if the host has TLS. */
    bool force_ssl_redirect;
    bool ssl_passthrough;
    char *tls_ciphers;          /* Up to TLS 1.2; NULL: the program's. */
    bool tls12, tls13;          /* Versions; neither: the program's. */
    bool proxy_protocol;        /* Passthrough: a PROXY v2 header first. */
    char *redirect_url;         /* temporal- before permanent-redirect. */
    unsigned redirect_code;

    char *app_root;             /* Where "/" is redirected to, or NULL. */
    bool from_to_www;           /* www.HOST to HOST, or the other way. */
    struct settings_texts aliases;  /* More canonical hosts. */

    char *rewrite_target;       /* NULL: no rewrite. */
    bool use_regex;             /* Asked for, or implied by the rewrite. */

    bool affinity;              /* affinity: cookie */
    char *cookie_name;          /* NULL only without affinity. */
    char *cookie_path;          /* NULL: the route's path. */
    char *cookie_domain;
    enum settings_samesite cookie_samesite;
    bool cookie_secure;         /* false: only over https. */
    uint64_t cookie_expires_s;  /* 0: none. */
    uint64_t cookie_max_age_s;  /* 0: none. */
    bool cookie_change_on_failure;      /* Default true. */
    bool cookie_conditional_none;
    bool cookie_partitioned;
    bool canary_legacy;

    bool cors;                  /* Without it the texts below are NULL. */
    struct settings_texts cors_origins;     /* "*", or scheme://host. */
    char *cors_methods;
    char *cors_headers;
    char *cors_expose;          /* NULL: none. */
    bool cors_credentials;
    uint64_t cors_max_age_s;

    uint64_t limit_rps;         /* 0: none. */
    uint64_t limit_rpm;
    uint64_t limit_connections;
    uint64_t limit_burst_multiplier;
    uint64_t limit_req_status;  /* 503 or 429. */
    uint64_t limit_conn_status;
    struct settings_texts limit_allow;      /* CIDRs. */

    struct settings_texts share_with;   /* Namespaces, or "*". */
    char *takeover_from;        /* "namespace/name" of an Ingress. */
    char *release_to;

    enum settings_client client;
    char *client_secret;        /* "namespace/name"; NULL only with NONE and
                                 * CLOSED. */
    char *client_page;          /* Where who is not let in is sent, or NULL. */
    char *client_subject;       /* A regex for the subject, or NULL. */
    bool client_pass;           /* The server gets the certificate. */

    struct settings_texts allow;            /* CIDRs; n 0: everybody. */
    struct settings_texts deny;

    enum settings_auth auth;    /* The rest is empty without it. */
    char *auth_secret;          /* "namespace/name". */
    uint64_t auth_is_map;       /* A key for each user, not one file. */
    char *auth_realm;           /* NULL: empty. */
    struct settings_ask *ask;   /* NULL: nobody is asked. */
    char *no_auth;              /* Beginnings of paths without any of these,
                                 * with commas; NULL: all have them. */
    uint64_t satisfy_any;       /* Addresses or authentication. */

    uint64_t connect_timeout_s;
    uint64_t read_timeout_s;
    uint64_t send_timeout_s;
    uint64_t body_size;         /* Bytes; 0: no limit. */
    uint64_t next_on;           /* Of enum settings_next. */
    uint64_t next_tries;        /* 0: as many as HAProxy may. */
    uint64_t next_timeout_s;    /* 0: any. */
    uint64_t limit_rate_kb;     /* A second; 0: any. */
    uint64_t limit_rate_after_kb;
    char *default_service;      /* NULL: none. */
    struct settings_texts error_codes;  /* "404"; sorted, none twice. */
    bool keep_errors;
    char *custom_headers;       /* ConfigMap, "name" or "namespace/name". */
    char *copy_to;              /* copyto.h reads it; NULL: none. */
    char *copy_host;
    bool copy_body;             /* Default true. */
    bool buffer_request;
    bool close_upstream;
    bool trace;
    bool trace_trusts;          /* Default true. */

    char *upstream_vhost;       /* The Host header; NULL: the client's. */
    char *forwarded_prefix;     /* X-Forwarded-Prefix, only with a rewrite. */
    char *location_from;        /* Of a Location; NULL: kept as it is. */
    char *location_to;          /* NULL exactly where that is. */
    struct settings_texts cookie_paths;     /* n 0, or from and to. */
    struct settings_texts cookie_domains;
    bool access_log;            /* Default true. */

    bool hsts;                  /* Only under our own prefix. */
    uint64_t hsts_max_age_s;
    bool hsts_include_subdomains;
    bool hsts_preload;

    enum settings_protocol protocol;
    bool service_upstream;
    char *ssl_name;             /* Of endpoints spoken to in TLS; NULL: none
                                 * is sent or verified. */
    bool ssl_sends_name;
    char *ssl_secret;           /* "namespace/name", or NULL. */
    bool ssl_verify;            /* Only with both. */
    char *ssl_ciphers;          /* NULL: HAProxy's. */
    bool ssl12, ssl13;          /* Neither: HAProxy's. */
    enum settings_balance balance;
    char *hash_by;              /* hashby.h reads it; NULL: none. */
    bool hash_subset;
    uint64_t hash_subset_size;
    bool canary;                /* The rest is ignored without it. */
    uint64_t canary_weight;     /* Of canary_total. */
    uint64_t canary_total;
    char *canary_header;        /* Lower case; NULL: none. */
    char *canary_value;         /* NULL: always and never. */
    char *canary_pattern;       /* NULL where there is a value. */
    char *canary_cookie;
};

/* 'object' is an Ingress; 'defaults' (or NULL), then the table's own fill
 * what it does not say.  'name' is how findings call it ("Ingress
 * default/alpha"). */
void settings_read(const struct kube_object *object, const char *name,
                   const struct defaults *defaults, struct settings *out,
                   struct findings *);
void settings_fini(struct settings *);

/* "GET", ... */
const char *settings_ask_method(const struct settings_ask *);
/* True where a path of an Ingress is under no authentication at all. */
bool settings_is_open_path(const struct settings *, const char *path);

/* Whether a canary may get any request. */
bool settings_has_canary(const struct settings *);

#endif /* INGRESS_SETTINGS_H */
