/* responder: fetch.h over a responder of OCSP that a script commands, and the
 * certificates that it is asked about. */
#ifndef TESTS_REPLAY_RESPONDER_H
#define TESTS_REPLAY_RESPONDER_H

#include <jansson.h>
#include <stdbool.h>

/* "good", "revoked", "unknown", "garbage", "down", "hang"; false: no such
 * thing.  Every process begins with "down". */
bool responder_set(const char *how);
/* A TLS Secret for 'host' with a certificate nobody had before. */
json_t *responder_secret(const char *key, const char *host, bool must_staple);
/* What goes with the certificate of a Secret in the plan: "good", "revoked",
 * "none". */
const char *responder_stapled(const char *key);
void responder_reset(void);

#endif /* TESTS_REPLAY_RESPONDER_H */
