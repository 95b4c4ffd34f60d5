#include "auth/server.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "auth/basic.h"
#include "auth/challenge.h"
#include "auth/pool.h"
#include "auth/sandbox.h"
#include "auth/tables.h"
#include "auth/tally.h"
#include "auth/wire.h"
#include "auth/work.h"
#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/digest_raw.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"

#define BACKLOG 4096
#define WAITERS_MAX 256         /* Of one password. */
#define READ_MS 2000            /* For a whole question. */
#define TICK_MS 250
#define IDLE_MS 1000            /* Between looks at our socket. */
#define SWEEP_MS 10000
#define KEY_SIZE 32

/* One question.  Its descriptor is its name: who waits for a verdict is found
 * by it, and by 'work' that it is still the same. */
struct connection {
    int fd;
    struct buf in;
    int64_t until_ms;           /* To have said all. */
    struct work *work;          /* Waits for it; NULL: reads. */
};

struct server {
    const struct server_options *options;
    int listen_fd, epoll_fd;
    dev_t dev;                  /* Of the socket's name. */
    ino_t ino;
    struct tables *tables;
    struct pool *pool;
    struct map *working;        /* Hex of the key to struct work. */
    struct connection *by_fd[SERVER_DESCRIPTORS];
    size_t n_connections;
    unsigned char key[KEY_SIZE];        /* Dies with the process. */
    int64_t now_ms, sweep_ms;
    struct log_limit full;
    struct tally tally;
};

/* --- Connections --- */

static void
close_connection(struct server *s, struct connection *c)
{
    if (c->work) {
        c->work->n_wanted--;
    }
    s->by_fd[c->fd] = NULL;
    s->n_connections--;
    close(c->fd);
    buf_fini(&c->in);
    free(c);
}

