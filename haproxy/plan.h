/* plan: the data plane we want, as data.
 *
 * Backends, route rows, passthrough hosts and certificates, each under a
 * name the caller made up (HAProxy never hears of Kubernetes; slots, route
 * ids and files are dataplane.h's affair).  Every set that changes something
 * raises the plan's generation and notes the item as dirty; a set of what is
 * already there changes nothing.  plan_dump() writes everything in canonical
 * order: two plans are equal when their dumps are.
 *
 * Ownership: the plan copies all it is given.  Not locked: one thread.
 */
#ifndef HAPROXY_PLAN_H
#define HAPROXY_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "haproxy/policy.h"
#include "lib/base/buf.h"
#include "lib/base/compiler.h"

struct pem_text;
struct plan;

struct plan *plan_new(void) MUST_USE RETURNS_NONNULL;
void plan_free(struct plan *);
uint64_t plan_generation(const struct plan *);
void plan_dump(const struct plan *, struct buf *out);
/* The same as HAProxy can hold it: a second backend without a server is none
 * of its rows'. */
void plan_dump_held(const struct plan *, struct buf *out);

/* --- Backends: one per Service port and class of use --- */

enum plan_kind {
    PLAN_PLAIN,         /* HTTP, no policy may be applied in it. */
    PLAN_POLICY,        /* HTTP, routes to it may carry a policy. */
    PLAN_COOKIE,        /* PLAN_POLICY with cookie affinity. */
    PLAN_TCP,           /* Passthrough. */
};

enum plan_balance {
    PLAN_ROUNDROBIN,
    PLAN_LEASTCONN,
    PLAN_HASH,          /* Consistent hash of what HASH settings name. */
};
#define PLAN_N_BALANCES 3

/* How often and on what another server is tried; 0: the program's way, that
 * is PLAN_RETRY(3, PLAN_RETRY_ERROR). */
#define PLAN_RETRY(tries, on) ((uint32_t) (tries) << 16 | (uint32_t) (on))
#define PLAN_RETRY_TRIES(retry) ((retry) ? (unsigned) ((retry) >> 16) : 3U)
#define PLAN_RETRY_TRIES_MAX 10
enum plan_retry_on {
    PLAN_RETRY_ERROR = 1 << 0,      /* No connection, or no answer on it. */
    PLAN_RETRY_TIMEOUT = 1 << 1,    /* No answer in time. */
    PLAN_RETRY_INVALID = 1 << 2,    /* An answer that is no HTTP. */
    PLAN_RETRY_403 = 1 << 3,
    PLAN_RETRY_404 = 1 << 4,
    PLAN_RETRY_500 = 1 << 5,
    PLAN_RETRY_502 = 1 << 6,
    PLAN_RETRY_503 = 1 << 7,
    PLAN_RETRY_504 = 1 << 8,
    PLAN_RETRY_STAY = 1 << 9,       /* The same server, never another. */
};
#define PLAN_RETRY_ALL 1023

enum plan_server_state {
    PLAN_READY,
    PLAN_DRAIN,         /* Finishes what it has; sticky clients still come. */
};

/* What is spoken to a server. */
enum plan_protocol {
    PLAN_HTTP1,
    PLAN_H2C,           /* HTTP/2 in the clear, from the first byte on. */
    PLAN_TLS,           /* HTTP/1.1 in TLS.  Without a plan_server_tls the
                         * certificate is not verified, and the name is the
                         * policy's SSL_NAME or none. */
    PLAN_TLS_H2,        /* HTTP/2 in the same. */
    PLAN_PROXY_V2,      /* PLAN_TCP: a PROXY protocol header first. */
    PLAN_TLS_PUBLIC,    /* HTTP/1.1 in TLS; its certificate must be good for
                         * the name that is asked, by the authorities of the
                         * system. */
};
#define PLAN_N_PROTOCOLS 6

struct plan_server {
    char address[46];   /* IPv4 or IPv6, canonical text, no brackets. */
    uint16_t port;
    enum plan_server_state state;
    enum plan_protocol protocol;
};

/* How TLS to servers is done where more is asked for than encryption.  Names
 * of certificates and authorities are those of plan_set_cert(); words are
 * those of OpenSSL without blanks, NULL: HAProxy's own. */
struct plan_server_tls {
    const char *ca;             /* PLAN_CA...: their certificate must be
                                 * signed by one of these, and be good for
                                 * 'name'; NULL: it is not looked at. */
    const char *name;           /* A host; NULL only where 'ca' is. */
    bool sends_name;            /* 'name' goes into the handshake. */
    const char *cert;           /* PLAN_PAIR...: what they are shown, NULL:
                                 * nothing. */
    const char *ciphers;        /* Up to TLS 1.2. */
    const char *min_version;
    const char *max_version;
};

struct plan_backend {
    enum plan_kind kind;
    enum plan_balance balance;
    uint32_t connect_ms;        /* 0: the program's default (5 s). */
    uint32_t retry;             /* PLAN_RETRY(), or 0. */
    const struct plan_server *servers;  /* No two with one address:port. */
    size_t n_servers;
    /* PLAN_TLS and PLAN_TLS_H2, NULL: as there.  While an authority or a
     * certificate of it is not in the plan, or HAProxy does not take it, the
     * backend has no server. */
    const struct plan_server_tls *tls;
};

void plan_set_backend(struct plan *, const char *name,
                      const struct plan_backend *);
/* No route may name it any more. */
void plan_del_backend(struct plan *, const char *name);

