#include "lib/kube/resource.h"

#include <string.h>

static const struct resource {
    const char *root;
    const char *api_version;
    const char *plural;
    bool is_namespaced;
} resources[KUBE_N_KINDS] = {
    [KUBE_INGRESS] = { "/apis/", "networking.k8s.io/v1", "ingresses", true },
    [KUBE_INGRESS_CLASS] = { "/apis/", "networking.k8s.io/v1",
                             "ingressclasses", false },
    [KUBE_SERVICE] = { "/api/", "v1", "services", true },
    [KUBE_ENDPOINT_SLICE] = { "/apis/", "discovery.k8s.io/v1",
                              "endpointslices", true },
    [KUBE_SECRET] = { "/api/", "v1", "secrets", true },
    [KUBE_NAMESPACE] = { "/api/", "v1", "namespaces", false },
    [KUBE_CONFIG_MAP] = { "/api/", "v1", "configmaps", true },
    [KUBE_LEASE] = { "/apis/", "coordination.k8s.io/v1", "leases", true },
    [KUBE_POD] = { "/api/", "v1", "pods", true },
};

bool
resource_is_namespaced(enum kube_kind kind)
{
    return resources[kind].is_namespaced;
}

const char *
resource_api_version(enum kube_kind kind)
{
    return resources[kind].api_version;
}

void
resource_put_escaped(struct buf *out, const char *s)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "0123456789-._~";

    for (; *s; s++) {
        if (strchr(plain, *s)) {
            buf_putc(out, *s);
        } else {
            buf_printf(out, "%%%02X", (unsigned char) *s);
        }
    }
}

static void
put_segment(struct buf *out, const char *s)
{
    buf_putc(out, '/');
    resource_put_escaped(out, s);
}

char *
resource_path(enum kube_kind kind, const char *ns, const char *name)
{
    const struct resource *r = &resources[kind];
    AUTO_BUF struct buf out = BUF_OWN;

    buf_printf(&out, "%s%s", r->root, r->api_version);
    if (ns && r->is_namespaced) {
        buf_puts(&out, "/namespaces");
        put_segment(&out, ns);
    }
    put_segment(&out, r->plural);
    if (name) {
        put_segment(&out, name);
    }
    return buf_take(&out);
}

bool
resource_name_ok(const char *s)
{
    size_t length = strlen(s);

    return length > 0 && length <= 253 && s[0] != '.' &&
           strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-.") == length;
}
