/* work: one password to verify, and who waits for the verdict.
 *
 * Made by the loop, judged by a thread of the pool, read by the loop again;
 * the thread reads 'hash' and 'password' and sets 'is_right' and
 * 'is_skipped', the loop has the rest; both look at 'n_wanted'.
 */
#ifndef AUTH_WORK_H
#define AUTH_WORK_H

#include <stdbool.h>
#include <stdint.h>

#include "auth/verdicts.h"
#include "auth/wire.h"
#include "lib/base/vec.h"

struct work {
    char *hash, *password;
    bool is_known;              /* The user is in the table. */
    bool is_right;
    bool is_skipped;            /* Nobody waited for it any more. */
    _Atomic unsigned n_wanted;  /* Connections that wait. */
    char table_id[33];
    char group[WIRE_GROUP_MAX + 1];
    uint64_t table_serial;
    unsigned char key[VERDICTS_KEY_SIZE];
    VEC(int) waiting;           /* Descriptors of connections. */
};

void work_judge(void *work);    /* A pool_work_fn. */
void work_free(void *work);     /* Wipes; accepts NULL. */

#endif /* AUTH_WORK_H */
