/* What the files of the annotation engine share; for them alone. */
#ifndef INGRESS_ANNOT_PRIV_H
#define INGRESS_ANNOT_PRIV_H

#include "lib/ingress/annot.h"

/* Settings on their way: what settings_read() settles at the end. */
struct settings_draft {
    struct settings s;
    char *permanent_url;
    uint64_t permanent_code;
    char *temporal_url;
    uint64_t temporal_code;
    uint64_t client_depth;
    bool allow_cross_namespace;
    bool global_auth;
    struct settings_ask ask;
};

/* Of a rewrite target (settings_rewrite.c). */
int settings_highest_reference(const char *target);
bool settings_is_rewrite_idle(const struct kube_ingress *,
                              const char *target);

/* Puts the Ingress's namespace before the name of a Secret that has none;
 * false: it is in another one. */
bool settings_qualify(const struct kube_object *, char **secret) MUST_USE;
/* Client certificates: 'key' is the annotation that names the Secret as it
 * was accepted, NULL where there is none; 'is_bad' one that was not, or
 * another that says whom to let in (settings_client.c). */
void settings_settle_client(const struct kube_object *, const char *name,
                            const char *key, bool is_bad, struct settings *,
                            struct findings *);

/* Settles auth-type and its companions of an Ingress in 'ns'; what is wrong
 * is the caller's to free, '*blame' the annotation (settings_auth.c). */
char *settings_settle_auth(struct settings_draft *, const char *ns,
                           const char **blame) MUST_USE;

/* Settles auth-url and its companions: 'draft->ask' becomes that of the
 * settings, or is released.  'is_global': auth-url is the ConfigMap's
 * (settings_ask.c). */
char *settings_settle_ask(struct settings_draft *, const char *ns,
                          bool is_global, const char **blame) MUST_USE;
void settings_ask_fini(struct settings_ask *);

void settings_free_texts(struct settings_texts *);  /* Leaves none. */
void settings_draft_fini(struct settings_draft *);

struct annot_group {
    const char *heading;
    const struct annot_def *defs;
    size_t n;
};

extern const struct annot_group annot_group_routing;
extern const struct annot_group annot_group_session;
extern const struct annot_group annot_group_canary;
extern const struct annot_group annot_group_access;
extern const struct annot_group annot_group_auth;
extern const struct annot_group annot_group_ask;
extern const struct annot_group annot_group_cors;
extern const struct annot_group annot_group_proxy;
extern const struct annot_group annot_group_backend_tls;
extern const struct annot_group annot_group_observe;
extern const struct annot_group annot_group_snippets;
extern const struct annot_group annot_group_own;
extern const struct annot_group annot_group_removed;

extern const struct annot_set annot_set_cookie_name;
extern const struct annot_set annot_set_token;
extern const struct annot_set annot_set_value;
extern const struct annot_set annot_set_pattern;
extern const struct annot_set annot_set_url;
extern const struct annot_set annot_set_path;
extern const struct annot_set annot_set_domain;
extern const struct annot_set annot_set_secret;
extern const struct annot_set annot_set_realm;
extern const struct annot_set annot_set_ask;
extern const struct annot_set annot_set_duration;
extern const struct annot_set annot_set_locations;
extern const struct annot_set annot_set_hash;
extern const struct annot_set annot_set_service;
extern const struct annot_set annot_set_object;
extern const struct annot_set annot_set_target;

/* Reads a value of any kind but ANNOT_RAW, already trimmed and free of
 * control bytes; what is wrong goes to say->error (annot_parse.c). */
void annot_parse(const struct annot_def *, const char *text,
                 struct annot_value *value, struct annot_say *say);
/* The kinds that are lists (annot_parse_list.c). */
void annot_parse_cidrs(const char *text, struct annot_value *,
                       struct annot_say *);
void annot_parse_codes(const char *text, struct annot_value *,
                       struct annot_say *);
void annot_parse_matches(const char *text, struct annot_value *,
                         struct annot_say *);
