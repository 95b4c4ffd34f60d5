/* table: the users of one Secret as one file of the reconciler.
 *
 *     sallyport-auth 1 basic|digest
 *     USER:HASH  or  USER:REALM:HA1
 *
 * Holds also what belongs to these users alone: which credentials were right
 * a moment ago, and how often each nonce was used.  A change of the file is a
 * new table, without either.
 *
 * Ownership: copies; table_free() wipes.  One thread.
 */
#ifndef AUTH_TABLE_H
#define AUTH_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth/nonces.h"
#include "auth/verdicts.h"
#include "lib/base/compiler.h"
#include "lib/base/err.h"
#include "lib/base/map.h"

#define TABLE_MAGIC "sallyport-auth 1 "

/* HA1s of one user and realm; an empty string: none. */
struct table_ha1 {
    char md5[33];
    char sha256[65];
};

struct table {
    uint64_t serial;            /* No other table of the process has it. */
    bool is_digest;
    struct map *users;          /* USER to its hash, or USER "\n" REALM to
                                 * struct table_ha1. */
    const char *first_hash;     /* For users that are not there; borrowed. */
    bool all_md5, all_sha256;   /* Every user of a digest has one. */
    struct verdicts *verdicts;  /* basic */
    struct nonces *nonces;      /* digest */
};

/* 'now_ms' is when it was read: older nonces are not believed any more. */
struct err *table_parse(const char *text, size_t size, int64_t now_ms,
                        struct table **out) MUST_USE;
void table_free(struct table *);        /* Accepts NULL. */

/* NULL: no such user; borrowed. */
const char *table_hash(const struct table *, const char *user);
const struct table_ha1 *table_ha1(const struct table *, const char *user,
                                  const char *realm);

#endif /* AUTH_TABLE_H */
