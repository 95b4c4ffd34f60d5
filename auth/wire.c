#include "auth/wire.h"

#include <string.h>

#define TABLE_ID_SIZE 32

static bool
is_table_id(struct wire_text t)
{
    if (t.size != TABLE_ID_SIZE) {
        return false;
    }
    for (size_t i = 0; i < t.size; i++) {
        if (t.data[i] == '\0' || !strchr("0123456789abcdef", t.data[i])) {
            return false;
        }
    }
    return true;
}

static bool
is_group(struct wire_text t)
{
    for (size_t i = 0; i < t.size; i++) {
        if (t.data[i] <= ' ' || t.data[i] >= 0x7f) {
            return false;
        }
    }
    return t.size > 0 && t.size <= WIRE_GROUP_MAX;
}

enum wire_state
wire_read(const char *data, size_t size, struct wire_question *out)
{
    struct wire_text *const fields[WIRE_FIELDS] = {
        &out->table, &out->group, &out->realm,
        &out->method, &out->uri, &out->authorization,
    };
    size_t at = 0;

    for (size_t i = 0; i < WIRE_FIELDS; i++) {
        size_t length;

        if (size - at < 2) {
            return size >= WIRE_MAX ? WIRE_BAD : WIRE_MORE;
        }
        length = (size_t) (unsigned char) data[at] << 8 |
                 (unsigned char) data[at + 1];
        at += 2;
        if (at + length > WIRE_MAX) {
            return WIRE_BAD;
        }
        if (size - at < length) {
            return WIRE_MORE;
        }
        *fields[i] = (struct wire_text) { data + at, length };
        at += length;
    }
    if (at != size || !is_table_id(out->table) || !is_group(out->group)) {
        return WIRE_BAD;
    }
    return WIRE_WHOLE;
}

bool
wire_eq(struct wire_text t, const char *s)
{
    return t.size == strlen(s) && memcmp(t.data, s, t.size) == 0;
}
