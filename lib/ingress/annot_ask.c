/* Checks of what is said of services that are asked. */
#include "lib/ingress/annot_priv.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"
#include "lib/base/vec.h"
#include "lib/ingress/askurl.h"
#include "lib/ingress/variables.h"

#define HEADERS_MAX 32
#define SECONDS_MAX 86400

static void
complain(struct annot_say *say, const struct annot_value *value, char *why)
{
    if (why) {
        annot_complain(&say->error, value->text, "%s", why);
    }
    free(why);
}

void
annot_check_ask_url(const struct annot_def *def UNUSED,
                    struct annot_value *value, struct annot_say *say)
{
    struct askurl url;

    complain(say, value, askurl_read(value->text, &url));
    askurl_fini(&url);
}

void
annot_check_ask_text(const struct annot_def *def UNUSED,
                     struct annot_value *value, struct annot_say *say)
{
    complain(say, value, variables_check(value->text));
}

/* A URL, or a path of the request's own host. */
void
annot_check_ask_signin(const struct annot_def *def, struct annot_value *value,
                       struct annot_say *say)
{
    const char *text = value->text;
    const char *host = str_starts(text, "https://")  ? text + 8
                       : str_starts(text, "http://") ? text + 7
                       : str_starts(text, "$scheme://") ? text + 10
                                                        : NULL;
    bool is_path = text[0] == '/' && text[1] != '/';

    if (!is_path && (!host || *host == '\0' || strchr("/?#", *host))) {
        annot_complain(&say->error, text,
                       "is not an absolute URL: write one that begins with "
                       "\"https://\", or a path");
    } else if (host && *host != '$' &&
               !annot_is_authority(host, strcspn(host, "/?#"))) {
        annot_complain(&say->error, text,
                       "has no valid host: write a DNS name, or $host");
    } else if (strchr(text, '#')) {
        annot_complain(&say->error, text,
                       "has a fragment: leave out \"#\" and what follows");
    } else {
        annot_check_ask_text(def, value, say);
    }
}

void
annot_check_ask_key(const struct annot_def *def, struct annot_value *value,
                    struct annot_say *say)
{
    if (!variables_has_any(value->text)) {
        annot_complain(&say->error, value->text,
                       "names no variable, so that one answer would be "
                       "everybody's: write such as "
                       "\"$http_authorization\"");
    } else {
        annot_check_ask_text(def, value, say);
    }
}

/* Of a connection or a body, or what the request itself is. */
static const char *const forbidden[] = {
    "connection", "content-length", "transfer-encoding", "keep-alive",
    "upgrade", "te", "trailer", "host", "expect",
};

static bool
count_header(const char *piece, size_t length, void *aux)
{
    AUTO_FREE char *name = xstrndup(piece, length);
    size_t *n = aux;

    for (size_t i = 0; i < ARRAY_SIZE(forbidden); i++) {
        if (strcasecmp(forbidden[i], name) == 0) {
            *n = SIZE_MAX;
            return false;
        }
    }
    ++*n;
    return true;
}

void
annot_check_ask_headers(const struct annot_def *def UNUSED,
                        struct annot_value *value, struct annot_say *say)
{
    size_t n = 0;

    if (strcmp(value->text, "*") == 0) {
        annot_complain(&say->error, value->text,
                       "names no header: list those that the Service may "
                       "believe");
        return;
    }
    (void) str_split(value->text, ',', count_header, &n);
    if (n == SIZE_MAX) {
        annot_complain(&say->error, value->text,
                       "names a header of the connection or of the body, "
                       "such as Host: leave it out");
    } else if (n > HEADERS_MAX) {
        annot_complain(&say->error, value->text,
                       "names more than %d headers", HEADERS_MAX);
    }
}

/* "10m" in seconds. */
static bool
read_time(const char *text, uint64_t *seconds)
{
    size_t digits = strspn(text, "0123456789");
    AUTO_FREE char *number = xstrndup(text, digits);
    const char *unit = text + digits;
    uint64_t factor = strcmp(unit, "h") == 0    ? 3600
                      : strcmp(unit, "m") == 0  ? 60
                      : strcmp(unit, "s") == 0 || !*unit ? 1
                                                         : 0;

    if (factor == 0 || !parse_u64(number, 1, SECONDS_MAX, seconds)) {
        return false;
    }
    *seconds *= factor;
    return *seconds <= SECONDS_MAX;
}

/* "200 202 10m": the statuses, then the time. */
static bool
read_duration(const char *piece, size_t length, void *aux)
{
    AUTO_FREE char *copy = xstrndup(piece, length);
    VEC(const char *) statuses = { 0 };
    char *rest = copy;
    char *word;
    const char *last = NULL;
    uint64_t status, seconds = 0;
    bool is_good;

    while ((word = strsep(&rest, " "))) {
        if (*word) {
            if (last) {
                VEC_PUSH(&statuses, last);
            }
            last = word;
        }
    }
    is_good = last && statuses.n > 0 && read_time(last, &seconds);
    for (size_t i = 0; is_good && i < statuses.n; i++) {
        is_good = parse_u64(statuses.items[i], 200, 599, &status);
        buf_printf(aux, "%s%s:%" PRIu64, ((struct buf *) aux)->size ? "/" : "",
                   statuses.items[i], seconds);
    }
    VEC_FINI(&statuses);
    return is_good;
}

void
annot_check_ask_duration(const struct annot_def *def UNUSED,
                         struct annot_value *value, struct annot_say *say)
{
    AUTO_BUF struct buf out = BUF_OWN;

    if (!str_split(value->text, ',', read_duration, &out) ||
        out.size > 200) {
        annot_complain(&say->error, value->text,
                       "is not a list of statuses and times of a day at "
                       "most: write such as \"200 202 10m, 401 1m\"");
        return;
    }
    free(value->text);
    value->text = buf_take(&out);
}

static bool
is_location(const char *piece, size_t length, void *aux)
{
    (void) aux;
    return length > 1 && piece[0] == '/';
}

void
annot_check_locations(const struct annot_def *def UNUSED,
                      struct annot_value *value, struct annot_say *say)
{
    if (!str_split(value->text, ',', is_location, NULL)) {
        annot_complain(&say->error, value->text,
                       "has what is no path below \"/\": write such as "
                       "\"/.well-known/acme-challenge\"");
    }
}
