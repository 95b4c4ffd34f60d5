/* wire: HTTP transfers over a set of connections; the only user of libcurl.
 *
 * A wire is one set of connections that its transfers share: one of HTTP/2
 * for those that are streams, HTTP/1.1 with keep-alive for all else.  It has no
 * opinion on deadlines, order or retries: that is http.h, its user for the API
 * server, and fetch.h for everybody else.
 *
 * Nothing blocks.  'body' may come at any moment of wire_run() and
 * wire_flush(), where no transfer may be freed; 'done' comes from inside
 * wire_run() when that is safe again.
 * Threads: one.
 */
#ifndef KUBE_WIRE_H
#define KUBE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/waits.h"

struct creds_view;
struct sockaddr;
struct wire;
struct transfer;

struct transfer_spec {
    const char *method;
    const char *path;
    const char *agent;
    bool as_stream;             /* Of HTTP/2; else HTTP/1.1. */
    bool as_table;
    const char *content_type;   /* NULL: no body. */
    const char *body;           /* Stays valid as long as the transfer. */
    size_t size;
    /* Part of the answer; false ends the transfer. */
    bool (*body_cb)(int status, const void *data, size_t size, void *aux);
    void (*retry_after_cb)(int64_t ms, void *aux);
    /* Takes 'err'. */
    void (*done_cb)(struct err *err, void *aux);
    void *aux;
};

struct wire *wire_new(int64_t now_ms) MUST_USE RETURNS_NONNULL;
/* All its transfers must be gone. */
void wire_free(struct wire *);

void wire_run(struct wire *, int64_t now_ms);
/* Transfers that were started leave now, not with the next wire_run().  True
 * where that brought something: the next one must not wait for more. */
bool wire_flush(struct wire *);
void wire_wait(const struct wire *, struct waits *);

size_t wire_n_transfers(const struct wire *);
/* When a byte of an answer came last on any of its connections; 0: never. */
int64_t wire_heard_ms(const struct wire *);

/* Of a transfer to a stranger: who it is. */
struct transfer_stranger {
    const char *url;            /* In place of the path: http, canonical. */
    const char *accept;
    /* Whether to connect to this address, the one that would be connected to
     * and no other; 'aux' of the transfer. */
    bool (*may_connect_cb)(const struct sockaddr *, size_t length, void *aux);
};

/* 'view' is not kept. */
struct err *transfer_start(struct wire *, const struct creds_view *view,
                           const struct transfer_spec *,
                           struct transfer **out) MUST_USE;
/* The same without any credentials, proxy, redirect, compression, or
 * connection that outlives it: for URLs that are not the administrator's. */
struct err *transfer_start_stranger(struct wire *,
                                    const struct transfer_stranger *,
                                    const struct transfer_spec *,
                                    struct transfer **out) MUST_USE;
/* Ends it without a call back.  Accepts NULL. */
void transfer_free(struct transfer *);
/* Of the answer; 0: it has not come. */
int transfer_status(const struct transfer *);
int64_t transfer_heard_ms(const struct transfer *);
struct wire *transfer_wire(const struct transfer *);

#endif /* KUBE_WIRE_H */
