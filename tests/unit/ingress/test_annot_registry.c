/* What must hold for every row of the annotation table. */
#include "tests/unit/table.h"

#include <dirent.h>
#include <stdio.h>

#include "lib/ingress/annot_priv.h"
#include "lib/ingress/foreign_keys.h"
#include "tests/unit/ingress/annot_help.h"

#define DOCS "docs/annotations.md"
#define DATA_PLANE "tests/haproxy"

static char *
read_file(const char *path)
{
    FILE *f = fopen(path, "re");
    AUTO_BUF struct buf text = BUF_INIT(4 << 20);
    char chunk[4096];
    size_t n;

    assert_non_null(f);
    while ((n = fread(chunk, 1, sizeof chunk, f)) > 0) {
        buf_put(&text, chunk, n);
    }
    fclose(f);
    return buf_take(&text);
}

/* Of all topics. */
static char *
read_rows(void)
{
    static const char *const topics[] = { "", "_auth", "_names", "_tls",
                                          "_traffic" };
    AUTO_BUF struct buf all = BUF_OWN;

    for (size_t i = 0; i < ARRAY_SIZE(topics); i++) {
        AUTO_FREE char *path = xasprintf(
            "tests/unit/ingress/test_annot%s.c", topics[i]);
        AUTO_FREE char *text = read_file(path);

        buf_puts(&all, text);
    }
    return buf_take(&all);
}

static bool
is_supported(const struct annot_def *def)
{
    return def->support == ANNOT_FULL || def->support == ANNOT_PARTIAL;
}

static void
names_are_unique_and_plain(void **state UNUSED)
{
    for (size_t i = 0; i < annot_count(); i++) {
        const struct annot_def *def = annot_at(i);
        size_t index;

        assert_true(strspn(def->name, "abcdefghijklmnopqrstuvwxyz0123456789-")
                    == strlen(def->name));
        assert_ptr_equal(annot_find(def->name, &index), def);
        assert_int_equal(index, i);
        if (def->alias) {
            assert_ptr_equal(annot_find(def->alias, NULL), def);
        }
    }
    assert_null(annot_at(annot_count()));
    assert_null(annot_find("", NULL));
}

static void
rows_are_whole(void **state UNUSED)
{
    for (size_t i = 0; i < annot_count(); i++) {
        const struct annot_def *def = annot_at(i);
        const char *name = def->name;

        if (str_is_empty(def->doc) || !str_ends(def->doc, ".")) {
            fail_msg("%s: doc is not a sentence", name);
        }
        if (is_supported(def) != (def->apply != NULL)) {
            fail_msg("%s: apply exactly where it is supported", name);
        }
        if (def->apply && def->kind == ANNOT_RAW) {
            fail_msg("%s: is supported and not read", name);
        }
        if (def->support == ANNOT_IGNORED) {
            fail_msg("%s: honour it or refuse it", name);
        }
        if ((def->support == ANNOT_REMOVED ||
             (def->support == ANNOT_REFUSED && !def->check)) !=
            (def->instead != NULL)) {
            fail_msg("%s: instead exactly where it was removed, or is "
                     "refused", name);
        }
        /* A change of what HAProxy does in any case costs nothing. */
        if ((is_supported(def) && def->apply != annot_apply_nothing) !=
                (def->effect != ANNOT_EFFECT_NONE) &&
            def->support != ANNOT_NOT_YET) {
            fail_msg("%s: an effect exactly where it has one", name);
        }
        for (size_t j = 0; j < ARRAY_SIZE(def->needs); j++) {
            if (def->needs[j] && !annot_find(def->needs[j], NULL)->apply) {
                fail_msg("%s: needs what is not supported", name);
            }
        }
    }
}

/* A default is a legal value, read without a word. */
static void
defaults_are_legal(void **state UNUSED)
{
    for (size_t i = 0; i < annot_count(); i++) {
        const struct annot_def *def = annot_at(i);
        struct annot_value value;
        struct annot_say said;
        enum annot_verdict verdict;

        if (!def->dflt) {
            continue;
        }
        verdict = annot_read(def, def->dflt, &value, &said);
        if (verdict != (def->apply ? ANNOT_OK : ANNOT_NO_EFFECT) ||
            said.error.size > 0 || said.warning.size > 0) {
            fail_msg("%s: default \"%s\": %s%s", def->name, def->dflt,
                     buf_str(&said.error), buf_str(&said.warning));
        }
        annot_value_fini(&value);
        annot_say_fini(&said);
    }
}

