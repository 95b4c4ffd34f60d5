#include "lib/ingress/foreign_flags.h"

#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

#define STREAMS                                                            \
    "TCP and UDP services are no part of an Ingress: give them Services of " \
    "type LoadBalancer"
#define ALWAYS_JUDGED "all that an Ingress holds is judged always"
#define AS_THEY_COME "changes reach the proxy as they come"
#define METRICS                                                            \
    "/metrics has what docs/operations.md lists, in its own buckets"
#define ADMIN "write --admin-address HOST:PORT: /healthz and /readyz are there"
#define LOG "write --log-level and --log-format"
#define NO_PORT "no such port is opened"
#define WEBHOOK                                                            \
    "sallyport-webhook is a program of its own: write its --listen, " \
    "--tls-certificate-file and --tls-key-file"
#define GEO "addresses are not looked up in a database"
#define KUBECONFIG "write --kubeconfig FILE"
#define GRACE                                                              \
    "write --grace SECONDS of sallyport-proxy, and a preStop hook that sleeps"

static const struct foreign_flag flags[] = {
    { "add_dir_header", LOG },
    { "alsologtostderr", LOG },
    { "annotations-prefix",
      "annotations are read under nginx.ingress.kubernetes.io/ and "
      "sallyport.dev/: write those of another prefix so" },
    { "apiserver-host", KUBECONFIG },
    { "bucket-factor", METRICS },
    { "certificate-authority", KUBECONFIG },
    { "deep-inspect", ALWAYS_JUDGED },
    { "default-server-port", NO_PORT },
    { "disable-full-test", ALWAYS_JUDGED },
    { "disable-leader-election",
      "replicas elect the one that writes status always" },
    { "disable-svc-external-name",
      "Services of type ExternalName are served only with "
      "--allow-external-names" },
    { "disable-sync-events", "Events tell of findings, never of a sync" },
    { "dynamic-configuration-retries", AS_THEY_COME },
    { "election-ttl", "a Lease is held for fifteen seconds" },
    { "enable-annotation-validation", ALWAYS_JUDGED },
    { "enable-dynamic-*", AS_THEY_COME },
    { "enable-metrics", METRICS },
    { "enable-ssl-chain-completion",
      "write the whole chain into the Secret's tls.crt" },
    { "enable-topology-aware-routing",
      "all ready endpoints take turns, whatever their zones" },
    { "exclude-socket-metrics", METRICS },
    { "force-namespace-isolation",
      "Secrets and ConfigMaps of other namespaces are refused, unless the "
      "ConfigMap has allow-cross-namespace-resources" },
    { "health-check-*", ADMIN },
    { "healthz-*", ADMIN },
    { "ingress-class-by-name",
      "an IngressClass is ours by its name, --ingress-class, and by its "
      "controller, --controller-class" },
    { "internal-logger-address", NO_PORT },
    { "length-buckets", METRICS },
    { "log_*", LOG },
    { "logtostderr", LOG },
    { "max-buckets", METRICS },
    { "maxmind-*", GEO },
    { "metrics-per-*", METRICS },
    { "monitor-max-batch-size", METRICS },
    { "one_output", LOG },
    { "post-shutdown-grace-period", GRACE },
    { "profiler-*", NO_PORT },
    { "profiling", NO_PORT },
    { "report-node-internal-ip-address",
      "write --publish-node-addresses with the service account of the pods" },
    { "report-status-classes", METRICS },
    { "shutdown-grace-period", GRACE },
    { "size-buckets", METRICS },
    { "skip_headers", LOG },
    { "skip_log_headers", LOG },
    { "sort-backends", "endpoints take turns in no order that could matter" },
    { "ssl-passthrough-proxy-port", NO_PORT },
    { "status-port", NO_PORT },
    { "status-update-interval",
      "status is written as soon as the proxy has the routes" },
    { "stderrthreshold", LOG },
    { "stream-port", NO_PORT },
    { "sync-period", AS_THEY_COME },
    { "sync-rate-limit", AS_THEY_COME },
    { "tcp-services-configmap", STREAMS },
    { "time-buckets", METRICS },
    { "udp-services-configmap", STREAMS },
    { "update-status-on-shutdown",
      "who ends leaves the status of Ingresses as it is" },
    { "v", LOG },
    { "validating-webhook*", WEBHOOK },
    { "vmodule", LOG },
    { "watch-namespace-selector",
      "write --watch-namespace with the names of the namespaces" },
};

size_t
foreign_flag_count(void)
{
    return ARRAY_SIZE(flags);
}

const struct foreign_flag *
foreign_flag_at(size_t i)
{
    return i < ARRAY_SIZE(flags) ? &flags[i] : NULL;
}

const struct foreign_flag *
foreign_flag_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
        if (str_fits(name, flags[i].name)) {
            return &flags[i];
        }
    }
    return NULL;
}

/* The name of "--name", "--name=value" or "-v"; NULL: no flag. */
static char *
name_of(const char *argument)
{
    const size_t dashes = strspn(argument, "-");

    if (dashes == 0 || dashes > 2) {
        return NULL;
    }
    argument += dashes;
    return xstrndup(argument, strcspn(argument, "="));
}

struct err *
foreign_flags_check(int argc, char **argv)
{
    AUTO_BUF struct buf out = BUF_OWN;

    for (int i = 1; i < argc; i++) {
        AUTO_FREE char *name = name_of(argv[i]);
        const struct foreign_flag *flag =
            name ? foreign_flag_find(name) : NULL;

        if (flag) {
            AUTO_FREE char *quoted = str_quote(name);

            buf_printf(&out, "%s--%.*s is a flag of ingress-nginx, take it "
                       "out: %s", out.size > 0 ? "; " : "",
                       (int) strlen(quoted) - 2, quoted + 1, flag->why);
        }
    }
    return out.size > 0 ? err_new(ERR_INVALID, "%s", buf_str(&out)) : NULL;
}
