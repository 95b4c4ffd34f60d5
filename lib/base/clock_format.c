#include "lib/base/clock.h"

#include <stdio.h>
#include <time.h>

void
clock_format_micro(int64_t wall_us, char out[CLOCK_MICROTIME_SIZE])
{
    time_t seconds = (time_t) (wall_us / 1000000);
    char date[24];
    struct tm tm;

    gmtime_r(&seconds, &tm);
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out, CLOCK_MICROTIME_SIZE, "%s.%06dZ", date,
             (int) (wall_us % 1000000));
}

void
clock_format_seconds(int64_t wall_s, char out[CLOCK_SECONDS_SIZE])
{
    time_t seconds = (time_t) wall_s;
    struct tm tm;

    if (!gmtime_r(&seconds, &tm) ||
        strftime(out, CLOCK_SECONDS_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0) {
        snprintf(out, CLOCK_SECONDS_SIZE, "%lld s", (long long) wall_s);
    }
}
