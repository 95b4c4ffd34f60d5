/* clock: the two clocks, read in one place.
 *
 * Pure code takes time as an argument; only loops and main() call these.
 * Monotonic milliseconds for deadlines and intervals, wall-clock time for
 * what people and certificates read.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

int64_t clock_ms(void);         /* Monotonic, since an unknown start. */
int64_t clock_us(void);         /* The same in microseconds. */
int64_t clock_wall(void);       /* Seconds since 1970. */
int64_t clock_wall_us(void);    /* Microseconds since 1970. */

/* "2026-11-23T18:00:00.000000Z", Kubernetes' MicroTime: exactly six
 * decimals.  'out' has room for CLOCK_MICROTIME_SIZE bytes. */
#define CLOCK_MICROTIME_SIZE 40
void clock_format_micro(int64_t wall_us, char out[CLOCK_MICROTIME_SIZE]);
/* "2026-11-23T18:00:00Z". */
#define CLOCK_SECONDS_SIZE 32
void clock_format_seconds(int64_t wall_s, char out[CLOCK_SECONDS_SIZE]);

#endif /* BASE_CLOCK_H */
