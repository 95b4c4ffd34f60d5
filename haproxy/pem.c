#include "haproxy/pem.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

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

void
pem_compact(const char *pem, struct buf *out)
{
    for (const char *p = pem; *p;) {
        size_t length = strcspn(p, "\r\n");

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
    static const char begin[] = "-----BEGIN ", end[] = "-----END ";
    static const char kind[] = "CERTIFICATE-----";

    for (const char *p = pem; (p = strstr(p, begin));) {
        const char *stop = strstr(p, end);
        bool is_cert = strncmp(p + strlen(begin), kind, strlen(kind)) == 0;
        size_t length;

        if (!stop) {
            return;
        }
        stop += strcspn(stop, "\n");
        length = (size_t) (stop - p);
        buf_put(is_cert ? certificates : key, p, length);
        buf_putc(is_cert ? certificates : key, '\n');
        p = stop;
    }
}
