/* The writer of JSON patches: "OPERATION TOKEN LF TOKEN ... NUL" and again,
 * a value being the last token of an "a".
 *
 * Oracles: the text is a JSON array of as many operations as were asked for;
 * each pointer, read by RFC 6901's rules, gives the tokens back, and each
 * value is the one that was given. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "lib/base/jx.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "webhook/jsonpatch.h"

#define INPUT_MAX 8192
#define TOKENS_MAX 16
#define OPERATIONS_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct operation {
    const char *name;
    const char *tokens[TOKENS_MAX + 1];
    const char *value;      /* NULL: none, or an empty object. */
};

/* Only what jansson would take, for strings that came out of it are all that
 * the webhook writes. */
static bool
is_text(const char *s)
{
    AUTO_JSON json_t *text = json_string(s);

    return text != NULL;
}

static bool
parse(char *text, struct operation *out)
{
    const char kind = *text;
    size_t n = 0;
    char *at = text + 1;

    memset(out, 0, sizeof *out);
    if (!is_text(text)) {
        return false;
    }
    for (; at && n < TOKENS_MAX; n++) {
        char *end = strchr(at, '\n');

        if (end) {
            *end++ = '\0';
        }
        out->tokens[n] = at;
        at = end;
    }
    out->name = kind == 'r' ? "remove" : "add";
    if (kind == 'a') {
        out->value = out->tokens[n - 1];
        out->tokens[n - 1] = NULL;
    }
    return kind == 'a' || kind == 'r' || kind == 'o';
}

static void
write_operation(struct jsonpatch *patch, const struct operation *op)
{
    if (op->value) {
        jsonpatch_add(patch, op->tokens, op->value);
    } else if (op->name[0] == 'a') {
        jsonpatch_add_object(patch, op->tokens);
    } else {
        jsonpatch_remove(patch, op->tokens);
    }
}

/* Reads one token of a pointer from behind its "/". */
static const char *
read_token(const char *at, const char *want)
{
    for (; *at && *at != '/'; at++, want++) {
        char c = *at;

        if (c == '~') {
            at++;
            assert(*at == '0' || *at == '1');
            c = *at == '0' ? '~' : '/';
        }
        assert(c == *want);
    }
    assert(!*want);
    return at;
}

static void
check(json_t *got, const struct operation *op)
{
    const char *at = json_string_value(json_object_get(got, "path"));
    json_t *value = json_object_get(got, "value");

    assert(str_eq(json_string_value(json_object_get(got, "op")), op->name));
    assert(at);
    for (size_t i = 0; op->tokens[i]; i++) {
        assert(*at == '/');
        at = read_token(at + 1, op->tokens[i]);
    }
    assert(!*at);
    if (op->value) {
        assert(str_eq(json_string_value(value), op->value));
    } else if (op->name[0] == 'a') {
        assert(json_is_object(value) && json_object_size(value) == 0);
    } else {
        assert(!value);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_JSONPATCH struct jsonpatch patch = JSONPATCH_INIT;
    AUTO_FREE char *text = NULL;
    AUTO_FREE char *written = NULL;
    AUTO_JSON json_t *list = NULL;
    struct operation operations[OPERATIONS_MAX];
    size_t n = 0, step;

    if (size > INPUT_MAX) {
        return 0;
    }
    text = xcalloc(1, size + 1);
    memcpy(text, data, size);
    for (char *at = text; at < text + size && n < OPERATIONS_MAX;
         at += step + 1) {
        step = strlen(at);
        if (parse(at, &operations[n])) {
            write_operation(&patch, &operations[n++]);
        }
    }
    written = jsonpatch_take(&patch);
    assert(!written == (n == 0));
    if (written) {
        list = json_loads(written, 0, NULL);
        assert(json_array_size(list) == n);
        for (size_t i = 0; i < n; i++) {
            check(json_array_get(list, i), &operations[i]);
        }
    }
    return 0;
}
