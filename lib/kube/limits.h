/* limits: every cap of what the API server, or a tenant through it, may make
 * us hold or wait for.  One name each; sizes in bytes, times in ms.
 */
#ifndef KUBE_LIMITS_H
#define KUBE_LIMITS_H

#include <stddef.h>
#include <stdint.h>

/* An answer that is read whole: one page of a list.  etcd takes 1.5 MiB an
 * object, and a page that is too big is asked for again in smaller pieces. */
#define KUBE_MAX_PAGE ((size_t) 64 << 20)
/* And the document that is built of it. */
#define KUBE_MAX_PAGE_TREE ((size_t) 1 << 30)
/* Any other answer that is read whole, and the body of a refusal. */
#define KUBE_MAX_ANSWER ((size_t) 4 << 20)
#define KUBE_MAX_REFUSAL ((size_t) 64 << 10)
/* One event of a watch: 1.5 MiB of etcd as JSON may grow six times. */
#define KUBE_MAX_FRAME ((size_t) 16 << 20)
/* The body of a write. */
#define KUBE_MAX_BODY ((size_t) 1 << 20)

/* Objects asked for per page. */
#define KUBE_PAGE 500
/* Lists read at the same time: bounds the memory of a start. */
#define KUBE_MAX_LISTS 2
/* Writes that are on the wire at the same time; others wait for their turn. */
#define KUBE_MAX_WRITES 16
/* Of which are status patches, and Events, at most. */
#define KUBE_MAX_STATUS_WRITES 10
#define KUBE_MAX_EVENT_WRITES 4
/* Events that are remembered: not yet written, or open for repetition. */
#define KUBE_MAX_EVENTS 1000
/* Objects whose Events are counted against their allowance. */
#define KUBE_MAX_EVENT_OBJECTS 4096
/* Single objects followed beside the watched kinds. */
#define KUBE_MAX_FOLLOWS 2000

/* kubeconfig, token, certificates: a file of credentials. */
#define KUBE_MAX_CREDENTIAL ((size_t) 1 << 20)

/* How often the files of credentials are looked at, and read in any case. */
#define KUBE_CREDS_LOOK_MS 2000
#define KUBE_CREDS_AGE_MS 60000

#define KUBE_CONNECT_MS 10000
#define KUBE_REQUEST_MS 30000
#define KUBE_LIST_MS 60000
/* Short: half of what is left before a Lease not renewed is lost. */
#define KUBE_LEASE_REQUEST_MS 5000
/* What a watch may outlive its own timeoutSeconds. */
#define KUBE_WATCH_GRACE_MS 30000
/* A bookmark comes about every minute; three missed are a dead watch. */
#define KUBE_WATCH_SILENT_MS 200000
/* When nothing at all was heard for this long a small request is sent, and
 * where that is not answered in time the connection is given up. */
#define KUBE_PROBE_AFTER_MS 30000
#define KUBE_PROBE_MS 15000
/* The same while the last answer was none. */
#define KUBE_PROBE_AGAIN_MS 5000
/* The longest Retry-After that is obeyed. */
#define KUBE_RETRY_AFTER_MS 60000

#define KUBE_BACKOFF_MIN_MS 800
#define KUBE_BACKOFF_MAX_MS 30000

#endif /* KUBE_LIMITS_H */
