/* Checks beyond kind and range. */
#include "lib/ingress/annot_priv.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"
#include "lib/ingress/copyto.h"
#include "lib/ingress/hashby.h"
#include "lib/ingress/regex.h"

void
annot_check_balance(const struct annot_def *def UNUSED,
                    struct annot_value *value, struct annot_say *say)
{
    if (strcmp(value->text, "ewma") == 0) {
        buf_puts(&say->warning,
                 "\"ewma\" has no equal in HAProxy: the server with the "
                 "fewest connections is taken (leastconn)");
    }
}

/* HAProxy keeps all headers of a message in one buffer. */
#define HEADER_ROOM ((uint64_t) 15 << 10)

void
annot_check_buffer_size(const struct annot_def *def UNUSED,
                        struct annot_value *value, struct annot_say *say)
{
    if (value->number > HEADER_ROOM) {
        annot_complain(&say->warning, value->text,
                       "asks for more than HAProxy's buffer: response "
                       "headers may have 15 KiB together, whatever stands "
                       "here");
    }
}

void
annot_check_buffering(const struct annot_def *def UNUSED,
                      struct annot_value *value, struct annot_say *say)
{
    if (strcmp(value->text, "on") == 0) {
        buf_puts(&say->warning, "responses are sent on as they come: a slow "
                 "client holds its endpoint until all but one buffer is "
                 "sent");
    }
}

void
annot_check_hash(const struct annot_def *def UNUSED,
                 struct annot_value *value, struct annot_say *say)
{
    struct hashby by;
    AUTO_FREE char *why = hashby_read(value->text, &by);

    if (why) {
        annot_complain(&say->error, value->text, "%s", why);
    }
    hashby_fini(&by);
}

void
annot_check_service(const struct annot_def *def UNUSED,
                    struct annot_value *value, struct annot_say *say)
{
    size_t length = strlen(value->text);

    if (length > 63 || value->text[0] < 'a' ||
        value->text[length - 1] == '-') {
        annot_complain(&say->error, value->text, "is not the name of a "
                       "Service: write one of this namespace");
    }
}

void
annot_check_copy(const struct annot_def *def UNUSED,
                 struct annot_value *value, struct annot_say *say)
{
    struct copyto to;

    if (!copyto_read(value->text, &to)) {
        annot_complain(&say->error, value->text, "is no Service of the "
                       "cluster: write such as "
                       "\"http://SERVICE.NAMESPACE.svc.cluster.local"
                       "$request_uri\"; what is elsewhere needs a Service "
                       "of type ExternalName");
    }
    copyto_fini(&to);
}

/* Found anywhere in a header's value, or with "^" at its start; else the
 * rules of expressions are those of paths, which begin with "/". */
void
annot_check_pattern(const struct annot_def *def UNUSED,
                    struct annot_value *value, struct annot_say *say)
{
    AUTO_FREE char *path = xasprintf("/%s", value->text +
                                     (value->text[0] == '^'));
    AUTO_FREE char *why = regex_check(path);

    if (why) {
        annot_complain(&say->error, value->text, "%s", why);
    }
}

/* ingress-nginx looks for the whole of it, "CN=" and all, in the subject. */
void
annot_check_subject(const struct annot_def *def, struct annot_value *value,
                    struct annot_say *say)
{
    if (!str_starts(value->text, "CN=") || value->text[3] == '\0') {
        annot_complain(&say->error, value->text,
                       "is not a subject: write \"CN=\" and a regular "
                       "expression");
    } else {
        annot_check_pattern(def, value, say);
    }
}

void
annot_check_depth(const struct annot_def *def UNUSED,
                  struct annot_value *value UNUSED, struct annot_say *say)
{
    buf_puts(&say->warning,
             "HAProxy sets no limit to a chain: any that leads to a "
             "certificate of ca.crt is taken");
}

/* "//host" is another site to a browser; a backslash does not get here. */
void
annot_check_local_path(const struct annot_def *def UNUSED,
                       struct annot_value *value, struct annot_say *say)
{
    if (value->text[1] == '/') {
        annot_complain(&say->error, value->text,
                       "is another site to a browser: begin with one "
                       "\"/\"");
    }
}

/* Directives whose absence leaves nothing unprotected. */
static const char *const harmless[] = {
    "add_header", "more_set_headers", "more_clear_headers", "expires",
    "etag", "gzip", "gzip_types", "gzip_min_length", "gzip_comp_level",
    "brotli", "brotli_types", "charset", "proxy_set_header",
    "proxy_hide_header", "proxy_pass_header", "proxy_buffering",
    "proxy_buffers", "proxy_buffer_size", "proxy_busy_buffers_size",
    "proxy_read_timeout", "proxy_send_timeout", "proxy_connect_timeout",
    "proxy_http_version", "proxy_redirect", "proxy_cookie_path",
    "client_body_buffer_size", "client_header_buffer_size",
    "large_client_header_buffers", "keepalive_timeout", "send_timeout",
    "client_body_timeout", "client_header_timeout", "tcp_nodelay",
};

static bool
is_harmless(const char *word)
{
    for (size_t i = 0; i < ARRAY_SIZE(harmless); i++) {
        if (strcmp(word, harmless[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* Behind the ";" that ends the statement at 'text', quotes heeded; NULL where
 * there is none, or a block. */
static const char *
skip_statement(const char *text)
{
    char quote = '\0';

    for (; *text; text++) {
        if (*text == '\\' && text[1]) {
            text++;
        } else if (quote) {
            quote = *text == quote ? '\0' : quote;
        } else if (*text == '"' || *text == '\'') {
            quote = *text;
        } else if (*text == ';') {
            return text + 1;
        } else if (*text == '{' || *text == '}') {
            return NULL;
        }
    }
    return NULL;
}

/* The first directive in 'text' that might be a protection; NULL where none
 * is.  What cannot be understood is taken for one. */
static char *
find_protection(const char *text)
{
    for (;;) {
        size_t length;
        char *word;

        text += strspn(text, " \t\r\n;");
        if (*text == '\0') {
            return NULL;
        }
        if (*text == '#') {
            text += strcspn(text, "\n");
            continue;
        }
        length = strcspn(text, " \t\r\n;{}\"'");
        word = xstrndup(text, length ? length : 1);
        text = is_harmless(word) ? skip_statement(text) : NULL;
        if (!text) {
            return word;
        }
        free(word);
    }
}

void
annot_check_snippet(const struct annot_def *def, struct annot_value *value,
                    struct annot_say *say)
{
    AUTO_FREE char *word = find_protection(value->text);

    buf_puts(&say->error,
             "raw proxy configuration is refused: take the annotation out "
             "and see docs/migration.md for what replaces it");
    if (!def->protective) {
        return;
    }
    if (word) {
        AUTO_FREE char *quoted = str_quote(word);

        buf_printf(&say->error,
                   "; its %s may be a protection, so that the routes of "
                   "this Ingress answer 503 where it is served", quoted);
    } else {
        say->is_harmless = true;
    }
}
