/* descriptors: as many files and connections as a program means to have. */
#ifndef BASE_DESCRIPTORS_H
#define BASE_DESCRIPTORS_H

#include <stdint.h>

#include "lib/base/err.h"

/* Raises the soft limit to at least 'n'; the error says what allows less. */
struct err *descriptors_want(uint64_t n) MUST_USE;

#endif /* BASE_DESCRIPTORS_H */
