#include "lib/kube/frame.h"

#include <string.h>

void
frame_init(struct frame *f, size_t limit)
{
    *f = (struct frame) { .is_skipping = false };
    buf_init(&f->part, limit);
}

void
frame_fini(struct frame *f)
{
    buf_fini(&f->part);
}

void
frame_clear(struct frame *f)
{
    /* Not kept: one large event must not hold its memory for ever. */
    buf_fini(&f->part);
    f->is_skipping = false;
}

static void
put_part(struct frame *f, const char *data, size_t size)
{
    if (f->is_skipping) {
        return;
    }
    buf_put(&f->part, data, size);
    if (f->part.overflowed) {
        f->n_too_long++;
        buf_fini(&f->part);
        f->is_skipping = true;
    }
}

void
frame_feed(struct frame *f, const void *data, size_t size, frame_fn *each,
           void *aux)
{
    const char *at = data;
    const char *end = at + size;
    bool go_on = true;

    while (at < end && go_on) {
        const char *lf = memchr(at, '\n', (size_t) (end - at));

        if (!lf) {
            put_part(f, at, (size_t) (end - at));
            return;
        }
        if (f->part.size == 0 && !f->is_skipping &&
            (size_t) (lf - at) <= f->part.limit) {
            /* The common case needs no copy. */
            go_on = lf == at || each(at, (size_t) (lf - at), aux);
        } else {
            put_part(f, at, (size_t) (lf - at));
            go_on = f->is_skipping ||
                    each(buf_str(&f->part), f->part.size, aux);
            frame_clear(f);
        }
        at = lf + 1;
    }
}
