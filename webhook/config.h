/* config: the flags of sallyport-webhook. */
#ifndef WEBHOOK_CONFIG_H
#define WEBHOOK_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/ingress/ruleset.h"
#include "webhook/mutate.h"

struct config {
    struct ruleset ruleset;
    const char *listen;
    const char *tls_certificate_file;
    const char *tls_key_file;
    const char *client_ca_file;     /* NULL: any client may ask. */
    const char *kubeconfig;         /* NULL: the pod's service account. */
    const char *manifests;          /* NULL: a cluster. */
    const char *admin_address;
    bool cluster_claims;
    const char *claims_namespace;   /* NULL: the pod's. */
    int claims_on_failure;          /* enum claimer_failure */
    bool published_certificates;
    const char *certificates_namespace; /* NULL: where claims are kept. */
    struct mutate_options mutation;
    uint64_t threads;
    uint64_t shutdown_delay_s;
    int log_format;
    int log_level;
};

/* '*told' is true where flags_tell() has told what was asked for. */
struct err *config_parse(int argc, char **argv, struct config *, bool *told)
    MUST_USE;
void config_fini(struct config *);

#endif /* WEBHOOK_CONFIG_H */
