/* Runs CHECK once per row of ROWS, each row as its own named test. */
#ifndef TESTS_UNIT_TABLE_H
#define TESTS_UNIT_TABLE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/base/compiler.h"

#define TABLE_TESTS(ROWS, CHECK, TESTS)                                    \
    for (size_t i_ = 0; i_ < ARRAY_SIZE(ROWS); i_++) {                     \
        (TESTS)[i_] = (struct CMUnitTest) {                                \
            .name = (ROWS)[i_].name,                                       \
            .test_func = (CHECK),                                          \
            .initial_state = (void *) (uintptr_t) &(ROWS)[i_],             \
        };                                                                 \
    }

/* The same as one group inside a larger main(): returns the failures. */
#define TABLE_RUN(GROUP, ROWS, CHECK)                                      \
    ({                                                                     \
        struct CMUnitTest tests_[ARRAY_SIZE(ROWS)];                        \
                                                                           \
        TABLE_TESTS(ROWS, CHECK, tests_);                                  \
        _cmocka_run_group_tests((GROUP), tests_, ARRAY_SIZE(ROWS), NULL,   \
                                NULL);                                     \
    })

#define TABLE_MAIN(GROUP, ROWS, CHECK)                                     \
    int                                                                    \
    main(void)                                                             \
    {                                                                      \
        return TABLE_RUN(GROUP, ROWS, CHECK);                              \
    }

#endif /* TESTS_UNIT_TABLE_H */
