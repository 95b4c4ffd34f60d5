/* creds: where the API server is, and who we are to it.
 *
 * From a kubeconfig file (current-context; token, tokenFile, client
 * certificate, user name and password, CA, tls-server-name, proxy-url,
 * insecure-skip-tls-verify; inline data beats files, tokenFile beats token)
 * or from what is mounted into a pod.  exec and auth-provider plug-ins and
 * impersonation are refused with an error that says so.  Only 'proxy-url'
 * names a proxy; the environment's proxy variables are not read.
 *
 * Tokens and certificates rotate under our feet: creds_refresh() looks at
 * the files' time stamps, re-reads all of them when one changed and at the
 * latest after a minute, and keeps the last good ones where that fails.
 *
 * Ownership: views are borrowed and die with the next refresh.
 * Threads: one.
 * Source: client-go's kubeconfig v1 and its in-cluster configuration.
 */
#ifndef KUBE_CREDS_H
#define KUBE_CREDS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"

struct creds;

/* What a request needs.  Text is NULL where there is none. */
struct creds_view {
    const char *server;         /* "https://host:port/prefix", no last "/". */
    const char *authorization;  /* "Bearer ..." or "Basic ...". */
    const char *ca_pem;         /* NULL: the system's. */
    const char *cert_pem;
    const char *key_pem;
    const char *tls_server_name;
    const char *proxy_url;      /* http, https or socks5. */
    const char *ns;             /* Of the pod, or of the context. */
    bool is_insecure;           /* The server's certificate is not checked. */
};

/* ERR_INVALID: the file says something wrong, or something we do not do. */
struct err *creds_load_kubeconfig(const char *path, struct creds **out)
    MUST_USE;

/* By the environment of a pod; ERR_INVALID where we are not in one. */
struct err *creds_load_in_cluster(struct creds **out) MUST_USE;

/* The same with its inputs as arguments; 'dir' holds ca.crt, token and
 * namespace. */
struct err *creds_load_service_account(const char *host, const char *port,
                                       const char *dir, struct creds **out)
    MUST_USE;

/* A server without any credentials, "http://127.0.0.1:10254". */
struct err *creds_load_server(const char *url, struct creds **out) MUST_USE;

void creds_free(struct creds *);        /* Accepts NULL. */
void creds_freep(struct creds **);
#define AUTO_CREDS AUTO(creds_freep)

const struct creds_view *creds_view(const struct creds *);

/* Reads the files again if it is time, or at once with 'force' (the server
 * said 401).  '*changed' tells whether anything is different now.  After an
 * error the old credentials stay. */
struct err *creds_refresh(struct creds *, int64_t now_ms, bool force,
                          bool *changed) MUST_USE;

#endif /* KUBE_CREDS_H */
