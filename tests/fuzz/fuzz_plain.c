/* The reader of plain JSON, held against jansson.
 *
 * Oracles: what it reads, jansson reads; and both write the same text of it,
 * member for member in the same order.  Its inside ends where the text does
 * (the text is a block of its own, which the sanitizer guards). */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/jx.h"
#include "lib/base/jx_plain.h"
#include "lib/base/mem.h"

#define INPUT_MAX 16384

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_FREE char *text = xmalloc(size > 0 ? size : 1);
    AUTO_JSON json_t *plain = NULL;
    AUTO_JSON json_t *whole = NULL;
    AUTO_FREE char *left = NULL;
    AUTO_FREE char *right = NULL;
    struct jx_plain reader;
    struct err *err;

    if (size > INPUT_MAX) {
        return 0;
    }
    memcpy(text, data, size);
    reader = (struct jx_plain) { .at = text, .end = text + size };
    plain = jx_plain_value(&reader);
    jx_plain_skip_blanks(&reader);
    if (!plain || reader.at != reader.end) {
        return 0;
    }
    err = jx_load_value(text, size, INPUT_MAX, &whole);
    assert(!err);
    left = json_dumps(plain, JSON_COMPACT | JSON_ENCODE_ANY);
    right = json_dumps(whole, JSON_COMPACT | JSON_ENCODE_ANY);
    assert(left && right && strcmp(left, right) == 0);
    return 0;
}
