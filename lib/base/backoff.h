/* backoff: how long to wait before the next try.
 *
 * Doubles from 'min_ms' to 'max_ms' with full jitter above half; forgets
 * after a success.  It reads no clock and no randomness of its own: both are
 * arguments, so a test knows every answer.
 */
#ifndef BASE_BACKOFF_H
#define BASE_BACKOFF_H

#include <stdint.h>

struct backoff {
    int64_t min_ms;
    int64_t max_ms;
    int64_t next_ms;    /* Upper end of the next wait; 0 before a failure. */
};

#define BACKOFF_INIT(min, max) { .min_ms = (min), .max_ms = (max) }

/* Notes a failure and returns the wait in ms; 'random' is any 32 bits. */
int64_t backoff_fail(struct backoff *, uint32_t random);
void backoff_reset(struct backoff *);

/* 32 random bits from the kernel's generator, for the argument above. */
uint32_t backoff_random(void);

#endif /* BASE_BACKOFF_H */
