/* differences: what ingress-nginx did with an Ingress that is otherwise here.
 *
 * Nothing of it is wrong, so none of it is a finding: "sallyport audit" tells
 * it to whoever moves.  Pure.
 */
#ifndef CLI_DIFFERENCES_H
#define CLI_DIFFERENCES_H

#include "lib/ingress/model.h"

/* Adds what differs for this Ingress, as warnings with their fields. */
void differences_of(const struct model *, struct findings *out);

/* What differs for every Ingress: sentence 'i', NULL behind the last. */
const char *differences_general(size_t i);

#endif /* CLI_DIFFERENCES_H */
