#include "lib/base/backoff.h"

int64_t
backoff_fail(struct backoff *b, uint32_t random)
{
    int64_t top = b->next_ms > 0 ? b->next_ms : b->min_ms;
    int64_t half = top / 2;

    b->next_ms = top * 2 < b->max_ms ? top * 2 : b->max_ms;
    return half + (int64_t) (random % (uint64_t) (top - half + 1));
}

void
backoff_reset(struct backoff *b)
{
    b->next_ms = 0;
}
