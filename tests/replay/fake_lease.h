/* fake_lease: Leases of the scripted API server: the leader's, and claims. */
#ifndef TESTS_REPLAY_FAKE_LEASE_H
#define TESTS_REPLAY_FAKE_LEASE_H

#include "tests/replay/fake_api.h"

void fake_lease_answer(const struct fake_request *, json_t *body,
                       struct fake_answer *out);
bool fake_lease_has_label(json_t *lease, const char *label);

/* A claim on a host, written at this moment into namespace "sys". */
void fake_claim_put(const char *host, const char *holder);
bool fake_claim_is(const char *host);
size_t fake_claim_count(void);

#endif /* TESTS_REPLAY_FAKE_LEASE_H */
