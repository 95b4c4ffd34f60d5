/* A manifest file as a stranger writes it.
 *
 * Oracles: every document, written as JSON and read again, is the same one;
 * problems are one printable line each; an object has the identity that
 * manifests need. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/yaml.h"
#include "lib/kube/manifest_parse.h"

#define INPUT_MAX 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct err *
compare(json_t *document, unsigned line, void *aux)
{
    json_t **want = aux;

    assert(line == 1 && *want);
    assert(json_equal(document, *want));
    *want = NULL;
    return NULL;
}

static struct err *
check_document(json_t *document, unsigned line, void *aux)
{
    AUTO_FREE char *text = NULL;
    AUTO_ERR struct err *err = NULL;
    json_t *want = document;

    assert(line >= *(unsigned *) aux);
    *(unsigned *) aux = line;
    if (json_is_object(document)) {
        text = json_dumps(document, JSON_COMPACT | JSON_ENSURE_ASCII);
        assert(text);
        err = yaml_each(text, strlen(text), compare, &want);
        assert(!err && !want);
    }
    return NULL;
}

static void
check_printable(const char *s)
{
    for (; *s; s++) {
        assert(*s >= ' ' && *s <= '~');
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct manifest_objects objects = { .all = { .items = NULL } };
    struct manifests_problems problems = MANIFESTS_PROBLEMS_INIT;
    const char *text = (const char *) data;
    AUTO_ERR struct err *err = NULL;
    unsigned line = 1;

    if (size > INPUT_MAX) {
        return 0;
    }
    log_configure(LOG_ERROR + 1, LOG_TEXT);
    err = yaml_each(text, size, check_document, &line);
    manifest_parse("f.yaml", text, size, &objects, &problems);
    assert(!err || problems.all.n > 0);
    for (size_t i = 0; i < objects.all.n; i++) {
        const struct kube_object *o = objects.all.items[i];

        assert(o->name[0] && o->uid && o->resource_version);
        assert(manifest_line(o) >= 1);
        check_printable(o->key);
    }
    for (size_t i = 0; i < problems.all.n; i++) {
        AUTO_FREE char *shown = manifests_problem_text(&problems.all.items[i]);

        check_printable(shown);
    }
    manifest_objects_fini(&objects);
    manifests_problems_fini(&problems);
    return 0;
}
