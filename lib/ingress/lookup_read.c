/* From the bytes of a request to host and path, as HAProxy's parser and the
 * first steps of the program read them. */
#include "lib/ingress/lookup_priv.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/ingress/key.h"

/* --- The guard on Host --- */

static bool
is_label_byte(char c)
{
    return isalnum((unsigned char) c) || c == '-' || c == '_';
}

/* The length of a name, "a.b" or "a.b."; 0: it is none. */
static size_t
name_length(const char *s)
{
    size_t i = 0;

    for (;;) {
        size_t start = i;

        while (is_label_byte(s[i])) {
            i++;
        }
        if (i == start) {
            /* The dot before the end may be the last byte. */
            return i;
        }
        if (s[i] != '.') {
            return i;
        }
        i++;
    }
}

/* "[::1]"; 0: it is none. */
static size_t
bracket_length(const char *s)
{
    size_t n = 1 + strspn(s + 1, "0123456789abcdefABCDEF:.");

    return n > 1 && s[n] == ']' ? n + 1 : 0;
}

static bool
is_port(const char *s)
{
    size_t n;

    if (s[0] == '\0') {
        return true;
    }
    n = s[0] == ':' ? strspn(s + 1, "0123456789") : 0;
    return n >= 1 && n <= 5 && s[n + 1] == '\0';
}

/* The canonical host of a Host header; NULL: refused. */
static char *
guard_host(const char *given)
{
    size_t length = given[0] == '[' ? bracket_length(given)
                                    : name_length(given);
    AUTO_FREE char *host = NULL;

    if (length == 0 || !is_port(given + length)) {
        return NULL;
    }
    host = xstrndup(given, length);
    str_lower_in_place(host);
    if (host[length - 1] == '.') {
        host[length - 1] = '\0';
    }
    return host[0] == '\0' ? NULL : STEAL_PTR(host);
}

/* --- The target --- */

struct target {
    const char *text;           /* Without blanks before it. */
    const char *scheme_end;     /* Absolute form: its ":"; else NULL. */
    char *authority;            /* Without user; NULL: none. */
    char *path;                 /* Raw, without query; NULL: none. */
};

static void
target_fini(struct target *t)
{
    free(t->authority);
    free(t->path);
}

/* What HAProxy's parsers let through: no "#" since CVE-2023-45539.  A raw 0x7f
 * in HTTP/1 passes or not by where in memory it lies: refused here. */
static bool
is_sendable(const char *target, bool is_http2)
{
    if (target[0] == '\0') {
        return false;
    }
    for (const char *p = target; *p; p++) {
        const unsigned char c = (unsigned char) *p;

        if (c <= 0x20 || c == 0x7f || c == '#' || (c > 0x7f && !is_http2)) {
            return false;
        }
    }
    return true;
}

/* The ":" of "scheme://", NULL where there is none. */
static const char *
find_scheme_end(const char *target)
{
    const char *p = target;

    if (!isalpha((unsigned char) *p)) {
        return NULL;
    }
    while (isalnum((unsigned char) *p) || *p == '+' || *p == '-' ||
           *p == '.') {
        p++;
    }
    return str_starts(p, "://") ? p : NULL;
}

static char *
without_query(const char *path)
{
    return path[0] == '/' ? xstrndup(path, strcspn(path, "?")) : NULL;
}

/* The target between the blanks that HTTP/1 forgives. */
static char *
trim_target(const struct lookup_request *r)
{
    const char *start = r->target;
    size_t length;

    if (r->version == 20) {
        return xstrdup(start);
    }
    start += strspn(start, " \t");
    length = strlen(start);
    while (length > 0 && strchr(" \t", start[length - 1])) {
        length--;
    }
    return xstrndup(start, length);
}

/* Splits what stands on the request line of HTTP/1. */
static void
read_target(const char *text, struct target *t)
{
    const char *start = text, *end, *at;

    *t = (struct target) { .text = text };
    if (text[0] == '/') {
        t->path = without_query(text);
        return;
    }
    if (text[0] == '*') {
        return;
    }
    t->scheme_end = find_scheme_end(text);
    if (t->scheme_end) {
        start = t->scheme_end + 3;
    }
    end = start + strcspn(start, "/");
    at = memrchr(start, '@', (size_t) (end - start));
    if (at) {
        start = at + 1;
    }
    if (end > start) {
        t->authority = xstrndup(start, (size_t) (end - start));
    }
    t->path = t->scheme_end ? without_query(end) : NULL;
}

/* The bytes before ":80" of http, ":443" of https, or ":"; all of them where
 * it ends in no such port. */
