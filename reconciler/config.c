#include "reconciler/config.h"

#include <string.h>

#include "haproxy/listeners.h"
#include "haproxy/render.h"
#include "lib/base/flags.h"
#include "lib/base/listen.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/ingress/foreign_flags.h"
#include "lib/kube/resource.h"
#include "reconciler/address.h"

static const char *const format_choices[] = { "text", "json", NULL };
static const char *const level_choices[] = { "debug", "info", "warn",
                                             "error", NULL };

static const char *const certificate_choices[] = { "none", "self", NULL };

/* Certificates of the webhook (issuer.h). */
static size_t
webhook_flags(struct config *c, struct flag *out)
{
    const struct flag flags[] = {
        { .name = "webhook-certificates", .value_name = "none|self",
          .kind = FLAG_CHOICE, .out = &c->webhook_certificates,
          .choices = certificate_choices,
          .doc = "Who makes the webhook's certificate (none): self is the "
                 "leader of the reconcilers, with a CA of its own." },
        { .name = "webhook-service", .value_name = "NAME", .kind = FLAG_TEXT,
          .out = &c->webhook_service,
          .doc = "Service of the webhook, in the namespace of the Lease "
                 "(sallyport-webhook)." },
        { .name = "webhook-ca-secret", .value_name = "NAME",
          .kind = FLAG_TEXT, .out = &c->webhook_ca_secret,
          .doc = "Secret there that keeps the CA (sallyport-webhook-ca)." },
        { .name = "webhook-tls-secret", .value_name = "NAME",
          .kind = FLAG_TEXT, .out = &c->webhook_tls_secret,
          .doc = "Secret there that the webhook mounts "
                 "(sallyport-webhook-tls)." },
        { .name = "webhook-configuration", .value_name = "NAME",
          .kind = FLAG_TEXT, .out = &c->webhook_configuration,
          .doc = "Validating- and MutatingWebhookConfiguration whose "
                 "caBundle is kept (sallyport)." },
        { .name = "webhook-certificate-names", .value_name = "NAME,...",
          .kind = FLAG_TEXT, .out = &c->webhook_names,
          .doc = "DNS names of the certificate instead of the Service's, for "
                 "a webhook that is called by URL." },
        { .name = "webhook-ca-overlap", .value_name = "SECONDS",
          .kind = FLAG_NUMBER, .out = &c->webhook_overlap_s, .min = 1,
          .max = 86400,
          .doc = "How long a new CA is trusted before it issues; the old one "
                 "stays trusted six times as long after that (600)." },
    };

    memcpy(out, flags, sizeof flags);
    return ARRAY_SIZE(flags);
}

/* How HAProxy runs; who gives other numbers than before reloads it. */
static size_t
proxy_flags(struct config *c, struct flag *out)
{
    const struct flag flags[] = {
        { .name = "access-log", .value_name = "WHERE", .kind = FLAG_TEXT,
          .out = &c->access_log,
          .doc = "Where HAProxy logs requests: stdout, stderr, the path of a "
                 "socket or HOST:PORT of a syslog server (none)." },
        { .name = "http3", .kind = FLAG_BOOL, .out = &c->http3,
          .doc = "Serve HTTP/3 on the https port of UDP, where HAProxy has "
                 "QUIC." },
        { .name = "gzip", .kind = FLAG_BOOL, .out = &c->gzip,
          .doc = "Compress answers of text for clients that take gzip, where "
                 "the Service has not." },
        { .name = "threads", .value_name = "N", .kind = FLAG_NUMBER,
          .out = &c->threads, .min = 0, .max = 64,
          .doc = "HAProxy's threads (0: as many as the CPUs allowed)." },
        { .name = "maxconn", .value_name = "N", .kind = FLAG_NUMBER,
          .out = &c->maxconn, .min = 0, .max = 1000000,
          .doc = "HAProxy's connections at a time (0: what the limit of "
                 "open files allows)." },
        { .name = "keep-alive", .value_name = "SECONDS", .kind = FLAG_NUMBER,
          .out = &c->keep_alive_s, .min = 1, .max = 86400,
          .doc = "How long a client's connection may rest between two "
                 "requests (75): longer than the load balancer before it "
                 "keeps one." },
        { .name = "header-size", .value_name = "KIB", .kind = FLAG_NUMBER,
          .out = &c->header_kib, .min = 15, .max = 1023,
          .doc = "What the headers of a request, or of an answer, may have "
                 "together (15); each request in flight has buffers of that "
                 "size." },
        { .name = "worker-shutdown-timeout", .value_name = "SECONDS",
          .kind = FLAG_NUMBER, .out = &c->worker_shutdown_s, .min = 1,
          .max = 86400,
          .doc = "How long connections of a HAProxy process that a reload "
                 "replaced may go on (240)." },
    };

    memcpy(out, flags, sizeof flags);
    return ARRAY_SIZE(flags);
}

