/* Stands for userfiles.c: a script touches no file. */
#include "reconciler/userfiles.h"

#include <stdlib.h>

#include "lib/base/mem.h"

void
userfiles_run(struct userfiles *f, struct users *u, bool is_complete,
              bool is_confirmed, int64_t now_ms)
{
    AUTO_FREE char **ids = is_complete ? users_take_dirty(u) : NULL;

    (void) f;
    (void) is_confirmed;
    (void) now_ms;
    for (size_t i = 0; ids && ids[i]; i++) {
        free(ids[i]);
    }
}

void
userfiles_fini(struct userfiles *f)
{
    (void) f;
}
