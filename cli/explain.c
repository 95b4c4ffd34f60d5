/* sallyport explain: an annotation, or a URL. */
#include "cli/explain.h"

#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/output.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/ingress/annot.h"

static const char usage[] =
    "usage: sallyport explain [ANNOTATION...]\n"
    "       sallyport explain --url URL [--manifests DIR] [FLAGS]\n"
    "\n"
    "Says of an annotation what it means, which values it takes, and what\n"
    "differs from ingress-nginx; without arguments it lists all of them.\n"
    "With --url it says which Ingress, which rule and which backend would\n"
    "answer, and why the others would not. Exit status: 0 answered; 1 the\n"
    "request is refused or nothing is there for it; 2 wrong usage, or\n"
    "something could not be read.\n\n";

static void
list_all(struct buf *out)
{
    for (size_t i = 0; i < annot_count(); i++) {
        const struct annot_def *def = annot_at(i);
        const char *heading = annot_heading(i);

        if (heading) {
            buf_printf(out, "%s%s\n", i > 0 ? "\n" : "", heading);
        }
        buf_printf(out, "  %-36s %s\n", def->name,
                   annot_support_text(def->support));
    }
    buf_puts(out, "\n\"sallyport explain NAME\" says more of each.\n");
}

/* With or without a prefix. */
static int
explain_annotation(const char *given, struct buf *out)
{
    AUTO_FREE char *quoted = str_quote(given);
    bool is_own;
    const char *bare = annot_name(given, &is_own);
    const char *name = bare ? bare : given;
    const struct annot_def *def = annot_find(name, NULL);
    const struct annot_def *near = def ? NULL : annot_nearest(name);

    if (!def) {
        fprintf(stderr, "sallyport explain: unknown annotation %s: %s%s%s\n",
                quoted, near ? "did you mean \"" : "see \"sallyport explain",
                near ? near->name : "", near ? "\"?" : "\"");
        return EXIT_USAGE;
    }
    annot_print(def, out);
    return EXIT_CLEAN;
}

static int
explain_annotations(const char *const *names, size_t n)
{
    AUTO_BUF struct buf out = BUF_OWN;
    int status = EXIT_CLEAN;

    if (n == 0) {
        list_all(&out);
    }
    for (size_t i = 0; i < n && status == EXIT_CLEAN; i++) {
        if (i > 0) {
            buf_putc(&out, '\n');
        }
        status = explain_annotation(names[i], &out);
    }
    if (!output_write("explain", &out)) {
        return EXIT_USAGE;
    }
    return status;
}

static size_t
make_flags(struct explain *e, struct flag *flags)
{
    const struct flag own[] = {
        output_flag(&e->format, false),
        { .name = "url", .value_name = "URL", .kind = FLAG_TEXT,
          .out = &e->url,
          .doc = "Which Ingress answers http://HOST/PATH or https://..." },
        { .name = "method", .value_name = "METHOD", .kind = FLAG_TEXT,
          .out = &e->method, .doc = "Of the request (GET)." },
        { .name = "host", .value_name = "TEXT", .kind = FLAG_TEXT,
          .out = &e->host,
          .doc = "The Host header, byte by byte, where it is not the URL's "
                 "own." },
    };
    size_t n = ARRAY_SIZE(own);

    memcpy(flags, own, sizeof own);
    n += source_flags(&e->source, flags + n);
    return n + ruleset_flags(&e->ruleset, flags + n);
}

int
command_explain(int argc, char **argv)
{
    AUTO_FREE const char **names = xcalloc((size_t) argc, sizeof *names);
    struct explain e = { .ruleset = RULESET_INIT, .method = "GET" };
    struct flag flags[4 + SOURCE_MAX_FLAGS + RULESET_MAX_FLAGS];
    AUTO_ERR struct err *err = NULL;
    size_t n_flags, n = 0;
    int status = EXIT_CLEAN;

    e.ruleset.watch_without_class = true;
    e.ruleset.ssl_passthrough = true;
    n_flags = make_flags(&e, flags);
    if (flags_want_help(argc, argv)) {
        fputs(usage, stdout);
        flags_print(flags, n_flags);
        return EXIT_CLEAN;
    }
    err = flags_parse(flags, n_flags, argc, argv, names, &n);
    if (!err && e.url && n > 0) {
        AUTO_FREE char *quoted = str_quote(names[0]);

        err = err_new(ERR_INVALID, "unexpected argument %s", quoted);
    }
    if (!err) {
        err = ruleset_finish(&e.ruleset);
    }
    if (err) {
        fprintf(stderr, "sallyport explain: %s\n", err_text(err));
        status = EXIT_USAGE;
    } else {
        status = e.url ? explain_url(&e) : explain_annotations(names, n);
    }
    ruleset_fini(&e.ruleset);
    return status;
}
