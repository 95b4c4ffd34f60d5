/* Snippets: refused, and what their directives would be here. */
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/ingress/annot_priv.h"

#define TOLD_MAX 4              /* Directives of one snippet. */

static const char nothing[] = "nothing";

/* The first row that fits counts.  What is harmless leaves nothing
 * unprotected where it is missing. */
static const struct directive {
    const char *name;
    const char *argument;       /* What its first one begins with, or NULL. */
    bool is_harmless;
    const char *instead;        /* NULL: nothing replaces it. */
} directives[] = {
    { "add_header", "Strict-Transport-Security", true,
      "sallyport.dev/hsts: \"true\"" },
    { "more_set_headers", "Strict-Transport-Security", true,
      "sallyport.dev/hsts: \"true\"" },
    { "add_header", "Access-Control-", true, "enable-cors: \"true\"" },
    { "more_set_headers", "Access-Control-", true, "enable-cors: \"true\"" },
    { "add_header", NULL, true, "custom-headers" },
    { "more_set_headers", NULL, true, "custom-headers" },
    { "more_clear_headers", NULL, true, "the ConfigMap key hide-headers" },
    { "proxy_hide_header", NULL, true, "the ConfigMap key hide-headers" },
    { "proxy_set_header", "Host", true, "upstream-vhost" },
    { "proxy_set_header", "Upgrade", true, nothing },
    { "proxy_set_header", "Connection", true, nothing },
    { "proxy_set_header", "X-Forwarded-", true, nothing },
    { "proxy_set_header", "X-Real-IP", true, nothing },
    { "proxy_set_header", "X-Request-ID", true, nothing },
    { "proxy_set_header", NULL, true, "the ConfigMap key proxy-set-headers" },
    { "return", "30", false, "permanent-redirect or temporal-redirect" },
    { "return", "403", false, "whitelist-source-range" },
    { "rewrite", NULL, false, "rewrite-target" },
    { "allow", NULL, false, "whitelist-source-range" },
    { "deny", NULL, false, "denylist-source-range or "
      "whitelist-source-range" },
    { "satisfy", NULL, false, "satisfy" },
    { "auth_basic", NULL, false, "auth-type: \"basic\" and auth-secret" },
    { "auth_basic_user_file", NULL, false, "auth-secret" },
    { "auth_request", NULL, false, "auth-url" },
    { "limit_req", NULL, false, "limit-rps or limit-rpm" },
    { "limit_conn", NULL, false, "limit-connections" },
    { "limit_rate", NULL, false, "limit-rate" },
    { "limit_rate_after", NULL, false, "limit-rate-after" },
    { "client_max_body_size", NULL, false, "proxy-body-size" },
    { "ssl_ciphers", NULL, false, "ssl-ciphers" },
    { "ssl_protocols", NULL, false, "sallyport.dev/tls-protocols" },
    { "ssl_verify_client", NULL, false, "auth-tls-verify-client" },
    { "error_page", NULL, false, "custom-http-errors and default-backend" },
    { "proxy_intercept_errors", NULL, false, "custom-http-errors" },
    { "proxy_next_upstream", NULL, false, "proxy-next-upstream" },
    { "mirror", NULL, false, "mirror-target" },
    { "hash", NULL, false, "upstream-hash-by" },
    { "access_log", NULL, false, "enable-access-log" },
    { "server_name", NULL, false, "server-alias" },
    { "proxy_pass", NULL, false, "another path, whose backend is that "
      "Service" },
    { "proxy_connect_timeout", NULL, true, "proxy-connect-timeout" },
    { "proxy_read_timeout", NULL, true, "proxy-read-timeout" },
    { "proxy_send_timeout", NULL, true, "proxy-send-timeout" },
    { "grpc_connect_timeout", NULL, true, "proxy-connect-timeout" },
    { "grpc_read_timeout", NULL, true, "proxy-read-timeout" },
    { "grpc_send_timeout", NULL, true, "proxy-send-timeout" },
    { "proxy_redirect", NULL, true, "proxy-redirect-from and -to" },
    { "proxy_cookie_path", NULL, true, "proxy-cookie-path" },
    { "proxy_cookie_domain", NULL, true, "proxy-cookie-domain" },
    { "proxy_buffering", NULL, true, nothing },
    { "proxy_buffers", NULL, true, nothing },
    { "proxy_buffer_size", NULL, true, nothing },
    { "proxy_busy_buffers_size", NULL, true, nothing },
    { "proxy_max_temp_file_size", NULL, true, nothing },
    { "proxy_request_buffering", NULL, true, "proxy-request-buffering" },
    { "proxy_http_version", NULL, true, nothing },
    { "client_body_buffer_size", NULL, true, nothing },
    { "client_header_buffer_size", NULL, true, nothing },
    { "large_client_header_buffers", NULL, true, nothing },
    { "client_body_timeout", NULL, true, nothing },
    { "client_header_timeout", NULL, true, nothing },
    { "keepalive_timeout", NULL, true, nothing },
    { "send_timeout", NULL, true, nothing },
    { "tcp_nodelay", NULL, true, nothing },
    { "proxy_pass_header", NULL, true, nothing },
    { "expires", NULL, true, NULL },
    { "etag", NULL, true, NULL },
    { "gzip", NULL, true, NULL },
    { "gzip_types", NULL, true, NULL },
    { "gzip_min_length", NULL, true, NULL },
    { "gzip_comp_level", NULL, true, NULL },
    { "brotli", NULL, true, NULL },
    { "brotli_types", NULL, true, NULL },
    { "charset", NULL, true, NULL },
};

