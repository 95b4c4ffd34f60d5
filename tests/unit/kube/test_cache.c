#include "tests/unit/table.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/kube/cache.h"
#include "lib/kube/decode.h"

/* 'script' is commands, one blank between: "+KEY=RV" puts, "-KEY" removes,
 * "begin", "end", "abandon" are a list, with ":NS" behind of one namespace;
 * "take" notes one change, "list" all keys, "count" how many are there,
 * "again:KEY" puts what is there again, "none" keeps no objects, "synced" and
 * "all" the state.  'want' is what they noted. */
static const struct row {
    const char *name;
    const char *script;
    const char *want;
} rows[] = {
    { "put is new", "+n/a=1 take take", "n/a:->1 none" },
    { "put twice shows once", "+n/a=1 +n/a=2 take take", "n/a:->2 none" },
    { "an update", "+n/a=1 take +n/a=2 take", "n/a:->1 n/a:1->2" },
    { "several updates show the last told", "+n/a=1 take +n/a=2 +n/a=3 take",
      "n/a:->1 n/a:1->3" },
    { "the same version is no change", "+n/a=1 take +n/a=1 take",
      "n/a:->1 none" },
    { "no version is always a change", "+n/a= take +n/a= take",
      "n/a:-> n/a:->" },
    { "remove", "+n/a=1 take -n/a take take list", "n/a:->1 n/a:1-> none []" },
    { "remove what is not there", "-n/a take", "none" },
    { "remove twice", "+n/a=1 take -n/a -n/a take take",
      "n/a:->1 n/a:1-> none" },
    { "came and went shows nothing", "+n/a=1 -n/a take list", "none []" },
    { "came and went, and came", "+n/a=1 -n/a +n/a=2 take take",
      "n/a:->2 none" },
    { "went and came back", "+n/a=1 take -n/a +n/a=2 take take",
      "n/a:->1 n/a:1->2 none" },
    { "went, was told, came back", "+n/a=1 take -n/a take +n/a=2 take",
      "n/a:->1 n/a:1-> n/a:->2" },
    { "oldest change first", "+n/b=1 +n/a=1 +n/b=2 take take take",
      "n/b:->2 n/a:->1 none" },
    { "skips what came and went", "+n/a=1 +n/b=1 -n/a take take",
      "n/b:->1 none" },
    { "the queue goes on after it was empty",
      "+n/a=1 take take +n/b=1 take take", "n/a:->1 none n/b:->1 none" },
    { "list in order of keys", "+n/b=1 +a/z=1 +n/a=1 +n/c=1 -n/c list",
      "[a/z n/a n/b]" },

    { "a list removes what it did not put",
      "+n/a=1 +n/b=1 take take begin +n/a=1 end take take",
      "n/a:->1 n/b:->1 n/b:1-> none" },
    { "what a list removes comes in order",
      "+n/c=1 +n/a=1 +n/b=1 take take take begin end take take take",
      "n/c:->1 n/a:->1 n/b:->1 n/a:1-> n/b:1-> n/c:1->" },
    { "a list of one namespace leaves the others",
      "+n/a=1 +m/a=1 begin:n end:n list", "[m/a]" },
    { "two lists at once",
      "+n/a=1 +m/a=1 begin:n begin:m +m/b=1 end:n +m/a=1 end:m list",
      "[m/a m/b]" },
    { "an abandoned list removes nothing",
      "+n/a=1 +n/b=1 begin +n/a=2 abandon list take take",
      "[n/a n/b] n/a:->2 n/b:->1" },
    { "a list after an abandoned one",
      "+n/a=1 +n/b=1 begin +n/a=2 abandon begin +n/b=1 end list", "[n/b]" },
    { "put by a watch during a list stays", "begin +n/a=1 -n/a +n/b=1 end list",
      "[n/b]" },

    { "what is put again stays through a list",
      "+n/a=1 take begin again:n/a again:n/b end list take",
      "n/a:->1 yes no [n/a] none" },

    { "none kept: told once, without the old one",
      "none +n/a=1 take count list +n/a=2 take take", "n/a:->1 1 [] n/a:->2 none" },
    { "none kept: there until it was told", "none +n/a=1 list take list",
      "[n/a] n/a:->1 []" },
    { "none kept: the same version is no change",
      "none +n/a=1 take +n/a=1 take", "n/a:->1 none" },
    { "none kept: no version is always a change",
      "none +n/a= take +n/a= take", "n/a:-> n/a:->" },
    { "none kept: remove", "none +n/a=1 take -n/a take count take",
      "n/a:->1 n/a:-> 0 none" },
    { "none kept: came and went shows nothing", "none +n/a=1 -n/a take count",
      "none 0" },
    { "none kept: went and came back, the same",
      "none +n/a=1 take -n/a +n/a=1 take take", "n/a:->1 n/a:->1 none" },
    { "none kept: a list removes what it did not put",
      "none +n/a=1 +n/b=1 +m/c=1 take take take begin:n +n/a=1 end:n take "
      "take count",
      "n/a:->1 n/b:->1 m/c:->1 n/b:-> none 2" },
    { "none kept: a namespace is not its prefix",
      "none +nn/a=1 take begin:n end:n take count", "nn/a:->1 none 1" },

    { "not synced at first", "synced", "no" },
    { "synced by a list", "begin synced end synced", "no yes" },
    { "not synced by an abandoned list", "begin abandon synced", "no" },
    { "stays synced while a list runs again", "begin end begin synced",
      "yes" },
    { "two namespaces, two lists",
      "expect2 begin:n end:n synced begin:n end:n synced begin:m end:m synced",
      "no no yes" },
    { "expect nothing", "expect0 synced", "yes" },
    { "all kinds", "begin end all", "no" },
};