static void
say(struct server *s, struct connection *c, const char *line)
{
    /* One line fits the socket's buffer; who does not read is closed. */
    if (send(c->fd, line, strlen(line), MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
        log_debug("auth", NULL, "nobody reads the answer");
    }
    close_connection(s, c);
}

static void
answer(struct server *s, struct connection *c, enum authstats_kind kind,
       const char *line)
{
    tally_answer(&s->tally, kind);
    say(s, c, line);
}

static void
answer_full(struct server *s, struct connection *c,
            enum authstats_kind kind, const char *group)
{
    unsigned dropped;

    tally_refuse(&s->tally, kind, group);
    if (log_limit(&s->full, s->now_ms, 10000, &dropped)) {
        log_warn("auth", NULL, "too many passwords to verify: refused with "
                 "503 (%u more since the last line)", dropped);
    }
    say(s, c, "full\n");
}

/* --- Basic --- */

static char *
credentials_of(const struct wire_question *q, const struct basic *b)
{
    return xasprintf("%.*s\n%s\n%s", (int) q->table.size, q->table.data,
                     b->user, b->password);
}

static struct work *
make_work(const struct server *s, const struct table *t,
          const struct wire_question *q, const struct basic *b)
{
    struct work *w = xcalloc(1, sizeof *w);
    AUTO_FREE char *text = credentials_of(q, b);
    const char *hash = table_hash(t, b->user);

    w->is_known = hash != NULL;
    w->hash = xstrdup(hash ? hash : t->first_hash);
    w->password = xstrdup(b->password);
    w->table_serial = t->serial;
    memcpy(w->table_id, q->table.data, q->table.size);
    verdicts_key(s->key, sizeof s->key, text, strlen(text), w->key);
    explicit_bzero(text, strlen(text));
    return w;
}

static char *
key_text(const struct work *w)
{
    char hex[2 * VERDICTS_KEY_SIZE + 1];

    digest_put_hex(w->key, VERDICTS_KEY_SIZE, hex);
    return xasprintf("%s%" PRIu64, hex, w->table_serial);
}

static void
wait_for(struct connection *c, struct work *w)
{
    c->work = w;
    w->n_wanted++;
    VEC_PUSH(&w->waiting, c->fd);
}

static void
submit(struct server *s, struct connection *c, const struct wire_question *q,
       struct work *w)
{
    AUTO_FREE char *key = key_text(w);
    AUTO_FREE char *group = xstrndup(q->group.data, q->group.size);
    struct work *same = map_get(s->working, key);

    memcpy(w->group, group, strlen(group) + 1);
    if (same) {
        work_free(w);
        if (same->waiting.n >= WAITERS_MAX) {
            answer_full(s, c, AUTHSTATS_FULL, group);
        } else {
            wait_for(c, same);
        }
        return;
    }
    /* Wanted before a thread can see it. */
    wait_for(c, w);
    if (pool_submit(s->pool, group, w, s->now_ms)) {
        map_put(s->working, key, w);
    } else {
        c->work = NULL;
        work_free(w);
        answer_full(s, c, AUTHSTATS_FULL, group);
    }
}

static void
judge_basic(struct server *s, struct connection *c, struct table *t,
            const struct wire_question *q)
{
    struct basic b;
    struct work *w;

    if (!basic_read(q->authorization, &b)) {
        answer(s, c, AUTHSTATS_NO, "no\n");
        return;
    }
    w = make_work(s, t, q, &b);
    basic_fini(&b);
    if (verdicts_has(t->verdicts, w->key, s->now_ms)) {
        work_free(w);
        answer(s, c, AUTHSTATS_REMEMBERED, "ok\n");
        return;
    }
    submit(s, c, q, w);
}

/* The table may have changed meanwhile: then what is done says nothing about
 * the new one, and is not remembered. */
static void
take_verdict(struct server *s, struct work *w, bool is_undone)
{
    AUTO_FREE char *key = key_text(w);
    struct table *t = tables_get(s->tables, w->table_id, s->now_ms);
    bool is_current = t && t->serial == w->table_serial;

    map_remove(s->working, key);
    if (w->is_right && is_current && !is_undone) {
        verdicts_add(t->verdicts, w->key, s->now_ms);
    }
    for (size_t i = 0; i < w->waiting.n; i++) {
        struct connection *c = s->by_fd[w->waiting.items[i]];

        if (!c || c->work != w) {
            continue;       /* It went, another has its descriptor. */
        }
        if (is_undone || w->is_skipped) {
            answer_full(s, c, AUTHSTATS_LATE, w->group);
        } else if (!is_current) {
            answer(s, c, AUTHSTATS_DOWN, "down\n");
        } else if (w->is_right) {
            answer(s, c, AUTHSTATS_OK, "ok\n");
        } else {
            answer(s, c, AUTHSTATS_NO, "no\n");
        }
    }
    work_free(w);
}

static void
take_verdicts(struct server *s)
{
    struct pool_job *job;

    while ((job = pool_done(s->pool))) {
        if (!job->is_undone && !((struct work *) job->aux)->is_skipped) {
            tally_verified(&s->tally, job->work_ns / 1000);
        }
        take_verdict(s, job->aux, job->is_undone);
        free(job);
    }
}

/* --- Questions --- */

static void
judge_digest(struct server *s, struct connection *c, struct table *t,
             const struct wire_question *q)
{
    const struct challenge_key key = { s->key, sizeof s->key };
    enum challenge_verdict verdict = challenge_judge(t, q, key, s->now_ms);
    AUTO_BUF struct buf out = BUF_OWN;

    if (verdict == CHALLENGE_OK) {
        answer(s, c, AUTHSTATS_OK, "ok\n");
        return;
    }
    challenge_put(t, q, key, verdict == CHALLENGE_STALE, s->now_ms, &out);
    answer(s, c, AUTHSTATS_NO, buf_str(&out));
}

static void
judge(struct server *s, struct connection *c, const struct wire_question *q)
{
    AUTO_FREE char *id = xstrndup(q->table.data, q->table.size);
    struct table *t = tables_get(s->tables, id, s->now_ms);

    if (!t) {
        answer(s, c, AUTHSTATS_DOWN, "down\n");
    } else if (t->is_digest) {
        judge_digest(s, c, t, q);
    } else {
        judge_basic(s, c, t, q);
    }
}

static void
read_question(struct server *s, struct connection *c)
{
    struct wire_question q;
    size_t room;
    char *tail = buf_room(&c->in, &room);
    ssize_t n = room > 0 ? recv(c->fd, tail, room, MSG_DONTWAIT) : 0;

    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (n <= 0) {
        close_connection(s, c);
        return;
    }
    buf_grow(&c->in, (size_t) n);
    switch (wire_read(c->in.data, c->in.size, &q)) {
    case WIRE_MORE:
        break;
    case WIRE_WHOLE:
        judge(s, c, &q);
        break;
    case WIRE_BAD:
        answer(s, c, AUTHSTATS_BAD, "down\n");
        break;
    }
}

/* --- Descriptors --- */

static bool
is_allowed(const struct server *s, int fd)
{
    struct ucred peer;
    socklen_t size = sizeof peer;

    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
           (peer.uid == s->options->client_uid || peer.uid == geteuid());
}

static void
accept_one(struct server *s, int fd)
{
    struct epoll_event event = { .events = EPOLLIN | EPOLLRDHUP,
                                 .data.fd = fd };
    struct connection *c;

    if (!is_allowed(s, fd)) {
        log_warn("auth", NULL, "a stranger asked; he gets no answer");
        tally_answer(&s->tally, AUTHSTATS_STRANGER);
        close(fd);
        return;
    }
    if (s->n_connections >= SERVER_CONNECTIONS_MAX ||
        fd >= (int) ARRAY_SIZE(s->by_fd) ||
        epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0) {
        tally_answer(&s->tally, AUTHSTATS_FULL);
        (void) send(fd, "full\n", 5, MSG_NOSIGNAL | MSG_DONTWAIT);
        close(fd);
        return;
    }
    c = xcalloc(1, sizeof *c);
    c->fd = fd;
    c->in = (struct buf) BUF_SECRET(WIRE_MAX + 1);
    c->until_ms = s->now_ms + READ_MS;
    s->by_fd[fd] = c;
    s->n_connections++;
    read_question(s, c);
}

static void
accept_all(struct server *s)
{
    for (;;) {
        int fd = accept4(s->listen_fd, NULL, NULL,
                         SOCK_CLOEXEC | SOCK_NONBLOCK);

        if (fd < 0) {
            return;
        }
        accept_one(s, fd);
    }
}

/* A client that waits for a verdict and is heard of went away; the work stays
 * where it is, and is skipped when nobody else wants it. */
static void
serve(struct server *s, int fd, uint32_t events)
{
    struct connection *c = s->by_fd[fd];

    if (!c) {
        return;
    }
    if (c->work || (events & (EPOLLERR | EPOLLHUP))) {
        close_connection(s, c);
    } else {
        read_question(s, c);
    }
}

static void
tick(struct server *s)
{
    pool_expire(s->pool, s->now_ms);
    tally_run(&s->tally, pool_waiting(s->pool), s->now_ms);
    for (size_t i = 0; i < ARRAY_SIZE(s->by_fd); i++) {
        struct connection *c = s->by_fd[i];

        if (c && !c->work && s->now_ms >= c->until_ms) {
            close_connection(s, c);
        }
    }
    if (s->now_ms >= s->sweep_ms) {
        tables_sweep(s->tables, s->now_ms);
        s->sweep_ms = s->now_ms + SWEEP_MS;
    }
}

/* Whether HAProxy finds us: our name may be another's, or be gone with all
 * that was in the folder. */
static struct err *
check_name(struct server *s)
{
    struct stat st;

    if (lstat(s->options->socket_path, &st) < 0) {
        return err_errno(ERR_GONE, errno, "our socket %s",
                         s->options->socket_path);
    }
    return st.st_dev == s->dev && st.st_ino == s->ino
               ? NULL
               : err_new(ERR_GONE, "our socket %s is another's",
                         s->options->socket_path);
}

/* Until we are told to end, or nobody can find us any more. */
static struct err *
loop(struct server *s, const volatile sig_atomic_t *end)
{
    struct epoll_event events[64];
    int64_t tick_ms = 0;
    struct err *err = NULL;

    while (!*end && !err) {
        int timeout = s->n_connections > 0 || s->tally.is_dirty ? TICK_MS
                                                                : IDLE_MS;
        int n = epoll_wait(s->epoll_fd, events, ARRAY_SIZE(events), timeout);

        s->now_ms = clock_ms();
        for (int i = 0; i < n; i++) {
            int fd = events[i].data.fd;

            if (fd == s->listen_fd) {
                accept_all(s);
            } else if (fd != pool_fd(s->pool)) {
                serve(s, fd, events[i].events);
            }
        }
        take_verdicts(s);
        if (s->now_ms >= tick_ms) {
            tick(s);
            take_verdicts(s);
            err = check_name(s);
            tick_ms = s->now_ms + TICK_MS;
        }
    }
    return err;
}

static struct err *
listen_on_path(struct server *s, const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    AUTO_FREE char *tmp = xasprintf("%s.tmp", path);
    AUTO_CLOSE int fd = -1;
    struct stat st;

    if (strlen(tmp) >= sizeof address.sun_path) {
        return err_new(ERR_INVALID, "%s is too long for a socket", path);
    }
    memcpy(address.sun_path, tmp, strlen(tmp) + 1);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    unlink(tmp);
    /* Whoever asks meanwhile asks the old one, or nobody: never a socket that
     * does not listen. */
    if (fd < 0 || bind(fd, (struct sockaddr *) &address, sizeof address) < 0 ||
        chmod(tmp, 0660) < 0 || listen(fd, BACKLOG) < 0 ||
        lstat(tmp, &st) < 0 || rename(tmp, path) < 0) {
        return err_errno(ERR_UNAVAILABLE, errno, "listen on %s", path);
    }
    s->dev = st.st_dev;
    s->ino = st.st_ino;
    s->listen_fd = STEAL_FD(fd);
    return NULL;
}

static struct err *
watch(const struct server *s, int fd)
{
    struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

    return epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0
               ? err_errno(ERR_UNAVAILABLE, errno, "epoll") : NULL;
}

static void
end_server(struct server *s)
{
    for (size_t i = 0; i < ARRAY_SIZE(s->by_fd); i++) {
        if (s->by_fd[i]) {
            close_connection(s, s->by_fd[i]);
        }
    }
    pool_free(s->pool, work_free);
    map_free(s->working, NULL);
    tables_free(s->tables);
    mem_closep(&s->listen_fd);
    mem_closep(&s->epoll_fd);
    explicit_bzero(s->key, sizeof s->key);
    free(s);
}

struct err *
server_run(const struct server_options *options,
           const volatile sig_atomic_t *end)
{
    struct server *s = xcalloc(1, sizeof *s);
    struct err *err;

    s->options = options;
    s->tally.path = options->stats_path;
    s->listen_fd = -1;
    s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    s->tables = tables_new(options->tables_dir);
    s->pool = pool_new(options->threads, work_judge);
    s->working = map_new();
    digest_random(s->key, sizeof s->key);
    err = listen_on_path(s, options->socket_path);
    if (!err) {
        err = watch(s, s->listen_fd);
    }
    if (!err) {
        err = watch(s, pool_fd(s->pool));
    }
    if (!err) {
        err = sandbox_enter();
    }
    if (!err) {
        log_info("auth", NULL, "answering on %s with %u threads",
                 options->socket_path, options->threads);
        s->now_ms = clock_ms();
        tally_run(&s->tally, 0, s->now_ms);
        err = loop(s, end);
    }
    end_server(s);
    return err;
}
