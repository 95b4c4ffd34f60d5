#include "reconciler/translate.h"

#include <inttypes.h>
#include <string.h>

#include "lib/base/digest.h"
#include "lib/base/mem.h"
#include "lib/ingress/copyto.h"
#include "lib/ingress/hashby.h"
#include "lib/ingress/serve.h"
#include "reconciler/users.h"

/* ingress-nginx's default, and the program's: then nothing is asked for. */
#define DEFAULT_TIMEOUT_S 60

/* A policy being filled; after the first error the rest is skipped. */
struct fill {
    struct policy *policy;
    bool any;
    struct err *err;
};

static void
set(struct fill *f, enum policy_setting setting, const char *value)
{
    if (!f->err) {
        f->any = true;
        f->err = policy_set(f->policy, setting, value);
    }
}

static void
set_number(struct fill *f, enum policy_setting setting, uint64_t value)
{
    AUTO_FREE char *text = xasprintf("%" PRIu64, value);

    set(f, setting, text);
}

static void
set_flag(struct fill *f, enum policy_setting setting, bool value)
{
    if (value) {
        set(f, setting, "true");
    }
}

static void
set_text(struct fill *f, enum policy_setting setting, const char *value)
{
    if (value) {
        set(f, setting, value);
    }
}

static void
set_list(struct fill *f, enum policy_list list,
         const struct settings_texts *texts)
{
    for (size_t i = 0; !f->err && i < texts->n; i++) {
        f->any = true;
        f->err = policy_add_cidr(f->policy, list, texts->items[i]);
    }
}

static void
set_redirect(struct fill *f, const struct settings *s)
{
    if (s->redirect_url) {
        set(f, POLICY_REDIRECT, s->redirect_url);
        set_number(f, POLICY_REDIRECT_CODE, s->redirect_code);
    }
}

static void
set_cors(struct fill *f, const struct settings *s)
{
    if (!s->cors) {
        return;
    }
    for (size_t i = 0; !f->err && i < s->cors_origins.n; i++) {
        f->any = true;
        f->err = policy_add_origin(f->policy, s->cors_origins.items[i]);
    }
    set(f, POLICY_CORS_METHODS, s->cors_methods);
    set(f, POLICY_CORS_HEADERS, s->cors_headers);
    if (s->cors_expose) {
        set(f, POLICY_CORS_EXPOSE, s->cors_expose);
    }
    set_number(f, POLICY_CORS_MAX_AGE, s->cors_max_age_s);
    set_flag(f, POLICY_CORS_CREDENTIALS, s->cors_credentials);
}

/* The name limits count under: the Ingress, however its policy changes. */
static void
set_zone(struct fill *f, const struct model *model)
{
    char hex[DIGEST_HEX_SIZE];

    digest_sha256_hex(model->object->key, strlen(model->object->key), hex);
    hex[16] = '\0';
    set(f, POLICY_ZONE, hex);
}

static void
set_limits(struct fill *f, const struct model *model)
{
    const struct settings *s = model->settings;

    if (s->limit_rps == 0 && s->limit_rpm == 0 && s->limit_connections == 0) {
        return;
    }
    set_zone(f, model);
    if (s->limit_connections > 0) {
        set_number(f, POLICY_CONNECTIONS, s->limit_connections);
    }
    if (s->limit_rps > 0) {
        set_number(f, POLICY_RPS, s->limit_rps);
    }
    if (s->limit_rpm > 0) {
        set_number(f, POLICY_RPM, s->limit_rpm);
    }
    if (s->limit_burst_multiplier > 0) {
        set_number(f, POLICY_BURST, s->limit_burst_multiplier);
    }
    set_flag(f, POLICY_CONNECTIONS_429,
             s->limit_connections > 0 && s->limit_conn_status == 429);
    set_flag(f, POLICY_REQUESTS_429,
             (s->limit_rps > 0 || s->limit_rpm > 0) &&
                 s->limit_req_status == 429);
    set_list(f, POLICY_EXEMPT, &s->limit_allow);
}

/* nginx's two time-outs are one in HAProxy, and bound upgraded connections
 * as well: whichever was written down counts, reading before sending. */
static void
set_timeouts(struct fill *f, const struct settings *s)
{
    uint64_t longer = s->read_timeout_s > s->send_timeout_s
                          ? s->read_timeout_s
                          : s->send_timeout_s;

    if (s->read_timeout_s == DEFAULT_TIMEOUT_S &&
        s->send_timeout_s == DEFAULT_TIMEOUT_S) {
        return;
    }
    set_number(f, POLICY_TIMEOUT_SERVER,
               1000 * (s->read_timeout_s != DEFAULT_TIMEOUT_S
                           ? s->read_timeout_s
                           : s->send_timeout_s));
    set_number(f, POLICY_TIMEOUT_TUNNEL, 1000 * longer);
}

