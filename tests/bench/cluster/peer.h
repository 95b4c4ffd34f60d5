/* peer: connections to the API server and to the proxy.
 *
 * Ownership: who opens hangs up.  Errors: no connection is -1 or NULL.
 * Threads: any; an SSL is its thread's.
 */
#ifndef BENCH_CLUSTER_PEER_H
#define BENCH_CLUSTER_PEER_H

#include <stdint.h>

#include <openssl/ssl.h>

/* Ends the program, with what OpenSSL says. */
_Noreturn void peer_fail(const char *what);

/* Monotonic microseconds. */
int64_t peer_now_us(void);

/* To a port of this machine. */
int peer_dial(uint16_t port);
SSL *peer_dial_tls(SSL_CTX *, uint16_t port, const char *name);
void peer_hang_up(SSL *);

#endif /* BENCH_CLUSTER_PEER_H */
