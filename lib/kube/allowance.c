#include "lib/kube/allowance.h"

#include <stdlib.h>

#include "lib/base/map.h"
#include "lib/base/mem.h"

struct bucket {
    unsigned tokens;
    int64_t filled_ms;          /* Tokens were counted up to here. */
    int64_t asked_ms;
};

struct allowance {
    struct map *buckets;
    unsigned burst;
    int64_t refill_ms;
    size_t max;
};

struct allowance *
allowance_new(unsigned burst, int64_t refill_ms, size_t max_objects)
{
    struct allowance *a = xcalloc(1, sizeof *a);

    a->buckets = map_new();
    a->burst = burst;
    a->refill_ms = refill_ms;
    a->max = max_objects;
    return a;
}

void
allowance_free(struct allowance *a)
{
    if (a) {
        map_free(a->buckets, free);
        free(a);
    }
}

static void
make_room(struct allowance *a)
{
    struct map_iter it = MAP_ITER;
    AUTO_FREE char *oldest = NULL;
    int64_t asked_ms = INT64_MAX;

    while (map_next(a->buckets, &it)) {
        const struct bucket *bucket = it.value;

        if (bucket->asked_ms < asked_ms) {
            asked_ms = bucket->asked_ms;
            free(oldest);
            oldest = xstrdup(it.key);
        }
    }
    if (oldest) {
        free(map_remove(a->buckets, oldest));
    }
}

bool
allowance_take(struct allowance *a, const char *id, int64_t now_ms)
{
    struct bucket *bucket = map_get(a->buckets, id);
    int64_t n;

    if (!bucket) {
        if (map_size(a->buckets) >= a->max) {
            make_room(a);
        }
        bucket = xcalloc(1, sizeof *bucket);
        bucket->tokens = a->burst;
        bucket->filled_ms = now_ms;
        map_put(a->buckets, id, bucket);
    }
    bucket->asked_ms = now_ms;
    n = (now_ms - bucket->filled_ms) / a->refill_ms;
    bucket->filled_ms += n * a->refill_ms;
    bucket->tokens = n < (int64_t) (a->burst - bucket->tokens)
                         ? bucket->tokens + (unsigned) n
                         : a->burst;
    if (bucket->tokens == 0) {
        return false;
    }
    bucket->tokens--;
    return true;
}
