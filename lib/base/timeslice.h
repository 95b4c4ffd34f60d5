/* timeslice: a place at the front of those that wait for a CPU.
 *
 * Linux from 6.12 on lets a task ask for a shorter time slice.  It gets no
 * more CPU than before and takes none from others, but when it wakes up it runs
 * at once instead of after the slice of whoever runs: right for what sleeps
 * most of the time and then has a little to do, while somebody waits for it.
 * Older kernels, and sandboxes that refuse the call, leave all as it was.
 *
 * A slice is of the calling thread and of the threads and processes it makes
 * from then on.  Both calls are safe between fork and exec.
 *
 * Source: sched_setattr(2), sched_runtime of SCHED_OTHER.
 */
#ifndef BASE_TIMESLICE_H
#define BASE_TIMESLICE_H

void timeslice_shorten(void);
void timeslice_restore(void);   /* The system's own. */

#endif /* BASE_TIMESLICE_H */