/* A stream of gRPC has no length and may never end: only messages that say
 * theirs are measured. */
static void
set_body(struct fill *f, const struct settings *s)
{
    if (s->body_size > 0) {
        set_number(f, POLICY_BODY, s->body_size);
        set_flag(f, POLICY_BODY_LENGTH, s->protocol != PROTOCOL_GRPC &&
                                            s->protocol != PROTOCOL_GRPCS);
    }
}

static void
set_rewrite(struct fill *f, const struct settings *s,
            const struct route *route)
{
    if (!s->rewrite_target || f->err ||
        (route->kind != ROUTE_REGEX &&
         strcmp(s->rewrite_target, route->path) == 0)) {
        return;
    }
    if (route->kind == ROUTE_REGEX) {
        f->any = true;
        f->err = policy_set_rewrite(f->policy, route->regex, true,
                                    s->rewrite_target);
    } else if (strchr(s->rewrite_target, '$')) {
        /* Groups that a literal path does not have are empty. */
        AUTO_FREE char *regex = serve_literal_regex(route);

        f->any = true;
        f->err =
            policy_set_rewrite(f->policy, regex, false, s->rewrite_target);
    } else {
        set(f, POLICY_REWRITE, s->rewrite_target);
    }
}

/* Where the browser may send the cookie.  The text of a regex is no path a
 * browser could match, and not every path can stand in a cookie. */
static const char *
cookie_path(const struct settings *s, const struct route *route)
{
    static const char fit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                              "abcdefghijklmnopqrstuvwxyz0123456789"
                              "%/-._~!$&'()*+,=:@";

    if (s->cookie_path) {
        return s->cookie_path;
    }
    return route->kind == ROUTE_REGEX ||
                   route->path[strspn(route->path, fit)] != '\0'
               ? "/"
               : route->path;
}

static void
set_pair(struct fill *f, enum policy_setting from, enum policy_setting to,
         const char *old, const char *new)
{
    set(f, from, old);
    set(f, to, new);
}

static void
set_hsts(struct fill *f, const struct settings *s)
{
    AUTO_FREE char *value = NULL;

    if (s->hsts) {
        value = xasprintf("max-age=%" PRIu64 "%s%s", s->hsts_max_age_s,
                          s->hsts_include_subdomains ? "; includeSubDomains"
                                                     : "",
                          s->hsts_preload ? "; preload" : "");
        set(f, POLICY_HSTS, value);
    }
}

static void
set_headers(struct fill *f, const struct settings *s)
{
    struct backend_tls tls;

    if (s->upstream_vhost) {
        set(f, POLICY_VHOST, s->upstream_vhost);
    }
    if (s->forwarded_prefix) {
        set(f, POLICY_PREFIX, s->forwarded_prefix);
    }
    if (s->ssl_name && s->ssl_sends_name && !translate_tls(s, true, &tls)) {
        set(f, POLICY_SSL_NAME, s->ssl_name);
    }
    if (s->location_from) {
        set_pair(f, POLICY_LOCATION_FROM, POLICY_LOCATION_TO,
                 s->location_from, s->location_to);
    }
    if (s->cookie_paths.n == 2) {
        set_pair(f, POLICY_COOKIE_PATH_FROM, POLICY_COOKIE_PATH_TO,
                 s->cookie_paths.items[0], s->cookie_paths.items[1]);
    }
    if (s->cookie_domains.n == 2) {
        set_pair(f, POLICY_COOKIE_DOMAIN_FROM, POLICY_COOKIE_DOMAIN_TO,
                 s->cookie_domains.items[0], s->cookie_domains.items[1]);
    }
}

/* What decides which endpoint a request goes to. */
static void
set_hash(struct fill *f, const struct settings *s)
{
    struct hashby by = { .uri = false };
    AUTO_FREE char *why = s->hash_by ? hashby_read(s->hash_by, &by) : NULL;

    if (s->hash_by && !why) {
        set_number(f, POLICY_HASH,
                   (by.uri ? POLICY_HASH_URI : 0U) |
                       (by.path ? POLICY_HASH_PATH : 0U) |
                       (by.query ? POLICY_HASH_QUERY : 0U) |
                       (by.host ? POLICY_HASH_HOST : 0U) |
                       (by.address ? POLICY_HASH_ADDRESS : 0U) |
                       (by.method ? POLICY_HASH_METHOD : 0U) |
                       (by.scheme ? POLICY_HASH_SCHEME : 0U));
        set_text(f, POLICY_HASH_HEADER, by.header);
        set_text(f, POLICY_HASH_COOKIE, by.cookie);
        set_text(f, POLICY_HASH_ARGUMENT, by.argument);
        if (s->hash_subset) {
            set_number(f, POLICY_HASH_SUBSET, s->hash_subset_size);
        }
    }
    hashby_fini(&by);
}

