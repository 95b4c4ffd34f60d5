/* pool: threads that verify passwords, and who is next.
 *
 * Work belongs to groups (namespaces).  The group that has had least time of
 * the threads is next, so that one with costly hashes or many wrong passwords
 * waits for itself; while there are several threads none has all of them.
 * Queues are bounded, each group's and all together; what waited too long is
 * given back undone.
 *
 * Ownership: a job is the pool's from pool_submit() until pool_done().
 * Threads: one owner calls everything here; 'work' runs on the threads.
 */
#ifndef AUTH_POOL_H
#define AUTH_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/compiler.h"

#define POOL_GROUP_QUEUE_MAX 32     /* Jobs of one group that wait. */
#define POOL_QUEUE_MAX 512          /* Of all. */
#define POOL_WAIT_MS 3000           /* Longest wait for a thread. */
#define POOL_THREADS_MAX 16

struct pool;

struct pool_job {
    void *aux;                  /* The caller's. */
    bool is_undone;             /* It waited too long. */
    uint64_t work_ns;           /* Processor time of its work. */
    /* The pool's own. */
    struct pool_job *next;
    struct pool_group *group;
    int64_t queued_ms;
};

typedef void pool_work_fn(void *aux);

/* 'threads' from 1 to POOL_THREADS_MAX. */
struct pool *pool_new(unsigned threads, pool_work_fn *work)
    MUST_USE RETURNS_NONNULL;
/* Waits for what is being worked at; jobs left are freed with 'drop'. */
void pool_free(struct pool *, void (*drop)(void *aux));

/* False: a queue is full; nothing was taken. */
bool pool_submit(struct pool *, const char *group, void *aux,
                 int64_t now_ms) MUST_USE;
/* A job that is done or undone, NULL: none; the caller frees it. */
struct pool_job *pool_done(struct pool *) MUST_USE;
/* Gives back what waited for longer than POOL_WAIT_MS. */
void pool_expire(struct pool *, int64_t now_ms);
size_t pool_waiting(struct pool *);
/* Readable while pool_done() has something. */
int pool_fd(const struct pool *);

#endif /* AUTH_POOL_H */
