/* Prints docs/annotations.md, or with --coverage the README's line of counts
 * ("make docs"), or with --dictionary what a fuzzer should know of ("make
 * fuzz"). */
#include <stdio.h>

#include "lib/base/str.h"
#include "lib/ingress/annot.h"

/* Each name as fuzz_annot.c reads it, with the line feed behind it. */
static void
put_dictionary(struct buf *out)
{
    for (size_t i = 0; i < annot_count(); i++) {
        const struct annot_def *def = annot_at(i);

        buf_printf(out, "\"%s%s\\x0a\"\n",
                   def->is_own ? ANNOT_OWN_PREFIX : ANNOT_PREFIX, def->name);
        for (size_t j = 0; def->choices && def->choices[j]; j++) {
            buf_printf(out, "\"%s\"\n", def->choices[j]);
        }
    }
}

int
main(int argc, char **argv)
{
    AUTO_BUF struct buf out = BUF_OWN;

    if (argc > 1 && str_eq(argv[1], "--coverage")) {
        annot_print_coverage(&out);
    } else if (argc > 1 && str_eq(argv[1], "--dictionary")) {
        put_dictionary(&out);
    } else {
        annot_print_docs(&out);
    }
    return fputs(buf_str(&out), stdout) < 0 || fflush(stdout) ? 1 : 0;
}