static size_t
own_flags(struct config *c, struct flag *out)
{
    const struct flag flags[] = {
        { .name = "kubeconfig", .value_name = "FILE", .kind = FLAG_TEXT,
          .out = &c->kubeconfig,
          .doc = "Credentials for the API server; without it, and without "
                 "--manifests, the pod's service account is used." },
        { .name = "manifests", .value_name = "DIR", .kind = FLAG_TEXT,
          .out = &c->manifests,
          .doc = "Standalone mode: serve the YAML and JSON files of this "
                 "folder, followed as they change, instead of a cluster." },
        { .name = "bind-address", .value_name = "ADDRESS", .kind = FLAG_TEXT,
          .out = &c->bind_address,
          .doc = "Address of the HTTP and HTTPS listeners (all)." },
        { .name = "http-port", .value_name = "PORT", .kind = FLAG_NUMBER,
          .out = &c->http_port, .min = 1, .max = 65535,
          .doc = "Port of the HTTP listener (80)." },
        { .name = "https-port", .value_name = "PORT", .kind = FLAG_NUMBER,
          .out = &c->https_port, .min = 1, .max = 65535,
          .doc = "Port of the HTTPS listener (443)." },
        { .name = "public-http-port", .value_name = "PORT",
          .kind = FLAG_NUMBER, .out = &c->public_http_port, .max = 65535,
          .doc = "Port that clients dial for http, where a Service or load "
                 "balancer maps it: X-Forwarded-Port (0: that of "
                 "--http-port)." },
        { .name = "public-https-port", .value_name = "PORT",
          .kind = FLAG_NUMBER, .out = &c->public_https_port, .max = 65535,
          .doc = "The same for https: redirects to https, X-Forwarded-Port, "
                 "Alt-Svc (0: that of --https-port)." },
        { .name = "run-dir", .value_name = "DIR", .kind = FLAG_TEXT,
          .out = &c->run_dir,
          .doc = "Folder of everything written (/run/sallyport): program, "
                 "maps, certificates, sockets.  A tmpfs, mode 0700." },
        { .name = "haproxy", .value_name = "PATH", .kind = FLAG_TEXT,
          .out = &c->haproxy,
          .doc = "The HAProxy binary (/usr/sbin/haproxy).  Empty: "
                 "sallyport-proxy runs it in another container on the same "
                 "run-dir." },
        { .name = "publish-service", .value_name = "NS/NAME",
          .kind = FLAG_TEXT, .out = &c->publish_service,
          .doc = "Service whose addresses go into the status of Ingresses." },
        { .name = "publish-status-address", .value_name = "A,...",
          .kind = FLAG_TEXT, .out = &c->publish_status_address,
          .doc = "Addresses (IPs, or host names) for the status of "
                 "Ingresses, instead of --publish-service." },
        { .name = "publish-node-addresses", .value_name = "ACCOUNT",
          .kind = FLAG_TEXT, .out = &c->publish_node_addresses,
          .doc = "Or those of all nodes on which a pod of this service "
                 "account, in the Lease's namespace, is ready." },
        { .name = "update-status", .kind = FLAG_BOOL,
          .out = &c->update_status,
          .doc = "Write addresses into Ingress status (true)." },
        { .name = "default-backend-service", .value_name = "NS/NAME",
          .kind = FLAG_TEXT, .out = &c->default_backend_service,
          .doc = "Service that answers what no Ingress routes; its first "
                 "port.  Without it: 404." },
        ruleset_certificate_flag(&c->ruleset),
        { .name = "election-id", .value_name = "NAME", .kind = FLAG_TEXT,
          .out = &c->election_id,
          .doc = "Lease that replicas elect the writer of status by "
                 "(sallyport-CLASS, with the ingress class)." },
        { .name = "election-namespace", .value_name = "NS",
          .kind = FLAG_TEXT, .out = &c->election_namespace,
          .doc = "Namespace of that Lease (the pod's own, else "
                 "sallyport-system)." },
        { .name = "cluster-claims", .kind = FLAG_BOOL,
          .out = &c->cluster_claims,
          .doc = "Delete the webhook's claims that no Ingress backs (true; "
                 "the leader does it)." },
        { .name = "claims-namespace", .value_name = "NS", .kind = FLAG_TEXT,
          .out = &c->claims_namespace,
          .doc = "Where the webhook keeps its claims (the Lease's "
                 "namespace)." },
        { .name = "publish-certificates", .kind = FLAG_BOOL,
          .out = &c->publish_certificates,
          .doc = "Publish names, dates and verdicts of TLS Secrets for the "
                 "webhook, in ConfigMaps of the Lease's namespace (false; "
                 "the leader does it)." },
        { .name = "watch-configmaps", .kind = FLAG_BOOL,
          .out = &c->watch_configmaps,
          .doc = "Keep all ConfigMaps of the watched namespaces, for "
                 "custom-headers, add-headers and proxy-set-headers (false; "
                 "the role must allow it)." },
        { .name = "admin-address", .value_name = "HOST:PORT",
          .kind = FLAG_TEXT, .out = &c->admin_address,
          .doc = "/healthz, /readyz and /metrics (127.0.0.1:10254)." },
        { .name = "log-format", .value_name = "text|json",
          .kind = FLAG_CHOICE, .out = &c->log_format,
          .choices = format_choices, .doc = "Shape of log lines (text)." },
        { .name = "log-level", .value_name = "LEVEL", .kind = FLAG_CHOICE,
          .out = &c->log_level, .choices = level_choices,
          .doc = "debug, info, warn or error (info)." },
    };

    memcpy(out, flags, sizeof flags);
    return ARRAY_SIZE(flags);
}

