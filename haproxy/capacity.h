/* capacity: how many threads and connections HAProxy may have where we run.
 *
 * sallyport-proxy tells HAProxy in two variables of its environment, because
 * in a pod the reconciler's container has other limits; the program reads them
 * unless somebody gave numbers.
 */
#ifndef HAPROXY_CAPACITY_H
#define HAPROXY_CAPACITY_H

#include "lib/base/buf.h"

#define CAPACITY_THREADS "SALLYPORT_THREADS"
#define CAPACITY_MAXCONN "SALLYPORT_MAXCONN"

/* The CPUs we may use: by affinity, and by the quota of our cgroups. */
unsigned capacity_threads(void);
/* What the hard limit of descriptors allows, at most 20,000: HAProxy allocates
 * for every connection it may have, so more is asked for by flag. */
unsigned capacity_maxconn(void);
/* The arithmetic of connections and descriptors, for the log. */
void capacity_describe(unsigned threads, unsigned maxconn, struct buf *out);

#endif /* HAPROXY_CAPACITY_H */
