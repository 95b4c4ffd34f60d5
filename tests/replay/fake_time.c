#include "tests/replay/fake_time.h"

#include "lib/base/backoff.h"
#include "lib/base/clock.h"

/* 2026-03-01T00:00:00Z at the start. */
#define WALL_START_S 1772323200

static int64_t time_ms = FAKE_TIME_START_MS;
static int64_t jumped_s;
static uint64_t state = 1;

void
fake_time_init(uint64_t seed)
{
    time_ms = FAKE_TIME_START_MS;
    jumped_s = 0;
    state = seed ? seed : 1;
}

void
fake_time_set(int64_t now_ms)
{
    time_ms = now_ms;
}

void
fake_time_jump(int64_t seconds)
{
    jumped_s += seconds;
}

int64_t
clock_ms(void)
{
    return time_ms;
}

int64_t
clock_us(void)
{
    return time_ms * 1000;
}

int64_t
clock_wall(void)
{
    return clock_wall_us() / 1000000;
}

int64_t
clock_wall_us(void)
{
    return (WALL_START_S + jumped_s) * 1000000 +
           (time_ms - FAKE_TIME_START_MS) * 1000;
}

uint32_t
backoff_random(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t) (state >> 16);
}
