/* jx: typed members out of a JSON document, with their path in every error.
 *
 * The first error sticks: read all members, then ask jx_err() once.
 *
 *     struct jx jx = JX_INIT;
 *     const char *name = jx_text(&jx, object, "name", JX_REQUIRED);
 *     err = jx_take_err(&jx);
 *
 * Strings are borrowed from the document.  A missing or null optional member
 * reads as NULL, 0, false.  jx_load() and its kin are the only calls
 * of the parser: they cap bytes and depth, refuse duplicate keys and text after
 * the end.
 */
#ifndef BASE_JX_H
#define BASE_JX_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/compiler.h"
#include "lib/base/err.h"

enum jx_need { JX_OPTIONAL, JX_REQUIRED };

struct jx {
    struct err *err;
    char path[256];     /* Where the reader stands, for errors. */
};
#define JX_INIT { .err = NULL }

/* Parses 'size' bytes.  '*out' is the caller's reference (json_decref). */
struct err *jx_load(const char *text, size_t size, size_t max_size,
                    json_t **out) MUST_USE;
/* The same for a document of many strangers' strings, where one NUL byte in
 * one of them must not spoil the rest: the strings may hold such bytes, and
 * jx_has_nul() finds a value that does; it is to be thrown away. */
struct err *jx_load_nul(const char *text, size_t size, size_t max_size,
                        json_t **out) MUST_USE;
bool jx_has_nul(json_t *value);
/* Whether one of them may: JSON has one way to say that byte. */
bool jx_may_have_nul(const char *text, size_t size);
/* The same as jx_load_nul() of any value, one that is no document, too. */
struct err *jx_load_value(const char *text, size_t size, size_t max_size,
                          json_t **out) MUST_USE;
void jx_decrefp(json_t **);
#define AUTO_JSON AUTO(jx_decrefp)

const char *jx_text(struct jx *, json_t *object, const char *name,
                    enum jx_need);
bool jx_bool(struct jx *, json_t *object, const char *name, bool absent);
int64_t jx_int(struct jx *, json_t *object, const char *name, int64_t min,
               int64_t max, int64_t absent);
json_t *jx_object(struct jx *, json_t *object, const char *name,
                  enum jx_need);
json_t *jx_array(struct jx *, json_t *object, const char *name,
                 enum jx_need);

/* Moves the path into a member or an item and back:
 *     size_t mark = jx_enter(&jx, "spec");  ...  jx_leave(&jx, mark); */
size_t jx_enter(struct jx *, const char *name);
size_t jx_enter_item(struct jx *, size_t index);
void jx_leave(struct jx *, size_t mark);

/* Notes an error at the present path (the first one stays). */
void jx_fail(struct jx *, const char *name, const char *fmt, ...)
    PRINTF(3, 4);
struct err *jx_take_err(struct jx *) MUST_USE;

/* Writes 's', which is UTF-8, as a JSON string with its quotes. */
void jx_put_string(struct buf *out, const char *s);

#endif /* BASE_JX_H */