static struct err *
check_addresses(const struct config *c)
{
    struct addresses published = { 0 };
    struct err *err = listen_check("admin-address", c->admin_address);

    if (!err) {
        err = err_wrap(listeners_check(c->bind_address), "--bind-address");
    }
    if (!err) {
        err = err_wrap(program_check_run_dir(c->run_dir), "--run-dir");
    }
    if (!err && c->access_log) {
        err = err_wrap(program_check_log(c->access_log), "--access-log");
    }
    if (!err && c->publish_status_address) {
        err = err_wrap(addresses_parse(c->publish_status_address, &published),
                       "--publish-status-address");
        addresses_fini(&published);
    }
    return err;
}

static struct err *
check(const struct config *c)
{
    const struct {
        const char *flag;
        const char *value;
    } keys[] = {
        { "publish-service", c->publish_service },
        { "default-backend-service", c->default_backend_service },
    };

    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        struct err *err = ruleset_check_key(keys[i].flag, keys[i].value);

        if (err) {
            return err;
        }
    }
    if (c->kubeconfig && c->manifests) {
        return err_new(ERR_INVALID, "--kubeconfig and --manifests exclude "
                                    "each other: a cluster or a folder");
    }
    if (!!c->publish_service + !!c->publish_status_address +
            !!c->publish_node_addresses > 1) {
        return err_new(ERR_INVALID,
                       "--publish-service, --publish-status-address and "
                       "--publish-node-addresses exclude each other");
    }
    if (c->publish_node_addresses &&
        (c->manifests || !resource_name_ok(c->publish_node_addresses))) {
        return err_new(ERR_INVALID, "--publish-node-addresses needs a cluster "
                                    "and the name of a service account");
    }
    if (c->manifests && c->webhook_certificates != WEBHOOK_CERTIFICATES_NONE) {
        return err_new(ERR_INVALID, "--webhook-certificates=self needs a "
                                    "cluster, not --manifests");
    }
    if (c->http_port == c->https_port) {
        return err_new(ERR_INVALID,
                       "--http-port and --https-port must differ");
    }
    return check_addresses(c);
}

struct err *
config_parse(int argc, char **argv, struct config *config, bool *told)
{
    struct flag flags[64];
    struct err *err;
    size_t n;

    *config = (struct config) {
        .ruleset = RULESET_INIT,
        .admin_address = "127.0.0.1:10254",
        .log_format = LOG_TEXT,
        .log_level = LOG_INFO,
        .bind_address = "",
        .http_port = 80,
        .https_port = 443,
        .run_dir = "/run/sallyport",
        .haproxy = "/usr/sbin/haproxy",
        .update_status = true,
        .keep_alive_s = 75,
        .header_kib = 15,
        .worker_shutdown_s = 240,
        .webhook_service = "sallyport-webhook",
        .webhook_ca_secret = "sallyport-webhook-ca",
        .webhook_tls_secret = "sallyport-webhook-tls",
        .webhook_configuration = "sallyport",
        .webhook_overlap_s = 600,
        .cluster_claims = true,
    };
    n = ruleset_flags(&config->ruleset, flags);
    n += own_flags(config, flags + n);
    n += proxy_flags(config, flags + n);
    n += webhook_flags(config, flags + n);
    *told = flags_tell(
        flags, n, argc, argv, "sallyport-reconciler",
        "sallyport-reconciler: serves Ingresses through HAProxy.\n");
    if (*told) {
        return NULL;
    }
    err = foreign_flags_check(argc, argv);
    if (!err) {
        err = flags_parse(flags, n, argc, argv, NULL, NULL);
    }
    if (!err) {
        err = check(config);
    }
    config->ruleset.class_by_name = config->manifests != NULL;
    return err ? err : ruleset_finish(&config->ruleset);
}

void
config_fini(struct config *config)
{
    ruleset_fini(&config->ruleset);
}
