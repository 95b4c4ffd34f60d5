#include "reconciler/compare.h"

#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"

struct err *
compare_texts(const char *now, const char *anew)
{
    size_t line = 0, i = 0;

    for (; now[i] && now[i] == anew[i]; i++) {
        if (now[i] == '\n') {
            line = i + 1;
        }
    }
    if (now[i] == anew[i]) {
        return NULL;
    }
    return err_new(ERR_INTERNAL, "incremental \"%.*s\", recomputed \"%.*s\"",
                   (int) strcspn(now + line, "\n"), now + line,
                   (int) strcspn(anew + line, "\n"), anew + line);
}

static void
dump(const struct engine *engine, struct buf *out)
{
    size_t n;
    AUTO_FREE const char **keys = engine_ingresses(engine, &n);

    plan_dump(engine_plan(engine), out);
    users_dump(engine_users(engine), out);
    for (size_t i = 0; i < n; i++) {
        AUTO_FINDINGS struct findings *findings = findings_new();

        engine_findings(engine, keys[i], findings);
        buf_printf(out, "ingress %s hosts %zu\n", keys[i],
                   engine_n_hosts(engine, keys[i]));
        findings_print(findings, out);
    }
}

/* All objects, and whether their absence means something. */
static void
copy_kind(const struct cache *from, enum kube_kind kind, struct cache *to)
{
    size_t n;
    AUTO_FREE const struct kube_object **all = cache_list(from, kind, &n);

    cache_expect(to, kind, cache_is_watched(from, kind));
    cache_list_begin(to, kind, NULL);
    for (size_t i = 0; i < n; i++) {
        cache_put(to, kube_ref(all[i]));
    }
    if (cache_is_synced(from, kind)) {
        cache_list_end(to, kind, NULL);
    } else {
        cache_list_abandon(to, kind, NULL);
    }
}

struct err *
compare_anew(const struct engine *engine, const struct engine_options *given,
             const struct cache *cache)
{
    AUTO_BUF struct buf now = BUF_OWN;
    AUTO_BUF struct buf anew = BUF_OWN;
    struct cache *copy = cache_new();
    struct engine_options options = *given;
    struct engine *other;
    struct err *err;

    options.metrics = NULL;
    other = engine_new(&options, copy);
    engine_tick(other, clock_wall());
    engine_inherit(other, engine);
    for (int kind = 0; kind < KUBE_N_KINDS; kind++) {
        copy_kind(cache, (enum kube_kind) kind, copy);
    }
    engine_run(other);
    dump(engine, &now);
    dump(other, &anew);
    err = compare_texts(buf_str(&now), buf_str(&anew));
    engine_free(other);
    cache_free(copy);
    return err;
}
