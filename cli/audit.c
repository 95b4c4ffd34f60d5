/* sallyport audit: a whole cluster, before anything is moved. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/differences.h"
#include "cli/output.h"
#include "cli/source.h"
#include "cli/world.h"
#include "lib/base/jx.h"
#include "lib/base/mem.h"
#include "lib/base/vec.h"

static const char usage[] =
    "usage: sallyport audit [--manifests DIR] [FLAGS]\n"
    "\n"
    "Judges every Ingress of a cluster (or of a folder) as if it were applied\n"
    "today, oldest first, and says what ingress-nginx did with it that will\n"
    "differ.  \"--ingress-class nginx\" looks at those that ingress-nginx\n"
    "serves now.  With --configmap the controller's ConfigMap is judged too,\n"
    "and its keys are defaults.  Nothing is written anywhere, and Secrets are\n"
    "read only with --secrets.  Exit status: 0 no errors; 1 some would be\n"
    "refused, or the ConfigMap has errors; 2 wrong usage, or something could\n"
    "not be read.\n\n";

struct entry {
    const struct kube_object *object;
    struct findings *findings;
    struct findings *differences;
};

struct audit {
    struct ruleset ruleset;
    struct source source;
    int format;                 /* enum format. */
    VEC(struct entry) entries;
    struct findings *controller;    /* Of its ConfigMap and certificate. */
    size_t n_others;            /* Of another class or namespace. */
};

static void
take_entry(const struct kube_object *o, const struct findings *findings,
           void *aux)
{
    struct audit *audit = aux;
    struct model *model;
    struct entry *entry;

    if (!o || o->kind != KUBE_INGRESS) {
        findings_add_all(audit->controller, findings);
        return;
    }
    model = model_new(o, &audit->ruleset);
    entry = VEC_ADD(&audit->entries);
    entry->object = kube_ref(o);
    entry->findings = findings_new();
    entry->differences = findings_new();
    findings_add_all(entry->findings, findings);
    differences_of(model, entry->differences);
    model_unref(model);
}

static int
compare_entries(const void *x, const void *y)
{
    const struct entry *a = x, *b = y;
    int order = strcmp(a->object->namespace, b->object->namespace);

    return order ? order : strcmp(a->object->name, b->object->name);
}

static void
entries_fini(struct audit *audit)
{
    for (size_t i = 0; i < audit->entries.n; i++) {
        struct entry *e = &audit->entries.items[i];

        kube_unref(e->object);
        findings_free(e->findings);
        findings_free(e->differences);
    }
    VEC_FINI(&audit->entries);
}

struct counts {
    size_t namespaces, refused, clean, errors, warnings, differences;
};

static bool
begins_namespace(const struct audit *audit, size_t i)
{
    return i == 0 || strcmp(audit->entries.items[i].object->namespace,
                            audit->entries.items[i - 1].object->namespace);
}

static struct counts
count(const struct audit *audit)
{
    struct counts n = {
        .errors = findings_count_of(audit->controller, FINDING_ERROR),
        .warnings = findings_count_of(audit->controller, FINDING_WARNING),
    };

    for (size_t i = 0; i < audit->entries.n; i++) {
        const struct entry *e = &audit->entries.items[i];
        size_t errors = findings_count_of(e->findings, FINDING_ERROR);
        size_t differences = findings_count(e->differences);

        n.namespaces += begins_namespace(audit, i);
        n.refused += errors > 0;
        n.clean += findings_count(e->findings) == 0 && differences == 0;
        n.errors += errors;
        n.warnings += findings_count_of(e->findings, FINDING_WARNING);
        n.differences += differences;
    }
    return n;
}

/* --- Text --- */

static void
put_findings(const struct findings *findings, const char *label,
             struct buf *out)
{
    for (size_t i = 0; i < findings_count(findings); i++) {
        const struct finding *f = findings_get(findings, i);

        buf_printf(out, "    %s: ",
                   label                           ? label
                   : f->severity == FINDING_ERROR ? "error"
                                                  : "warning");
        finding_print(f, out);
        buf_putc(out, '\n');
    }
}

