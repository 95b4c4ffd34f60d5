#include "haproxy/plan_inside.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"

void
plan_free_cert_(void *p)
{
    struct plan_cert *cert = p;

    if (cert->pem) {
        explicit_bzero(cert->pem, cert->size);
        free(cert->pem);
    }
    free(cert);
}

void
plan_set_passthrough(struct plan *plan, const char *host, const char *backend)
{
    struct map *set = plan->sets[PLAN_SET_PASSTHROUGHS];
    struct plan_target *old = map_get(set, host);

    if (old && str_eq(old->name, backend)) {
        return;
    }
    map_put(set, host, plan_use_target_(plan, backend));
    plan_release_target_(plan, old);
    plan_change_(plan, PLAN_SET_PASSTHROUGHS, host);
}

void
plan_del_passthrough(struct plan *plan, const char *host)
{
    struct plan_target *old =
        map_remove(plan->sets[PLAN_SET_PASSTHROUGHS], host);

    if (old) {
        plan_release_target_(plan, old);
        plan_change_(plan, PLAN_SET_PASSTHROUGHS, host);
    }
}

static void
put_cert(struct plan *plan, const char *name, struct plan_cert *cert)
{
    struct plan_cert *old =
        map_put(plan->sets[PLAN_SET_CERTS], name, cert);

    if (old) {
        plan_free_cert_(old);
    }
    plan_change_(plan, PLAN_SET_CERTS, name);
}

void
plan_set_cert(struct plan *plan, const char *name, const char *pem)
{
    const struct plan_cert *old = map_get(plan->sets[PLAN_SET_CERTS], name);
    size_t size = strlen(pem);
    char digest[DIGEST_HEX_SIZE];
    struct plan_cert *cert;

    digest_sha256_hex(pem, size, digest);
    if (old && str_eq(old->digest, digest)) {
        return;
    }
    cert = xcalloc(1, sizeof *cert);
    cert->pem = xstrdup(pem);
    cert->size = size;
    memcpy(cert->digest, digest, sizeof digest);
    put_cert(plan, name, cert);
}

void
plan_put_cert(struct plan *plan, const char *name, const char *digest)
{
    struct plan_cert *cert = xcalloc(1, sizeof *cert);

    memcpy(cert->digest, digest, strnlen(digest, sizeof cert->digest - 1));
    put_cert(plan, name, cert);
}

void
plan_del_cert(struct plan *plan, const char *name)
{
    struct plan_cert *old = map_remove(plan->sets[PLAN_SET_CERTS], name);

    if (old) {
        plan_free_cert_(old);
        plan_change_(plan, PLAN_SET_CERTS, name);
    }
}

void
plan_set_sni(struct plan *plan, const char *host, const char *cert)
{
    struct map *set = plan->sets[PLAN_SET_SNIS];

    if (!str_eq(map_get(set, host), cert)) {
        free(map_put(set, host, xstrdup(cert)));
        plan_change_(plan, PLAN_SET_SNIS, host);
    }
}

void
plan_del_sni(struct plan *plan, const char *host)
{
    char *old = map_remove(plan->sets[PLAN_SET_SNIS], host);

    if (old) {
        free(old);
        plan_change_(plan, PLAN_SET_SNIS, host);
    }
}
