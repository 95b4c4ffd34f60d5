/* Prints docs/annotations.md ("make docs"). */
#include <stdio.h>

#include "lib/ingress/annot.h"

int
main(void)
{
    AUTO_BUF struct buf out = BUF_OWN;

    annot_print_docs(&out);
    return fputs(buf_str(&out), stdout) < 0 || fflush(stdout) ? 1 : 0;
}
