#include "reconciler/users.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/digest.h"
#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/base/passwd.h"
#include "lib/base/str.h"
#include "lib/ingress/model.h"

#define FILE_KEY "auth"
#define MAGIC "sallyport-auth 1 "
#define TOLD_MAX 8              /* Bad lines told one by one. */

struct table {
    char id[USERS_ID_SIZE];
    char *secret;
    bool is_digest, is_map;
    struct keyset *ingresses;
    bool is_missing;
    bool is_known;              /* The cache was asked, or has it. */
    char *text;                 /* NULL: no user. */
    size_t n_users, n_bad, n_weak;
    char *problem;              /* The whole of it; NULL: none. */
    struct buf bad;             /* The first lines left out, as a text. */
};

struct users {
    const struct cache *cache;
    users_known_fn *known;
    void *aux;
    struct map *tables;         /* Id to struct table. */
    struct map *by_ingress;     /* Key to id. */
    struct keyset *dirty;       /* Ids whose files may be other ones. */
    struct map *crowded;        /* Groups; values mean nothing. */
};

/* --- Tables --- */

static void
wipe(char *text)
{
    if (text) {
        explicit_bzero(text, strlen(text));
        free(text);
    }
}

static void
free_table(void *p)
{
    struct table *t = p;

    wipe(t->text);
    free(t->secret);
    free(t->problem);
    buf_fini(&t->bad);
    keyset_free(t->ingresses);
    free(t);
}

struct users *
users_new(const struct cache *cache, users_known_fn *known, void *aux)
{
    struct users *u = xcalloc(1, sizeof *u);

    u->cache = cache;
    u->known = known;
    u->aux = aux;
    u->tables = map_new();
    u->by_ingress = map_new();
    u->dirty = keyset_new();
    u->crowded = map_new();
    return u;
}

void
users_free(struct users *u)
{
    if (u) {
        map_free(u->tables, free_table);
        map_free(u->by_ingress, free);
        keyset_free(u->dirty);
        map_free(u->crowded, NULL);
        free(u);
    }
}

void
users_group(const char *ns, char out[USERS_GROUP_SIZE])
{
    char hex[DIGEST_HEX_SIZE];

    digest_sha256_hex(ns, strlen(ns), hex);
    memcpy(out, hex, USERS_GROUP_SIZE - 1);
    out[USERS_GROUP_SIZE - 1] = '\0';
}

bool
users_set_crowded(struct users *u, const char *const *groups, size_t n)
{
    static char mark;
    bool is_same = map_size(u->crowded) == n;

    for (size_t i = 0; i < n; i++) {
        is_same = is_same && map_get(u->crowded, groups[i]);
    }
    if (!is_same) {
        map_free(u->crowded, NULL);
        u->crowded = map_new();
        for (size_t i = 0; i < n; i++) {
            map_put(u->crowded, groups[i], &mark);
        }
    }
    return !is_same;
}

void
users_inherit(struct users *u, const struct users *from)
{
    AUTO_FREE const char **groups = map_sorted_keys(from->crowded);

    (void) users_set_crowded(u, groups, map_size(from->crowded));
}

void
users_table_id(const struct settings *s, char out[USERS_ID_SIZE])
{
    AUTO_FREE char *text = xasprintf(
        "%s %s %s", s->auth == SETTINGS_AUTH_DIGEST ? "digest" : "basic",
        s->auth_is_map ? "map" : "file", s->auth_secret);
    char hex[DIGEST_HEX_SIZE];

    digest_sha256_hex(text, strlen(text), hex);
    memcpy(out, hex, USERS_ID_SIZE - 1);
    out[USERS_ID_SIZE - 1] = '\0';
}

/* --- What a Secret says --- */

static void
put_bad(struct table *t, const struct passwd_line *line, const char *where)
{
    AUTO_FREE char *user = xstrndup(line->user ? line->user : "",
                                    line->user_size);
    AUTO_FREE char *shown = str_quote(user);

    if (t->n_bad++ < TOLD_MAX) {
        buf_printf(&t->bad, "%s%s", t->bad.size ? "; " : "", where);
        if (!where[0]) {
            buf_printf(&t->bad, "line %u", line->number);
        }
        buf_printf(&t->bad, "%s%s %s", line->user ? " of user " : "",
                   line->user ? shown : "", line->problem);
    }
}

/* 'text' is a file, or one line of a user whose name is a key. */
static void
add_lines(struct table *t, const char *text, size_t size, const char *where,
          struct buf *out)
{
    struct passwd_at at = { 0 };
    struct passwd_line line;

