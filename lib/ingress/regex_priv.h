/* What regex.c and regex_probe.c share; for them alone. */
#ifndef INGRESS_REGEX_PRIV_H
#define INGRESS_REGEX_PRIV_H

#include <stdint.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "lib/ingress/regex.h"

/* Compiles 'length' bytes with HAProxy's flags and 'more' of PCRE2's. */
pcre2_code *regex_compile(const char *text, size_t length, uint32_t more,
                          int *code, size_t *offset);

/* The position behind the class whose "[" is at 'i'; that of the final NUL
 * where it does not end. */
size_t regex_skip_class(const char *path, size_t i);

/* A request path on which the expression, which passed everything else,
 * takes too many steps; NULL where none was found.  The caller's to free. */
char *regex_probe(const char *path) MUST_USE;

#endif /* INGRESS_REGEX_PRIV_H */