/* Takes "n/a=1": a Service of that key and version. */
static const struct kube_object *
service(const char *spec)
{
    const char *slash = strchr(spec, '/'), *equals = strchr(spec, '=');
    json_t *document = json_pack(
        "{s:{s:s%, s:s%}}", "metadata", "namespace", spec,
        (size_t) (slash - spec), "name", slash + 1,
        (size_t) (equals - slash - 1));
    const struct kube_object *o;
    struct err *err;

    if (equals[1]) {
        json_object_set_new(json_object_get(document, "metadata"),
                            "resourceVersion", json_string(equals + 1));
    }
    err = kube_decode(KUBE_SERVICE, document, NULL, &o);
    json_decref(document);
    assert_null(err);
    return o;
}

static void
note_change(struct cache *c, struct buf *out)
{
    struct cache_change change;

    if (!cache_take_change(c, &change)) {
        assert_null(change.key);
        buf_puts(out, "none ");
    } else {
        const char *old = change.old ? change.old->resource_version : NULL;
        const char *new = change.new ? change.new->resource_version : NULL;

        assert_int_equal(change.kind, KUBE_SERVICE);
        buf_printf(out, "%s:%s->%s ", change.key, old ? old : "",
                   new ? new : "");
    }
    cache_change_fini(&change);
}

static void
note_list(const struct cache *c, struct buf *out)
{
    AUTO_FREE const struct kube_object **objects = NULL;
    const char *blank = "";
    size_t n, bytes = 0;

    objects = cache_list(c, KUBE_SERVICE, &n);
    assert_true(n <= cache_count(c, KUBE_SERVICE));
    buf_putc(out, '[');
    for (size_t i = 0; i < n; i++) {
        buf_printf(out, "%s%s", blank, objects[i]->key);
        blank = " ";
        bytes += objects[i]->size;
        assert_ptr_equal(cache_get(c, KUBE_SERVICE, objects[i]->key),
                         objects[i]);
        assert_null(cache_get(c, KUBE_INGRESS, objects[i]->key));
    }
    assert_int_equal(bytes, cache_bytes(c, KUBE_SERVICE));
    buf_puts(out, "] ");
}

