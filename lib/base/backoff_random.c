#include "lib/base/backoff.h"

#include <stdlib.h>
#include <sys/random.h>

uint32_t
backoff_random(void)
{
    uint32_t bits;

    if (getrandom(&bits, sizeof bits, 0) != (ssize_t) sizeof bits) {
        abort();
    }
    return bits;
}
