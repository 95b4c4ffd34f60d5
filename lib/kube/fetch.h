/* fetch: requests to servers that somebody else has named, over wire.h.
 *
 * A URL out of a certificate is a tenant's: asking it from inside the cluster
 * must not reach what the tenant cannot.  So each address is judged when it is
 * connected to, by 'may_connect'; there is no proxy, no redirect, no cookie,
 * no credential, one connection a request, and a cap and a deadline for each.
 * Nothing blocks.  Texts of errors are ours or libcurl's; no byte of an answer
 * stands in them.
 *
 * Ownership: everything in a request is copied; a struct fetch_call is the
 * module's and dies when its 'done' begins or it is cancelled.  Calls back may
 * send and cancel; they must not free the struct fetch.
 * Threads: one.  Times are monotonic milliseconds.
 */
#ifndef KUBE_FETCH_H
#define KUBE_FETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/waits.h"

struct fetch;
struct fetch_call;
struct sockaddr;

/* 'err' NULL: a whole answer of 'status' came.  ERR_DENIED: no address of it
 * may be connected to.  ERR_LIMIT: the answer exceeds 'max_body'.
 * ERR_UNAVAILABLE: everything else.  Borrowed for the call back. */
struct fetch_answer {
    int status;
    const char *body;
    size_t size;
    const struct err *err;
};

typedef void fetch_done_fn(const struct fetch_answer *, void *aux);

struct fetch_request {
    const char *url;            /* http, canonical. */
    const char *accept;
    const char *content_type;   /* Of 'body', which is POSTed. */
    const void *body;
    size_t size;
    size_t max_body;
    int64_t deadline_ms;
    /* Every address may be connected to: an administrator named the host. */
    bool is_trusted;
    fetch_done_fn *done;        /* Exactly once unless cancelled. */
    void *aux;
};

struct fetch *fetch_new(const char *agent) MUST_USE RETURNS_NONNULL;
/* Ends all requests without a call back.  Accepts NULL. */
void fetch_free(struct fetch *);

struct fetch_call *fetch_send(struct fetch *, const struct fetch_request *)
    RETURNS_NONNULL;
/* Ends a request without a call back.  Accepts NULL. */
void fetch_cancel(struct fetch_call *);

void fetch_run(struct fetch *, int64_t now_ms);
void fetch_wait(struct fetch *, struct waits *);

#endif /* KUBE_FETCH_H */
