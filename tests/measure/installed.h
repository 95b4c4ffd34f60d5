/* installed: what the driver holds of a HAProxy that has all of a plan. */
#ifndef MEASURE_INSTALLED_H
#define MEASURE_INSTALLED_H

#include "haproxy/plan.h"

struct installed;

/* 'n' backends of the plan, all plain. */
struct installed *installed_new(struct plan *plan, unsigned n);
void installed_free(struct installed *);

#endif /* MEASURE_INSTALLED_H */