void annot_parse_paths(const char *text, struct annot_value *,
                       struct annot_say *);
void annot_parse_methods(const char *text, struct annot_value *,
                         struct annot_say *);
void annot_parse_headers(const char *text, struct annot_value *,
                         struct annot_say *);
void annot_parse_hosts(const char *text, struct annot_value *,
                       struct annot_say *);
void annot_parse_aliases(const char *text, struct annot_value *,
                         struct annot_say *);
void annot_parse_origins(const char *text, struct annot_value *,
                         struct annot_say *);

/* Hosts and pairs (annot_parse_names.c). */
void annot_parse_host(const char *text, struct annot_value *,
                      struct annot_say *);
void annot_parse_words(const struct annot_def *, const char *text,
                       struct annot_value *, struct annot_say *);
void annot_parse_pair(const struct annot_def *, const char *text,
                      struct annot_value *, struct annot_say *);

/* host, host:port or [IPv6]:port of 'length' bytes. */
bool annot_is_authority(const char *text, size_t length);
/* Who shares with whom (annot_parse_owner.c). */
void annot_parse_namespaces(const char *text, struct annot_value *,
                            struct annot_say *);
void annot_parse_ingress(const char *text, struct annot_value *,
                         struct annot_say *);
void annot_parse_object(const char *text, struct annot_value *,
                        struct annot_say *);

/* True where 'host' of 'length' bytes is a DNS name, or an IPv4 address. */
bool annot_is_host(const char *host, size_t length);

/* "quoted value" and what is wrong with it. */
void annot_complain(struct buf *out, const char *value, const char *fmt, ...)
    PRINTF(3, 4);

/* Check callbacks (annot_check.c). */
annot_check_fn annot_check_balance;
annot_check_fn annot_check_buffer_size;
annot_check_fn annot_check_buffering;
annot_check_fn annot_check_hash;
annot_check_fn annot_check_service;
annot_check_fn annot_check_copy;
annot_check_fn annot_check_pattern;
annot_check_fn annot_check_local_path;
annot_check_fn annot_check_snippet;
/* And of annot_tls.c. */
annot_check_fn annot_check_ciphers;
annot_check_fn annot_check_endpoint_ciphers;
annot_check_fn annot_check_protocols;
annot_check_fn annot_check_server_order;
annot_apply_fn annot_apply_protocols;
annot_apply_fn annot_apply_server_protocols;
annot_check_fn annot_check_subject;
annot_check_fn annot_check_depth;
annot_check_fn annot_check_secret;
/* And of annot_ask.c. */
annot_check_fn annot_check_ask_url;
annot_check_fn annot_check_ask_signin;
annot_check_fn annot_check_ask_text;
annot_check_fn annot_check_ask_headers;
annot_check_fn annot_check_ask_key;
annot_check_fn annot_check_ask_duration;
annot_check_fn annot_check_locations;

/* Apply callbacks (annot_apply.c): the first four write to the row's 'at'. */
annot_apply_fn annot_apply_flag;
annot_apply_fn annot_apply_number;
annot_apply_fn annot_apply_text;
annot_apply_fn annot_apply_list;
annot_apply_fn annot_apply_code;
annot_apply_fn annot_apply_auth;
annot_apply_fn annot_apply_on;
annot_apply_fn annot_apply_close;
annot_apply_fn annot_apply_legacy;
/* For what HAProxy does in any case. */
annot_apply_fn annot_apply_nothing;
annot_apply_fn annot_apply_unless_off;
annot_apply_fn annot_apply_affinity;
annot_apply_fn annot_apply_samesite;
annot_apply_fn annot_apply_balance;
annot_apply_fn annot_apply_protocol;
annot_apply_fn annot_apply_ssl_server_name;
annot_apply_fn annot_apply_proxy_protocol;
annot_apply_fn annot_apply_client;

#define ANNOT_AT(field) offsetof(struct settings_draft, field)

#endif /* INGRESS_ANNOT_PRIV_H */
