/* frame: lines out of a stream that comes in pieces.
 *
 * A watch is one JSON document per line.  A line longer than the limit is
 * thrown away up to its end and counted; the stream goes on behind it.
 * Pure; one thread per struct frame.
 */
#ifndef KUBE_FRAME_H
#define KUBE_FRAME_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/buf.h"

struct frame {
    struct buf part;        /* The line that has no end yet. */
    bool is_skipping;       /* Inside a line that is too long. */
    size_t n_too_long;
};

void frame_init(struct frame *, size_t limit);
void frame_fini(struct frame *);
/* Forgets the line that has no end yet: another stream begins. */
void frame_clear(struct frame *);

/* Calls 'each' with every line that is complete now, without its end; empty
 * ones are left out.  Where it returns false the rest of 'data' is dropped. */
typedef bool frame_fn(const char *line, size_t size, void *aux);
void frame_feed(struct frame *, const void *data, size_t size, frame_fn *each,
                void *aux);

#endif /* KUBE_FRAME_H */
