#include "lib/kube/creds.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"
#include "lib/kube/credset.h"
#include "lib/kube/kubeconfig.h"
#include "lib/kube/limits.h"

#define SERVICE_ACCOUNT_DIR "/var/run/secrets/kubernetes.io/serviceaccount"

struct creds {
    char *url;                  /* Of a server that asks for none. */
    char *kubeconfig;           /* Or else the three for a pod. */
    char *host;
    char *port;
    char *dir;
    struct credset set;
    struct creds_view view;
    int64_t looked_ms;
    int64_t read_ms;
};

static struct err *
read_service_account(const struct creds *creds, struct credset *out)
{
    AUTO_FREE char *token_path = xasprintf("%s/token", creds->dir);
    AUTO_FREE char *ca_path = xasprintf("%s/ca.crt", creds->dir);
    AUTO_FREE char *ns_path = xasprintf("%s/namespace", creds->dir);
    AUTO_FREE char *token = NULL;
    AUTO_FREE char *ca = NULL;
    AUTO_FREE char *ns = NULL;
    AUTO_FREE char *url = NULL;
    bool is_ipv6 = strchr(creds->host, ':') != NULL;
    struct err *err;

    url = xasprintf(is_ipv6 ? "https://[%s]:%s" : "https://%s:%s",
                    creds->host, creds->port);
    err = credset_set_server(out, url);
    if (!err) {
        err = credset_read(out, token_path, &token);
    }
    if (!err) {
        err = err_wrap(credset_set_token(out, token), "%s", token_path);
    }
    if (!err) {
        err = credset_read(out, ca_path, &ca);
    }
    if (!err) {
        err = err_wrap(
            credset_set_pem(&out->ca_pem, STEAL_PTR(ca), "CERTIFICATE"),
            "%s", ca_path);
    }
    if (!err) {
        err = credset_read(out, ns_path, &ns);
    }
    if (!err) {
        out->ns = str_trim(ns);
    }
    return err_wrap(err, "service account");
}

/* Reads everything anew into 'out'. */
static struct err *
read_set(const struct creds *creds, struct credset *out)
{
    if (creds->url) {
        return credset_set_server(out, creds->url);
    }
    if (creds->kubeconfig) {
        return kubeconfig_read(creds->kubeconfig, out);
    }
    return read_service_account(creds, out);
}

/* Takes what is in 'set' and leaves it empty. */
static void
adopt(struct creds *creds, struct credset *set)
{
    credset_fini(&creds->set);
    creds->set = *set;
    *set = (struct credset) { .server = NULL };
    creds->view = (struct creds_view) {
        .server = creds->set.server,
        .authorization = creds->set.authorization,
        .ca_pem = creds->set.ca_pem,
        .cert_pem = creds->set.cert_pem,
        .key_pem = creds->set.key_pem,
        .tls_server_name = creds->set.tls_server_name,
        .proxy_url = creds->set.proxy_url,
        .ns = creds->set.ns,
        .is_insecure = creds->set.is_insecure,
    };
}

/* Takes 'creds'. */
static struct err *
load(struct creds *creds, struct creds **out)
{
    AUTO_CREDSET struct credset set = { .server = NULL };
    struct err *err = read_set(creds, &set);

    *out = NULL;
    if (err) {
        creds_free(creds);
        return err;
    }
    adopt(creds, &set);
    *out = creds;
    return NULL;
}

struct err *
creds_load_kubeconfig(const char *path, struct creds **out)
{
    struct creds *creds = xcalloc(1, sizeof *creds);

    creds->kubeconfig = xstrdup(path);
    return load(creds, out);
}

struct err *
creds_load_server(const char *url, struct creds **out)
{
    struct creds *creds = xcalloc(1, sizeof *creds);

    creds->url = xstrdup(url);
    return load(creds, out);
}

struct err *
creds_load_service_account(const char *host, const char *port,
                           const char *dir, struct creds **out)
{
    struct creds *creds;
    uint16_t number;

    *out = NULL;
    if (!parse_port(port, &number)) {
        AUTO_FREE char *quoted = str_quote(port);

        return err_new(ERR_INVALID,
                       "KUBERNETES_SERVICE_PORT %s is not a port", quoted);
    }
    creds = xcalloc(1, sizeof *creds);
    creds->host = xstrdup(host);
    creds->port = xstrdup(port);
    creds->dir = xstrdup(dir);
    return load(creds, out);
}

struct err *
creds_load_in_cluster(struct creds **out)
{
    const char *host = getenv("KUBERNETES_SERVICE_HOST");
    const char *port = getenv("KUBERNETES_SERVICE_PORT");

    *out = NULL;
    if (str_is_empty(host) || str_is_empty(port)) {
        return err_new(ERR_INVALID,
                       "not in a pod (KUBERNETES_SERVICE_HOST and _PORT are "
                       "not set): name a file with --kubeconfig");
    }
    return creds_load_service_account(host, port, SERVICE_ACCOUNT_DIR, out);
}

void
creds_free(struct creds *creds)
{
    if (creds) {
        credset_fini(&creds->set);
        free(creds->url);
        free(creds->kubeconfig);
        free(creds->host);
        free(creds->port);
        free(creds->dir);
        free(creds);
    }
}

void
creds_freep(struct creds **creds)
{
    creds_free(*creds);
}

const struct creds_view *
creds_view(const struct creds *creds)
{
    return &creds->view;
}

struct err *
creds_refresh(struct creds *creds, int64_t now_ms, bool force, bool *changed)
{
    AUTO_CREDSET struct credset set = { .server = NULL };
    struct err *err;

    *changed = false;
    if (!force) {
        if (now_ms < creds->looked_ms + KUBE_CREDS_LOOK_MS) {
            return NULL;
        }
        creds->looked_ms = now_ms;
        if (now_ms < creds->read_ms + KUBE_CREDS_AGE_MS &&
            !credset_is_stale(&creds->set)) {
            return NULL;
        }
    }
    creds->looked_ms = creds->read_ms = now_ms;
    err = read_set(creds, &set);
    if (err) {
        return err;
    }
    *changed = !credset_equal(&set, &creds->set);
    /* Taken even if equal: the files' time stamps are new. */
    adopt(creds, &set);
    return NULL;
}