    while (passwd_next(text, size, t->is_digest, &at, &line)) {
        if (!line.problem && t->n_users == PASSWD_USERS_MAX) {
            line.problem = "is one too many: at most 10000 are read";
        }
        if (line.problem) {
            put_bad(t, &line, where);
            continue;
        }
        t->n_users++;
        t->n_weak += line.is_weak;
        buf_put(out, line.user, line.user_size);
        buf_putc(out, ':');
        if (t->is_digest) {
            buf_put(out, line.realm, line.realm_size);
            buf_putc(out, ':');
        }
        buf_put(out, line.hash, line.hash_size);
        buf_putc(out, '\n');
    }
}

/* One line of a map: its value may end in a line feed, and hold no other. */
static void
add_datum(struct table *t, const struct kube_datum *datum, struct buf *out)
{
    AUTO_BUF struct buf line = BUF_SECRET(BUF_OWN_MAX);
    AUTO_FREE char *shown = str_quote(datum->name);
    AUTO_FREE char *where = xasprintf("key %s", shown);
    size_t size = datum->size;

    while (size > 0 && (datum->data[size - 1] == '\n' ||
                        datum->data[size - 1] == '\r')) {
        size--;
    }
    if (memchr(datum->data, '\n', size)) {
        put_bad(t, &(struct passwd_line) { .problem = "has more than one "
                                                      "line" }, where);
        return;
    }
    buf_printf(&line, "%s:", datum->name);
    buf_put(&line, datum->data, size);
    add_lines(t, buf_str(&line), line.size, where, out);
}

static void
read_secret(struct table *t, const struct kube_secret *secret,
            struct buf *out)
{
    const struct kube_datum *file = kube_datum(secret, FILE_KEY);

    for (size_t i = 0; t->is_map && i < secret->n_data; i++) {
        add_datum(t, &secret->data[i], out);
    }
    if (!t->is_map && file) {
        add_lines(t, file->data, file->size, "", out);
    }
    if (!t->is_map && !file) {
        t->problem = xasprintf("Secret \"%s\" has no key \"" FILE_KEY
                               "\": write the file of users there, or "
                               "auth-secret-type: \"auth-map\"", t->secret);
    } else if (t->n_users == 0) {
        t->problem = xasprintf("Secret \"%s\" has no user", t->secret);
    }
}

static void
refresh(struct users *u, struct table *t)
{
    const struct kube_object *secret =
        cache_get(u->cache, KUBE_SECRET, t->secret);
    AUTO_BUF struct buf text = BUF_SECRET(BUF_OWN_MAX);

    wipe(STEAL_PTR(t->text));
    free(STEAL_PTR(t->problem));
    buf_clear(&t->bad);
    t->n_users = t->n_bad = t->n_weak = 0;
    t->is_missing = !secret;
    t->is_known = secret || !u->known || u->known(t->secret, u->aux);
    if (secret) {
        buf_printf(&text, MAGIC "%s\n", t->is_digest ? "digest" : "basic");
        read_secret(t, &secret->secret, &text);
        if (t->n_users > 0) {
            t->text = buf_take(&text);
        }
    } else {
        t->problem = xasprintf("Secret \"%s\" does not exist", t->secret);
    }
    keyset_add(u->dirty, t->id);
}

/* --- Who asks for which --- */

static void
forget(struct users *u, const char *ingress_key)
{
    AUTO_FREE char *id = map_remove(u->by_ingress, ingress_key);
    struct table *t = id ? map_get(u->tables, id) : NULL;

    if (!t) {
        return;
    }
    keyset_remove(t->ingresses, ingress_key);
    if (keyset_count(t->ingresses) == 0) {
        keyset_add(u->dirty, id);
        map_remove(u->tables, id);
        free_table(t);
    }
}

void
users_set(struct users *u, const char *ingress_key, const struct model *model)
{
    const struct settings *s = model ? model->settings : NULL;
    char id[USERS_ID_SIZE] = "";
    const char *before = map_get(u->by_ingress, ingress_key);
    struct table *t;

    if (s && s->auth != SETTINGS_AUTH_NONE && !s->refuse) {
        users_table_id(s, id);
    }
    if (before && strcmp(before, id) == 0) {
        return;
    }
    forget(u, ingress_key);
    if (id[0] == '\0') {
        return;
    }
    t = map_get(u->tables, id);
    if (!t) {
        t = xcalloc(1, sizeof *t);
        memcpy(t->id, id, sizeof id);
        t->secret = xstrdup(s->auth_secret);
        t->is_digest = s->auth == SETTINGS_AUTH_DIGEST;
        t->is_map = s->auth_is_map != 0;
        t->ingresses = keyset_new();
        buf_init(&t->bad, 1 << 16);
        map_put(u->tables, id, t);
        refresh(u, t);
    }
    keyset_add(t->ingresses, ingress_key);
    free(map_put(u->by_ingress, ingress_key, xstrdup(id)));
}

void
users_secret_changed(struct users *u, const char *secret_key)
{
    struct map_iter it = MAP_ITER;

    while (map_next(u->tables, &it)) {
        struct table *t = it.value;

        if (strcmp(t->secret, secret_key) == 0) {
            refresh(u, t);
        }
    }
}

