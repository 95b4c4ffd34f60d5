#include "tests/bench/cluster/watcher.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "tests/bench/cluster/peer.h"

#define N_EVENTS 256
#define WAIT_S 2
/* Type, name and version of an event stand in its first bytes; the rest of
 * the line is passed over. */
#define LINE_MAX_BYTES 2048

struct event {
    int64_t when_us;
    bool is_deleted;
    char version[32];
    char name[256];
};

struct watch {
    SSL *ssl;
    char line[LINE_MAX_BYTES];
    size_t size;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t has_come = PTHREAD_COND_INITIALIZER;
static struct event events[N_EVENTS];
static size_t n_events;

/* The text after 'what' up to the next quote. */
static bool
field(const char *line, const char *what, char *out, size_t room)
{
    const char *at = strstr(line, what);
    size_t length;

    if (!at) {
        return false;
    }
    at += strlen(what);
    length = strcspn(at, "\"");
    if (length >= room) {
        return false;
    }
    memcpy(out, at, length);
    out[length] = '\0';
    return true;
}

static void
note(const char *line, int64_t when_us)
{
    struct event e = { .when_us = when_us };

    if (!str_starts(line, "{\"type\":\"") ||
        !field(line, "\"name\":\"", e.name, sizeof e.name) ||
        !field(line, "\"resourceVersion\":\"", e.version,
               sizeof e.version)) {
        return;
    }
    e.is_deleted = str_starts(line, "{\"type\":\"DELETED\"");
    pthread_mutex_lock(&lock);
    events[n_events++ % N_EVENTS] = e;
    pthread_cond_broadcast(&has_come);
    pthread_mutex_unlock(&lock);
}

static void
feed(struct watch *w, const char *data, size_t size, int64_t when_us)
{
    for (size_t i = 0; i < size; i++) {
        if (data[i] == '\n') {
            w->line[w->size] = '\0';
            note(w->line, when_us);
            w->size = 0;
        } else if (w->size < sizeof w->line - 1) {
            w->line[w->size++] = data[i];
        }
    }
}

static void *
follow(void *aux)
{
    struct watch *w = aux;
    char data[16384];
    int n;

    while ((n = SSL_read(w->ssl, data, sizeof data)) > 0) {
        feed(w, data, (size_t) n, peer_now_us());
    }
    peer_fail("a watch ended");
}

static void
ask(SSL *ssl, const struct watcher_server *server, const char *path)
{
    AUTO_FREE char *request = xasprintf(
        "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nAuthorization: Bearer %s\r\n"
        "Accept: application/json\r\n\r\n", path, (unsigned) server->port,
        server->token);

    if (SSL_write(ssl, request, (int) strlen(request)) <= 0) {
        peer_fail(path);
    }
}

/* Where the collection is now: a list of one says so in its first bytes. */
static void
read_version(SSL *ssl, const char *path, char *out, size_t room)
{
    char answer[16384];
    size_t size = 0;

    do {
        int n = SSL_read(ssl, answer + size,
                         (int) (sizeof answer - 1 - size));

        if (n <= 0) {
            peer_fail(path);
        }
        size += (size_t) n;
        answer[size] = '\0';
    } while (!field(answer, "\"resourceVersion\":\"", out, room));
}

void
watcher_start(const struct watcher_server *server, const char *path)
{
    const struct timeval forever = { .tv_sec = 0 };
    AUTO_FREE char *list = xasprintf("%s?limit=1", path);
    AUTO_FREE char *watch = NULL;
    struct watch *w = xcalloc(1, sizeof *w);
    SSL *ssl = peer_dial_tls(server->tls, server->port, "kubernetes");
    char version[32];
    pthread_t thread;

    w->ssl = peer_dial_tls(server->tls, server->port, "kubernetes");
    if (!ssl || !w->ssl) {
        peer_fail("no connection for a watch");
    }
    ask(ssl, server, list);
    read_version(ssl, list, version, sizeof version);
    peer_hang_up(ssl);
    watch = xasprintf("%s?watch=1&timeoutSeconds=36000&resourceVersion=%s",
                      path, version);
    setsockopt(SSL_get_fd(w->ssl), SOL_SOCKET, SO_RCVTIMEO, &forever,
               sizeof forever);
    ask(w->ssl, server, watch);
    if (pthread_create(&thread, NULL, follow, w) != 0) {
        peer_fail("no thread for a watch");
    }
    pthread_detach(thread);
}

static int64_t
find(const char *version, const char *name)
{
    for (size_t i = n_events; i > 0 && i + N_EVENTS > n_events; i--) {
        const struct event *e = &events[(i - 1) % N_EVENTS];

        if (version[0] ? str_eq(e->version, version)
                       : e->is_deleted && str_eq(e->name, name)) {
            return e->when_us;
        }
    }
    return 0;
}

int64_t
watcher_when_us(const char *version, const char *name)
{
    struct timespec deadline;
    int64_t when_us;

    clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += WAIT_S;
    pthread_mutex_lock(&lock);
    while ((when_us = find(version, name)) == 0 &&
           pthread_cond_timedwait(&has_come, &lock, &deadline) == 0) {
    }
    pthread_mutex_unlock(&lock);
    return when_us;
}
