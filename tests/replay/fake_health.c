#include "tests/replay/fake_health.h"

#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "reconciler/health.h"

struct health {
    struct metrics *metrics;
    struct fake_health told;
};

static struct health health = { .told = { .waiting = "the start" } };

struct err *
health_start(const char *address, struct metrics *metrics,
             struct health **out)
{
    (void) address;
    health.metrics = metrics;
    health.told = (struct fake_health) { .waiting = "the first turn" };
    *out = &health;
    return NULL;
}

void
health_stop(struct health *h)
{
    if (h) {
        h->metrics = NULL;
        h->told = (struct fake_health) { .waiting = "a new start" };
    }
}

void
health_set(struct health *h, int64_t now_ms, bool is_alive,
           const char *waiting)
{
    (void) now_ms;
    h->told.is_alive = is_alive;
    h->told.waiting = waiting;
}

bool
health_wants_routes(struct health *h)
{
    (void) h;
    return false;
}

void
health_give_routes(struct health *h, struct buf *report)
{
    (void) h;
    buf_fini(report);
}

void
health_wait(struct health *h, struct waits *waits)
{
    (void) h;
    (void) waits;
}

struct fake_health
fake_health_get(void)
{
    return health.told;
}

int64_t
fake_health_metric(const char *series)
{
    AUTO_BUF struct buf text = BUF_OWN;
    size_t length = strlen(series);
    const char *line;

    if (!health.metrics) {
        return -1;
    }
    metrics_print(health.metrics, &text);
    for (line = buf_str(&text); *line; line += strcspn(line, "\n") + 1) {
        if (strncmp(line, series, length) == 0 && line[length] == ' ') {
            const char *value = line + length + 1;
            AUTO_FREE char *copy = xstrndup(value, strcspn(value, "\n"));
            int64_t number;

            return parse_i64(copy, INT64_MIN, INT64_MAX, &number) ? number
                                                                  : -1;
        }
        if (line[strcspn(line, "\n")] == '\0') {
            break;
        }
    }
    return -1;
}
