/* claims_age: the order in which Ingresses come, for whoever sorts them. */
#ifndef INGRESS_CLAIMS_AGE_H
#define INGRESS_CLAIMS_AGE_H

struct model;

/* < 0 where 'a' is older than 'b': the earlier creation, then the greater
 * "namespace/name"; one without creation yet is the youngest. */
int claims_compare_age(const struct model *a, const struct model *b);

#endif /* INGRESS_CLAIMS_AGE_H */
