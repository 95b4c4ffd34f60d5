/* settings_base: what an Ingress asks for before its annotations count.
 *
 * Defaults are the same for all Ingresses until the ConfigMap changes: they
 * are applied once, and a reading begins with a copy.  Left to each reading
 * are texts, which every settings own, and what another annotation keeps from
 * counting.  For settings_read() and defaults.c alone.
 *
 * Read-only once it is made; any thread.
 */
#ifndef INGRESS_SETTINGS_BASE_H
#define INGRESS_SETTINGS_BASE_H

#include "lib/ingress/annot_priv.h"

#define SETTINGS_ROWS_MAX 256   /* More than the table has. */

struct settings_base {
    struct settings_draft plain;        /* Without texts. */
    uint16_t yielding[SETTINGS_ROWS_MAX];   /* Rows with a 'yields_to' whose
                                             * default 'd' has. */
    size_t n_yielding;
    struct settings_later {
        uint16_t row;           /* Its default is a text or a list. */
        bool is_needed;         /* By the defaults of what it needs. */
        uint8_t n_needs;
        uint16_t needs[ANNOT_N_NEEDS];  /* Rows; one of them will do. */
    } later[SETTINGS_ROWS_MAX];
    size_t n_later;
};

/* Of the table's own defaults and those of 'd', which may be NULL. */
struct settings_base *settings_base_new(const struct defaults *d)
    MUST_USE RETURNS_NONNULL;

/* The value of a default once more, for an apply callback to take. */
struct annot_value annot_value_copy(const struct annot_value *) MUST_USE;

#endif /* INGRESS_SETTINGS_BASE_H */
