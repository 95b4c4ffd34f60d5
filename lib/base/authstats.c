#include "lib/base/authstats.h"

#include <inttypes.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"

#define HEADER "sallyport-auth-stats 1"

static const char *const names[AUTHSTATS_N] = {
    [AUTHSTATS_OK] = "ok", [AUTHSTATS_REMEMBERED] = "remembered",
    [AUTHSTATS_NO] = "no", [AUTHSTATS_FULL] = "full",
    [AUTHSTATS_LATE] = "late", [AUTHSTATS_DOWN] = "down",
    [AUTHSTATS_BAD] = "bad", [AUTHSTATS_STRANGER] = "stranger",
};

const char *
authstats_name(enum authstats_kind kind)
{
    return names[kind];
}

/* NULL: there are too many already, or the name is none. */
static struct authstats_group *
group_of(struct authstats *s, const char *name)
{
    size_t length = strlen(name);

    for (size_t i = 0; i < s->n_groups; i++) {
        if (strcmp(s->groups[i].name, name) == 0) {
            return &s->groups[i];
        }
    }
    if (s->n_groups == AUTHSTATS_GROUPS_MAX || length == 0 ||
        length > AUTHSTATS_NAME_MAX) {
        return NULL;
    }
    memcpy(s->groups[s->n_groups].name, name, length + 1);
    s->groups[s->n_groups].refused = 0;
    return &s->groups[s->n_groups++];
}

void
authstats_refuse(struct authstats *s, const char *group)
{
    struct authstats_group *g = group_of(s, group);

    if (g) {
        g->refused++;
    }
}

void
authstats_print(const struct authstats *s, struct buf *out)
{
    buf_puts(out, HEADER "\n");
    for (size_t i = 0; i < AUTHSTATS_N; i++) {
        buf_printf(out, "%s %" PRIu64 "\n", names[i], s->answers[i]);
    }
    buf_printf(out, "verified %" PRIu64 "\nverify-us %" PRIu64
               "\nwaiting %" PRIu64 "\n", s->verified, s->verify_us,
               s->waiting);
    for (size_t i = 0; i < s->n_groups; i++) {
        buf_printf(out, "group %s %" PRIu64 "\n", s->groups[i].name,
                   s->groups[i].refused);
    }
}

/* --- Reading --- */

static uint64_t *
number_of(struct authstats *s, const char *name)
{
    for (size_t i = 0; i < AUTHSTATS_N; i++) {
        if (strcmp(names[i], name) == 0) {
            return &s->answers[i];
        }
    }
    if (strcmp(name, "verified") == 0) {
        return &s->verified;
    }
    if (strcmp(name, "verify-us") == 0) {
        return &s->verify_us;
    }
    return strcmp(name, "waiting") == 0 ? &s->waiting : NULL;
}

static bool
is_name(const char *s)
{
    for (; *s; s++) {
        if (*s <= ' ' || *s > '~') {
            return false;
        }
    }
    return true;
}

static bool
read_line(struct authstats *s, char *line)
{
    char *rest = line;
    const char *name = strsep(&rest, " ");
    uint64_t *number;

    if (strcmp(name, "group") == 0) {
        const char *group = rest ? strsep(&rest, " ") : "";
        struct authstats_group *g = is_name(group) ? group_of(s, group) : NULL;

        number = g ? &g->refused : NULL;
    } else {
        number = number_of(s, name);
    }
    return number && rest && parse_u64(rest, 0, INT64_MAX, number);
}

bool
authstats_read(const char *text, struct authstats *out)
{
    AUTO_FREE char *copy = xstrdup(text);
    char *rest = copy, *line;

    *out = (struct authstats) { .n_groups = 0 };
    if (strlen(text) > AUTHSTATS_TEXT_MAX ||
        !str_eq(strsep(&rest, "\n"), HEADER)) {
        return false;
    }
    while ((line = strsep(&rest, "\n"))) {
        if (line[0] != '\0' && !read_line(out, line)) {
            *out = (struct authstats) { .n_groups = 0 };
            return false;
        }
    }
    return true;
}
