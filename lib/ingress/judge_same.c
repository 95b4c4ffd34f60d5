/* Whether two versions of an Ingress are one to us. */
#include "lib/ingress/judge.h"

#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/ingress/annot.h"
#include "lib/ingress/class.h"

/* All that is judged of an object, one after the other: equal bytes are equal
 * objects, as each text has its end behind it and each list its length
 * before it. */

/* Most take no more. */
#define ORDINARY 1000

static void
put_number(struct buf *out, uint64_t number)
{
    buf_put(out, &number, sizeof number);
}

/* None is as good as an empty one. */
static void
put_text(struct buf *out, const char *text)
{
    const char *some = text ? text : "";

    buf_put(out, some, strlen(some) + 1);
}

static void
put_backend(struct buf *out, const struct kube_backend *b)
{
    put_text(out, b->service);
    put_text(out, b->port.name);
    put_number(out, (uint64_t) b->port.number);
    put_text(out, b->resource);
}

static void
put_rule(struct buf *out, const struct kube_rule *rule)
{
    put_text(out, rule->host);
    put_number(out, rule->n_paths);
    for (size_t i = 0; i < rule->n_paths; i++) {
        const struct kube_path *path = &rule->paths[i];

        put_text(out, path->path);
        put_number(out, path->type);
        put_backend(out, &path->backend);
    }
}

static void
put_tls(struct buf *out, const struct kube_tls *tls)
{
    put_text(out, tls->secret);
    put_number(out, tls->n_hosts);
    for (size_t i = 0; i < tls->n_hosts; i++) {
        put_text(out, tls->hosts[i]);
    }
}

static void
put_spec(struct buf *out, const struct kube_ingress *spec)
{
    put_text(out, spec->class_name);
    put_number(out, spec->default_backend != NULL);
    if (spec->default_backend) {
        put_backend(out, spec->default_backend);
    }
    put_number(out, spec->n_rules);
    for (size_t i = 0; i < spec->n_rules; i++) {
        put_rule(out, &spec->rules[i]);
    }
    put_number(out, spec->n_tls);
    for (size_t i = 0; i < spec->n_tls; i++) {
        put_tls(out, &spec->tls[i]);
    }
}

static bool
is_judged(const char *annotation)
{
    return str_starts(annotation, ANNOT_PREFIX) ||
           str_starts(annotation, ANNOT_OWN_PREFIX) ||
           strcmp(annotation, CLASS_LEGACY_ANNOTATION) == 0;
}

/* Pairs are sorted, and the rest of an object stands before them. */
static void
put_judged(struct buf *out, const struct kube_object *object)
{
    const struct kube_pairs *pairs = &object->annotations;

    buf_expect(out, ORDINARY);
    put_spec(out, &object->ingress);
    for (size_t i = 0; i < pairs->n; i++) {
        if (is_judged(pairs->items[i].name)) {
            put_text(out, pairs->items[i].name);
            put_text(out, pairs->items[i].value);
        }
    }
}

bool
judge_is_untouched(const struct kube_object *now,
                   const struct kube_object *before)
{
    AUTO_BUF struct buf a = BUF_OWN;
    AUTO_BUF struct buf b = BUF_OWN;

    put_judged(&a, now);
    put_judged(&b, before);
    return a.size == b.size && memcmp(a.data, b.data, a.size) == 0;
}

uint64_t
judge_mark(const struct kube_object *object)
{
    AUTO_BUF struct buf text = BUF_OWN;

    put_judged(&text, object);
    return map_hash_bytes(text.data, text.size);
}
