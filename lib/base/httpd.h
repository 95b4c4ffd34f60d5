/* httpd: a small HTTP(S) server; the only door to libmicrohttpd.
 *
 * One handler answers every request from a fixed pool of threads.  Bodies
 * are read whole, capped, and refused by Content-Length before they are
 * read; the sum over all connections is capped too.  TLS is libmicrohttpd's
 * own (GnuTLS); the certificate is chosen per handshake, so a renewed file
 * needs no restart.
 *
 * Clients: where a client CA is given, a request without a certificate from
 * it is answered 403.  One address takes at most half of the connections, and
 * half of what bodies may take together.  A body must say its length (411)
 * and arrive within half a minute; httpd_sweep() ends heads that drip.
 *
 * Threads: the handler runs in the pool's threads; the functions below are
 * called by the owner's thread alone.
 */
#ifndef BASE_HTTPD_H
#define BASE_HTTPD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"

struct httpd;

struct httpd_request {
    const char *method;
    const char *path;           /* Without the query. */
    const char *content_type;   /* NULL: none. */
    const char *body;           /* NUL-terminated, "" where there is none. */
    size_t body_size;
};

struct httpd_response {
    unsigned status;            /* 200 unless the handler says otherwise. */
    const char *content_type;   /* Static text. */
    const char *retry_after;    /* Static text, NULL: no such header. */
    const char *allow;          /* For 405, static text. */
    struct buf body;
};

typedef void httpd_handler_fn(const struct httpd_request *,
                              struct httpd_response *, void *aux);

struct httpd_options {
    const char *address;        /* "HOST:PORT", port 0 is refused. */
    unsigned threads;           /* Of the pool; at least 1. */
    unsigned max_connections;
    size_t max_body;            /* Bytes, per request; 0: no bodies. */
    size_t max_bodies;          /* Bytes, all connections together. */
    unsigned idle_timeout_s;
    unsigned head_timeout_s;    /* Of a head, once it began; 0: no limit. */
    const char *certificate_file;   /* NULL: plain HTTP. */
    const char *key_file;
    const char *client_ca_file; /* NULL: clients show no certificate. */
    httpd_handler_fn *handler;
    void *aux;
};

struct err *httpd_start(const struct httpd_options *, struct httpd **out)
    MUST_USE;
/* Re-reads changed certificate files; a broken pair keeps the last good one
 * and is the error.  Call it now and then from the owner's loop. */
struct err *httpd_reload(struct httpd *) MUST_USE;
/* When the certificate in use ends, in seconds since 1970; 0: plain HTTP. */
int64_t httpd_not_after(struct httpd *);
/* Ends connections whose head or request does not.  Call it like the above,
 * every few seconds. */
void httpd_sweep(struct httpd *);
/* From now on answers carry "Connection: close". */
void httpd_drain(struct httpd *);
/* Accepts no more, waits (a few seconds at most) for the requests that are
 * under way, and stops. */
void httpd_stop(struct httpd *);    /* Accepts NULL. */

#endif /* BASE_HTTPD_H */
