#include "reconciler/resolver.h"

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/vec.h"

struct resolver {
    pthread_t thread;
    pthread_mutex_t lock;       /* Guards all below but 'event_fd'. */
    pthread_cond_t wake;
    bool is_stopping;
    bool is_changed;            /* 'names' are new: look at once. */
    char **names;
    size_t n_names;
    VEC(struct resolver_answer) known;      /* Last answer of each name. */
    VEC(struct resolver_answer) answers;    /* To be taken. */
    int event_fd;
};

void
resolver_answer_fini(struct resolver_answer *a)
{
    free(a->name);
    for (size_t i = 0; i < a->n; i++) {
        free(a->addresses[i]);
    }
    *a = (struct resolver_answer) { 0 };
}

static struct resolver_answer
answer_copy(const struct resolver_answer *a)
{
    struct resolver_answer copy = { .name = xstrdup(a->name), .n = a->n };

    for (size_t i = 0; i < a->n; i++) {
        copy.addresses[i] = xstrdup(a->addresses[i]);
    }
    return copy;
}

static int
compare_texts(const void *a, const void *b)
{
    return strcmp(*(char *const *) a, *(char *const *) b);
}

/* Asks the system; an answer without addresses is a failure. */
static struct resolver_answer
ask(const char *name)
{
    struct resolver_answer answer = { .name = xstrdup(name) };
    const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
    struct addrinfo *list = NULL;
    char text[NI_MAXHOST];

    if (getaddrinfo(name, NULL, &hints, &list) != 0) {
        return answer;
    }
    for (struct addrinfo *a = list;
         a && answer.n < RESOLVER_MAX_ADDRESSES; a = a->ai_next) {
        if (getnameinfo(a->ai_addr, a->ai_addrlen, text, sizeof text, NULL,
                        0, NI_NUMERICHOST) == 0 &&
            !strchr(text, '%')) {
            answer.addresses[answer.n++] = xstrdup(text);
        }
    }
    freeaddrinfo(list);
    qsort(answer.addresses, answer.n, sizeof answer.addresses[0],
          compare_texts);
    return answer;
}

static bool
same(const struct resolver_answer *a, const struct resolver_answer *b)
{
    if (a->n != b->n) {
        return false;
    }
    for (size_t i = 0; i < a->n; i++) {
        if (strcmp(a->addresses[i], b->addresses[i]) != 0) {
            return false;
        }
    }
    return true;
}

/* Under the lock: keeps 'answer' and queues it if it is news.  Takes it. */
static void
note(struct resolver *r, struct resolver_answer answer)
{
    struct resolver_answer *last = NULL;
    uint64_t one = 1;

    for (size_t i = 0; i < r->known.n; i++) {
        if (strcmp(r->known.items[i].name, answer.name) == 0) {
            last = &r->known.items[i];
        }
    }
    /* Once known, it stays; that nothing is known is told once. */
    if (last && (answer.n == 0 || same(last, &answer))) {
        resolver_answer_fini(&answer);
        return;
    }
    if (last) {
        resolver_answer_fini(last);
        *last = answer_copy(&answer);
    } else {
        VEC_PUSH(&r->known, answer_copy(&answer));
    }
    VEC_PUSH(&r->answers, answer);
    if (write(r->event_fd, &one, sizeof one) < 0) {
        log_debug("reconciler", NULL, "resolver: wake-up is pending already");
    }
}

/* Under the lock: a copy of the names, to ask without it. */
static char **
copy_names(const struct resolver *r, size_t *n)
{
    char **names = xcalloc(r->n_names, sizeof *names);

    for (size_t i = 0; i < r->n_names; i++) {
        names[i] = xstrdup(r->names[i]);
    }
    *n = r->n_names;
    return names;
}

static void
look(struct resolver *r)
{
    size_t n;
    AUTO_FREE char **names = copy_names(r, &n);

    for (size_t i = 0; i < n; i++) {
        if (!r->is_stopping) {
            struct resolver_answer answer;

            pthread_mutex_unlock(&r->lock);
            answer = ask(names[i]);
            pthread_mutex_lock(&r->lock);
            note(r, answer);
        }
        free(names[i]);
    }
}

static void *
work(void *aux)
{
    struct resolver *r = aux;

    pthread_mutex_lock(&r->lock);
    while (!r->is_stopping) {
        struct timespec until;

        r->is_changed = false;
        look(r);
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += RESOLVER_INTERVAL_MS / 1000;
        while (!r->is_stopping && !r->is_changed &&
               pthread_cond_timedwait(&r->wake, &r->lock, &until) !=
                   ETIMEDOUT) {
            continue;
        }
    }
    pthread_mutex_unlock(&r->lock);
    return NULL;
}

struct resolver *
resolver_new(void)
{
    struct resolver *r = xcalloc(1, sizeof *r);
    sigset_t all, old;

    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->wake, NULL);
    r->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    if (r->event_fd < 0 || pthread_create(&r->thread, NULL, work, r) != 0) {
        abort();    /* Neither fails but for want of memory or threads. */
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return r;
}

static void
free_names(struct resolver *r)
{
    for (size_t i = 0; i < r->n_names; i++) {
        free(r->names[i]);
    }
    free(r->names);
}

void
resolver_free(struct resolver *r)
{
    if (!r) {
        return;
    }
    pthread_mutex_lock(&r->lock);
    r->is_stopping = true;
    pthread_cond_signal(&r->wake);
    pthread_mutex_unlock(&r->lock);
    pthread_join(r->thread, NULL);
    for (size_t i = 0; i < r->known.n; i++) {
        resolver_answer_fini(&r->known.items[i]);
    }
    for (size_t i = 0; i < r->answers.n; i++) {
        resolver_answer_fini(&r->answers.items[i]);
    }
    VEC_FINI(&r->known);
    VEC_FINI(&r->answers);
    free_names(r);
    close(r->event_fd);
    pthread_cond_destroy(&r->wake);
    pthread_mutex_destroy(&r->lock);
    free(r);
}

void
resolver_want(struct resolver *r, char *const *names, size_t n)
{
    bool is_same;

    n = n < RESOLVER_MAX_NAMES ? n : RESOLVER_MAX_NAMES;
    pthread_mutex_lock(&r->lock);
    is_same = n == r->n_names;
    for (size_t i = 0; is_same && i < n; i++) {
        is_same = strcmp(names[i], r->names[i]) == 0;
    }
    if (!is_same) {
        free_names(r);
        r->names = xcalloc(n, sizeof *r->names);
        r->n_names = n;
        for (size_t i = 0; i < n; i++) {
            r->names[i] = xstrdup(names[i]);
        }
        r->is_changed = true;
        pthread_cond_signal(&r->wake);
    }
    pthread_mutex_unlock(&r->lock);
}

bool
resolver_take(struct resolver *r, struct resolver_answer *out)
{
    bool any;

    pthread_mutex_lock(&r->lock);
    any = r->answers.n > 0;
    if (any) {
        *out = r->answers.items[0];
        VEC_REMOVE(&r->answers, 0);
    } else {
        uint64_t count;

        if (read(r->event_fd, &count, sizeof count) < 0) {
            count = 0;
        }
    }
    pthread_mutex_unlock(&r->lock);
    return any;
}

void
resolver_wait(struct resolver *r, struct waits *waits)
{
    waits_fd(waits, r->event_fd, POLLIN);
}
