/* report: what is served, row by row, with the Ingress and field behind it.
 *
 * JSON for "sallyport routes": {"generation", "confirmed", "in_haproxy",
 * "routes": [{"host", "path", "type", "order", "namespace", "ingress",
 * "field", "backend", "http", "https", "to", "canary"}]}.  "in_haproxy" says
 * whether HAProxy has confirmed all of it.  "order" numbers the expressions of
 * a host as they are tried; null: by the longest path.
 */
#ifndef RECONCILER_REPORT_H
#define RECONCILER_REPORT_H

#include <stdint.h>

#include "lib/base/buf.h"
#include "reconciler/routing.h"

void report_routes(const struct routing *, uint64_t generation,
                   uint64_t confirmed, struct buf *out);

#endif /* RECONCILER_REPORT_H */
