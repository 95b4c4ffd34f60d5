#include "lib/ingress/foreign_keys.h"

#include <string.h>
#include <strings.h>

#include "lib/base/compiler.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"

#define NEEDLESS(name, why) { (name), FOREIGN_NEEDLESS, NULL, (why) }
#define IDLE(name, idle, why) { (name), FOREIGN_NEEDLESS, (idle), (why) }
#define MOVED(name, why) { (name), FOREIGN_MOVED, NULL, (why) }
#define REFUSED(name, why) { (name), FOREIGN_REFUSED, NULL, (why) }
#define UNLESS(name, idle, why) { (name), FOREIGN_REFUSED, (idle), (why) }

#define SNIPPET                                                            \
    "raw configuration of nginx: docs/migration.md shows what replaces it"
#define SCRIPTS "no scripts are run but the controller's own"
#define HEADERS                                                            \
    "write --header-size of sallyport-reconciler: headers may have 15 KiB "  \
    "without it"
#define FIREWALL                                                           \
    "no web application firewall runs here: put one behind the Services or " \
    "before this controller"
#define SPANS                                                              \
    "the proxy exports no spans of its own; enable-opentelemetry passes " \
    "traces on"
#define TABLES "tables of HAProxy grow by themselves"
#define STREAMS "TCP and UDP services are no part of an Ingress"
#define OLD_RATE                                                           \
    "it is gone from ingress-nginx, too: limit-rps and limit-rpm count in " \
    "each replica"
#define OLD_SPANS                                                          \
    "it is gone from ingress-nginx, too: write enable-opentelemetry"
#define GZIP "write --gzip of sallyport-reconciler"
#define BROTLI                                                             \
    "there is gzip alone: " GZIP ", or compress in the Services"
#define LOG_LINE "--access-log writes lines of one form"
#define LOG_PLACE "write --access-log WHERE of sallyport-reconciler"
#define GEO "addresses are not looked up in a database"

