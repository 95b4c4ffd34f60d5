/* pem: the little the driver must know of a PEM text.  Pure; any thread. */
#ifndef HAPROXY_PEM_H
#define HAPROXY_PEM_H

#include "lib/base/buf.h"

/* Appends the PEM without blank lines and carriage returns, which would end
 * a payload on the runtime socket, and with a line feed at its end. */
void pem_compact(const char *pem, struct buf *out);

/* Parts the blocks of a PEM: certificates, and everything else (the key). */
void pem_split(const char *pem, struct buf *certificates, struct buf *key);

#endif /* HAPROXY_PEM_H */
