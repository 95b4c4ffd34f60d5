/* hapsock: one exchange with a control socket of HAProxy.
 *
 * Connect, write one line (and its payload), read until HAProxy closes.  One
 * connection per exchange needs no framing, and a dead worker is an error at
 * once.  Connecting and the rest have a deadline each, the reply a ceiling.
 * Blocks the owner thread within those bounds.
 */
#ifndef HAPROXY_HAPSOCK_H
#define HAPROXY_HAPSOCK_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"

#define HAPSOCK_CONNECT_MS 2000
#define HAPSOCK_EXCHANGE_MS 5000
/* What one exchange may carry: HAProxy up to 3.2 drops, without a word, what
 * exceeds its buffer of 16,384 bytes. */
#define HAPSOCK_LINE_MAX 15000
#define HAPSOCK_REPLY_MAX ((size_t) 256 << 20)

/* Sends 'size' bytes to the socket at 'path' and appends the reply.  An empty
 * reply is an error: HAProxy always answers at least a line feed.
 * ERR_UNAVAILABLE: nobody listens, or too slow. */
struct err *hapsock_call(const char *path, const void *data, size_t size,
                         struct buf *reply) MUST_USE;

/* Whether what came so far is the whole answer. */
typedef bool hapsock_is_whole(const char *reply, const void *aux);

/* The same, done as soon as the answer is whole: a busy HAProxy closes some
 * time after it has answered.  What it says without being whole is read to
 * its end. */
struct err *hapsock_call_until(const char *path, const void *data,
                               size_t size, hapsock_is_whole *is_whole,
                               const void *aux, struct buf *reply) MUST_USE;

/* The same as hapsock_call() on the master's socket, which closes only after
 * we did; here an empty reply is allowed ("reload" of 2.6 has none). */
struct err *hapsock_call_master(const char *path, const char *command,
                                struct buf *reply) MUST_USE;

#endif /* HAPROXY_HAPSOCK_H */
