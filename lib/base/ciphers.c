#include "lib/base/ciphers.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"

#define SEPARATORS ":, "
#define NAMES_SHOWN 3

static const char intermediate[] = CIPHERS_INTERMEDIATE;

/* True where the list chooses any cipher at all. */
static bool
choose(SSL_CTX *ctx, const char *list)
{
    bool is_some = SSL_CTX_set_cipher_list(ctx, list) == 1;

    ERR_clear_error();
    return is_some;
}

static bool
is_tls13(const SSL_CIPHER *c)
{
    return strcmp(SSL_CIPHER_get_version(c), "TLSv1.3") == 0;
}

/* Whoever listens reads it, or whoever answers may be anybody. */
static bool
protects_nobody(const SSL_CIPHER *c)
{
    return SSL_CIPHER_get_bits(c, NULL) < 112 ||
           SSL_CIPHER_get_auth_nid(c) == NID_auth_null;
}

static bool
is_intermediate(const SSL_CIPHER *c)
{
    const char *name = SSL_CIPHER_get_name(c);
    size_t length = strlen(name);

    for (const char *p = intermediate; *p; p += p[0] == ':') {
        if (strcspn(p, ":") == length && strncmp(p, name, length) == 0) {
            return true;
        }
        p += strcspn(p, ":");
    }
    return false;
}

struct gathered {
    size_t n;
    struct buf names;
};

static void
gather(struct gathered *g, const char *name)
{
    if (g->n < NAMES_SHOWN) {
        buf_printf(&g->names, "%s%s", g->n > 0 ? ", " : "", name);
    }
    g->n++;
}

static void
finish(struct gathered *g)
{
    if (g->n > NAMES_SHOWN) {
        buf_printf(&g->names, " and %zu more", g->n - NAMES_SHOWN);
    }
}

/* Parts that choose nothing; those that only take away may do so. */
static void
note_parts(SSL_CTX *ctx, const char *list, struct buf *notes)
{
    AUTO_FREE char *copy = xstrdup(list);
    struct gathered none = { .names = BUF_OWN };
    char *rest = copy, *part;

    while ((part = strsep(&rest, SEPARATORS))) {
        if (part[0] != '\0' && !strchr("!-+@", part[0]) &&
            !choose(ctx, part)) {
            gather(&none, part);
        }
    }
    finish(&none);
    if (none.n > 0) {
        buf_printf(notes, "names %s, which OpenSSL has not or no more: "
                   "left out", buf_str(&none.names));
    }
    buf_fini(&none.names);
}

static struct err *
judge(const SSL_CTX *ctx, struct buf *notes)
{
    STACK_OF(SSL_CIPHER) *all = SSL_CTX_get_ciphers(ctx);
    struct gathered bad = { .names = BUF_OWN };
    struct gathered weak = { .names = BUF_OWN };
    struct err *err = NULL;

    for (int i = 0; i < sk_SSL_CIPHER_num(all); i++) {
        const SSL_CIPHER *c = sk_SSL_CIPHER_value(all, i);

        if (!is_tls13(c) && protects_nobody(c)) {
            gather(&bad, SSL_CIPHER_get_name(c));
        } else if (!is_tls13(c) && !is_intermediate(c)) {
            gather(&weak, SSL_CIPHER_get_name(c));
        }
    }
    finish(&bad);
    finish(&weak);
    if (bad.n > 0) {
        err = err_new(ERR_INVALID, "lets in %s, which protect nobody: add "
                      "!aNULL:!eNULL", buf_str(&bad.names));
    } else if (weak.n > 0) {
        buf_printf(notes, "%slets in what Mozilla's intermediate profile "
                   "leaves out: %s", notes->size > 0 ? "; it " : "",
                   buf_str(&weak.names));
    }
    buf_fini(&bad.names);
    buf_fini(&weak.names);
    return err;
}

static struct err *
check_text(const char *list)
{
    static const char fit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                              "abcdefghijklmnopqrstuvwxyz"
                              "0123456789:+!-_@=.";
    size_t length = strspn(list, fit);

    if (list[length] != '\0' || length == 0) {
        return err_new(ERR_INVALID, "is no list of ciphers: write names of "
                       "OpenSSL's with \":\" between them");
    }
    if (strstr(list, "@SECLEVEL")) {
        return err_new(ERR_INVALID, "sets @SECLEVEL, which is the "
                       "program's: leave it out");
    }
    return NULL;
}

struct err *
ciphers_check(const char *list, struct buf *notes)
{
    struct err *err = check_text(list);
    SSL_CTX *ctx;

    if (err) {
        return err;
    }
    ctx = SSL_CTX_new(TLS_server_method());
    if (!ctx) {
        ERR_clear_error();
        return err_new(ERR_INTERNAL, "cannot be judged: OpenSSL has no "
                       "memory");
    }
    note_parts(ctx, list, notes);
    if (!choose(ctx, list)) {
        err = err_new(ERR_INVALID, "leaves no cipher: write names that "
                      "\"openssl ciphers\" lists");
    } else {
        err = judge(ctx, notes);
    }
    SSL_CTX_free(ctx);
    return err;
}
