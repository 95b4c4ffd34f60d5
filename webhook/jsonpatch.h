/* jsonpatch: a JSON Patch (RFC 6902), written operation by operation.
 *
 * Paths are given as their unescaped tokens; RFC 6901's escapes are made
 * here.  The text is compact JSON.  Not locked.
 */
#ifndef WEBHOOK_JSONPATCH_H
#define WEBHOOK_JSONPATCH_H

#include <stdbool.h>

#include "lib/base/buf.h"
#include "lib/base/compiler.h"

struct jsonpatch {
    struct buf text;
};
#define JSONPATCH_INIT { .text = BUF_OWN }
void jsonpatch_fini(struct jsonpatch *);
#define AUTO_JSONPATCH AUTO(jsonpatch_fini)

/* 'tokens' ends with NULL. */
void jsonpatch_add(struct jsonpatch *, const char *const *tokens,
                   const char *value);
void jsonpatch_replace(struct jsonpatch *, const char *const *tokens,
                       const char *value);
/* The value is an empty object. */
void jsonpatch_add_object(struct jsonpatch *, const char *const *tokens);
void jsonpatch_remove(struct jsonpatch *, const char *const *tokens);

/* The patch, the caller's to free; NULL where it has no operation. */
char *jsonpatch_take(struct jsonpatch *) MUST_USE;

#endif /* WEBHOOK_JSONPATCH_H */