static const struct foreign_key keys[] = {
    /* Text of nginx. */
    REFUSED("main-snippet", SNIPPET),
    REFUSED("http-snippet", SNIPPET),
    REFUSED("server-snippet", SNIPPET),
    REFUSED("location-snippet", SNIPPET),
    REFUSED("stream-snippet", SNIPPET),
    REFUSED("modsecurity-snippet", SNIPPET),
    UNLESS("allow-snippet-annotations", "false",
           "no flag and no key allows snippets: docs/migration.md shows what "
           "replaces them"),
    NEEDLESS("annotation-value-word-blocklist",
             "values of annotations are data and never configuration"),
    NEEDLESS("annotations-risk-level",
             "annotations of the level Critical are refused always, all "
             "others are data"),
    NEEDLESS("strict-validate-path-type",
             "what a path of each pathType may hold is checked always"),
    REFUSED("plugins", SCRIPTS),
    REFUSED("lua-shared-dicts", SCRIPTS),
    /* Firewalls, databases, old limits. */
    UNLESS("enable-modsecurity", "false", FIREWALL),
    UNLESS("enable-owasp-modsecurity-crs", "false", FIREWALL),
    UNLESS("use-geoip", "false", GEO),
    UNLESS("use-geoip2", "false", GEO),
    NEEDLESS("geoip2-*", GEO),
    NEEDLESS("global-rate-limit-*", OLD_RATE),
    NEEDLESS("limit-conn-zone-variable",
             "limits are by the client's address always"),
    /* Traces. */
    NEEDLESS("opentelemetry-*", SPANS),
    NEEDLESS("otlp-*", SPANS),
    NEEDLESS("otel-*", SPANS),
    UNLESS("enable-opentracing", "false", OLD_SPANS),
    NEEDLESS("opentracing-*", OLD_SPANS),
    NEEDLESS("zipkin-*", OLD_SPANS),
    NEEDLESS("jaeger-*", OLD_SPANS),
    NEEDLESS("datadog-*", OLD_SPANS),
    /* Logs. */
    REFUSED("log-format-upstream", LOG_LINE),
    NEEDLESS("log-format-escape-json", LOG_LINE),
    NEEDLESS("log-format-escape-none", LOG_LINE),
    NEEDLESS("log-format-stream", STREAMS),
    NEEDLESS("access-log-params", LOG_LINE),
    REFUSED("access-log-path", LOG_PLACE),
    REFUSED("http-access-log-path", LOG_PLACE),
    NEEDLESS("stream-access-log-path", STREAMS),
    UNLESS("disable-http-access-log", "false", "write disable-access-log"),
    NEEDLESS("disable-stream-access-log", STREAMS),
    NEEDLESS("enable-access-log-for-default-backend",
             "requests of the default backend are logged as all others"),
    NEEDLESS("enable-auth-access-log",
             "a question to auth-url is no request of a client"),
    NEEDLESS("error-log-path", "errors go to standard error"),
    REFUSED("error-log-level", "write --log-level of sallyport-reconciler"),
    UNLESS("enable-syslog", "false", LOG_PLACE),
    REFUSED("syslog-host", LOG_PLACE),
    REFUSED("syslog-port", LOG_PLACE),
    NEEDLESS("debug-connections", "no connection is debugged one by one"),
    /* Answers. */
    UNLESS("use-gzip", "false", GZIP),
    NEEDLESS("gzip-*",
             "--gzip of sallyport-reconciler has a level, a length and types "
             "of its own"),
    UNLESS("enable-brotli", "false", BROTLI),
    NEEDLESS("brotli-*", BROTLI),
    IDLE("server-tokens", "false", "the proxy never names itself"),
    NEEDLESS("default-type", "the Content-Type is the Service's"),
    /* TLS. */
    UNLESS("use-http2", "true", "HTTP/2 is offered always"),
    REFUSED("ssl-dh-param",
            "handshakes use curves; the few ciphers with DHE have a group of "
            "2048 bits"),
    NEEDLESS("ssl-ecdh-curve",
             "the curves are X25519 and P-256, and what is newer where "
             "OpenSSL has it"),
    UNLESS("ssl-early-data", "false", "early data can be replayed"),
    NEEDLESS("ssl-session-cache*", "sessions are kept always"),
    UNLESS("ssl-session-tickets", "false",
           "no ticket holds a session: the server keeps them"),
    NEEDLESS("ssl-session-ticket-key",
             "no ticket holds a session: the server keeps them"),
    NEEDLESS("ssl-session-timeout", "sessions are kept for two hours"),
    NEEDLESS("ssl-buffer-size", "records have the size that suits"),
    NEEDLESS("enable-dynamic-tls-records", "records have the size that suits"),
    UNLESS("ssl-reject-handshake", "false",
           "write --strict-sni of sallyport-reconciler"),
    NEEDLESS("proxy-ssl-location-only",
             "proxy-ssl-* are of an Ingress's paths always"),
    /* Limits and times of the process. */
    MOVED("max-worker-connections",
          "write --maxconn of sallyport-reconciler, or nothing for as many as "
          "the limit of open files allows"),
    MOVED("worker-processes",
          "write --threads of sallyport-reconciler, or nothing for one for "
          "each CPU"),
    NEEDLESS("max-worker-open-files", "it follows from --maxconn"),
    NEEDLESS("worker-cpu-affinity", "the kernel knows better"),
    MOVED("worker-shutdown-timeout",
          "write --worker-shutdown-timeout of sallyport-reconciler: "
          "connections of a process that a reload replaced have 240 seconds "
          "without it"),
    NEEDLESS("enable-multi-accept", "it is so"),
    NEEDLESS("enable-aio-write", "nothing is written to files"),
    NEEDLESS("enable-serial-reloads", "a change needs no reload"),
    NEEDLESS("worker-serial-reloads", "a change needs no reload"),
    NEEDLESS("reuse-port", "listeners outlive the proxy's processes"),
    MOVED("http2-max-field-size", HEADERS),
    MOVED("http2-max-header-size", HEADERS),
    NEEDLESS("http2-max-*", "HAProxy has bounds of its own"),
    MOVED("client-header-buffer-size", HEADERS),
    MOVED("large-client-header-buffers", HEADERS),
    NEEDLESS("client-header-timeout", "a request's head has twenty seconds"),
    NEEDLESS("client-body-timeout",
             "a client may be silent for a minute"),
    MOVED("keep-alive",
          "write --keep-alive of sallyport-reconciler: a connection may rest "
          "for 75 seconds without it"),
    NEEDLESS("keep-alive-requests", "a connection may have any number"),
    NEEDLESS("upstream-keepalive-*",
             "connections to endpoints are shared and kept as HAProxy "
             "finds best"),
    NEEDLESS("proxy-protocol-header-timeout",
             "a connection's first bytes have twenty seconds"),
    NEEDLESS("proxy-stream-*", STREAMS),
    NEEDLESS("grpc-buffer-size-kb", "HAProxy streams"),
    UNLESS("retry-non-idempotent", "false",
           "write non_idempotent among the words of proxy-next-upstream"),
    IDLE("ignore-invalid-headers", "true",
         "a request with a header of an invalid name is refused with 400"),
    /* Names and addresses. */
    REFUSED("bind-address", "write --bind-address of sallyport-reconciler"),
    MOVED("disable-ipv6",
          "write --bind-address 0.0.0.0 of sallyport-reconciler"),
    NEEDLESS("disable-ipv6-dns",
             "only names of ExternalName Services and of auth-url are "
             "resolved, to addresses of both families"),
    NEEDLESS("nginx-status-ipv4-whitelist",
             "there is no status page on the listeners"),
    NEEDLESS("nginx-status-ipv6-whitelist",
             "there is no status page on the listeners"),
    NEEDLESS("map-hash-bucket-size", TABLES),
    NEEDLESS("server-name-hash-*", TABLES),
    NEEDLESS("variables-hash-*", TABLES),
    NEEDLESS("proxy-headers-hash-*", TABLES),
};

size_t
foreign_key_count(void)
{
    return ARRAY_SIZE(keys);
}

const struct foreign_key *
foreign_key_at(size_t i)
{
    return i < ARRAY_SIZE(keys) ? &keys[i] : NULL;
}

const struct foreign_key *
foreign_key_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        if (str_fits(name, keys[i].name)) {
            return &keys[i];
        }
    }
    return NULL;
}

bool
foreign_key_is_idle(const struct foreign_key *key, const char *value)
{
    AUTO_FREE char *text = str_trim(value);
    bool is_on, is_idle;

    if (text[0] == '\0') {
        return true;
    }
    return key->idle && parse_bool(text, &is_on) &&
           parse_bool(key->idle, &is_idle) && is_on == is_idle;
}
