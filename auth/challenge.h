/* challenge: HTTP digest authentication, qop=auth, MD5 and SHA-256.
 *
 * A strict reader of the Authorization header and the judge of one: user,
 * realm, request target, nonce, nonce count and response must all be right.
 * Not there: auth-int, -sess, userhash, username*.
 *
 * Pure but for the table's nonces; one thread.
 * Source: RFC 7616, 3.4; RFC 2617.
 */
#ifndef AUTH_CHALLENGE_H
#define AUTH_CHALLENGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth/table.h"
#include "auth/wire.h"
#include "lib/base/buf.h"

/* The values of a header: unquoted copies. */
struct challenge_params {
    char *username, *realm, *nonce, *uri, *response, *algorithm, *cnonce;
    char *qop, *nc;
};

/* Reads what follows "Digest "; false: not one, or something is there twice.
 * 'out' is the caller's to release either way. */
bool challenge_params_read(const char *text, size_t size,
                        struct challenge_params *out) MUST_USE;
void challenge_params_fini(struct challenge_params *);

enum challenge_verdict {
    CHALLENGE_OK,
    CHALLENGE_NO,
    CHALLENGE_STALE,       /* All right but the nonce. */
};

struct challenge_key {
    const unsigned char *bytes;
    size_t size;
};

enum challenge_verdict challenge_judge(const struct table *,
                                 const struct wire_question *,
                                 struct challenge_key, int64_t now_ms);

/* "no ALGORITHMS NONCE STALE\n" into 'out'. */
void challenge_put(const struct table *, const struct wire_question *,
                      struct challenge_key, bool is_stale, int64_t now_ms,
                      struct buf *out);

#endif /* AUTH_CHALLENGE_H */
