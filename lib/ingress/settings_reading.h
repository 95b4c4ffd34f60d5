/* settings_reading: one run of the table over one Ingress, for the files of
 * settings_read() alone. */
#ifndef INGRESS_SETTINGS_READING_H
#define INGRESS_SETTINGS_READING_H

#include "lib/ingress/settings_base.h"

struct reading {
    const struct kube_object *object;
    const char *name;
    const struct defaults *defaults;
    struct findings *findings;
    struct settings_draft draft;
    /* By row: the annotation that speaks for it, and what came of it. */
    const struct kube_pair *pairs[SETTINGS_ROWS_MAX];
    bool ok[SETTINGS_ROWS_MAX];  /* Read, and asks for something. */
    uint16_t given[SETTINGS_ROWS_MAX];  /* Rows with a pair, in order. */
    size_t n_given;
    size_t n_ok;                /* Of those, 'ok'. */
    size_t n_unknown;
};

/* Tells of the annotation 'key'. */
void reading_say(const struct reading *, enum finding_severity,
                 const char *key, const char *message);
/* The pair of a row that was read without complaint, NULL otherwise. */
const struct kube_pair *reading_accepted(const struct reading *,
                                         const char *name);
/* The key under which an accepted row was given; there must be one. */
const char *reading_key(const struct reading *, const char *name);
/* Given, and not as it must be. */
bool reading_is_bad(const struct reading *, const char *name);
/* True where the ConfigMap asks for what the row does. */
bool reading_is_default(const struct reading *, const char *name);

/* True where the ConfigMap's value of the row does not count here. */
bool reading_yields(const struct reading *, const struct annot_def *);

/* TLS to endpoints (settings_upstream.c). */
void reading_settle_upstream(struct reading *);
/* What protects connections that stay unopened. */
void reading_check_passthrough(struct reading *);
/* A service that is asked, by the Ingress or by the ConfigMap. */
void reading_settle_ask(struct reading *);
/* Protections of the ConfigMap that cannot be read: closed, not open.  After
 * reading_settle_ask(). */
void reading_check_defaults(struct reading *);

#endif /* INGRESS_SETTINGS_READING_H */
