/* sallyport explain: an annotation, or a URL. */
#include "cli/explain.h"

#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/output.h"
#include "lib/base/jx.h"
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

/* With or without a prefix; NULL, and a line: there is none of that name. */
static const struct annot_def *
find(const char *given)
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
    }
    return def;
}

/* What annot_print() says, by members. */
static json_t *
annotation_json(const struct annot_def *def)
{
    AUTO_FREE char *name = xasprintf("%s%s", annot_prefix(def), def->name);
    AUTO_BUF struct buf value = BUF_OWN;
    json_t *needs = json_array();
    bool is_read = def->apply != NULL;

    if (is_read) {
        annot_print_allowed(def, &value);
    }
    for (size_t i = 0; i < ARRAY_SIZE(def->needs) && def->needs[i]; i++) {
        json_array_append_new(needs, json_string(def->needs[i]));
    }
    return json_pack(
        "{s:s, s:s, s:s?, s:s, s:s?, s:s?, s:o, s:s, s:s?, s:b, s:s, s:s?}",
        "name", name, "meaning", def->doc, "alias", def->alias, "support",
        annot_support_text(def->support), "value",
        is_read ? buf_str(&value) : NULL, "default", def->dflt, "needs",
        needs, "reaches", annot_scope_text(def->scope), "change",
        is_read ? annot_effect_text(def->effect) : NULL, "protects",
        def->protective, "risk", annot_risk_text(def->risk), "instead",
        def->instead);
}

/* An array, of all where none is named. */
static int
print_json(const char *const *names, size_t n, struct buf *out)
{
    AUTO_JSON json_t *root = json_array();
    AUTO_FREE char *text = NULL;

    for (size_t i = 0; i < (n > 0 ? n : annot_count()); i++) {
        const struct annot_def *def = n > 0 ? find(names[i]) : annot_at(i);

        if (!def) {
            return EXIT_USAGE;
        }
        json_array_append_new(root, annotation_json(def));
    }
    text = json_dumps(root, JSON_INDENT(2));
    buf_printf(out, "%s\n", text ? text : "[]");
    return EXIT_CLEAN;
}

static int
print_text(const char *const *names, size_t n, struct buf *out)
{
    if (n == 0) {
        list_all(out);
    }
    for (size_t i = 0; i < n; i++) {
        const struct annot_def *def = find(names[i]);

        if (!def) {
            return EXIT_USAGE;
        }
        if (i > 0) {
            buf_putc(out, '\n');
        }
        annot_print(def, out);
    }
    return EXIT_CLEAN;
}

static int
explain_annotations(const struct explain *e, const char *const *names,
                    size_t n)
{
    AUTO_BUF struct buf out = BUF_OWN;
    int status = e->format == FORMAT_JSON ? print_json(names, n, &out)
                                          : print_text(names, n, &out);

    return output_write("explain", &out) ? status : EXIT_USAGE;
}

#define N_OWN_FLAGS 4
#define N_FLAGS_OF_ALL 2        /* Without --url, too. */

static size_t
make_flags(struct explain *e, struct flag *flags)
{
    const struct flag own[N_OWN_FLAGS] = {
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

/* Fails where what was given means something for a URL only. */
static struct err *
parse(struct explain *e, const struct flag *flags, size_t n_flags, int argc,
      char **argv, const char **names, size_t *n)
{
    struct err *err = flags_parse(flags, n_flags, argc, argv, names, n);

    if (err) {
        return err;
    }
    if (!e->url) {
        return err_wrap(flags_parse(flags, N_FLAGS_OF_ALL, argc, argv, names,
                                    n), "without --url");
    }
    if (*n > 0) {
        AUTO_FREE char *quoted = str_quote(names[0]);

        return err_new(ERR_INVALID, "unexpected argument %s", quoted);
    }
    err = source_check(&e->source);
    return err ? err : ruleset_finish(&e->ruleset);
}

int
command_explain(int argc, char **argv)
{
    AUTO_FREE const char **names = xcalloc((size_t) argc, sizeof *names);
    struct explain e = { .ruleset = RULESET_INIT, .method = "GET" };
    struct flag flags[N_OWN_FLAGS + SOURCE_MAX_FLAGS + RULESET_MAX_FLAGS];
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
    err = parse(&e, flags, n_flags, argc, argv, names, &n);
    if (err) {
        fprintf(stderr, "sallyport explain: %s\n", err_text(err));
        status = EXIT_USAGE;
    } else {
        status = e.url ? explain_url(&e) : explain_annotations(&e, names, n);
    }
    ruleset_fini(&e.ruleset);
    return status;
}
