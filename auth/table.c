#include "auth/table.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/passwd.h"
#include "lib/base/str.h"

static char *
ha1_key(const char *user, const char *realm)
{
    return xasprintf("%s\n%s", user, realm);
}

static void
wipe_hash(void *hash)
{
    explicit_bzero(hash, strlen(hash));
    free(hash);
}

static void
wipe_ha1(void *ha1)
{
    explicit_bzero(ha1, sizeof(struct table_ha1));
    free(ha1);
}

void
table_free(struct table *t)
{
    if (t) {
        map_free(t->users, t->is_digest ? wipe_ha1 : wipe_hash);
        verdicts_free(t->verdicts);
        nonces_free(t->nonces);
        free(t);
    }
}

/* The first line of a user counts, as in nginx. */
static void
add_basic(struct table *t, const struct passwd_line *line)
{
    AUTO_FREE char *user = xstrndup(line->user, line->user_size);

    if (!map_get(t->users, user)) {
        char *hash = xstrndup(line->hash, line->hash_size);

        map_put(t->users, user, hash);
        t->first_hash = t->first_hash ? t->first_hash : hash;
    }
}

static void
add_digest(struct table *t, const struct passwd_line *line)
{
    AUTO_FREE char *user = xstrndup(line->user, line->user_size);
    AUTO_FREE char *realm = xstrndup(line->realm, line->realm_size);
    AUTO_FREE char *key = ha1_key(user, realm);
    struct table_ha1 *ha1 = map_get(t->users, key);
    char *to;

    if (!ha1) {
        ha1 = xcalloc(1, sizeof *ha1);
        map_put(t->users, key, ha1);
    }
    to = line->hash_size == 32 ? ha1->md5 : ha1->sha256;
    if (to[0] == '\0') {
        memcpy(to, line->hash, line->hash_size);
    }
}

static void
count_algorithms(struct table *t)
{
    struct map_iter it = MAP_ITER;

    t->all_md5 = t->all_sha256 = true;
    while (map_next(t->users, &it)) {
        const struct table_ha1 *ha1 = it.value;

        t->all_md5 &= ha1->md5[0] != '\0';
        t->all_sha256 &= ha1->sha256[0] != '\0';
    }
}

static bool
has_head(const char *text, size_t size, const char *head, size_t *length)
{
    *length = strlen(head);
    return size >= *length && memcmp(text, head, *length) == 0;
}

struct err *
table_parse(const char *text, size_t size, int64_t now_ms, struct table **out)
{
    static uint64_t last_serial;
    struct passwd_line line;
    struct passwd_at at = { 0 };
    struct table *t;
    size_t head;
    bool is_digest;

    *out = NULL;
    is_digest = has_head(text, size, TABLE_MAGIC "digest\n", &head);
    if (!is_digest && !has_head(text, size, TABLE_MAGIC "basic\n", &head)) {
        return err_new(ERR_INVALID, "not a table of users");
    }
    t = xcalloc(1, sizeof *t);
    t->serial = ++last_serial;
    t->is_digest = is_digest;
    t->users = map_new();
    while (passwd_next(text + head, size - head, is_digest, &at, &line) &&
           map_size(t->users) < PASSWD_USERS_MAX) {
        if (!line.problem && is_digest) {
            add_digest(t, &line);
        } else if (!line.problem) {
            add_basic(t, &line);
        }
    }
    if (map_size(t->users) == 0) {
        table_free(t);
        return err_new(ERR_INVALID, "no user");
    }
    if (is_digest) {
        count_algorithms(t);
        t->nonces = nonces_new(now_ms);
    } else {
        t->verdicts = verdicts_new(2 * map_size(t->users));
    }
    *out = t;
    return NULL;
}

const char *
table_hash(const struct table *t, const char *user)
{
    return map_get(t->users, user);
}

const struct table_ha1 *
table_ha1(const struct table *t, const char *user, const char *realm)
{
    AUTO_FREE char *key = ha1_key(user, realm);

    return map_get(t->users, key);
}