static const struct directive *
find_directive(const char *word, const char *rest)
{
    rest += strspn(rest, " \t\"'");
    for (size_t i = 0; i < ARRAY_SIZE(directives); i++) {
        const struct directive *d = &directives[i];

        if (strcmp(d->name, word) == 0 &&
            (!d->argument || strncasecmp(rest, d->argument,
                                         strlen(d->argument)) == 0)) {
            return d;
        }
    }
    return NULL;
}

/* The byte that ends the statement at 'text', quotes heeded: ";", "{", "}" or
 * the end of all. */
static const char *
end_of_statement(const char *text)
{
    char quote = '\0';

    for (; *text; text++) {
        if (*text == '\\' && text[1]) {
            text++;
        } else if (quote) {
            quote = *text == quote ? '\0' : quote;
        } else if (*text == '"' || *text == '\'') {
            quote = *text;
        } else if (strchr(";{}", *text)) {
            break;
        }
    }
    return text;
}

struct reading {
    const struct directive *told[TOLD_MAX];
    size_t n_told;
    char *protection;           /* The first word that may be one. */
};

static void
note(struct reading *r, const struct directive *d)
{
    for (size_t i = 0; i < r->n_told; i++) {
        if (r->told[i] == d) {
            return;
        }
    }
    if (r->n_told < TOLD_MAX) {
        r->told[r->n_told++] = d;
    }
}

/* What cannot be understood is taken for a protection. */
static const char *
read_statement(struct reading *r, const char *text)
{
    size_t length = strcspn(text, " \t\r\n;{}\"'");
    AUTO_FREE char *word = xstrndup(text, length ? length : 1);
    const char *end = end_of_statement(text + length);
    const struct directive *d = find_directive(word, text + length);

    if (d && d->instead) {
        note(r, d);
    }
    if (!r->protection && (!d || !d->is_harmless || *end != ';')) {
        r->protection = STEAL_PTR(word);
    }
    return *end ? end + 1 : end;
}

static void
read_snippet(struct reading *r, const char *text)
{
    for (;;) {
        text += strspn(text, " \t\r\n;{}");
        if (*text == '\0') {
            return;
        }
        text = *text == '#' ? text + strcspn(text, "\n")
                            : read_statement(r, text);
    }
}

void
annot_check_snippet(const struct annot_def *def, struct annot_value *value,
                    struct annot_say *say)
{
    struct reading r = { .n_told = 0 };

    read_snippet(&r, value->text);
    buf_puts(&say->error,
             "raw proxy configuration is refused: take the annotation out "
             "and see docs/migration.md for what replaces it");
    /* Of other snippets, a stream's or that of an inner request, the same
     * words mean something else. */
    for (size_t i = 0; def->protective && i < r.n_told; i++) {
        const struct directive *d = r.told[i];

        buf_printf(&say->error, "%s for \"%s%s%s\" write %s",
                   i == 0 ? ":" : ",", d->name, d->argument ? " " : "",
                   d->argument ? d->argument : "", d->instead);
    }
    if (def->protective && r.protection) {
        AUTO_FREE char *quoted = str_quote(r.protection);

        buf_printf(&say->error,
                   "; its %s may be a protection, so that the routes of "
                   "this Ingress answer 503 where it is served", quoted);
    } else if (def->protective) {
        say->is_harmless = true;
    }
    free(r.protection);
}