/* Every row that is read refuses control bytes; what is not read says so. */
static void
no_row_lets_a_line_break_through(void **state UNUSED)
{
    for (size_t i = 0; i < annot_count(); i++) {
        const struct annot_def *def = annot_at(i);
        struct annot_value value;
        struct annot_say said;

        assert_int_equal(annot_read(def, "true\001x", &value, &said),
                         ANNOT_BAD);
        annot_value_fini(&value);
        annot_say_fini(&said);
        if (def->kind == ANNOT_CIDRS) {
            continue;
        }
        assert_int_equal(annot_read(def, "true\nx", &value, &said),
                         ANNOT_BAD);
        annot_value_fini(&value);
        annot_say_fini(&said);
    }
}

static void
no_row_takes_an_endless_value(void **state UNUSED)
{
    AUTO_FREE char *text = xcalloc(1, 70001);

    memset(text, '1', 70000);
    for (size_t i = 0; i < annot_count(); i++) {
        const struct annot_def *def = annot_at(i);
        struct annot_value value;
        struct annot_say said;

        assert_int_equal(annot_read(def, text, &value, &said), ANNOT_BAD);
        /* No message repeats it. */
        assert_true(said.error.size < 512);
        annot_value_fini(&value);
        annot_say_fini(&said);
    }
}

static void
warnings_name_what_has_no_effect(void **state UNUSED)
{
    for (size_t i = 0; i < annot_count(); i++) {
        const struct annot_def *def = annot_at(i);
        struct annot_value value;
        struct annot_say said;
        bool is_told = def->support == ANNOT_NOT_YET ||
                       def->support == ANNOT_REMOVED;

        if (def->apply || def->support == ANNOT_REFUSED) {
            continue;
        }
        assert_int_equal(annot_read(def, "value", &value, &said),
                         ANNOT_NO_EFFECT);
        assert_int_equal(said.warning.size > 0, is_told);
        annot_value_fini(&value);
        annot_say_fini(&said);
    }
}

/* Accepted and refused rows of 'name' in the tables of test_annot*.c, as they
 * are written there. */
static void
count_rows(const char *text, const char *name, unsigned *accepted,
           unsigned *refused)
{
    AUTO_FREE char *needle = xasprintf(" \"%s\",", name);

    for (const char *at = strstr(text, needle); at;
         at = strstr(at + 1, needle)) {
        const char *end = strstr(at, " },\n");
        AUTO_FREE char *row = xstrndup(at, end ? (size_t) (end - at) : 0);

        if (strstr(row, "\"E ")) {
            (*refused)++;
        } else {
            (*accepted)++;
        }
    }
}

static void
supported_rows_have_test_rows(void **state UNUSED)
{
    AUTO_FREE char *text = read_rows();

    for (size_t i = 0; i < annot_count(); i++) {
        const struct annot_def *def = annot_at(i);
        unsigned accepted = 0, refused = 0;

        if (!is_supported(def)) {
            continue;
        }
        count_rows(text, def->name, &accepted, &refused);
        if (accepted == 0 || refused == 0) {
            fail_msg("%s: %u accepted and %u refused rows in test_annot*.c",
                     def->name, accepted, refused);
        }
    }
}

/* All of tests/haproxy/test_*.py. */
static char *
read_data_plane_tests(void)
{
    AUTO_BUF struct buf text = BUF_INIT(4 << 20);
    DIR *dir = opendir(DATA_PLANE);
    const struct dirent *entry;

    assert_non_null(dir);
    while ((entry = readdir(dir))) {
        if (str_starts(entry->d_name, "test_") &&
            str_ends(entry->d_name, ".py")) {
            AUTO_FREE char *path =
                xasprintf(DATA_PLANE "/%s", entry->d_name);
            AUTO_FREE char *one = read_file(path);

            buf_puts(&text, one);
        }
    }
    closedir(dir);
    return buf_take(&text);
}

static bool
is_named(const char *text, const char *prefix, const char *name)
{
    AUTO_FREE char *quoted = xasprintf("\"%s%s\"", prefix, name);

    return name && strstr(text, quoted);
}

static void
supported_rows_have_data_plane_tests(void **state UNUSED)
{
    AUTO_FREE char *text = read_data_plane_tests();
    AUTO_BUF struct buf lacking = BUF_OWN;

    for (size_t i = 0; i < annot_count(); i++) {
        const struct annot_def *def = annot_at(i);

        /* Who may have a host is no matter of the data plane. */
        if (is_supported(def) && def->kind != ANNOT_NAMESPACES &&
            def->kind != ANNOT_INGRESS &&
            !is_named(text, "", def->name) &&
            !is_named(text, "", def->alias) &&
            !is_named(text, S, def->name)) {
            buf_printf(&lacking, " %s", def->name);
        }
    }
    if (lacking.size > 0) {
        fail_msg("no test in " DATA_PLANE ":%s", buf_str(&lacking));
    }
}

