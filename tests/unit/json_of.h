/* JSON as tests write it: a ' stands for a ". */
#ifndef TESTS_UNIT_JSON_OF_H
#define TESTS_UNIT_JSON_OF_H

#include "lib/base/mem.h"

static inline char *
json_of(const char *text)
{
    char *copy = xstrdup(text);

    for (char *c = copy; *c; c++) {
        *c = *c == '\'' ? '"' : *c;
    }
    return copy;
}

#endif /* TESTS_UNIT_JSON_OF_H */
