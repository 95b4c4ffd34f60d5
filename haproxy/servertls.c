#include "haproxy/servertls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "haproxy/files.h"
#include "haproxy/model.h"
#include "haproxy/quote.h"
#include "lib/base/digest.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

/* Words whose argument is a file. */
static const char *const file_words[] = { "ca-file", "crt" };

static void
put_file(struct buf *out, const char *word, const char *name)
{
    char id[MODEL_ID_SIZE];

    model_cert_id(name, id);
    buf_printf(out, " %s %s", word, id);
}

static bool
put_option(struct buf *out, const char *option, const char *word)
{
    if (word) {
        buf_printf(out, " %s %s", option, word);
    }
    return !word || quote_is_option(word);
}

/* Without "sni" newer versions of HAProxy would send the Host, and verify
 * that: where no name is to be sent, it is that of a variable which is never
 * set.  Then, and only then, "verifyhost" is the name that is verified. */
static bool
put_name(struct buf *out, const struct plan_server_tls *tls)
{
    if (tls->name && tls->ca) {
        buf_printf(out, " verifyhost %s", tls->name);
    }
    if (tls->name && tls->sends_name) {
        buf_printf(out, " sni str(%s)", tls->name);
    } else {
        buf_puts(out, " sni var(txn.unset)");
    }
    return tls->name ? quote_is_sni(tls->name) && tls->name[0] != '*'
                     : !tls->ca;
}

char *
servertls_words(const struct plan_server_tls *tls)
{
    AUTO_BUF struct buf out = BUF_OWN;
    bool is_good;

    buf_printf(&out, "verify %s", tls->ca ? "required" : "none");
    if (tls->ca) {
        put_file(&out, "ca-file", tls->ca);
    }
    if (tls->cert) {
        put_file(&out, "crt", tls->cert);
    }
    is_good = put_name(&out, tls);
    is_good &= put_option(&out, "ciphers", tls->ciphers);
    is_good &= put_option(&out, "ssl-min-ver", tls->min_version);
    is_good &= put_option(&out, "ssl-max-ver", tls->max_version);
    return is_good ? xstrdup(buf_str(&out)) : NULL;
}

uint64_t
servertls_id(const char *words)
{
    char digest[DIGEST_HEX_SIZE];
    uint64_t id;

    digest_sha256_hex(words, strlen(words), digest);
    digest[SERVERTLS_KEY_SIZE - 1] = '\0';
    id = servertls_parse(digest);
    return id ? id : 1;
}

void
servertls_key(uint64_t id, char out[SERVERTLS_KEY_SIZE])
{
    snprintf(out, SERVERTLS_KEY_SIZE, "%016llx", (unsigned long long) id);
}

uint64_t
servertls_parse(const char *key)
{
    static const char digits[] = "0123456789abcdef";
    uint64_t id = 0;

    if (strlen(key) != SERVERTLS_KEY_SIZE - 1 ||
        strspn(key, digits) != SERVERTLS_KEY_SIZE - 1) {
        return 0;
    }
    for (const char *p = key; *p; p++) {
        id = id << 4 | (uint64_t) (strchr(digits, *p) - digits);
    }
    return id;
}

static bool
is_file_word(const char *word)
{
    for (size_t i = 0; i < ARRAY_SIZE(file_words); i++) {
        if (str_eq(word, file_words[i])) {
            return true;
        }
    }
    return false;
}

void
servertls_each(const char *words,
               void (*each)(const char *file_id, void *aux), void *aux)
{
    AUTO_FREE char *copy = xstrdup(words);
    char *rest = copy, *word;
    bool is_file = false;

    while ((word = strsep(&rest, " "))) {
        if (is_file) {
            each(word, aux);
        }
        is_file = is_file_word(word);
    }
}

struct asked {
    const char *id;
    bool found;
};

static void
compare(const char *file_id, void *aux)
{
    struct asked *asked = aux;

    asked->found |= str_eq(file_id, asked->id);
}

bool
servertls_names(const char *words, const char *file_id)
{
    struct asked asked = { .id = file_id };

    servertls_each(words, compare, &asked);
    return asked.found;
}

void
servertls_write(struct buf *out, const char *run_dir, const char *words)
{
    AUTO_FREE char *copy = xstrdup(words);
    char *rest = copy, *word;
    bool is_file = false;

    while ((word = strsep(&rest, " "))) {
        AUTO_FREE char *path = is_file ? files_cert(run_dir, word) : NULL;

        buf_printf(out, " %s", path ? path : word);
        is_file = is_file_word(word);
    }
}
