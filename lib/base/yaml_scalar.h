/* yaml_scalar: what an unquoted YAML scalar means, as kubectl reads it.
 *
 * kubectl (sigs.k8s.io/yaml) keeps the YAML 1.1 rules, so "yes", "off" and
 * "y" are booleans and 010 is eight; we say the same, or our answer about a
 * file would differ from that of the API server.  Dates stay text there as
 * well.  A float with a whole value is an integer, as Go writes it.  Pure.
 */
#ifndef BASE_YAML_SCALAR_H
#define BASE_YAML_SCALAR_H

#include <jansson.h>
#include <stdbool.h>

#include "lib/base/compiler.h"

enum yaml_type {
    YAML_TYPE_NULL,
    YAML_TYPE_BOOL,
    YAML_TYPE_INT,
    YAML_TYPE_FLOAT,
    YAML_TYPE_TEXT,
};

struct yaml_value {
    enum yaml_type type;
    bool flag;          /* YAML_TYPE_BOOL. */
    json_int_t number;  /* YAML_TYPE_INT. */
    double real;        /* YAML_TYPE_FLOAT; may be infinite or no number. */
};

/* What the unquoted 's' is; a number of more digits than 64 bits hold is a
 * float. */
struct yaml_value yaml_resolve(const char *s);

#endif /* BASE_YAML_SCALAR_H */
