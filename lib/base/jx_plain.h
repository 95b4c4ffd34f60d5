/* jx_plain: documents in the plain JSON that programs write, read faster.
 *
 * jansson takes some 170 instructions for a byte of text, two thirds of what
 * a review costs to be read.  Where a text has nothing that needs care (no
 * escape, no byte beyond ASCII, no fraction) its document is built here,
 * through jansson's own functions; any other text, and so any that is wrong,
 * is left to jx_load(), which knows all of JSON and names what is wrong.
 * What is built is what jansson would build: tests/fuzz/fuzz_plain.c holds
 * one against the other.
 *
 * Any thread; within a jx_pool the document is the pool's.
 */
#ifndef BASE_JX_PLAIN_H
#define BASE_JX_PLAIN_H

#include <jansson.h>
#include <stddef.h>

#define JX_PLAIN_MAX_DEPTH 32
/* Bytes: what a pool has given for a text that turns out not to be plain is
 * not there for jansson. */
#define JX_PLAIN_MAX_SIZE ((size_t) 16 << 10)

/* The object that 'text' is, the caller's reference; NULL where the text is
 * not plain, has a key twice, is no object, passes a cap or memory ran out. */
json_t *jx_plain_load(const char *text, size_t size);

#endif /* BASE_JX_PLAIN_H */
