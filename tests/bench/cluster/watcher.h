/* watcher: when a watch of the API server told of a change.
 *
 * Threads: each watch has one of its own; watcher_when_us() is the caller's.
 * Source: the watch stream of the Kubernetes API, a JSON document a line.
 */
#ifndef BENCH_CLUSTER_WATCHER_H
#define BENCH_CLUSTER_WATCHER_H

#include <stddef.h>
#include <stdint.h>

#include <openssl/ssl.h>

struct watcher_server {
    SSL_CTX *tls;
    uint16_t port;
    const char *token;
};

/* Watches the collection 'path' from now on, as long as the program runs;
 * fails the program where it cannot. */
void watcher_start(const struct watcher_server *, const char *path);

/* When (peer_now_us()) the event of that resourceVersion came, or, where
 * 'version' is empty, the last that says that 'name' is deleted.  Waits for
 * it; 0: it did not come within a second or two. */
int64_t watcher_when_us(const char *version, const char *name);

#endif /* BENCH_CLUSTER_WATCHER_H */