static void
put_controller(const struct audit *audit, struct buf *out)
{
    for (size_t i = 0; i < findings_count(audit->controller); i++) {
        const struct finding *f = findings_get(audit->controller, i);

        buf_printf(out, "%s  %s: %s: ", i == 0 ? "controller\n" : "",
                   f->severity == FINDING_ERROR ? "error" : "warning",
                   f->object);
        finding_print(f, out);
        buf_putc(out, '\n');
    }
    if (findings_count(audit->controller) > 0) {
        buf_putc(out, '\n');
    }
}

static void
put_counts(const struct audit *audit, struct buf *out)
{
    struct counts n = count(audit);

    buf_printf(out,
               "%s%zu Ingress%s in %zu namespace%s: %zu would be refused, %zu "
               "clean; %zu error%s, %zu warning%s, %zu difference%s\n",
               audit->entries.n > 0 ? "\n" : "", audit->entries.n,
               audit->entries.n == 1 ? "" : "es",
               n.namespaces, n.namespaces == 1 ? "" : "s", n.refused, n.clean,
               n.errors, n.errors == 1 ? "" : "s", n.warnings,
               n.warnings == 1 ? "" : "s", n.differences,
               n.differences == 1 ? "" : "s");
    if (audit->n_others > 0) {
        buf_printf(out, "%zu of another class or namespace left out: see "
                   "--ingress-class and --watch-namespace\n",
                   audit->n_others);
    }
}

static void
print_text(const struct audit *audit, struct buf *out)
{
    put_controller(audit, out);
    for (size_t i = 0; i < audit->entries.n; i++) {
        const struct entry *e = &audit->entries.items[i];
        size_t errors = findings_count_of(e->findings, FINDING_ERROR);
        bool is_clean = findings_count(e->findings) == 0 &&
                        findings_count(e->differences) == 0;

        if (begins_namespace(audit, i)) {
            buf_printf(out, "%snamespace %s\n", i > 0 ? "\n" : "",
                       e->object->namespace);
        }
        buf_printf(out, "  %s: %s\n", e->object->name,
                   errors > 0 ? "would be refused"
                   : is_clean ? "clean"
                              : "accepted");
        put_findings(e->findings, NULL, out);
        put_findings(e->differences, "differs", out);
    }
    if (audit->entries.n > 0) {
        buf_puts(out, "\nFor every Ingress, coming from ingress-nginx:\n");
    }
    for (size_t i = 0; audit->entries.n > 0 && differences_general(i); i++) {
        buf_printf(out, "  - %s\n", differences_general(i));
    }
    put_counts(audit, out);
}

/* --- JSON --- */

static json_t *
findings_json(const struct findings *findings)
{
    json_t *array = json_array();

    for (size_t i = 0; i < findings_count(findings); i++) {
        const struct finding *f = findings_get(findings, i);

        json_array_append_new(
            array, json_pack("{s:s, s:s, s:s}", "severity",
                             f->severity == FINDING_ERROR ? "error"
                                                          : "warning",
                             "field", f->field, "message", f->message));
    }
    return array;
}

static json_t *
controller_json(const struct findings *findings)
{
    json_t *array = findings_json(findings);

    for (size_t i = 0; i < findings_count(findings); i++) {
        json_object_set_new(json_array_get(array, i), "object",
                            json_string(findings_get(findings, i)->object));
    }
    return array;
}

static json_t *
differences_json(const struct findings *findings)
{
    json_t *array = json_array();

    for (size_t i = 0; i < findings_count(findings); i++) {
        const struct finding *f = findings_get(findings, i);

        json_array_append_new(array,
                              json_pack("{s:s, s:s}", "field", f->field,
                                        "message", f->message));
    }
    return array;
}

