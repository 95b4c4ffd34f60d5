/* timeslice: a place at the front of those that wait for a CPU.
 *
 * Linux from 6.12 on lets a task ask for a shorter time slice.  It gets no
 * more CPU than before and takes none from others, but when it wakes up it runs
 * at once instead of after the slice of whoever runs: right for what sleeps
 * most of the time and then has a little to do, while somebody waits for it.
 * Older kernels, and sandboxes that refuse the call, leave all as it was.
 *
 * Source: sched_setattr(2), sched_runtime of SCHED_OTHER.
 */
#ifndef BASE_TIMESLICE_H
#define BASE_TIMESLICE_H

#include <stdbool.h>

/* Of the calling thread; threads and processes it makes from here on have the
 * same where 'is_inherited', and the system's own where not.  Safe between fork
 * and exec. */
void timeslice_shorten(bool is_inherited);

#endif /* BASE_TIMESLICE_H */
