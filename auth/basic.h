/* basic: user and password of an Authorization header.
 *
 * Pure; any thread.  Source: RFC 7617.
 */
#ifndef AUTH_BASIC_H
#define AUTH_BASIC_H

#include <stdbool.h>

#include "auth/wire.h"

struct basic {
    char *user, *password;
};

/* False: not such a header, or one that nobody can be meant by. */
bool basic_read(struct wire_text authorization, struct basic *out) MUST_USE;
void basic_fini(struct basic *);        /* Wipes. */

#endif /* AUTH_BASIC_H */