bool
users_each_known(struct users *u,
                 void (*each)(const char *secret_key, void *aux), void *aux)
{
    struct keyset *known = keyset_new();
    struct map_iter it = MAP_ITER;
    AUTO_FREE char **keys = NULL;
    bool any;

    while (map_next(u->tables, &it)) {
        const struct table *t = it.value;

        if (!t->is_known && u->known(t->secret, u->aux)) {
            keyset_add(known, t->secret);
        }
    }
    keys = keyset_take(known);
    keyset_free(known);
    any = keys[0] != NULL;
    for (size_t i = 0; keys[i]; i++) {
        each(keys[i], aux);
        free(keys[i]);
    }
    return any;
}

const char **
users_secrets(const struct users *u, size_t *n)
{
    struct map_iter it = MAP_ITER;
    const char **keys = xcalloc(map_size(u->tables) + 1, sizeof *keys);

    *n = 0;
    while (map_next(u->tables, &it)) {
        keys[(*n)++] = ((const struct table *) it.value)->secret;
    }
    return keys;
}

/* --- Findings --- */

static void
report_table(const struct table *t, const struct model *model,
             const char *field, struct findings *out)
{
    if (t->problem) {
        findings_add(out, FINDING_ERROR, FINDING_INVALID, model->name, field,
                     "%s: requests get 503 until it %s%s%s%s",
                     t->problem, t->is_missing ? "does" : "has one",
                     t->n_bad ? " (" : "", buf_str(&t->bad),
                     t->n_bad ? ")" : "");
    } else if (t->n_bad > 0) {
        findings_add(out, FINDING_WARNING, FINDING_INVALID, model->name,
                     field, "Secret \"%s\": %zu of its users cannot log in: "
                     "%s%s", t->secret, t->n_bad, buf_str(&t->bad),
                     t->n_bad > TOLD_MAX ? "; and more" : "");
    }
    if (t->n_weak > 0) {
        findings_add(out, FINDING_WARNING, FINDING_INVALID, model->name,
                     field, "Secret \"%s\": %zu of its passwords have a hash "
                     "that is quickly guessed: write htpasswd -B", t->secret,
                     t->n_weak);
    }
}

static bool
is_crowded(const struct users *u, const struct model *model)
{
    char group[USERS_GROUP_SIZE];

    if (map_size(u->crowded) == 0) {
        return false;
    }
    users_group(model->object->namespace ? model->object->namespace : "",
                group);
    return map_get(u->crowded, group) != NULL;
}

void
users_report(const struct users *u, const struct model *model,
             struct findings *out)
{
    const char *id = map_get(u->by_ingress, model->object->key);
    const struct table *t = id ? map_get(u->tables, id) : NULL;
    const char *const names[] = {
        "metadata.annotations[sallyport.dev/auth-secret]",
        "metadata.annotations[nginx.ingress.kubernetes.io/auth-secret]",
    };
    bool is_own = kube_pair(&model->object->annotations,
                            "sallyport.dev/auth-secret") != NULL;

    if (t && t->is_known) {
        report_table(t, model, names[is_own ? 0 : 1], out);
    }
    if (t && is_crowded(u, model)) {
        findings_add(out, FINDING_WARNING, FINDING_INVALID, model->name,
                     names[is_own ? 0 : 1], "requests get 503: more passwords "
                     "of namespace \"%s\" wait to be verified than one "
                     "namespace may have wait; if that is no attack, hashes "
                     "of a lower cost are verified sooner",
                     model->object->namespace);
    }
}

void
users_dump(const struct users *u, struct buf *out)
{
    AUTO_FREE const char **ids = map_sorted_keys(u->tables);

    for (size_t i = 0; i < map_size(u->tables); i++) {
        const struct table *t = map_get(u->tables, ids[i]);
        char hex[DIGEST_HEX_SIZE] = "-";

        if (t->text) {
            digest_sha256_hex(t->text, strlen(t->text), hex);
        }
        buf_printf(out, "users %s secret %s %s\n", ids[i], t->secret, hex);
    }
}

/* --- For the files --- */

char **
users_take_dirty(struct users *u)
{
    return keyset_take(u->dirty);
}

void
users_put_all_back(struct users *u)
{
    struct map_iter it = MAP_ITER;

    while (map_next(u->tables, &it)) {
        keyset_add(u->dirty, it.key);
    }
}

void
users_put_back(struct users *u, const char *id)
{
    keyset_add(u->dirty, id);
}

bool
users_has(const struct users *u, const char *id)
{
    return map_get(u->tables, id) != NULL;
}

bool
users_is_known(const struct users *u, const char *id)
{
    const struct table *t = map_get(u->tables, id);

    return !t || t->is_known;
}

const char *
users_text(const struct users *u, const char *id)
{
    const struct table *t = map_get(u->tables, id);

    return t ? t->text : NULL;
}
