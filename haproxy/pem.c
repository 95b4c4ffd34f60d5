#include "haproxy/pem.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/digest.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

struct pem_text {
    unsigned n_refs;
    bool is_vouched;
    char *copy;                 /* NULL: 'read' has it. */
    void (*read)(const void *aux, struct buf *out);
    void (*release)(const void *aux);
    const void *aux;
    struct buf *primed;         /* Empty after the first reading. */
};

struct pem_text *
pem_text_copy(const char *pem)
{
    struct pem_text *text = xcalloc(1, sizeof *text);

    text->n_refs = 1;
    text->copy = xstrdup(pem);
    return text;
}

struct pem_text *
pem_text_from(void (*read)(const void *aux, struct buf *out),
              void (*release)(const void *aux), const void *aux)
{
    struct pem_text *text = xcalloc(1, sizeof *text);

    text->n_refs = 1;
    text->read = read;
    text->release = release;
    text->aux = aux;
    return text;
}

void
pem_text_prime(struct pem_text *text, const char *pem)
{
    if (!text->primed) {
        text->primed = xmalloc(sizeof *text->primed);
        *text->primed = (struct buf) BUF_SECRET(BUF_OWN_MAX);
    }
    buf_clear(text->primed);
    buf_puts(text->primed, pem);
}

void
pem_text_forget(struct pem_text *text)
{
    if (text && text->primed) {
        buf_fini(text->primed);
    }
}

void
pem_text_vouch(struct pem_text *text)
{
    text->is_vouched = true;
}

bool
pem_text_is_vouched(const struct pem_text *text)
{
    return text->is_vouched;
}

struct pem_text *
pem_text_ref(struct pem_text *text)
{
    text->n_refs++;
    return text;
}

void
pem_text_unref(struct pem_text *text)
{
    if (!text || --text->n_refs > 0) {
        return;
    }
    if (text->copy) {
        explicit_bzero(text->copy, strlen(text->copy));
        free(text->copy);
    }
    if (text->release) {
        text->release(text->aux);
    }
    pem_text_forget(text);
    free(text->primed);
    free(text);
}

void
pem_text_read(const struct pem_text *text, struct buf *out)
{
    if (text->copy) {
        buf_puts(out, text->copy);
    } else if (text->primed && text->primed->size > 0) {
        buf_put(out, text->primed->data, text->primed->size);
        buf_fini(text->primed);
    } else {
        text->read(text->aux, out);
    }
}

#define BEGIN "-----BEGIN "
#define END "-----END "
#define RESPONSE "OCSP RESPONSE-----"

/* Where the block that begins at 'p' ends, behind its last line. */
static const char *
block_end(const char *p)
{
    const char *stop = strstr(p, END);

    stop = stop ? stop : p + strlen(p);
    return stop + strcspn(stop, "\n");
}

void
pem_compact(const char *pem, struct buf *out)
{
    for (const char *p = pem; *p;) {
        size_t length = strcspn(p, "\r\n");

        if (str_starts(p, BEGIN RESPONSE)) {
            p = block_end(p);
            continue;
        }
        if (length > 0) {
            buf_put(out, p, length);
            buf_putc(out, '\n');
        }
        p += length + strspn(p + length, "\r\n");
    }
}

void
pem_split(const char *pem, struct buf *certificates, struct buf *key)
{
    for (const char *p = pem; (p = strstr(p, BEGIN)) && strstr(p, END);) {
        const char *stop = block_end(p);
        bool is_cert = str_starts(p, BEGIN "CERTIFICATE-----");

        if (!str_starts(p, BEGIN RESPONSE)) {
            buf_put(is_cert ? certificates : key, p, (size_t) (stop - p));
            buf_putc(is_cert ? certificates : key, '\n');
        }
        p = stop;
    }
}

void
pem_add_response(const void *der, size_t size, struct buf *out)
{
    AUTO_FREE char *text = digest_base64_encode(der, size);

    buf_printf(out, BEGIN RESPONSE "\n%s\n" END RESPONSE "\n", text);
}

bool
pem_response(const char *pem, struct buf *out)
{
    const char *begin = strstr(pem, BEGIN RESPONSE "\n");

    if (begin) {
        begin += strlen(BEGIN RESPONSE "\n");
        buf_put(out, begin, strcspn(begin, "\n"));
    }
    return begin != NULL;
}
