#include "auth/pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/base/vec.h"

/* Of lower rank than HAProxy, which may share the processors. */
#define NICE 5

struct pool_list {
    struct pool_job *first, **end;
};

/* One with neither waiting nor running jobs is freed. */
struct pool_group {
    char *name;
    struct pool_list queue;
    size_t n_waiting;
    unsigned n_running;
    uint64_t used_ns;           /* Time of threads, since the same start. */
};

struct pool {
    pthread_mutex_t lock;
    pthread_cond_t work_there;
    pool_work_fn *work;
    pthread_t threads[POOL_THREADS_MAX];
    unsigned n_threads;
    int fd;
    /* Under the lock. */
    bool is_ending;
    struct map *groups;         /* Name to struct pool_group. */
    size_t n_waiting;
    uint64_t start_ns;          /* Where groups that come anew begin. */
    struct pool_list done;
};

static void
list_put(struct pool_list *list, struct pool_job *job)
{
    job->next = NULL;
    if (!list->first) {
        list->end = &list->first;
    }
    *list->end = job;
    list->end = &job->next;
}

static struct pool_job *
list_take(struct pool_list *list)
{
    struct pool_job *job = list->first;

    if (job) {
        list->first = job->next;
    }
    return job;
}

static void
tell(const struct pool *p)
{
    uint64_t one = 1;

    if (write(p->fd, &one, sizeof one) < 0) {
        return;         /* Full: it is readable already. */
    }
}

static void
free_group_if_idle(struct pool *p, struct pool_group *g)
{
    if (g->n_waiting == 0 && g->n_running == 0) {
        map_remove(p->groups, g->name);
        free(g->name);
        free(g);
    }
}

/* The group with work that has had the least, NULL: none may go on. */
static struct pool_group *
next_group(const struct pool *p)
{
    unsigned share = p->n_threads > 1 ? p->n_threads - 1 : 1;
    struct pool_group *best = NULL;
    struct map_iter it = MAP_ITER;

    while (map_next(p->groups, &it)) {
        struct pool_group *g = it.value;

        if (g->n_waiting > 0 && g->n_running < share &&
            (!best || g->used_ns < best->used_ns)) {
            best = g;
        }
    }
    return best;
}

static struct pool_job *
take_job(struct pool *p)
{
    struct pool_group *g;

    while (!(g = next_group(p))) {
        if (p->is_ending) {
            return NULL;
        }
        pthread_cond_wait(&p->work_there, &p->lock);
    }
    if (p->is_ending) {
        return NULL;
    }
    g->n_waiting--;
    g->n_running++;
    p->n_waiting--;
    if (g->used_ns > p->start_ns) {
        p->start_ns = g->used_ns;
    }
    return list_take(&g->queue);
}

static uint64_t
thread_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t) t.tv_sec * 1000000000 + (uint64_t) t.tv_nsec;
}

static void *
run(void *aux)
{
    struct pool *p = aux;
    struct pool_job *job;

    (void) setpriority(PRIO_PROCESS, (id_t) syscall(SYS_gettid), NICE);
    pthread_mutex_lock(&p->lock);
    while ((job = take_job(p))) {
        struct pool_group *g = job->group;
        uint64_t begin = thread_ns();

        pthread_mutex_unlock(&p->lock);
        p->work(job->aux);
        pthread_mutex_lock(&p->lock);
        job->work_ns = thread_ns() - begin;
        g->used_ns += job->work_ns + 1;
        g->n_running--;
        list_put(&p->done, job);
        free_group_if_idle(p, g);
        /* Its group may go on now, on another thread than this one. */
        pthread_cond_signal(&p->work_there);
        tell(p);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

struct pool *
pool_new(unsigned threads, pool_work_fn *work)
{
    struct pool *p = xcalloc(1, sizeof *p);
    sigset_t all, before;

    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->work_there, NULL);
    p->work = work;
    p->groups = map_new();
    p->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    p->n_threads = threads;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    for (unsigned i = 0; i < threads; i++) {
        if (p->fd < 0 ||
            pthread_create(&p->threads[i], NULL, run, p) != 0) {
            abort();
        }
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return p;
}

void
pool_free(struct pool *p, void (*drop)(void *aux))
{
    struct pool_job *job;

    pthread_mutex_lock(&p->lock);
    p->is_ending = true;
    pthread_cond_broadcast(&p->work_there);
    pthread_mutex_unlock(&p->lock);
    for (unsigned i = 0; i < p->n_threads; i++) {
        pthread_join(p->threads[i], NULL);
    }
    pool_expire(p, INT64_MAX);
    while ((job = pool_done(p))) {
        drop(job->aux);
        free(job);
    }
    map_free(p->groups, NULL);
    pthread_cond_destroy(&p->work_there);
    pthread_mutex_destroy(&p->lock);
    close(p->fd);
    free(p);
}

static struct pool_group *
group_of(struct pool *p, const char *name)
{
    struct pool_group *g = map_get(p->groups, name);

    if (!g) {
        g = xcalloc(1, sizeof *g);
        g->name = xstrdup(name);
        g->used_ns = p->start_ns;
        map_put(p->groups, name, g);
    }
    return g;
}

bool
pool_submit(struct pool *p, const char *name, void *aux, int64_t now_ms)
{
    struct pool_group *g;
    bool is_taken;

    pthread_mutex_lock(&p->lock);
    g = group_of(p, name);
    is_taken = g->n_waiting < POOL_GROUP_QUEUE_MAX &&
               p->n_waiting < POOL_QUEUE_MAX;
    if (is_taken) {
        struct pool_job *job = xcalloc(1, sizeof *job);

        job->aux = aux;
        job->group = g;
        job->queued_ms = now_ms;
        list_put(&g->queue, job);
        g->n_waiting++;
        p->n_waiting++;
        pthread_cond_signal(&p->work_there);
    } else {
        free_group_if_idle(p, g);
    }
    pthread_mutex_unlock(&p->lock);
    return is_taken;
}

struct pool_job *
pool_done(struct pool *p)
{
    struct pool_job *job;
    uint64_t count;

    pthread_mutex_lock(&p->lock);
    job = list_take(&p->done);
    if (!job && read(p->fd, &count, sizeof count) < 0) {
        job = NULL;     /* Nothing was told. */
    }
    pthread_mutex_unlock(&p->lock);
    return job;
}

/* A queue is in order of time. */
static void
expire_group(struct pool *p, struct pool_group *g, int64_t now_ms)
{
    while (g->queue.first &&
           (now_ms == INT64_MAX ||
            now_ms - g->queue.first->queued_ms > POOL_WAIT_MS)) {
        struct pool_job *job = list_take(&g->queue);

        job->is_undone = true;
        g->n_waiting--;
        p->n_waiting--;
        list_put(&p->done, job);
        tell(p);
    }
}

void
pool_expire(struct pool *p, int64_t now_ms)
{
    VEC(struct pool_group *) all = { 0 };
    struct map_iter it = MAP_ITER;

    pthread_mutex_lock(&p->lock);
    while (map_next(p->groups, &it)) {
        VEC_PUSH(&all, it.value);
    }
    for (size_t i = 0; i < all.n; i++) {
        expire_group(p, all.items[i], now_ms);
        free_group_if_idle(p, all.items[i]);
    }
    VEC_FINI(&all);
    pthread_mutex_unlock(&p->lock);
}

size_t
pool_waiting(struct pool *p)
{
    size_t n;

    pthread_mutex_lock(&p->lock);
    n = p->n_waiting;
    pthread_mutex_unlock(&p->lock);
    return n;
}

int
pool_fd(const struct pool *p)
{
    return p->fd;
}
