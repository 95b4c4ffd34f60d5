/* texts: texts in the order in which they came, found by what they say.
 *
 * A few are looked at one by one and take no memory of their own; more have a
 * hash (map.h).  Texts are borrowed and stay where they are.  Not locked.
 */
#ifndef BASE_TEXTS_H
#define BASE_TEXTS_H

#include <stddef.h>

struct map;

#define TEXTS_FEW 8

struct texts {
    const char *few[TEXTS_FEW];
    size_t n;
    struct map *all;            /* NULL: they are few. */
};

/* Number 'n'; of equal ones the last counts. */
void texts_add(struct texts *, const char *text);
/* The number of 'text', from 1; 0: it is not there. */
size_t texts_find(const struct texts *, const char *text);
void texts_fini(struct texts *);

#endif /* BASE_TEXTS_H */