static void
run_list(struct cache *c, const char *command, const char *ns)
{
    if (str_starts(command, "begin")) {
        cache_list_begin(c, KUBE_SERVICE, ns);
    } else if (str_starts(command, "end")) {
        cache_list_end(c, KUBE_SERVICE, ns);
    } else if (str_starts(command, "abandon")) {
        cache_list_abandon(c, KUBE_SERVICE, ns);
    } else {
        fail_msg("what is %s?", command);
    }
}

static void
run(struct cache *c, const char *command, struct buf *out)
{
    const char *colon = strchr(command, ':');

    if (command[0] == '+') {
        cache_put(c, service(command + 1));
    } else if (command[0] == '-') {
        cache_remove(c, KUBE_SERVICE, command + 1);
    } else if (str_eq(command, "take")) {
        note_change(c, out);
    } else if (str_eq(command, "list")) {
        note_list(c, out);
    } else if (str_eq(command, "count")) {
        buf_printf(out, "%zu ", cache_count(c, KUBE_SERVICE));
    } else if (str_eq(command, "none")) {
        cache_keep_none(c, KUBE_SERVICE);
    } else if (str_starts(command, "again")) {
        buf_puts(out, cache_put_again(c, KUBE_SERVICE, colon + 1) ? "yes "
                                                                  : "no ");
    } else if (str_eq(command, "synced")) {
        buf_puts(out, cache_is_synced(c, KUBE_SERVICE) ? "yes " : "no ");
    } else if (str_eq(command, "all")) {
        buf_puts(out, cache_all_synced(c) ? "yes " : "no ");
    } else if (str_starts(command, "expect")) {
        cache_expect(c, KUBE_SERVICE, (unsigned) (command[6] - '0'));
    } else {
        run_list(c, command, colon ? colon + 1 : NULL);
    }
}

static void
check_row(void **state)
{
    const struct row *row = *state;
    AUTO_BUF struct buf got = BUF_OWN;
    struct cache *c = cache_new();
    const char *at = row->script;

    while (*at) {
        size_t length = strcspn(at, " ");
        AUTO_FREE char *command = xstrndup(at, length);

        run(c, command, &got);
        at += length + (at[length] == ' ');
    }
    cache_free(c);
    if (got.size > 0) {
        got.data[--got.size] = '\0';
    }
    assert_string_equal(buf_str(&got), row->want);
}

static void
test_all_synced(void **state)
{
    struct cache *c = cache_new();

    (void) state;
    for (int i = 0; i < KUBE_N_KINDS; i++) {
        assert_false(cache_all_synced(c));
        if (i % 2) {
            cache_expect(c, (enum kube_kind) i, 0);
        } else {
            cache_list_begin(c, (enum kube_kind) i, NULL);
            cache_list_end(c, (enum kube_kind) i, NULL);
        }
    }
    assert_true(cache_all_synced(c));
    cache_free(c);
    cache_free(NULL);
}

/* A change that is held outlives the cache and later changes. */
static void
test_change_holds_its_objects(void **state)
{
    struct cache *c = cache_new();
    struct cache_change change;

    (void) state;
    cache_put(c, service("n/a=1"));
    assert_true(cache_take_change(c, &change));
    cache_change_fini(&change);
    cache_put(c, service("n/a=2"));
    assert_true(cache_take_change(c, &change));
    cache_put(c, service("n/a=3"));
    cache_remove(c, KUBE_SERVICE, "n/a");
    cache_free(c);
    assert_string_equal(change.old->resource_version, "1");
    assert_string_equal(change.new->resource_version, "2");
    cache_change_fini(&change);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_synced),
        cmocka_unit_test(test_change_holds_its_objects),
    };

    return TABLE_RUN("cache", rows, check_row) +
           cmocka_run_group_tests_name("cache", tests, NULL, NULL);
}
