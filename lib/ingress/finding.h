/* finding: what is wrong, or doubtful, about one object, said to its owner.
 *
 * A finding names object, field, value, what is allowed and what to write
 * instead.  The same text reaches kubectl (webhook), the terminal (sallyport
 * lint) and the Event (reconciler).  Errors refuse the object at admission;
 * warnings are told and admitted.
 *
 * Ownership: a list owns copies of all its texts.  Not locked.  Where there are
 * very many lists, NULL may stand for an empty one: who reads takes it.
 */
#ifndef INGRESS_FINDING_H
#define INGRESS_FINDING_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/base/buf.h"
#include "lib/base/compiler.h"

enum finding_severity { FINDING_ERROR, FINDING_WARNING };

/* Decides the HTTP code and reason of a refusal. */
enum finding_reason {
    FINDING_INVALID,        /* 422 Invalid: a value is wrong. */
    FINDING_OWNERSHIP,      /* 403 Forbidden: somebody else has it. */
};

struct finding {
    enum finding_severity severity;
    enum finding_reason reason;
    char *object;           /* "Ingress default/alpha" */
    char *field;            /* "spec.rules[0].host" as kubectl prints it */
    char *message;          /* One line, printable, names the value. */
};

/* A field in two parts: put together only where something is said of it. */
struct place {
    const char *base;       /* "spec.rules[0]" */
    const char *member;     /* ".host", or "". */
};
#define PLACE(base, member) ((struct place) { (base), (member) })
char *place_text(struct place) MUST_USE RETURNS_NONNULL;

struct findings;

struct findings *findings_new(void) MUST_USE RETURNS_NONNULL;
void findings_free(struct findings *);      /* Accepts NULL. */
void findings_freep(struct findings **);
#define AUTO_FINDINGS AUTO(findings_freep)

/* Adds one; an equal finding is added once.  Bytes of users in the arguments
 * must have gone through str_quote(). */
void findings_add(struct findings *, enum finding_severity,
                  enum finding_reason, const char *object, const char *field,
                  const char *fmt, ...) PRINTF(6, 7);
void findings_vadd(struct findings *, enum finding_severity,
                   enum finding_reason, const char *object,
                   const char *field, const char *fmt, va_list args)
    PRINTF(6, 0);
void findings_add_all(struct findings *to, const struct findings *from);
void findings_clear(struct findings *);

/* Turns the errors of which 'is_old' says so into warnings. */
typedef bool findings_is_old_fn(const struct finding *, void *aux);
void findings_soften(struct findings *, findings_is_old_fn *is_old,
                     void *aux);

/* In order of severity, then field, then message. */
const struct finding *findings_get(const struct findings *, size_t i);
size_t findings_count(const struct findings *);
size_t findings_count_of(const struct findings *, enum finding_severity);

bool finding_equal(const struct finding *, const struct finding *);
bool findings_has(const struct findings *, const struct finding *);

/* "field: message" */
void finding_print(const struct finding *, struct buf *out);
/* One finding a line with its severity and object in front. */
void findings_print(const struct findings *, struct buf *out);
/* The JSON array [{severity, object, field, message}] of sallyport lint. */
void findings_print_json(const struct findings *, struct buf *out);

#endif /* INGRESS_FINDING_H */
