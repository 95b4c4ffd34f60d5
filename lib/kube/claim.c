#include "lib/kube/claim.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/digest.h"
#include "lib/base/jx.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"
#include "lib/kube/resource.h"

#define PREFIX "sallyport.dev/claim-"
#define DIGEST_LENGTH 40

/* Fields are separated by a byte that none of them holds. */
static void
name_of(const char *class, const char *what, const char *text,
        char out[CLAIM_NAME_SIZE])
{
    AUTO_FREE char *all = xasprintf("%s\n%s\n%s", class, what, text);
    char hex[DIGEST_HEX_SIZE];

    digest_sha256_hex(all, strlen(all), hex);
    snprintf(out, CLAIM_NAME_SIZE, "claim-%.*s", DIGEST_LENGTH, hex);
}

void
claim_name(const char *class, const char *host, const char *key,
           char out[CLAIM_NAME_SIZE])
{
    name_of(class, key ? "key" : "host", key ? key : host, out);
}

void
claim_family(const char *class, const char *host, char out[CLAIM_NAME_SIZE])
{
    const char *dot = strchr(host, '.');

    out[0] = '\0';
    if (dot) {
        name_of(class, "family", dot, out);
    }
}

void
claim_fini(struct kube_claim *c)
{
    free(c->host);
    free(c->key);
    free(c->class);
    free(c->holder);
    free(c->only);
    free(c->mode);
    free(c->backend);
    free(c->uid);
    free(c->version);
    memset(c, 0, sizeof *c);
}

/* ---- what is written ---- */

static void
put(json_t *object, const char *name, const char *value)
{
    if (!str_is_empty(value)) {
        json_object_set_new(object, name, json_string(value));
    }
}

/* What the first left open the second may settle. */
static const char *
either(const char *found, const char *mine)
{
    return str_is_empty(found) ? mine : found;
}

static json_t *
annotations(const struct kube_claim *c, const struct kube_claim *joined)
{
    json_t *out = json_object();
    char order[24];

    put(out, PREFIX "class", c->class);
    json_object_set_new(out, PREFIX "host", json_string(c->host));
    put(out, PREFIX "key", c->key);
    put(out, PREFIX "backend", c->backend);
    put(out, PREFIX "only", joined ? either(joined->only, c->only) : c->only);
    put(out, PREFIX "mode", joined ? either(joined->mode, c->mode) : c->mode);
    if (joined) {
        snprintf(order, sizeof order, "%" PRIu64, joined->order);
        put(out, PREFIX "order", order);
    }
    return out;
}

char *
claim_render(const struct kube_claim *c, const char *ns, int64_t wall_us,
             const struct kube_claim *joined)
{
    AUTO_JSON json_t *root = NULL;
    json_t *labels = json_object();
    json_t *meta;
    char now[CLOCK_MICROTIME_SIZE];

    clock_format_micro(wall_us, now);
    put(labels, CLAIM_LABEL, c->key ? "key" : "host");
    put(labels, CLAIM_FAMILY_LABEL, c->family);
    meta = json_pack("{s:s, s:s, s:o, s:o}", "namespace", ns, "name", c->name,
                     "labels", labels, "annotations",
                     annotations(c, joined));
    if (joined) {
        put(meta, "uid", joined->uid);
        put(meta, "resourceVersion", joined->version);
    }
    root = json_pack("{s:s, s:s, s:o, s:{s:s, s:s}}", "apiVersion",
                     resource_api_version(KUBE_LEASE), "kind", "Lease",
                     "metadata", meta, "spec", "holderIdentity",
                     joined ? joined->holder : c->holder, "renewTime", now);
    return json_dumps(root, JSON_COMPACT);
}

char *
claim_render_delete(const char *uid, const char *version)
{
    AUTO_JSON json_t *root = json_pack(
        "{s:s, s:s, s:{s:s, s:s}}", "apiVersion", "v1", "kind",
        "DeleteOptions", "preconditions", "uid", uid, "resourceVersion",
        version);

    return json_dumps(root, JSON_COMPACT);
}

/* ---- what is read ---- */

static char *
text_of(const struct kube_object *lease, const char *name)
{
    const char *value = kube_pair(&lease->annotations, name);

    return xstrdup(value ? value : "");
}

/* Versions of an API server over etcd are numbers that grow: the protocol
 * needs their order. */
static bool
read_order(const struct kube_object *lease, uint64_t *out)
{
    const char *order = kube_pair(&lease->annotations, PREFIX "order");

    return parse_u64(order ? order : lease->resource_version, 0, UINT64_MAX,
                     out);
}

struct err *
claim_read(const struct kube_object *lease, struct kube_claim *out)
{
    const char *host = kube_pair(&lease->annotations, PREFIX "host");
    const char *key = kube_pair(&lease->annotations, PREFIX "key");
    const char *holder = lease->lease.holder;

    memset(out, 0, sizeof *out);
    if (lease->kind != KUBE_LEASE || !host || !holder ||
        !strchr(holder, '/') || !lease->uid || !lease->resource_version ||
        strlen(lease->name) >= CLAIM_NAME_SIZE ||
        !read_order(lease, &out->order)) {
        AUTO_FREE char *name = str_quote(lease->name);

        return err_new(ERR_PROTOCOL, "the Lease %s is no claim", name);
    }
    out->host = xstrdup(host);
    out->key = key ? xstrdup(key) : NULL;
    out->class = text_of(lease, PREFIX "class");
    out->holder = xstrdup(holder);
    out->only = text_of(lease, PREFIX "only");
    out->mode = text_of(lease, PREFIX "mode");
    out->backend = text_of(lease, PREFIX "backend");
    out->uid = xstrdup(lease->uid);
    out->version = xstrdup(lease->resource_version);
    snprintf(out->name, sizeof out->name, "%s", lease->name);
    if (!lease->lease.renew_time ||
        !parse_time(lease->lease.renew_time, &out->renewed)) {
        out->renewed = 0;
    }
    return NULL;
}

/* ---- what may stand together ---- */

char *
claim_namespace(const struct kube_claim *c)
{
    return xstrndup(c->holder, strcspn(c->holder, "/"));
}

static bool
is_same_namespace(const struct kube_claim *a, const struct kube_claim *b)
{
    const size_t length = strcspn(a->holder, "/");

    return strcspn(b->holder, "/") == length &&
           strncmp(a->holder, b->holder, length) == 0;
}

/* False where both say something, and not the same. */
static bool
agree(const char *a, const char *b)
{
    return str_is_empty(a) || str_is_empty(b) || strcmp(a, b) == 0;
}

bool
claim_may_share(const struct kube_claim *mine, const struct kube_claim *found)
{
    if (str_eq(mine->holder, found->holder)) {
        return true;
    }
    if (mine->key) {
        return is_same_namespace(mine, found) &&
               !str_is_empty(mine->backend) &&
               str_eq(mine->backend, found->backend);
    }
    return (mine->is_public || is_same_namespace(mine, found)) &&
           agree(mine->only, found->only) && agree(mine->mode, found->mode);
}

bool
claim_is_rival(const struct kube_claim *mine, const struct kube_claim *sibling)
{
    return !sibling->key &&
           str_starts(mine->host, "*.") != str_starts(sibling->host, "*.") &&
           !is_same_namespace(mine, sibling);
}