/* Keys of the ConfigMap that are no default of an annotation, too. */
static void
global_keys_have_data_plane_tests(void **state UNUSED)
{
    AUTO_FREE char *text = read_data_plane_tests();

    for (unsigned i = 0; i < ANNOT_N_GLOBALS; i++) {
        const struct annot_def *def = annot_global((enum annot_global) i);

        if (is_supported(def) && !is_named(text, "", def->key)) {
            fail_msg("no test in " DATA_PLANE ": %s", def->key);
        }
    }
}

static bool
is_our_key(const char *name)
{
    for (size_t i = 0; i < annot_count(); i++) {
        if (str_eq(annot_at(i)->key, name)) {
            return true;
        }
    }
    for (unsigned i = 0; i < ANNOT_N_GLOBALS; i++) {
        if (str_eq(annot_global((enum annot_global) i)->key, name)) {
            return true;
        }
    }
    return false;
}

static void
foreign_keys_are_whole(void **state UNUSED)
{
    for (size_t i = 0; i < foreign_key_count(); i++) {
        const struct foreign_key *key = foreign_key_at(i);

        if (is_our_key(key->name)) {
            fail_msg("%s: has an effect", key->name);
        }
        /* Not behind another one that stands for it. */
        assert_ptr_equal(foreign_key_find(key->name), key);
        if (strlen(key->why) < 5 || str_ends(key->why, ".")) {
            fail_msg("%s: why is no end of a sentence", key->name);
        }
        assert_true(foreign_key_is_idle(key, ""));
        assert_false(foreign_key_is_idle(key, "x"));
    }
    assert_null(foreign_key_at(foreign_key_count()));
    assert_null(foreign_key_find("no-such-key"));
    assert_non_null(foreign_key_find("jaeger-endpoint"));
}

/* A refused row refuses its value, and takes its default. */
static void
refused_rows_are_refused(void **state UNUSED)
{
    for (size_t i = 0; i < annot_count(); i++) {
        const struct annot_def *def = annot_at(i);
        struct annot_value value;
        struct annot_say said;

        if (def->support != ANNOT_REFUSED) {
            continue;
        }
        assert_int_equal(annot_read(def, "true", &value, &said), ANNOT_BAD);
        assert_true(said.error.size > 30);
        annot_value_fini(&value);
        annot_say_fini(&said);
    }
}

static void
docs_are_fresh(void **state UNUSED)
{
    AUTO_FREE char *text = read_file(DOCS);
    AUTO_FREE char *readme = read_file("README.md");
    AUTO_BUF struct buf want = BUF_OWN;

    annot_print_docs(&want);
    if (strcmp(text, buf_str(&want)) != 0) {
        fail_msg(DOCS " is out of date: run \"make docs\"");
    }
    for (size_t i = 0; i < annot_count(); i++) {
        AUTO_FREE char *cell = xasprintf("| `%s`", annot_at(i)->name);

        assert_non_null(strstr(text, cell));
    }
    buf_clear(&want);
    annot_print_coverage(&want);
    if (!strstr(readme, buf_str(&want))) {
        fail_msg("README.md is out of date: run \"make docs\"");
    }
}

static void
explanations_are_whole(void **state UNUSED)
{
    AUTO_BUF struct buf out = BUF_OWN;

    annot_print(annot_find("session-cookie-name", NULL), &out);
    assert_string_equal(buf_str(&out),
        "nginx.ingress.kubernetes.io/session-cookie-name\n"
        "  Name of the cookie.\n"
        "  supported: yes\n"
        "  value:     letters, digits and - . _ ~\n"
        "  default:   INGRESSCOOKIE\n"
        "  needs:     affinity\n"
        "  reaches:   paths of the Ingress\n"
        "  a change:  map rows\n"
        "  risk:      medium\n");
    for (size_t i = 0; i < annot_count(); i++) {
        buf_clear(&out);
        annot_print(annot_at(i), &out);
        assert_true(out.size > 40);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_unique_and_plain),
        cmocka_unit_test(rows_are_whole),
        cmocka_unit_test(defaults_are_legal),
        cmocka_unit_test(no_row_lets_a_line_break_through),
        cmocka_unit_test(no_row_takes_an_endless_value),
        cmocka_unit_test(warnings_name_what_has_no_effect),
        cmocka_unit_test(supported_rows_have_test_rows),
        cmocka_unit_test(supported_rows_have_data_plane_tests),
        cmocka_unit_test(global_keys_have_data_plane_tests),
        cmocka_unit_test(foreign_keys_are_whole),
        cmocka_unit_test(refused_rows_are_refused),
        cmocka_unit_test(docs_are_fresh),
        cmocka_unit_test(explanations_are_whole),
    };

    return cmocka_run_group_tests_name("annot_registry", tests, NULL, NULL);
}
