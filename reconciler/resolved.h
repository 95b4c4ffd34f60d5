/* resolved: the addresses that DNS last gave for one host name. */
#ifndef RECONCILER_RESOLVED_H
#define RECONCILER_RESOLVED_H

#include <stddef.h>

#include "lib/base/compiler.h"

struct resolved {
    char **addresses;
    size_t n;               /* 0: it was asked for, and has none. */
};

struct resolved *resolved_new(const char *const *addresses, size_t n)
    MUST_USE RETURNS_NONNULL;
void resolved_free(void *);     /* Accepts NULL. */

#endif /* RECONCILER_RESOLVED_H */
