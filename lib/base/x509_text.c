#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "lib/base/str.h"
#include "lib/base/x509_priv.h"

/* PEM, encoded as base64 once more, begins so. */
static const char twice[] = "LS0tLS1CRUdJTi";

static bool
has(const char *text, size_t size, const char *word)
{
    return memmem(text, size, word, strlen(word)) != NULL;
}

/* What stands after the last block may be blank only: bytes that were meant
 * to be one would otherwise vanish in silence. */
static const char *
find_tail(const char *text, size_t size)
{
    static const char end[] = "-----END ";
    const char *at = text;
    const char *last = NULL;
    const char *stop = text + size;

    while ((at = memmem(at, (size_t) (stop - at), end, sizeof end - 1))) {
        last = at;
        at += sizeof end - 1;
    }
    last = last ? memchr(last, '\n', (size_t) (stop - last)) : NULL;
    while (last && last < stop && strchr(" \t\r\n", *last)) {
        last++;
    }
    return last && last < stop ? last : NULL;
}

/* What people store where PEM is asked for. */
static struct err *
check_format(const struct x509_text *t)
{
    const unsigned char first = (unsigned char) t->data[0];

    if (first == 0xff || first == 0xfe) {
        return err_new(ERR_INVALID,
                       "%s is not plain text (UTF-16): save it as ASCII",
                       t->name);
    }
    if (first == 0x30 && !has(t->data, t->size, "-----BEGIN ")) {
        return err_new(ERR_INVALID,
                       "%s is binary (DER or PKCS#12), not PEM: convert it "
                       "with openssl x509, openssl pkey or openssl pkcs12",
                       t->name);
    }
    if (memchr(t->data, '\0', t->size)) {
        return err_new(ERR_INVALID, "%s is not PEM text: it has a NUL byte",
                       t->name);
    }
    if (str_starts(t->data, twice)) {
        return err_new(ERR_INVALID,
                       "%s is PEM that was encoded as base64 twice: encode "
                       "it once, or write it as it is under stringData",
                       t->name);
    }
    return NULL;
}

struct err *
x509_check_text(const struct x509_text *t)
{
    const char *tail;
    struct err *err;

    if (t->size == 0) {
        return err_new(ERR_INVALID, "%s is empty", t->name);
    }
    if (t->size > X509_MAX_PEM) {
        return err_new(ERR_INVALID, "%s is larger than %zu KiB", t->name,
                       X509_MAX_PEM >> 10);
    }
    err = check_format(t);
    if (err) {
        return err;
    }
    tail = find_tail(t->data, t->size);
    if (tail && has(tail, t->size - (size_t) (tail - t->data),
                    "-----BEGIN ")) {
        return err_new(ERR_INVALID,
                       "%s is cut off: its last PEM block has no END line",
                       t->name);
    }
    if (tail) {
        return err_new(ERR_INVALID, "%s has text after its last PEM block",
                       t->name);
    }
    return NULL;
}

struct err *
x509_bad_block(const struct x509_text *t)
{
    const int reason = ERR_GET_REASON(ERR_peek_last_error());

    ERR_clear_error();
    if (reason == PEM_R_NO_START_LINE) {
        return NULL;
    }
    if (reason == PEM_R_BAD_END_LINE) {
        return err_new(ERR_INVALID,
                       "%s has a PEM block without its END line: it is cut "
                       "off, or damaged",
                       t->name);
    }
    return err_new(ERR_INVALID,
                   "%s has a PEM block that is not base64: it is damaged",
                   t->name);
}
