#include "webhook/config.h"

#include <string.h>

#include "lib/base/flags.h"
#include "lib/base/listen.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "webhook/claimer.h"

static const char *const format_choices[] = { "text", "json", NULL };
static const char *const failure_choices[] = { "deny", "admit", NULL };
static const char *const level_choices[] = { "debug", "info", "warn",
                                             "error", NULL };

static size_t
own_flags(struct config *c, struct flag *out)
{
    const struct flag flags[] = {
        { .name = "listen", .value_name = "HOST:PORT", .kind = FLAG_TEXT,
          .out = &c->listen,
          .doc = "Where the API server calls us, over HTTPS "
                 "(0.0.0.0:8443)." },
        { .name = "tls-certificate-file", .value_name = "FILE",
          .kind = FLAG_TEXT, .out = &c->tls_certificate_file,
          .doc = "Certificate chain in PEM; read again when it changes." },
        { .name = "tls-key-file", .value_name = "FILE", .kind = FLAG_TEXT,
          .out = &c->tls_key_file, .doc = "Its private key in PEM." },
        { .name = "client-ca-file", .value_name = "FILE", .kind = FLAG_TEXT,
          .out = &c->client_ca_file,
          .doc = "Answer only clients that show a certificate from this CA "
                 "(anybody)." },
        { .name = "kubeconfig", .value_name = "FILE", .kind = FLAG_TEXT,
          .out = &c->kubeconfig,
          .doc = "Credentials for the API server; without it, and without "
                 "--manifests, the pod's service account is used." },
        { .name = "manifests", .value_name = "DIR", .kind = FLAG_TEXT,
          .out = &c->manifests,
          .doc = "Standalone mode: judge against the YAML and JSON files of "
                 "this folder, followed as they change, instead of a "
                 "cluster." },
        { .name = "mutate-hosts", .kind = FLAG_BOOL,
          .out = &c->mutation.hosts,
          .doc = "Write hosts in lower case and without a trailing dot "
                 "(false)." },
        { .name = "namespace-defaults", .kind = FLAG_BOOL,
          .out = &c->mutation.namespace_defaults,
          .doc = "Give new Ingresses the annotations of their Namespace's "
                 "sallyport.dev/default-annotations (false)." },
        { .name = "threads", .value_name = "N", .kind = FLAG_NUMBER,
          .out = &c->threads, .min = 1, .max = 64,
          .doc = "Threads that judge (4)." },
        { .name = "shutdown-delay", .value_name = "SECONDS",
          .kind = FLAG_NUMBER, .out = &c->shutdown_delay_s, .max = 300,
          .doc = "How long reviews are answered after SIGTERM, until the "
                 "API server knows that we are gone (15)." },
        { .name = "admin-address", .value_name = "HOST:PORT",
          .kind = FLAG_TEXT, .out = &c->admin_address,
          .doc = "/healthz, /readyz and /metrics (127.0.0.1:10254)." },
        { .name = "cluster-claims", .kind = FLAG_BOOL,
          .out = &c->cluster_claims,
          .doc = "Settle new hosts and paths with the other replicas, by "
                 "claims in the API server (true; never in standalone "
                 "mode)." },
        { .name = "claims-namespace", .value_name = "NAME",
          .kind = FLAG_TEXT, .out = &c->claims_namespace,
          .doc = "Where claims are kept: Leases (the pod's namespace)." },
        { .name = "claims-on-failure", .value_name = "deny|admit",
          .kind = FLAG_CHOICE, .out = &c->claims_on_failure,
          .choices = failure_choices,
          .doc = "Where the API server does not let a claim be written: "
                 "refuse for now, or admit and let the age of the objects "
                 "decide (deny)." },
        { .name = "published-certificates", .kind = FLAG_BOOL,
          .out = &c->published_certificates,
          .doc = "Warn of certificates that are missing, wrong or about to "
                 "expire, by what the reconciler publishes of them (true; "
                 "in standalone mode by the Secrets of the folder)." },
        { .name = "certificates-namespace", .value_name = "NAME",
          .kind = FLAG_TEXT, .out = &c->certificates_namespace,
          .doc = "Where it publishes that: ConfigMaps (the pod's "
                 "namespace)." },
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
check(const struct config *c)
{
    struct err *err;

    if (!c->tls_certificate_file || !c->tls_key_file) {
        return err_new(ERR_INVALID,
                       "--tls-certificate-file and --tls-key-file are "
                       "needed: the API server calls webhooks over HTTPS "
                       "only");
    }
    if (c->kubeconfig && c->manifests) {
        return err_new(ERR_INVALID, "--kubeconfig and --manifests exclude "
                                    "each other: a cluster or a folder");
    }
    err = listen_check("listen", c->listen);
    return err ? err : listen_check("admin-address", c->admin_address);
}

struct err *
config_parse(int argc, char **argv, struct config *config, bool *told)
{
    struct flag flags[64];
    struct err *err;
    size_t n;

    *config = (struct config) {
        .ruleset = RULESET_INIT,
        .listen = "0.0.0.0:8443",
        .admin_address = "127.0.0.1:10254",
        .cluster_claims = true,
        .published_certificates = true,
        .claims_on_failure = CLAIMER_DENY,
        .threads = 4,
        .shutdown_delay_s = 15,
        .log_format = LOG_TEXT,
        .log_level = LOG_INFO,
    };
    /* Whether the controller passes TLS through is its flag, not ours. */
    config->ruleset.ssl_passthrough = true;
    n = own_flags(config, flags);
    n += ruleset_flags(&config->ruleset, flags + n);
    *told = flags_tell(
        flags, n, argc, argv, "sallyport-webhook",
        "sallyport-webhook: judges Ingresses as they are applied.\n");
    if (*told) {
        return NULL;
    }
    err = flags_parse(flags, n, argc, argv, NULL, NULL);
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