static size_t
without_port(const char *authority, bool is_https)
{
    size_t length = strlen(authority);
    size_t n = length;

    while (n > 0 && isdigit((unsigned char) authority[n - 1])) {
        n--;
    }
    if (n == 0 || authority[n - 1] != ':' ||
        (n < length &&
         strcmp(authority + n, is_https ? "443" : "80") != 0)) {
        return length;
    }
    return n - 1;
}

/* One authority in the two places, but for the scheme's own port. */
static bool
is_same_authority(const char *a, const char *b, bool is_https)
{
    size_t n = without_port(a, is_https);

    return n == without_port(b, is_https) && strncasecmp(a, b, n) == 0;
}

static bool
has_scheme(const struct target *t, const char *scheme)
{
    size_t length = strlen(scheme);

    return t->scheme_end && (size_t) (t->scheme_end - t->text) == length &&
           strncasecmp(t->text, scheme, length) == 0;
}

/* Host as the program sees it; NULL: there is none.  HAProxy refuses an
 * authority that is not the Host, and takes the scheme's own port off one
 * that has it. */
static char *
agree_on_host(const struct lookup_request *r, const struct target *t,
              struct lookup_answer *a)
{
    bool is_https = has_scheme(t, "https");
    bool has_port = is_https || has_scheme(t, "http");
    size_t length;

    if (!r->host || !t->authority) {
        return r->host ? xstrdup(r->host) : NULL;
    }
    if (strcasecmp(t->authority, r->host) != 0 &&
        !(has_port && is_same_authority(t->authority, r->host, is_https))) {
        a->status = 400;
        a->why = "the target names another host than Host";
        return NULL;
    }
    length = without_port(t->authority, is_https);
    return has_port && t->authority[length] != '\0'
               ? xstrndup(t->authority, length)
               : xstrdup(r->host);
}

static void
read_http1(const struct lookup_request *r, const char *target,
           struct lookup_answer *a, bool *is_root, char **host, char **path)
{
    struct target t;

    read_target(target, &t);
    *host = agree_on_host(r, &t, a);
    *path = STEAL_PTR(t.path);
    *is_root = !*path &&
               (strcmp(r->method, "OPTIONS") == 0 ||
                ((has_scheme(&t, "http") || has_scheme(&t, "https")) &&
                 !strchr(t.text, '*')));
    target_fini(&t);
}

static void
read_http2(const struct lookup_request *r, struct lookup_answer *a,
           bool *is_root, char **host, char **path)
{
    if (r->target[0] != '/' && strcmp(r->target, "*") != 0) {
        a->status = 400;
        a->why = "HTTP/2 has paths that begin with a slash";
        return;
    }
    for (const char *p = r->host ? r->host : ""; *p; p++) {
        if ((unsigned char) *p <= 0x20 || *p == 0x7f) {
            a->status = 400;
            a->why = "no HTTP/2 authority: a blank or a control byte";
            return;
        }
    }
    *is_root = r->target[0] == '*' &&
               (r->host || strcmp(r->method, "OPTIONS") == 0);
    *path = without_query(r->target);
    if (r->host) {
        *host = xstrndup(r->host, without_port(r->host, r->is_https));
    }
}

static void
refuse(struct lookup_answer *a, unsigned status, const char *why)
{
    if (a->status == 0) {
        a->status = status;
        a->why = why;
    }
}

/* The program's own checks, after HAProxy's. */
static void
check(const struct lookup_request *r, struct lookup_answer *a,
      const char *host, const char *path)
{
    if (strcmp(r->method, "CONNECT") == 0 ||
        strcmp(r->method, "TRACE") == 0) {
        refuse(a, 405, "this method is not served");
        return;
    }
    if (!host && r->version == 11) {
        refuse(a, 400, "HTTP/1.1 needs a Host");
        return;
    }
    if (host) {
        a->host = guard_host(host);
        if (!a->host) {
            refuse(a, 400, "this Host is not acceptable");
            return;
        }
    }
    if (path) {
        a->path = key_request_path(path);
        if (!a->path) {
            refuse(a, 400, "this path is not acceptable");
        }
    }
}

void
lookup_read(const struct lookup_request *r, struct lookup_answer *a,
            bool *is_root)
{
    AUTO_FREE char *target = trim_target(r);
    AUTO_FREE char *host = NULL;
    AUTO_FREE char *path = NULL;

    *is_root = false;
    if (!is_sendable(target, r->version == 20)) {
        refuse(a, 400, "no HTTP request target: a blank, a control byte, "
                       "\"#\" or a byte beyond ASCII");
        return;
    }
    if (r->version == 20) {
        read_http2(r, a, is_root, &host, &path);
    } else {
        read_http1(r, target, a, is_root, &host, &path);
    }
    if (a->status == 0) {
        check(r, a, host, path);
    }
}