/* How a request is passed on. */
static void
set_passing(struct fill *f, const struct settings *s)
{
    set_flag(f, POLICY_RETRY_ALL,
             (s->next_on & NEXT_NON_IDEMPOTENT) &&
                 !(s->next_on & NEXT_OFF));
    set_flag(f, POLICY_BUFFER, s->buffer_request);
    set_flag(f, POLICY_CLOSE, s->close_upstream);
    if (s->limit_rate_kb > 0) {
        set_number(f, POLICY_RATE, s->limit_rate_kb * 1024);
        set_number(f, POLICY_RATE_AFTER, s->limit_rate_after_kb * 1024);
    }
    if (s->trace) {
        set_number(f, POLICY_TRACE, s->trace_trusts ? 1 : 0);
    }
}

/* Who answers where nobody else does, and what it is told. */
static void
set_fallback(struct fill *f, const struct model *model,
             const struct route *route)
{
    const struct settings *s = model->settings;
    AUTO_BUF struct buf codes = BUF_OWN;
    AUTO_FREE char *name = xasprintf("%.200s", model->object->name);
    AUTO_FREE char *port = NULL;

    for (size_t i = 0; !s->keep_errors && i < s->error_codes.n; i++) {
        buf_printf(&codes, "%s%s", i ? "," : "", s->error_codes.items[i]);
    }
    if ((!s->default_service && codes.size == 0) || !route->backend.service) {
        return;
    }
    port = route->backend.port.name
               ? xstrdup(route->backend.port.name)
               : xasprintf("%d", route->backend.port.number);
    set(f, POLICY_FALLBACK_NAMESPACE, model->object->namespace);
    /* A name may be longer than a header of it needs to be. */
    set(f, POLICY_FALLBACK_INGRESS, name);
    set(f, POLICY_FALLBACK_SERVICE, route->backend.service);
    set(f, POLICY_FALLBACK_PORT, port);
    if (codes.size > 0) {
        set(f, POLICY_ERRORS, buf_str(&codes));
    }
}

static void
set_copy(struct fill *f, const struct settings *s)
{
    struct copyto to = { .port = 0 };

    if (s->copy_to && copyto_read(s->copy_to, &to)) {
        set(f, POLICY_COPY_HOST, s->copy_host ? s->copy_host : to.host);
        set_text(f, POLICY_COPY_URI, to.uri);
        set_text(f, POLICY_COPY_BASE, to.base);
        set_flag(f, POLICY_COPY_BODY, s->copy_body);
    }
    copyto_fini(&to);
}

static void
set_cookie(struct fill *f, const struct settings *s,
           const struct route *route)
{
    static const char *const samesite[] = { NULL, "None", "Lax", "Strict" };

    if (!s->affinity) {
        return;
    }
    set(f, POLICY_COOKIE_NAME, s->cookie_name);
    set(f, POLICY_COOKIE_PATH, cookie_path(s, route));
    if (s->cookie_domain) {
        set(f, POLICY_COOKIE_DOMAIN, s->cookie_domain);
    }
    if (samesite[s->cookie_samesite]) {
        set(f, POLICY_COOKIE_SAMESITE, samesite[s->cookie_samesite]);
    }
    set_flag(f, POLICY_COOKIE_SECURE, s->cookie_secure);
    set_flag(f, POLICY_COOKIE_PARTITIONED, s->cookie_partitioned);
    if (s->cookie_max_age_s > 0) {
        set_number(f, POLICY_COOKIE_MAX_AGE, s->cookie_max_age_s);
    }
    set_flag(f, POLICY_COOKIE_CONDITIONAL,
             s->cookie_conditional_none &&
                 s->cookie_samesite == SAMESITE_NONE);
    if (s->cookie_expires_s > 0) {
        set_number(f, POLICY_COOKIE_EXPIRES, s->cookie_expires_s);
    }
}