/* --- Routes: rows of the http and the https map --- */

enum plan_table { PLAN_HTTP, PLAN_HTTPS };

enum plan_action {
    PLAN_FORWARD,           /* To 'backend', under 'policy'. */
    PLAN_HTTPS_REDIRECT,    /* 308 to the same URL over https. */
    PLAN_NOT_FOUND,         /* The default 404. */
    PLAN_UNAVAILABLE,       /* 503: misconfigured, fail closed. */
    PLAN_REDIRECT,          /* To the URL that 'policy' holds. */
};
#define PLAN_N_ACTIONS (PLAN_REDIRECT + 1)

/* More backends that one row may name, under the same policy. */
enum plan_other {
    PLAN_CANARY,        /* The policy's CANARY settings say who goes there. */
    PLAN_FALLBACK,      /* Answers while the backend has no server, and in
                         * place of the errors that ERROR rows name. */
    PLAN_COPY,          /* Gets a copy of each request (COPY settings). */
    PLAN_ASK,           /* Is asked whether a request may pass (ASK). */
};
#define PLAN_N_OTHERS 4

struct plan_route {
    enum plan_action action;
    const char *backend;            /* PLAN_FORWARD only. */
    const char *others[PLAN_N_OTHERS];  /* NULL: none. */
    const struct policy *policy;    /* PLAN_FORWARD (NULL: a plain route),
                                     * PLAN_REDIRECT; PLAN_HTTPS_REDIRECT: of
                                     * CORS alone, or NULL. */
    bool choose;    /* Ask the regexes of this host first (plan_set_regexes)
                     * and take this row only where none of them matches. */
};

/* The key of the route of PLAN_HTTP whose policy is that of all requests: no
 * host is called so. */
#define PLAN_ALL_KEY "!/"

/* 'key' as lib/ingress/key.h writes it (its grammar is the program's). */
void plan_set_route(struct plan *, enum plan_table, const char *key,
                    const struct plan_route *);
void plan_del_route(struct plan *, enum plan_table, const char *key);
/* The plan's own copy of 'key', which stays while either table has a row of
 * it; NULL: neither has. */
const char *plan_route_key(const struct plan *, const char *key);

/* The regexes of a host in the order in which they are tried; n = 0 removes
 * them.  'regex' is a PCRE over the canonical path, anchored at its start by
 * the program. */
struct plan_regex {
    const char *regex;
    bool ignore_case;
    struct plan_route route;
};
void plan_set_regexes(struct plan *, enum plan_table, const char *host,
                      const struct plan_regex *, size_t n);

/* --- TLS --- */

/* Passthrough of a host ("h.test" or "*.h.test") to a PLAN_TCP backend. */
void plan_set_passthrough(struct plan *, const char *host,
                          const char *backend);
void plan_del_passthrough(struct plan *, const char *host);

/* A certificate chain and key in PEM under a name; content decides equality.
 * 'text' reads as 'pem' does, for as long as the plan refers to it; NULL: a
 * copy is kept.  The name "" is the default certificate and is never
 * deleted. */
void plan_set_cert(struct plan *, const char *name, const char *pem,
                   struct pem_text *text);
void plan_del_cert(struct plan *, const char *name);

/* How connections to a server name are encrypted.  Words of OpenSSL without
 * blanks; NULL: as the program says for all. */
#define PLAN_SNI_CERTS_MAX 4
#define PLAN_KEY_RSA 1U
#define PLAN_KEY_OTHER 2U
struct plan_sni {
    const char *certs[PLAN_SNI_CERTS_MAX];  /* Of one name each; which of them
                                             * is sent the client's signature
                                             * algorithms decide. */
    size_t n_certs;             /* 1 to PLAN_SNI_CERTS_MAX. */
    unsigned kinds;             /* Of their keys, PLAN_KEY_*; 0: not known. */
    const char *ciphers;        /* Up to TLS 1.2. */
    const char *ciphersuites;   /* From TLS 1.3 on. */
    const char *min_version;    /* "TLSv1.2", ... */
    const char *max_version;
    /* Clients are asked for a certificate, and what comes of it is the
     * policies' affair: names as below; 'ca' NULL: they are not asked, 'crl'
     * NULL: nothing was taken back. */
    const char *ca;
    const char *crl;
};
/* Names of certificates (no keys) that verify those of clients or servers, and
 * of lists of what they took back: these and the SHA-256 of the PEM in hex,
 * since what stands under one of them never changes. */
#define PLAN_CA "ca|"
#define PLAN_CRL "crl|"
/* The same of a certificate with its key, for servers to see. */
#define PLAN_PAIR "pair|"
/* The CLIENT_CA of policies for both. */
#define PLAN_CLIENT_ID_SIZE 33
void plan_client_id(const char *ca, const char *crl,
                    char out[PLAN_CLIENT_ID_SIZE]);

/* For "h.test" or "*.h.test".  The default certificate alone and nothing else
 * is what a name gets that is not set. */
void plan_set_sni(struct plan *, const char *host, const struct plan_sni *);
void plan_del_sni(struct plan *, const char *host);

/* --- Size, for metrics and tests --- */

struct plan_counts {
    size_t routes;          /* Rows of both tables. */
    size_t backends;
    size_t servers;
    size_t certs;           /* PLAN_CA and PLAN_CRL, too. */
    size_t passthroughs;
};
struct plan_counts plan_counts(const struct plan *);

#endif /* HAPROXY_PLAN_H */
