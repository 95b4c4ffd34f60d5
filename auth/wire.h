/* wire: the question that HAProxy asks, haproxy/lua/auth.lua, and the answer.
 *
 * A question is six fields, each two bytes of length (big-endian) and that
 * many bytes, one question per connection.  The answer is one line:
 *
 *     ok                        may pass
 *     no                        401, Basic
 *     no ALGORITHMS NONCE STALE 401, Digest: "S", "M" or "SM"; true or false
 *     full                      503, too much to do
 *     down                      503, no such table
 *
 * Pure; any thread.
 */
#ifndef AUTH_WIRE_H
#define AUTH_WIRE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/compiler.h"

/* HAProxy's buffer bounds a request's head at 16 KiB. */
#define WIRE_MAX 20000
#define WIRE_FIELDS 6
#define WIRE_GROUP_MAX 64
#define WIRE_AUTHORIZATION_MAX 8192

struct wire_text {
    const char *data;           /* May hold any byte; points into the input. */
    size_t size;
};

struct wire_question {
    struct wire_text table;     /* 32 hex digits. */
    struct wire_text group;     /* Whose work it is: fairness. */
    struct wire_text realm;
    struct wire_text method;
    struct wire_text uri;       /* Path and query as the client sent them. */
    struct wire_text authorization;
};

enum wire_state {
    WIRE_MORE,                  /* Not all there yet. */
    WIRE_WHOLE,
    WIRE_BAD,                   /* Not a question of ours. */
};

enum wire_state wire_read(const char *data, size_t size,
                          struct wire_question *out) MUST_USE;

bool wire_eq(struct wire_text, const char *);

#endif /* AUTH_WIRE_H */