/* Whose work verifying is: the namespace, under a name of our own. */
static void
set_auth(struct fill *f, const struct model *model)
{
    const struct settings *s = model->settings;
    const char *ns = model->object->namespace ? model->object->namespace : "";
    char id[USERS_ID_SIZE], group[USERS_GROUP_SIZE];

    if (s->auth == SETTINGS_AUTH_NONE) {
        return;
    }
    users_table_id(s, id);
    set(f, POLICY_AUTH, id);
    users_group(ns, group);
    set(f, POLICY_AUTH_GROUP, group);
    if (s->auth_realm) {
        set(f, POLICY_AUTH_REALM, s->auth_realm);
    }
}

static void
set_canary(struct fill *f, const struct settings *s,
           const struct settings *canary)
{
    if (!canary) {
        return;
    }
    if (canary->canary_weight > 0) {
        set_number(f, POLICY_CANARY_SHARE,
                   canary->canary_weight * 1000000 / canary->canary_total);
    }
    set_flag(f, POLICY_CANARY_STICKY, s->affinity && !s->canary_legacy);
    if (canary->canary_header) {
        set(f, POLICY_CANARY_HEADER, canary->canary_header);
    }
    if (canary->canary_value) {
        set(f, POLICY_CANARY_VALUE, canary->canary_value);
    }
    if (canary->canary_cookie) {
        set(f, POLICY_CANARY_COOKIE, canary->canary_cookie);
    }
    if (canary->canary_pattern && !f->err) {
        f->err =
            policy_set_canary_pattern(f->policy, canary->canary_pattern);
    }
}

static void
set_client(struct fill *f, const struct translate_client *client)
{
    static const char *const modes[] = {
        [CLIENT_NONE] = "", [CLIENT_CLOSED] = "", [CLIENT_ON] = "on",
        [CLIENT_OPTIONAL] = "optional",
        [CLIENT_OPTIONAL_NO_CA] = "optional_no_ca",
    };
    const struct settings *s = client ? client->settings : NULL;

    if (!s) {
        return;
    }
    set(f, POLICY_CLIENT_MODE, modes[s->client]);
    set(f, POLICY_CLIENT_CA, client->ca);
    if (s->client_page) {
        set(f, POLICY_CLIENT_PAGE, s->client_page);
    }
    set_flag(f, POLICY_CLIENT_PASS, s->client_pass);
    if (s->client_subject && !f->err) {
        f->err = policy_set_client_subject(f->policy, s->client_subject);
    }
}

static struct err *
finish(struct fill *f, struct policy **out)
{
    *out = NULL;
    if (!f->err) {
        f->err = policy_check(f->policy);
    }
    if (f->err || !f->any) {
        policy_free(f->policy);
    } else {
        *out = f->policy;
    }
    return f->err;
}

struct err *
translate_policy(const struct model *model, const struct route *route,
                 const struct settings *canary,
                 const struct translate_headers *headers,
                 const struct translate_client *client, struct policy **out)
{
    const struct settings *s = model->settings;
    struct fill f = { .policy = policy_new() };

    set_redirect(&f, s);
    set_flag(&f, POLICY_SILENT, !s->access_log);
    set_hsts(&f, s);
    set_cors(&f, s);
    set_list(&f, POLICY_DENY, &s->deny);
    set_list(&f, POLICY_ALLOW, &s->allow);
    set_limits(&f, model);
    set_flag(&f, POLICY_SATISFY, s->satisfy_any != 0);
    if (!settings_is_open_path(s, route->path)) {
        set_auth(&f, model);
        if (s->ask && !f.err) {
            f.any = true;
            f.err = translate_ask(model, route, headers->questions, f.policy);
        }
    }
    set_body(&f, s);
    set_rewrite(&f, s, route);
    set_timeouts(&f, s);
    set_headers(&f, s);
    set_hash(&f, s);
    set_passing(&f, s);
    set_fallback(&f, model, route);
    set_copy(&f, s);
    set_text(&f, POLICY_HEADERS, headers->answers);
    set_canary(&f, s, canary);
    set_client(&f, client);
    set_cookie(&f, s, route);
    return finish(&f, out);
}

struct err *
translate_redirect(enum policy_setting setting, const char *where,
                   const char *code, const struct translate_client *client,
                   struct policy **out)
{
    struct fill f = { .policy = policy_new() };

    set(&f, setting, where);
    set(&f, POLICY_REDIRECT_CODE, code);
    set_client(&f, client);
    return finish(&f, out);
}

struct err *
translate_cors(const struct settings *s, struct policy **out)
{
    struct fill f = { .policy = policy_new() };

    set_cors(&f, s);
    return finish(&f, out);
}
