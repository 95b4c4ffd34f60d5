/* yaml: YAML or JSON documents to jansson values; the only door to libyaml.
 *
 * YAML 1.1 as kubectl reads it: plain scalars get their type by the rules of
 * yaml_scalar.h (null, booleans, integers, floats), quoted ones are strings;
 * duplicate keys are errors; merge keys ("<<") work; anchors and aliases are
 * expanded under a cap (no billion laughs); tags are refused but the core
 * ones.  Texts never hold a NUL.
 */
#ifndef BASE_YAML_H
#define BASE_YAML_H

#include <jansson.h>
#include <stddef.h>

#include "lib/base/err.h"

#define YAML_MAX_SIZE ((size_t) 32 << 20)
#define YAML_MAX_DEPTH 128      /* Of YAML; jansson caps JSON at 2048. */
#define YAML_MAX_NODES ((size_t) 4 << 20)

/* Calls 'each' for every document in 'text' that is not empty; 'line' is
 * where it begins (from 1).  The value is borrowed.  An error of 'each' ends
 * the walk and is returned, as is a syntax error ("line 12 column 3: ..."). */
typedef struct err *yaml_each_fn(json_t *document, unsigned line, void *aux);
struct err *yaml_each(const char *text, size_t size, yaml_each_fn *each,
                      void *aux) MUST_USE;

#endif /* BASE_YAML_H */
