/* http: requests to one API server, over wire.h.
 *
 * Requests share a few connections: streams one of HTTP/2 where the server
 * speaks it, all else those of HTTP/1.1; none is used by both.  Nothing
 * blocks:
 * http_send() queues, http_run() does all the work and makes all calls back,
 * http_wait() registers descriptors and the next deadline.
 *
 * A server that accepts connections but does not answer is found out: where a
 * request meets its deadline and nothing was heard by its like since it was
 * sent, the connection is closed and all requests on it end with
 * ERR_UNAVAILABLE; so do the others where nothing at all was heard.
 *
 * Ownership: everything in struct http_request is copied; a struct http_call
 * is the module's and dies when its 'done' begins or it is cancelled.
 * Threads: one.  Calls back may send and cancel, themselves included; they
 * must not free the struct http.
 * Times are monotonic milliseconds (clock_ms()).
 */
#ifndef KUBE_HTTP_H
#define KUBE_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/waits.h"

struct creds;
struct http;
struct http_call;

enum http_method { HTTP_GET, HTTP_POST, HTTP_PUT, HTTP_PATCH, HTTP_DELETE };

/* How a request ended.  Everything is borrowed for the call back. */
struct http_response {
    /* 0: none came, and 'err' says why.  Both: it broke off. */
    int status;
    const char *body;           /* Never NULL; a NUL follows. */
    size_t size;
    int64_t retry_after_ms;     /* -1: the header was not there. */
    /* NULL where the answer is complete, whatever its status.
     * ERR_UNAVAILABLE: no connection, cut, too late.  ERR_LIMIT: the body
     * exceeds 'max_body'.  ERR_DENIED: TLS did not trust or was refused. */
    const struct err *err;
};

typedef void http_data_fn(const void *data, size_t size, void *aux);
typedef void http_done_fn(const struct http_response *, void *aux);

struct http_request {
    enum http_method method;
    const char *path;           /* "/api/v1/..." with its query. */
    const char *content_type;   /* Of 'body'; NULL: there is no body. */
    /* For what is long, the lists and watches of a cache, and for the question
     * whether they are alive.  All else is none: a write of a status costs the
     * API server less CPU in HTTP/1.1 (docs/performance.md), and beside watches
     * libcurl 7.88 leaves an answer in the connection's buffer once in some
     * thousand short requests, until something else comes: a claim then ran
     * into its deadline. */
    bool as_stream;
    /* The answer as people see it: a meta.k8s.io/v1 Table, which of a Secret
     * has no data. */
    bool as_table;
    const void *body;
    size_t size;
    size_t max_body;            /* Of the answer; 0: KUBE_MAX_ANSWER. */
    int64_t deadline_ms;        /* For the whole of it. */
    int64_t silent_ms;          /* Longest silence of a stream; 0: any. */
    /* Gets the body of a 200 in pieces as they come; NULL: it is collected.
     * The body of another status is always collected. */
    http_data_fn *data;
    http_done_fn *done;         /* Called exactly once unless cancelled. */
    void *aux;
};

/* 'creds' is borrowed and read anew for every request; 'agent' is the
 * User-Agent. */
struct http *http_new(const struct creds *, const char *agent)
    MUST_USE RETURNS_NONNULL;
/* Ends all requests without a call back.  Accepts NULL. */
void http_free(struct http *);

struct http_call *http_send(struct http *, const struct http_request *)
    RETURNS_NONNULL;
/* Ends a request without a call back.  Accepts NULL. */
void http_cancel(struct http_call *);

void http_run(struct http *, int64_t now_ms);
/* What was sent since leaves now, not with the next http_run(): at the end of
 * a turn.  Data may come from inside of it, ends do not. */
void http_flush(struct http *);
void http_wait(struct http *, struct waits *);

#endif /* KUBE_HTTP_H */