static void
print_json(const struct audit *audit, struct buf *out)
{
    struct counts n = count(audit);
    AUTO_JSON json_t *root = json_object();
    json_t *ingresses = json_array();
    json_t *general = json_array();
    AUTO_FREE char *text = NULL;

    for (size_t i = 0; i < audit->entries.n; i++) {
        const struct entry *e = &audit->entries.items[i];
        bool is_refused = findings_count_of(e->findings, FINDING_ERROR) > 0;

        json_array_append_new(
            ingresses,
            json_pack("{s:s, s:s, s:b, s:o, s:o}", "namespace",
                      e->object->namespace, "name", e->object->name,
                      "refused", is_refused, "findings",
                      findings_json(e->findings), "differences",
                      differences_json(e->differences)));
    }
    for (size_t i = 0; differences_general(i); i++) {
        json_array_append_new(general, json_string(differences_general(i)));
    }
    json_object_set_new(root, "controller",
                        controller_json(audit->controller));
    json_object_set_new(root, "ingresses", ingresses);
    json_object_set_new(root, "general", general);
    json_object_set_new(
        root, "counts",
        json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "ingresses",
                  (json_int_t) audit->entries.n, "namespaces",
                  (json_int_t) n.namespaces, "refused",
                  (json_int_t) n.refused, "clean", (json_int_t) n.clean,
                  "errors", (json_int_t) n.errors, "warnings",
                  (json_int_t) n.warnings, "differences",
                  (json_int_t) n.differences, "left_out",
                  (json_int_t) audit->n_others));
    text = json_dumps(root, JSON_INDENT(2));
    buf_printf(out, "%s\n", text ? text : "{}");
}

/* --- The whole --- */

static int
report(struct audit *audit)
{
    AUTO_BUF struct buf out = BUF_OWN;

    if (audit->format == FORMAT_JSON) {
        print_json(audit, &out);
    } else {
        print_text(audit, &out);
    }
    if (!output_write("audit", &out)) {
        return EXIT_USAGE;
    }
    return count(audit).errors > 0 ? EXIT_REFUSED : EXIT_CLEAN;
}

static int
run(struct audit *audit)
{
    AUTO(manifests_problems_fini) struct manifests_problems problems =
        MANIFESTS_PROBLEMS_INIT;
    struct world *world = world_new(&audit->ruleset);
    AUTO_ERR struct err *err = NULL;
    int status = EXIT_USAGE;

    audit->controller = findings_new();
    world_adopt(world, !audit->source.manifests, audit->source.secrets);
    err = source_read(&audit->source, &audit->ruleset, world_add, world,
                      &problems);
    output_problems(&problems);
    if (!err) {
        err = world_finish(world);
    }
    if (err) {
        fprintf(stderr, "sallyport audit: %s\n", err_text(err));
    } else {
        world_judge(world, take_entry, audit);
        audit->n_others = world_count(world) - audit->entries.n;
        VEC_SORT(&audit->entries, compare_entries);
        status = report(audit);
    }
    entries_fini(audit);
    findings_free(audit->controller);
    world_free(world);
    return problems.all.n > 0 ? EXIT_USAGE : status;
}

int
command_audit(int argc, char **argv)
{
    struct audit audit = { .ruleset = RULESET_INIT };
    struct flag flags[2 + SOURCE_MAX_FLAGS + RULESET_MAX_FLAGS] = {
        output_flag(&audit.format, false),
        ruleset_certificate_flag(&audit.ruleset),
    };
    size_t n = 2 + source_flags(&audit.source, flags + 2);
    AUTO_ERR struct err *err = NULL;
    int status;

    audit.ruleset.watch_without_class = true;
    audit.ruleset.ssl_passthrough = true;
    n += ruleset_flags(&audit.ruleset, flags + n);
    if (flags_want_help(argc, argv)) {
        fputs(usage, stdout);
        flags_print(flags, n);
        return EXIT_CLEAN;
    }
    err = flags_parse(flags, n, argc, argv, NULL, NULL);
    if (!err) {
        err = source_check(&audit.source);
    }
    if (!err) {
        err = ruleset_finish(&audit.ruleset);
    }
    if (err) {
        fprintf(stderr, "sallyport audit: %s\n", err_text(err));
        status = EXIT_USAGE;
    } else {
        status = run(&audit);
    }
    ruleset_fini(&audit.ruleset);
    return status;
}
