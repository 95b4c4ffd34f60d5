/* config: the reconciler's flags.
 *
 * Filled once from argv, read-only after.  Texts are borrowed from argv;
 * config_fini() frees what was split out of them.
 */
#ifndef RECONCILER_CONFIG_H
#define RECONCILER_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/ingress/ruleset.h"

enum webhook_certificates { WEBHOOK_CERTIFICATES_NONE,
                            WEBHOOK_CERTIFICATES_SELF };

struct config {
    struct ruleset ruleset;
    const char *kubeconfig;             /* NULL: in-cluster credentials. */
    const char *manifests;              /* Standalone: no API server. */
    const char *admin_address;
    int log_format;
    int log_level;
    const char *bind_address;
    uint64_t http_port;
    uint64_t https_port;
    uint64_t public_http_port;      /* 0: http_port. */
    uint64_t public_https_port;     /* 0: https_port. */
    const char *run_dir;
    const char *haproxy;                /* "": another container runs it. */
    const char *publish_service;        /* "namespace/name" or NULL. */
    const char *publish_status_address; /* "A,B" or NULL. */
    const char *publish_node_addresses; /* A service account or NULL. */
    const char *default_backend_service;
    const char *election_id;
    const char *election_namespace;
    const char *claims_namespace;       /* NULL: that of the Lease. */
    bool publish_certificates;
    bool cluster_claims;
    bool update_status;
    int webhook_certificates;           /* enum webhook_certificates */
    const char *webhook_service;
    const char *webhook_ca_secret;
    const char *webhook_tls_secret;
    const char *webhook_configuration;
    const char *webhook_names;          /* "a,b" or NULL. */
    uint64_t webhook_overlap_s;
    bool watch_configmaps;
    const char *access_log;             /* NULL: none. */
    bool http3;
    bool gzip;
    uint64_t threads;
    uint64_t maxconn;
    uint64_t keep_alive_s;
    uint64_t header_kib;
    uint64_t worker_shutdown_s;
};

/* Reads argv into '*config'.  '*told': flags_tell() has told what was asked. */
struct err *config_parse(int argc, char **argv, struct config *config,
                         bool *told) MUST_USE;
void config_fini(struct config *);

#endif /* RECONCILER_CONFIG_H */
