#include "haproxy/unanswered.h"

#include <stdbool.h>
#include <string.h>

#include "haproxy/reply.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"

static bool
take(const char *word, char *out, size_t size)
{
    size_t length = word ? strlen(word) : size;

    if (length >= size) {
        return false;
    }
    memcpy(out, word, length + 1);
    return true;
}

static bool
read_why(const char *word, struct unanswered_row *row)
{
    static const char *const names[] = {
        [UNANSWERED_LATE] = "late", [UNANSWERED_DOWN] = "down",
        [UNANSWERED_BAD] = "bad", [UNANSWERED_FULL] = "full",
    };
    uint64_t status;

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (str_eq(word, names[i])) {
            row->why = (enum unanswered_why) i;
            return true;
        }
    }
    if (!word || !parse_u64(word, 100, 999, &status)) {
        return false;
    }
    row->why = UNANSWERED_STATUS;
    row->status = (unsigned) status;
    return true;
}

/* "0x55d0c8 PLACE COUNT WHY SECONDS ID HOST" */
static bool
read_row(char *line, struct unanswered_row *row)
{
    const char *count, *why, *at, *id, *host;

    if (!str_starts(line, "0x") || !reply_word(&line) ||
        !take(reply_word(&line), row->place, sizeof row->place)) {
        return false;
    }
    count = reply_word(&line);
    why = reply_word(&line);
    at = reply_word(&line);
    id = reply_word(&line);
    host = reply_word(&line);
    if (!host || line || !parse_u64(count, 0, INT64_MAX, &row->count) ||
        !read_why(why, row) || !parse_i64(at, 0, INT64_MAX, &row->at_s)) {
        return false;
    }
    return take(str_eq(id, "-") ? "" : id, row->id, sizeof row->id) &&
           take(str_eq(host, ".") ? "" : host, row->host, sizeof row->host);
}

void
unanswered_read(char *text, struct unanswered *out)
{
    char *line;

    *out = (struct unanswered) { .rows = { .n = 0 } };
    while ((line = reply_line(&text))) {
        struct unanswered_row row = { .status = 0 };

        if (read_row(line, &row)) {
            VEC_PUSH(&out->rows, row);
        }
    }
}

void
unanswered_fini(struct unanswered *u)
{
    VEC_FINI(&u->rows);
}
