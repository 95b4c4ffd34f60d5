/* fake_health: health.h without a server; what it was told can be read. */
#ifndef TESTS_REPLAY_FAKE_HEALTH_H
#define TESTS_REPLAY_FAKE_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

struct fake_health {
    bool is_alive;
    const char *waiting;        /* NULL: ready. */
};

struct fake_health fake_health_get(void);
/* The value of a series as /metrics prints it; -1: there is none. */
int64_t fake_health_metric(const char *series);

#endif /* TESTS_REPLAY_FAKE_HEALTH_H */
