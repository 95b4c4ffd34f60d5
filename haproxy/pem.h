/* pem: the little the driver must know of a PEM text, and texts that are kept
 * only once.
 *
 * Keys should not lie about in copies: whoever has what a certificate is made
 * of keeps it, and the text exists while it is written somewhere.
 * Threads: functions of texts are pure; a struct pem_text is one thread's.
 */
#ifndef HAPROXY_PEM_H
#define HAPROXY_PEM_H

#include <stdbool.h>

#include "lib/base/buf.h"
#include "lib/base/compiler.h"

/* Counted. */
struct pem_text;

/* Keeps a copy. */
struct pem_text *pem_text_copy(const char *pem) MUST_USE RETURNS_NONNULL;
/* Asks 'read' for the text each time: it appends to 'out'.  'release' (may be
 * NULL) is called at the end. */
struct pem_text *pem_text_from(void (*read)(const void *aux, struct buf *out),
                               void (*release)(const void *aux),
                               const void *aux) MUST_USE RETURNS_NONNULL;
/* What 'read' would say now, for the first reading, which wipes it: who has
 * just made the text spares its reader from making it again. */
void pem_text_prime(struct pem_text *, const char *pem);
void pem_text_forget(struct pem_text *);    /* NULL; where nobody read it. */
/* Whoever made it says that what it reads as was taken by x509_read_pair():
 * nobody has to try it before HAProxy is started with it. */
void pem_text_vouch(struct pem_text *);
bool pem_text_is_vouched(const struct pem_text *);
struct pem_text *pem_text_ref(struct pem_text *);
void pem_text_unref(struct pem_text *);     /* Accepts NULL. */
/* Appends the text, which may hold a key. */
void pem_text_read(const struct pem_text *, struct buf *out);

/* Appends the PEM without blank lines and carriage returns, which would end
 * a payload on the runtime socket, and with a line feed at its end.  A
 * response is left out. */
void pem_compact(const char *pem, struct buf *out);

/* Parts the blocks of a PEM: certificates, and the key with whatever else
 * there is but a response. */
void pem_split(const char *pem, struct buf *certificates, struct buf *key);

/* The text of a certificate may end with an OCSP response about it, as one
 * block more: what is served is the text as a whole. */
void pem_add_response(const void *der, size_t size, struct buf *out);
/* Appends its base64 without line feeds; false where there is none. */
bool pem_response(const char *pem, struct buf *out);

#endif /* HAPROXY_PEM_H */
