/* sni: the certificates and options that a host's server name is answered
 * with.  Pure; the result borrows from what it was made of.
 */
#ifndef RECONCILER_SNI_H
#define RECONCILER_SNI_H

#include <stdbool.h>

#include "haproxy/plan.h"
#include "lib/ingress/serve.h"
#include "reconciler/certs.h"

/* 'covers' and 'second_covers': the host's Secrets are there and cover it.
 * Without any the host has the default certificate.  False where the name
 * needs no entry of its own. */
bool sni_make(const struct serve_host *, const struct certs *, bool covers,
              bool second_covers, struct plan_sni *out);
/* Adds the versions and ciphers that the host's Ingresses ask for. */
bool sni_options(const struct serve_host *, struct plan_sni *out);

#endif /* RECONCILER_SNI_H */
