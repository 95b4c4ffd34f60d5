#include "cli/output.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/mem.h"

struct flag
output_flag(int *format, bool with_github)
{
    static const char *const all[] = { "text", "json", "github", NULL };
    static const char *const two[] = { "text", "json", NULL };

    return (struct flag) {
        .name = "format",
        .letter = 'o',
        .value_name = with_github ? "text|json|github" : "text|json",
        .kind = FLAG_CHOICE,
        .out = format,
        .choices = with_github ? all : two,
        .doc = with_github
                   ? "Lines for people, JSON, or annotations of a GitHub "
                     "workflow (text)."
                   : "Lines for people, or JSON (text).",
    };
}

bool
output_write(const char *command, const struct buf *out)
{
    if (fwrite(buf_str(out), 1, out->size, stdout) != out->size ||
        fflush(stdout) != 0) {
        fprintf(stderr, "sallyport %s: cannot write: %s\n", command,
                strerror(errno));
        return false;
    }
    return true;
}

void
output_problems(const struct manifests_problems *problems)
{
    for (size_t i = 0; i < problems->all.n; i++) {
        AUTO_FREE char *text =
            manifests_problem_text(&problems->all.items[i]);

        fprintf(stderr, "%s\n", text);
    }
}

/* What GitHub's runner takes for syntax, as it wants it written. */
static void
put_escaped(struct buf *out, const char *text, bool is_property)
{
    for (; *text; text++) {
        if (*text == '%' || *text == '\n' || *text == '\r' ||
            (is_property && (*text == ':' || *text == ','))) {
            buf_printf(out, "%%%02X", (unsigned char) *text);
        } else {
            buf_putc(out, *text);
        }
    }
}

/* "::error file=a.yaml,line=12::Ingress default/a: field: message" */
static void
put_annotation(const struct kube_object *o, const struct finding *f,
               struct buf *out)
{
    AUTO_BUF struct buf text = BUF_OWN;
    const char *source = o && o->source ? o->source : "";
    const char *colon = strrchr(source, ':');
    size_t length = colon ? (size_t) (colon - source) : strlen(source);
    AUTO_FREE char *file = xstrndup(source, length);

    buf_printf(out, "::%s ",
               f->severity == FINDING_ERROR ? "error" : "warning");
    if (file[0] && strcmp(file, "-") != 0) {
        buf_puts(out, "file=");
        put_escaped(out, file, true);
    }
    if (colon) {
        buf_printf(out, "%sline=%.*s",
                   file[0] && strcmp(file, "-") != 0 ? "," : "",
                   (int) strspn(colon + 1, "0123456789"), colon + 1);
    }
    buf_puts(out, "::");
    buf_printf(&text, "%s: ", f->object);
    finding_print(f, &text);
    put_escaped(out, buf_str(&text), false);
    buf_putc(out, '\n');
}

void
output_finding(const struct kube_object *o, const struct finding *f,
               enum format format, struct buf *out)
{
    if (format == FORMAT_GITHUB) {
        put_annotation(o, f, out);
        return;
    }
    buf_printf(out, "%s: %s: %s: ", o && o->source ? o->source : "-",
               f->severity == FINDING_ERROR ? "error" : "warning", f->object);
    finding_print(f, out);
    buf_putc(out, '\n');
}
