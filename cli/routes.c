/* sallyport routes: what HAProxy holds, with the Ingress behind each row. */
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/fetch.h"
#include "cli/output.h"
#include "cli/run_dir.h"
#include "lib/base/jx.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

#define MAX_REPORT ((size_t) 256 << 20)
#define ADMIN_DEFAULT "http://127.0.0.1:10254"

static const char usage[] =
    "usage: sallyport routes [--admin URL | --run-dir DIR] [-o text|json]\n"
    "\n"
    "Prints what HAProxy serves now, row by row: from a running reconciler,\n"
    "with the Ingress and the field behind each row (\"kubectl port-forward\"\n"
    "brings its admin address here); or from the maps in a run directory,\n"
    "which name Services only. Exit status: 0 printed; 2 wrong usage, or not\n"
    "to be had.\n\n";

static const struct column {
    const char *title;
    const char *member;
} columns[] = {
    { "HOST", "host" },       { "PATH", "path" },   { "TYPE", "type" },
    { "HTTP", "http" },       { "HTTPS", "https" }, { "BACKEND", "backend" },
    { "INGRESS", "ingress" }, { "FIELD", "field" },
};

struct routes {
    const char *admin;
    const char *run_dir;
    int format;
};

/* One cell, the caller's to free; strangers' bytes are made printable. */
static char *
cell(json_t *row, size_t column)
{
    const char *member = columns[column].member;
    const char *text = json_string_value(json_object_get(row, member));
    const char *ns = json_string_value(json_object_get(row, "namespace"));
    const char *to = json_string_value(json_object_get(row, "to"));
    AUTO_FREE char *full =
        strcmp(member, "ingress") == 0 && text ? xasprintf("%s/%s", ns, text)
        : strcmp(member, "backend") == 0 && to ? xasprintf("-> %s", to)
        : strcmp(member, "host") == 0 && str_is_empty(text)
            ? xstrdup("*")
            : xstrdup(text ? text : "-");

    for (char *p = full; *p; p++) {
        if ((unsigned char) *p < 0x20 || (unsigned char) *p >= 0x7f) {
            *p = '?';
        }
    }
    return STEAL_PTR(full);
}

static void
print_table(json_t *routes, struct buf *out)
{
    size_t widths[ARRAY_SIZE(columns)];
    size_t n = json_array_size(routes);

    for (size_t c = 0; c < ARRAY_SIZE(columns); c++) {
        widths[c] = strlen(columns[c].title);
        for (size_t i = 0; i < n; i++) {
            AUTO_FREE char *text = cell(json_array_get(routes, i), c);

            widths[c] = strlen(text) > widths[c] ? strlen(text) : widths[c];
        }
    }
    for (size_t i = 0; i <= n; i++) {
        for (size_t c = 0; c < ARRAY_SIZE(columns); c++) {
            bool is_last = c + 1 == ARRAY_SIZE(columns);
            AUTO_FREE char *text =
                i == 0 ? xstrdup(columns[c].title)
                       : cell(json_array_get(routes, i - 1), c);

            buf_printf(out, "%-*s%s", is_last ? 0 : (int) widths[c], text,
                       is_last ? "\n" : "  ");
        }
    }
}

/* The report, with "routes" in it. */
static struct err *
read_report(const struct routes *r, json_t **out)
{
    AUTO_BUF struct buf body = BUF_INIT(MAX_REPORT);
    json_t *rows = NULL;
    struct err *err;

    *out = NULL;
    if (r->run_dir) {
        err = run_dir_read(r->run_dir, &rows);
        if (!err) {
            *out = json_pack("{s:o}", "routes", rows);
        }
        return err;
    }
    err = fetch(r->admin, "/routes", &body);
    if (!err) {
        err = jx_load(buf_str(&body), body.size, MAX_REPORT, out);
    }
    if (!err && !json_is_array(json_object_get(*out, "routes"))) {
        err = err_new(ERR_INVALID, "%s/routes is not a report of a "
                      "sallyport-reconciler", r->admin);
    }
    return err;
}

static int
run(const struct routes *r)
{
    AUTO_BUF struct buf out = BUF_OWN;
    AUTO_JSON json_t *report = NULL;
    AUTO_ERR struct err *err = read_report(r, &report);
    json_t *confirmed;

    if (err) {
        fprintf(stderr, "sallyport routes: %s\n", err_text(err));
        return EXIT_USAGE;
    }
    if (r->format == FORMAT_JSON) {
        AUTO_FREE char *text = json_dumps(report, JSON_INDENT(2));

        buf_printf(&out, "%s\n", text ? text : "{}");
    } else {
        print_table(json_object_get(report, "routes"), &out);
    }
    confirmed = json_object_get(report, "in_haproxy");
    if (json_is_false(confirmed)) {
        fputs("sallyport routes: HAProxy has not confirmed all of it yet\n",
              stderr);
    }
    return output_write("routes", &out) ? EXIT_CLEAN : EXIT_USAGE;
}

int
command_routes(int argc, char **argv)
{
    struct routes r = { .admin = NULL };
    const struct flag flags[] = {
        output_flag(&r.format, false),
        { .name = "admin", .value_name = "URL", .kind = FLAG_TEXT,
          .out = &r.admin,
          .doc = "Admin address of a reconciler (" ADMIN_DEFAULT ")." },
        { .name = "run-dir", .value_name = "DIR", .kind = FLAG_TEXT,
          .out = &r.run_dir,
          .doc = "Read the maps of this run directory instead." },
    };
    AUTO_ERR struct err *err = NULL;

    if (flags_want_help(argc, argv)) {
        fputs(usage, stdout);
        flags_print(flags, ARRAY_SIZE(flags));
        return EXIT_CLEAN;
    }
    err = flags_parse(flags, ARRAY_SIZE(flags), argc, argv, NULL, NULL);
    if (!err && r.admin && r.run_dir) {
        err = err_new(ERR_INVALID, "--admin and --run-dir exclude each other");
    }
    if (!r.admin) {
        r.admin = ADMIN_DEFAULT;
    }
    if (err) {
        fprintf(stderr, "sallyport routes: %s\n", err_text(err));
        return EXIT_USAGE;
    }
    return run(&r);
}
