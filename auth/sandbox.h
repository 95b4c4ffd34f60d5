/* sandbox: what the daemon can never do again.
 *
 * No socket of any kind, no program, no tracing of others, no new rights:
 * also where it shares a network with its pod.  Once the socket is there. */
#ifndef AUTH_SANDBOX_H
#define AUTH_SANDBOX_H

#include "lib/base/err.h"

struct err *sandbox_enter(void) MUST_USE;

#endif /* AUTH_SANDBOX_H */
