#include "auth/work.h"

#include <stdlib.h>
#include <string.h>

#include "auth/verify.h"

/* Of somebody unknown a hash of the table is tried all the same, so that the
 * time tells nobody who has an account. */
void
work_judge(void *aux)
{
    struct work *w = aux;
    bool fits;

    if (w->n_wanted == 0) {
        w->is_skipped = true;
        return;
    }
    fits = verify_password(w->hash, w->password);
    w->is_right = fits && w->is_known;
}

void
work_free(void *aux)
{
    struct work *w = aux;

    if (w) {
        explicit_bzero(w->hash, strlen(w->hash));
        explicit_bzero(w->password, strlen(w->password));
        free(w->hash);
        free(w->password);
        VEC_FINI(&w->waiting);
        free(w);
    }
}
