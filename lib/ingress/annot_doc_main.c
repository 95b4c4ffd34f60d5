/* Prints docs/annotations.md, or with --coverage the README's line of counts
 * ("make docs"). */
#include <stdio.h>

#include "lib/base/str.h"
#include "lib/ingress/annot.h"

int
main(int argc, char **argv)
{
    AUTO_BUF struct buf out = BUF_OWN;

    if (argc > 1 && str_eq(argv[1], "--coverage")) {
        annot_print_coverage(&out);
    } else {
        annot_print_docs(&out);
    }
    return fputs(buf_str(&out), stdout) < 0 || fflush(stdout) ? 1 : 0;
}
