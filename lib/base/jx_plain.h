/* jx_plain: values in the plain JSON that programs write, read faster.
 *
 * jansson takes some 170 instructions for a byte of text, half of what a
 * review would cost.  A value that has nothing which needs care (no escape, no
 * byte beyond ASCII, no fraction, no sign) is built here, through jansson's own
 * functions; any other, and so any that is wrong, is left to jx_load_value(),
 * which knows all of JSON.  What is built is what jansson would build:
 * tests/fuzz/fuzz_plain.c holds one against the other.
 *
 * A reader goes through a text; where it finds what it was not asked for, it
 * stands anywhere before the end.  Any thread; within a jx_pool a value is the
 * pool's.
 */
#ifndef BASE_JX_PLAIN_H
#define BASE_JX_PLAIN_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define JX_PLAIN_MAX_DEPTH 32

struct jx_plain {
    const char *at;
    const char *end;
    unsigned depth;
};

void jx_plain_skip_blanks(struct jx_plain *);
/* Goes behind 'c', which stands here, or behind blanks; false otherwise. */
bool jx_plain_take(struct jx_plain *, char c);
/* The inside of a string, borrowed; NULL where none stands here. */
const char *jx_plain_string(struct jx_plain *, size_t *size);
/* The caller's reference; NULL where none stands here, it is not plain, has a
 * key twice, is nested too deep or memory ran out. */
json_t *jx_plain_value(struct jx_plain *);
/* The object that a text is, alone; NULL as above. */
json_t *jx_plain_load(const char *text, size_t size);
/* Takes the reference of 'value'; false where it is NULL or the name is
 * there. */
bool jx_plain_put(json_t *object, const char *name, size_t size,
                  json_t *value);

#endif /* BASE_JX_PLAIN_H */
