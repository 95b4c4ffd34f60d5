/* fake_time: clock.h and backoff_random() as a script has them.
 *
 * Linked instead of lib/base/clock.c and backoff_random.c: time stands still
 * until fake_time_set(), and randomness repeats on every run.
 */
#ifndef TESTS_REPLAY_FAKE_TIME_H
#define TESTS_REPLAY_FAKE_TIME_H

#include <stdint.h>

#define FAKE_TIME_START_MS 1000000

/* Back to the start, with a random sequence that 'seed' chooses. */
void fake_time_init(uint64_t seed);
void fake_time_set(int64_t now_ms);
/* Somebody sets the wall clock forward. */
void fake_time_jump(int64_t seconds);

#endif /* TESTS_REPLAY_FAKE_TIME_H */
