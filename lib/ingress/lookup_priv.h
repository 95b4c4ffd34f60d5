/* What lookup.c and lookup_read.c share; for them alone. */
#ifndef INGRESS_LOOKUP_PRIV_H
#define INGRESS_LOOKUP_PRIV_H

#include "lib/ingress/lookup.h"

/* Fills host and path of the answer, or refuses.  '*is_root': a request
 * without path that means "/". */
void lookup_read(const struct lookup_request *, struct lookup_answer *,
                 bool *is_root);

#endif /* INGRESS_LOOKUP_PRIV_H */
