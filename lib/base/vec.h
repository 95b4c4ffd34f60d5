/* vec: a typed growable array in four macros.
 *
 *     struct { int *items; size_t n, room; } numbers = { 0 };
 *     VEC_PUSH(&numbers, 7);
 *     free(numbers.items);
 *
 * The array owns 'items' only; what the items own is the caller's affair.
 */
#ifndef BASE_VEC_H
#define BASE_VEC_H

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

#define VEC(type)                                                          \
    struct {                                                               \
        type *items;                                                       \
        size_t n;                                                          \
        size_t room;                                                       \
    }

#define VEC_GROW(v)                                                        \
    do {                                                                   \
        if ((v)->n == (v)->room) {                                         \
            (v)->room = (v)->room ? 2 * (v)->room : 8;                     \
            (v)->items =                                                   \
                xrealloc((v)->items, (v)->room, sizeof *(v)->items);       \
        }                                                                  \
    } while (0)

#define VEC_PUSH(v, item)                                                  \
    do {                                                                   \
        VEC_GROW(v);                                                       \
        (v)->items[(v)->n++] = (item);                                     \
    } while (0)

/* Appends a zeroed item and yields its address. */
#define VEC_ADD(v)                                                         \
    ({                                                                     \
        VEC_GROW(v);                                                       \
        memset(&(v)->items[(v)->n], 0, sizeof *(v)->items);                \
        &(v)->items[(v)->n++];                                             \
    })

/* Takes out item 'i'; the order of the others stays. */
#define VEC_REMOVE(v, i)                                                   \
    do {                                                                   \
        (v)->n--;                                                          \
        memmove(&(v)->items[i], &(v)->items[(i) + 1],                      \
                ((v)->n - (i)) * sizeof *(v)->items);                      \
    } while (0)

#define VEC_SORT(v, compare)                                               \
    do {                                                                   \
        if ((v)->n > 1) {                                                  \
            qsort((v)->items, (v)->n, sizeof *(v)->items, (compare));      \
        }                                                                  \
    } while (0)

#define VEC_FINI(v)                                                        \
    do {                                                                   \
        free((v)->items);                                                  \
        (v)->items = NULL;                                                 \
        (v)->n = (v)->room = 0;                                            \
    } while (0)

#endif /* BASE_VEC_H */
