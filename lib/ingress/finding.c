#include "lib/ingress/finding.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/vec.h"

/* A list keeps this many, the first in their order, so that what is dropped
 * does not depend on the order in which findings came. */
#define FINDINGS_MAX 4096
/* Bytes: most messages are printed once, the others again. */
#define ORDINARY 512

struct findings {
    VEC(struct finding *) list;
};

char *
place_text(struct place place)
{
    return str_concat(place.base, place.member);
}

/* One block has a finding and its texts; the message is yet to be filled in,
 * 'size' bytes without its NUL. */
static struct finding *
new_finding(enum finding_severity severity, enum finding_reason reason,
            const char *object, const char *field, size_t size)
{
    const size_t object_size = strlen(object) + 1;
    const size_t field_size = strlen(field) + 1;
    struct finding *f =
        xmalloc(sizeof *f + object_size + field_size + size + 1);

    f->severity = severity;
    f->reason = reason;
    f->object = memcpy(f + 1, object, object_size);
    f->field = memcpy(f->object + object_size, field, field_size);
    f->message = f->field + field_size;
    return f;
}

struct findings *
findings_new(void)
{
    return xcalloc(1, sizeof(struct findings));
}

void
findings_clear(struct findings *fs)
{
    for (size_t i = 0; i < fs->list.n; i++) {
        free(fs->list.items[i]);
    }
    VEC_FINI(&fs->list);
}

void
findings_free(struct findings *fs)
{
    if (fs) {
        findings_clear(fs);
        free(fs);
    }
}

void
findings_freep(struct findings **fsp)
{
    findings_free(*fsp);
}

static int
compare(const struct finding *a, const struct finding *b)
{
    int order = (a->severity > b->severity) - (a->severity < b->severity);

    if (!order) {
        order = strcmp(a->field, b->field);
    }
    if (!order) {
        order = strcmp(a->message, b->message);
    }
    if (!order) {
        order = strcmp(a->object, b->object);
    }
    if (!order) {
        order = (a->reason > b->reason) - (a->reason < b->reason);
    }
    return order;
}

/* The place of 'f', and whether an equal one stands there. */
static size_t
find_place(const struct findings *fs, const struct finding *f, bool *found)
{
    size_t low = 0, high = findings_count(fs);

    *found = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare(fs->list.items[middle], f);

        if (order == 0) {
            *found = true;
            return middle;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Takes 'f'. */
static void
insert(struct findings *fs, struct finding *f)
{
    bool found;
    size_t place = find_place(fs, f, &found);

    if (found || place >= FINDINGS_MAX) {
        free(f);
        return;
    }
    if (fs->list.n == FINDINGS_MAX) {
        fs->list.n--;
        free(fs->list.items[fs->list.n]);
    }
    VEC_PUSH(&fs->list, f);
    memmove(&fs->list.items[place + 1], &fs->list.items[place],
            (fs->list.n - 1 - place) * sizeof(fs->list.items[0]));
    fs->list.items[place] = f;
}

void
findings_vadd(struct findings *fs, enum finding_severity severity,
              enum finding_reason reason, const char *object,
              const char *field, const char *fmt, va_list args)
{
    char room[ORDINARY];
    struct finding *f;
    va_list again;
    size_t size;
    int n;

    va_copy(again, args);
    n = vsnprintf(room, sizeof room, fmt, args);
    size = n < 0 ? strlen(fmt) : (size_t) n;
    f = new_finding(severity, reason, object, field, size);
    if (n >= ORDINARY) {
        vsnprintf(f->message, size + 1, fmt, again);
    } else {
        memcpy(f->message, n < 0 ? fmt : room, size + 1);
    }
    va_end(again);
    insert(fs, f);
}

void
findings_add(struct findings *fs, enum finding_severity severity,
             enum finding_reason reason, const char *object,
             const char *field, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    findings_vadd(fs, severity, reason, object, field, fmt, args);
    va_end(args);
}

void
findings_add_all(struct findings *to, const struct findings *from)
{
    for (size_t i = 0; i < findings_count(from); i++) {
        const struct finding *f = from->list.items[i];
        const size_t size = strlen(f->message);
        struct finding *copy =
            new_finding(f->severity, f->reason, f->object, f->field, size);

        memcpy(copy->message, f->message, size + 1);
        insert(to, copy);
    }
}

void
findings_soften(struct findings *fs, findings_is_old_fn *is_old, void *aux)
{
    struct findings old = *fs;

    *fs = (struct findings) { .list = { .n = 0 } };
    for (size_t i = 0; i < old.list.n; i++) {
        struct finding *f = old.list.items[i];

        if (f->severity == FINDING_ERROR && is_old(f, aux)) {
            f->severity = FINDING_WARNING;
        }
        insert(fs, f);
    }
    VEC_FINI(&old.list);
}

const struct finding *
findings_get(const struct findings *fs, size_t i)
{
    return i < findings_count(fs) ? fs->list.items[i] : NULL;
}

size_t
findings_count(const struct findings *fs)
{
    return fs ? fs->list.n : 0;
}

size_t
findings_count_of(const struct findings *fs, enum finding_severity severity)
{
    size_t n = 0;

    for (size_t i = 0; i < findings_count(fs); i++) {
        n += fs->list.items[i]->severity == severity;
    }
    return n;
}

bool
finding_equal(const struct finding *a, const struct finding *b)
{
    return compare(a, b) == 0;
}

bool
findings_has(const struct findings *fs, const struct finding *f)
{
    bool found;

    (void) find_place(fs, f, &found);
    return found;
}

static const char *
severity_text(enum finding_severity severity)
{
    switch (severity) {
    case FINDING_ERROR:
        return "error";
    case FINDING_WARNING:
        return "warning";
    }
    return "";
}

void
finding_print(const struct finding *f, struct buf *out)
{
    if (f->field[0]) {
        buf_puts(out, f->field);
        buf_puts(out, ": ");
    }
    buf_puts(out, f->message);
}

void
findings_print(const struct findings *fs, struct buf *out)
{
    for (size_t i = 0; i < findings_count(fs); i++) {
        const struct finding *f = fs->list.items[i];

        buf_printf(out, "%s: %s: ", severity_text(f->severity), f->object);
        finding_print(f, out);
        buf_putc(out, '\n');
    }
}

/* A string of JSON is UTF-8; what is not (a name in a file) is quoted. */
static json_t *
json_text(const char *s)
{
    json_t *text = json_string(s);

    if (!text) {
        AUTO_FREE char *quoted = str_quote(s);

        text = json_string(quoted);
    }
    return text;
}

static int
put_json(const char *data, size_t size, void *aux)
{
    buf_put(aux, data, size);
    return 0;
}

void
findings_print_json(const struct findings *fs, struct buf *out)
{
    json_t *array = json_array();

    for (size_t i = 0; i < findings_count(fs); i++) {
        const struct finding *f = fs->list.items[i];
        json_t *item = json_object();

        json_object_set_new(item, "severity",
                            json_string(severity_text(f->severity)));
        json_object_set_new(item, "object", json_text(f->object));
        json_object_set_new(item, "field", json_text(f->field));
        json_object_set_new(item, "message", json_text(f->message));
        json_array_append_new(array, item);
    }
    json_dump_callback(array, put_json, out, JSON_INDENT(2));
    json_decref(array);
    buf_putc(out, '\n');
}
