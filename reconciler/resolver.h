/* resolver: addresses of ExternalName Services and of hosts that auth-url
 * names, by the system's resolver.
 *
 * Only where there are any.  One thread of its
 * own asks (getaddrinfo blocks); the owner hands over the names in use and
 * takes answers.  A name that stops resolving keeps its last addresses;
 * one that never did is answered without any.
 */
#ifndef RECONCILER_RESOLVER_H
#define RECONCILER_RESOLVER_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/compiler.h"
#include "lib/base/waits.h"

/* Names at a time, addresses of one name, milliseconds between two looks. */
#define RESOLVER_MAX_NAMES 1000
#define RESOLVER_MAX_ADDRESSES 16
#define RESOLVER_INTERVAL_MS 30000

struct resolver;

struct resolver *resolver_new(void) MUST_USE RETURNS_NONNULL;
void resolver_free(struct resolver *);      /* Accepts NULL. */

/* The names in use, sorted; copied. */
void resolver_want(struct resolver *, char *const *names, size_t n);

/* Takes one changed answer; false where there is none.  '*name' and each
 * address are the caller's to free. */
struct resolver_answer {
    char *name;
    char *addresses[RESOLVER_MAX_ADDRESSES];
    size_t n;
};
bool resolver_take(struct resolver *, struct resolver_answer *);
void resolver_answer_fini(struct resolver_answer *);

void resolver_wait(struct resolver *, struct waits *);

#endif /* RECONCILER_RESOLVER_H */
