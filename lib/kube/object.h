/* object: the Kubernetes objects we read, as plain structs.
 *
 * An object is decoded once (decode.h) into one block of memory and is
 * immutable from then on; holders count references.  There are very many, so
 * members stand where they leave no holes.  Every string is
 * NUL-terminated and lives in that block; absent strings are NULL.  Strings
 * are what a stranger wrote: nothing here is checked beyond its JSON type.
 * managedFields, labels, and all fields not named here, are never kept.
 *
 * Threads: reference counts are atomic, everything else is read-only.
 * Source: networking.k8s.io/v1, core/v1, discovery.k8s.io/v1,
 * coordination.k8s.io/v1 of the Kubernetes API reference.
 */
#ifndef KUBE_OBJECT_H
#define KUBE_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/compiler.h"

enum kube_kind {
    KUBE_INGRESS,
    KUBE_INGRESS_CLASS,
    KUBE_SERVICE,
    KUBE_ENDPOINT_SLICE,
    KUBE_SECRET,
    KUBE_NAMESPACE,
    KUBE_CONFIG_MAP,
    KUBE_LEASE,
    KUBE_POD,
};
#define KUBE_N_KINDS 9

struct kube_pair {
    const char *name;
    const char *value;
};

struct kube_pairs {
    const struct kube_pair *items;  /* Sorted by name. */
    size_t n;
};

/* A port named or numbered: exactly one of the two is set. */
struct kube_port {
    const char *name;
    int32_t number;
};

struct kube_backend {
    const char *service;        /* NULL: none (or 'resource'). */
    struct kube_port port;
    const char *resource;       /* "kind/name" of a resource backend. */
};

enum kube_path_type {
    KUBE_PATH_UNKNOWN,          /* Missing or not one of the three. */
    KUBE_PATH_EXACT,
    KUBE_PATH_PREFIX,
    KUBE_PATH_IMPLEMENTATION,
};

struct kube_path {
    const char *path;           /* NULL: not given. */
    enum kube_path_type type;
    struct kube_backend backend;
};

struct kube_rule {
    const char *host;           /* NULL or "": every host. */
    const struct kube_path *paths;
    uint32_t n_paths;
};

struct kube_tls {
    const char *const *hosts;
    uint32_t n_hosts;
    const char *secret;         /* NULL or "": the default certificate. */
};

struct kube_address {           /* status.loadBalancer.ingress[] */
    const char *ip;
    const char *hostname;
};

struct kube_ingress {
    const char *class_name;     /* spec.ingressClassName */
    const struct kube_backend *default_backend;     /* NULL: none. */
    const struct kube_rule *rules;
    const struct kube_tls *tls;
    const struct kube_address *addresses;
    uint32_t n_rules;
    uint32_t n_tls;
    uint32_t n_addresses;
};

struct kube_ingress_class {
    const char *controller;
    bool is_default;            /* The is-default-class annotation. */
};

enum kube_service_type {
    KUBE_SERVICE_CLUSTER_IP,
    KUBE_SERVICE_NODE_PORT,
    KUBE_SERVICE_LOAD_BALANCER,
    KUBE_SERVICE_EXTERNAL_NAME,
};

struct kube_service_port {
    const char *name;           /* NULL where the only port has none. */
    int32_t port;
    const char *app_protocol;
    struct kube_port target;
    bool is_tcp;
};

struct kube_service {
    const char *cluster_ip;     /* "None": headless. */
    const char *external_name;
    const char *const *external_ips;
    const struct kube_service_port *ports;
    const struct kube_address *addresses;   /* status.loadBalancer */
    uint32_t n_external_ips;
    uint32_t n_ports;
    uint32_t n_addresses;
    enum kube_service_type type;
};

struct kube_endpoint {
    const char *const *addresses;
    uint32_t n_addresses;
    bool ready;                 /* Absent means true. */
    bool serving;               /* Absent means ready. */
    bool terminating;
};

struct kube_slice_port {
    const char *name;           /* "" and NULL are the same. */
    int32_t port;               /* 0: all ports (not used by us). */
    bool is_tcp;
};

struct kube_endpoint_slice {
    const char *service;        /* Label kubernetes.io/service-name. */
    const struct kube_endpoint *endpoints;
    const struct kube_slice_port *ports;
    uint32_t n_endpoints;
    uint32_t n_ports;
    bool is_fqdn;               /* addressType FQDN: not used by us. */
};

struct kube_datum {             /* A decoded value: bytes, not text. */
    const char *name;
    const char *data;           /* A NUL follows its 'size' bytes. */
    size_t size;
};

struct kube_secret {
    const char *type;
    const struct kube_datum *data;
    uint32_t n_data;
};

struct kube_config_map {
    struct kube_pairs data;
};

struct kube_lease {
    const char *holder;
    int64_t duration_s;
    const char *renew_time;
    const char *acquire_time;
    int64_t transitions;
};

struct kube_pod {
    const char *host_ip;        /* NULL: it is on no node yet. */
    bool is_ready;              /* Running, and its condition Ready is True. */
};

struct kube_object {
    enum kube_kind kind;
    bool is_deleting;           /* deletionTimestamp is set. */
    const char *namespace;      /* NULL for cluster-scoped kinds. */
    const char *name;           /* "" where only generateName is known. */
    const char *generate_name;
    const char *key;            /* "namespace/name", or "name". */
    const char *uid;
    const char *resource_version;
    int64_t generation;
    int64_t created;            /* Seconds since 1970; 0: not yet. */
    struct kube_pairs annotations;
    const char *source;         /* "file.yaml:12", NULL from an API server. */
    size_t size;                /* Bytes of memory this object takes. */
    union {
        struct kube_ingress ingress;
        struct kube_ingress_class ingress_class;
        struct kube_service service;
        struct kube_endpoint_slice slice;
        struct kube_secret secret;
        struct kube_config_map config_map;
        struct kube_lease lease;
        struct kube_pod pod;
    };
};

const struct kube_object *kube_ref(const struct kube_object *);
void kube_unref(const struct kube_object *);        /* Accepts NULL. */
void kube_unrefp(const struct kube_object **);
#define AUTO_KUBE AUTO(kube_unrefp)

/* The value of a pair, NULL where it is absent. */
const char *kube_pair(const struct kube_pairs *, const char *name);
const struct kube_datum *kube_datum(const struct kube_secret *,
                                    const char *name);

/* The port of a Service that a backend names, by name or number; where there
 * is none, the one whose targetPort is that, which ingress-nginx takes, too.
 * NULL: neither. */
const struct kube_service_port *
kube_service_port(const struct kube_service *, const struct kube_port *);
/* False where it is found by its targetPort only. */
bool kube_service_port_is(const struct kube_service_port *,
                          const struct kube_port *);

/* "Ingress", "EndpointSlice", ... and back; false for other kinds. */
const char *kube_kind_name(enum kube_kind);
bool kube_kind_parse(const char *name, enum kube_kind *out);

#endif /* KUBE_OBJECT_H */
