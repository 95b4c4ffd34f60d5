#include "cli/command.h"

#include <stdio.h>

#include "cli/output.h"
#include "cli/world.h"
#include "lib/base/buf.h"
#include "lib/base/flags.h"
#include "lib/base/mem.h"
#include "lib/kube/manifests.h"

static const char usage[] =
    "usage: sallyport lint [FLAGS] PATH...\n"
    "\n"
    "Says of the Ingresses in files and folders (\"-\" is standard input)\n"
    "what the webhook would say at kubectl apply. Judged are Ingresses that\n"
    "name --ingress-class, and those that name no class\n"
    "(--watch-ingress-without-class=false leaves these out); and of the\n"
    "controller's objects, where the files hold them, the ConfigMap that\n"
    "--configmap names and the Secret of --default-ssl-certificate.  Give the\n"
    "flags that the controller has.  Exit status: 0 clean, warnings allowed;\n"
    "1 refused by the rules; 2 wrong usage, or something could not be\n"
    "read.\n\n";

struct lint {
    struct ruleset ruleset;
    int format;
    size_t n_judged;            /* Ingresses. */
    struct findings *all;
    struct buf text;
};

static void
take_findings(const struct kube_object *o, const struct findings *findings,
              void *aux)
{
    struct lint *lint = aux;

    lint->n_judged += o && o->kind == KUBE_INGRESS;
    for (size_t i = 0; i < findings_count(findings); i++) {
        output_finding(o, findings_get(findings, i),
                       (enum format) lint->format, &lint->text);
    }
    findings_add_all(lint->all, findings);
}

static void
print_summary(const struct lint *lint, size_t n_ingresses)
{
    const size_t n_errors = findings_count_of(lint->all, FINDING_ERROR);
    const size_t n_warnings = findings_count_of(lint->all, FINDING_WARNING);

    fprintf(stderr, "%zu Ingress%s judged: %zu error%s, %zu warning%s\n",
            lint->n_judged, lint->n_judged == 1 ? "" : "es", n_errors,
            n_errors == 1 ? "" : "s", n_warnings, n_warnings == 1 ? "" : "s");
    if (n_ingresses > lint->n_judged) {
        fprintf(stderr,
                "%zu of another class or namespace left out: see "
                "--ingress-class and --watch-namespace\n",
                n_ingresses - lint->n_judged);
    }
}

static bool
print_result(struct lint *lint)
{
    AUTO_BUF struct buf json = BUF_OWN;
    const struct buf *out = &lint->text;

    if (lint->format == FORMAT_JSON) {
        findings_print_json(lint->all, &json);
        out = &json;
    }
    return output_write("lint", out);
}

static int
run(struct lint *lint, const char *const *paths, size_t n_paths)
{
    AUTO(manifests_problems_fini) struct manifests_problems problems =
        MANIFESTS_PROBLEMS_INIT;
    struct world *world = world_new(&lint->ruleset);
    AUTO_ERR struct err *err = NULL;
    size_t n_ingresses;

    manifests_read(paths, n_paths, world_add, world, &problems);
    err = world_finish(world);
    if (err) {
        fprintf(stderr, "sallyport lint: %s\n", err_text(err));
        world_free(world);
        return EXIT_USAGE;
    }
    world_judge(world, take_findings, lint);
    n_ingresses = world_count(world);
    world_free(world);
    output_problems(&problems);
    if (!print_result(lint)) {
        return EXIT_USAGE;
    }
    if (n_ingresses > 0 || problems.all.n == 0) {
        print_summary(lint, n_ingresses);
    }
    if (problems.all.n > 0) {
        return EXIT_USAGE;
    }
    return findings_count_of(lint->all, FINDING_ERROR) > 0 ? EXIT_REFUSED
                                                           : EXIT_CLEAN;
}

static struct err *
parse(int argc, char **argv, struct lint *lint, const char **paths,
      size_t *n_paths, bool *help)
{
    struct flag flags[RULESET_MAX_FLAGS + 2] = {
        output_flag(&lint->format, true),
        ruleset_certificate_flag(&lint->ruleset),
    };
    size_t n = 2 + ruleset_flags(&lint->ruleset, flags + 2);
    struct err *err;

    *help = flags_want_help(argc, argv);
    if (*help) {
        fputs(usage, stdout);
        flags_print(flags, n);
        return NULL;
    }
    err = flags_parse(flags, n, argc, argv, paths, n_paths);
    if (!err && *n_paths == 0) {
        err = err_new(ERR_INVALID, "which files or folders? \"-\" is "
                                   "standard input");
    }
    return err ? err : ruleset_finish(&lint->ruleset);
}

int
command_lint(int argc, char **argv)
{
    AUTO_FREE const char **paths = xcalloc((size_t) argc, sizeof *paths);
    struct lint lint = { .ruleset = RULESET_INIT, .text = BUF_OWN };
    AUTO_ERR struct err *err = NULL;
    size_t n_paths = 0;
    int status = EXIT_CLEAN;
    bool help;

    lint.ruleset.watch_without_class = true;
    lint.ruleset.ssl_passthrough = true;
    lint.all = findings_new();
    err = parse(argc, argv, &lint, paths, &n_paths, &help);
    if (err) {
        fprintf(stderr, "sallyport lint: %s\n", err_text(err));
        status = EXIT_USAGE;
    } else if (!help) {
        status = run(&lint, paths, n_paths);
    }
    findings_free(lint.all);
    buf_fini(&lint.text);
    ruleset_fini(&lint.ruleset);
    return status;
}
