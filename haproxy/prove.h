/* prove: the loaded program shows that it judges as it should.
 *
 * A few rows under the reserved host proof.invalid are always in the maps
 * (prove_rows).  prove_run() then sends some forty requests, forged and odd
 * ones among them, through the private sockets of the http and of the https
 * frontend, with client addresses of its own choice (those sockets speak the
 * PROXY protocol), and compares the answers.  No request reaches a server of
 * anybody: the rows end in slots that answer themselves.  A wrong answer
 * means that this HAProxy must not be called ready.
 *
 * Threads: prove_run() blocks its caller until 'deadline_ms'.
 */
#ifndef HAPROXY_PROVE_H
#define HAPROXY_PROVE_H

#include <stdbool.h>
#include <stdint.h>

#include "haproxy/policy.h"
#include "lib/base/compiler.h"
#include "lib/base/err.h"

/* No Ingress may have this host or one below it. */
#define PROVE_HOST "proof.invalid"

/* Yields every row the proof needs, in the order in which to write them:
 * policy, then routes ("http", "https", "http-regex", "https-regex"). */
void prove_rows(policy_row_fn *row, void *aux);

/* NULL: every answer of the frontend ('is_https' or http) behind
 * RUN_DIR/proof-*.sock was right.  ERR_PROTOCOL names the first wrong one,
 * ERR_UNAVAILABLE says that none came.  'deadline_ms' is of clock_ms(). */
struct err *prove_run(const char *run_dir, bool is_https,
                      int64_t deadline_ms) MUST_USE;

#endif /* HAPROXY_PROVE_H */
