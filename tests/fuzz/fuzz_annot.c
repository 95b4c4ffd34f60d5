/* Annotations as a stranger writes them: "NAME LF VALUE" up to a NUL, then
 * the next; a value that begins with "/" is also tried as a path.
 *
 * Oracles: every finding is one printable line; no setting holds a byte that
 * could end a line of a map or a word of a command; what was complained of
 * as a protection refuses. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/vec.h"
#include "lib/ingress/annot.h"
#include "lib/ingress/regex.h"
#include "lib/ingress/settings.h"

#define INPUT_MAX 8192
#define PAIRS_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
is_printable(const char *s)
{
    for (; *s; s++) {
        if (*s < ' ' || *s > '~') {
            return false;
        }
    }
    return true;
}

static void
check_text(const char *s)
{
    assert(!s || (is_printable(s) && !strpbrk(s, "\"'\\;<>`{}")));
}

static void
check_texts(const struct settings_texts *texts)
{
    for (size_t i = 0; i < texts->n; i++) {
        check_text(texts->items[i]);
        assert(!strchr(texts->items[i], ' '));
    }
}

static void
check_settings(const struct settings *s)
{
    /* An URL may have ";" as it is; map rows are quoted (haproxy/). */
    assert(!s->redirect_url || is_printable(s->redirect_url));
    assert(!s->redirect_url || !strpbrk(s->redirect_url, " \"\\"));
    assert(!s->redirect_url == !s->redirect_code);
    check_text(s->rewrite_target);
    check_text(s->cookie_name);
    check_text(s->cookie_path);
    check_text(s->cookie_domain);
    check_text(s->cors_methods);
    check_text(s->cors_headers);
    check_text(s->cors_expose);
    check_texts(&s->cors_origins);
    check_texts(&s->limit_allow);
    check_texts(&s->allow);
    check_texts(&s->deny);
    assert(s->affinity == (s->cookie_name != NULL));
    assert(s->cors == (s->cors_methods != NULL));
    assert(s->connect_timeout_s >= 1 && s->read_timeout_s >= 1);
}

/* True where a finding is an error about a protection. */
static bool
is_protection_lost(const struct finding *f)
{
    static const char *const names[] = {
        "whitelist-source-range]", "allowlist-source-range]",
        "denylist-source-range]",
    };

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (f->severity == FINDING_ERROR && str_ends(f->field, names[i])) {
            return true;
        }
    }
    return false;
}

static int
compare(const void *a, const void *b)
{
    const struct kube_pair *x = a, *y = b;

    return strcmp(x->name, y->name);
}

static size_t
split(char *text, size_t size, struct kube_pair *pairs)
{
    size_t n = 0;

    for (char *at = text; at < text + size && n < PAIRS_MAX;
         at += strlen(at) + 1) {
        char *value = strchr(at, '\n');

        if (!value) {
            continue;
        }
        *value = '\0';
        pairs[n].name = at;
        pairs[n].value = value + 1;
        n++;
        at = value + 1;
    }
    qsort(pairs, n, sizeof *pairs, compare);
    return n;
}

static void
check_path(const char *path)
{
    AUTO_FREE char *why = regex_check(path);

    assert(!why || is_printable(why));
    assert(why || regex_groups(path) >= 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_FINDINGS struct findings *findings = findings_new();
    AUTO_FREE char *text = NULL;
    struct kube_pair pairs[PAIRS_MAX];
    struct kube_path path = { .type = KUBE_PATH_IMPLEMENTATION };
    struct kube_rule rule = { .paths = &path, .n_paths = 1 };
    struct kube_object object = {
        .kind = KUBE_INGRESS, .name = "x", .key = "x",
        .ingress = { .rules = &rule, .n_rules = 1 },
    };
    struct settings s;
    bool is_lost = false;

    if (size > INPUT_MAX) {
        return 0;
    }
    text = xcalloc(1, size + 1);
    memcpy(text, data, size);
    object.annotations.items = pairs;
    object.annotations.n = split(text, size, pairs);
    for (size_t i = 0; i < object.annotations.n; i++) {
        if (pairs[i].value[0] == '/') {
            path.path = pairs[i].value;
            check_path(path.path);
        }
    }

    settings_read(&object, "Ingress x", NULL, &s, findings);
    check_settings(&s);
    for (size_t i = 0; i < findings_count(findings); i++) {
        const struct finding *f = findings_get(findings, i);

        assert(is_printable(f->message) && is_printable(f->field));
        is_lost = is_lost || is_protection_lost(f);
    }
    assert(!is_lost || s.refuse);
    settings_fini(&s);
    return 0;
}
