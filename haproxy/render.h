/* render: haproxy.cfg out of the program and a few numbers.
 *
 * program.cfg is compiled into this module.  program_render() fills in what
 * differs from one installation to another: addresses to bind, time-outs, how
 * many spare slots each class has.  Nothing in the result was written by a
 * tenant; every string of the parameters is checked against a small alphabet.
 *
 * Ownership: parameters are borrowed for the call.  Pure; any thread.
 */
#ifndef HAPROXY_RENDER_H
#define HAPROXY_RENDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/compiler.h"
#include "lib/base/err.h"

/* Slots that always exist and take no servers. */
#define PROGRAM_SLOT_NONE "none"                /* 404 */
#define PROGRAM_SLOT_UNAVAILABLE "unavailable"  /* 503 */
#define PROGRAM_SLOT_HTTPS "https-redirect"     /* 308 to https */
#define PROGRAM_SLOT_REDIRECT "redirect"        /* POLICY_REDIRECT's answer */
#define PROGRAM_SLOT_PROOF "proof"              /* the self-proof's echo */
/* In sni.map only: terminate TLS here after all. */
#define PROGRAM_SLOT_INNER "inner"

/* The argument of "set dynamic-cookie-key backend" for cookie slots. */
#define PROGRAM_COOKIE_KEY "sallyport"

#define PROGRAM_NAME_SIZE 64        /* Class and slot names with their NUL. */
#define PROGRAM_CLASSES_MAX 256
#define PROGRAM_SPARES_MAX 100000   /* Slots of one class. */
#define PROGRAM_BINDS_MAX 64
#define PROGRAM_RUN_DIR_MAX 72      /* sun_path has 108, HAProxy adds to it. */

enum program_kind {
    PROGRAM_PLAIN,      /* Routes without policy. */
    PROGRAM_POLICY,     /* The policy program. */
    PROGRAM_COOKIE,     /* The policy program and a cookie that sticks. */
    PROGRAM_TCP,        /* TLS passed through. */
};

enum program_balance {
    PROGRAM_ROUNDROBIN,
    PROGRAM_LEASTCONN,
    PROGRAM_HASH,       /* Consistent hash of txn.hk. */
    PROGRAM_RANDOM,
    PROGRAM_SOURCE,     /* Consistent hash of the client's address. */
};

struct program_class {
    enum program_kind kind;
    enum program_balance balance;
    unsigned connect_ms;
    uint32_t retry;     /* As plan.h's PLAN_RETRY(), 0: the default. */
    unsigned spares;    /* Slots CLASS.0001 to CLASS.spares. */
};

struct program_params {
    const char *run_dir;            /* Absolute; no blanks. */
    /* What follows "bind", such as "127.0.0.1:80", "[::]:80", "fd@10". */
    const char *const *http_binds;
    size_t n_http_binds;            /* At least one. */
    const char *const *https_binds;
    size_t n_https_binds;           /* None: no TLS on the outside. */
    const char *const *mux_binds;   /* tls_mux; used with 'passthrough'. */
    size_t n_mux_binds;
    const char *const *quic_binds;  /* UDP, such as "quic4@127.0.0.1:443". */
    size_t n_quic_binds;            /* None: no HTTP/3; nor where HAProxy has
                                     * no QUIC. */
    bool passthrough;
    bool modern;                    /* TLS 1.3 only. */
    bool gzip;                      /* Answers of text are compressed. */
    bool strict_sni;                /* No handshake with other names. */
    uint16_t http_port;             /* What clients dial: X-Forwarded-Port, */
    uint16_t https_port;            /* and redirects to https. */
    unsigned nbthread;
    unsigned maxconn;
    /* Their numbers count only where capacity.h's variables are not set. */
    bool counted_threads, counted_maxconn;
    unsigned bufsize;               /* tune.bufsize: bounds request headers. */
    unsigned table_size;            /* Keys each rate limit table holds. */
    const char *log;    /* NULL, "stdout", "stderr", a path or HOST:PORT. */
    /* Milliseconds. */
    unsigned client_ms, server_ms, tunnel_ms, tcp_ms, request_ms;
    unsigned keepalive_ms, queue_ms, hard_stop_ms;
    const struct program_class *classes;
    size_t n_classes;
};

/* What ERR_INVALID says of these two, before anything else is known. */
struct err *program_check_run_dir(const char *path) MUST_USE;
struct err *program_check_log(const char *place) MUST_USE;

/* Everything but run_dir, binds and classes. */
void program_params_init(struct program_params *);

/* Appends the configuration to 'out'.  ERR_INVALID names the parameter. */
struct err *program_render(const struct program_params *, struct buf *out)
    MUST_USE;

/* 16 hex digits that change when the program, its scripts or the table of
 * features do: whether a running HAProxy runs what this binary would start. */
const char *program_hash(void);

/* "policy-leastconn-5000", "policy-leastconn-5000.0001" ('index' from 1). */
void program_class_name(const struct program_class *,
                        char out[PROGRAM_NAME_SIZE]);
void program_slot_name(const struct program_class *, unsigned index,
                       char out[PROGRAM_NAME_SIZE]);
/* Appends the head of a slot's section, and behind it what neither a class nor
 * a backend made at run time can have: a filter. */
void program_slot_section(const struct program_class *, const char *slot,
                          struct buf *out);
const char *program_kind_name(enum program_kind);
const char *program_balance_name(enum program_balance);
/* What "retry-on" says of a class's retry; the caller's to free. */
char *program_retry_words(uint32_t retry) MUST_USE RETURNS_NONNULL;

#endif /* HAPROXY_RENDER_H */
