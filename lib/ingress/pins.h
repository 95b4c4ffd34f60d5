/* pins: which namespaces may use which hosts, as an administrator says.
 *
 * A pin keeps a host and every host below it ("example.com" keeps
 * "example.com", "a.example.com", "b.a.example.com" and "*.example.com") for
 * the namespaces it names; of two pins the longer one decides.  A wildcard
 * that no pin keeps may not cover a host kept for others.
 *
 * They come from the flag --host-owners and from the key "host-owners" of the
 * controller's ConfigMap; where both have a suffix the flag's counts.  What is
 * written badly keeps its host from everybody rather than for everybody.
 *
 * Ownership: a set owns copies of all texts.  Read-only once filled.
 */
#ifndef INGRESS_PINS_H
#define INGRESS_PINS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/compiler.h"
#include "lib/base/err.h"

/* Key of the ConfigMap, annotation of a Namespace. */
#define PINS_KEY "host-owners"
#define PINS_ALLOWED_HOSTS "sallyport.dev/allowed-hosts"

#define PINS_MAX 1000               /* Suffixes of a set. */
#define PINS_MAX_NAMESPACES 1000    /* Of a suffix. */
#define PINS_MAX_LIST 32768         /* Bytes of a Namespace's list. */

struct pin {
    char *suffix;               /* Canonical, never a wildcard. */
    char **namespaces;          /* In the order given; n 0: nobody. */
    size_t n;
};

struct pins;

struct pins *pins_new(void) MUST_USE RETURNS_NONNULL;
void pins_free(struct pins *);      /* Accepts NULL. */
size_t pins_count(const struct pins *);

/* "suffix=ns+ns,..." of the flag.  Nothing is added where it is wrong. */
struct err *pins_parse_flag(const char *text, struct pins *) MUST_USE;
/* Lines "suffix: ns-a, ns-b"; empty ones and what follows "#" are skipped.
 * The error tells the first bad line; the good ones are taken all the same. */
struct err *pins_parse_lines(const char *text, struct pins *) MUST_USE;
/* Adds the pins of 'from' whose suffix 'to' has not. */
void pins_add_all(struct pins *to, const struct pins *from);

/* The pin that keeps the canonical 'host' from 'ns', NULL: none does. */
const struct pin *pins_against(const struct pins *, const char *host,
                               const char *ns);

/* True where 'list', the value of PINS_ALLOWED_HOSTS, has the canonical
 * 'host': "shop.example.com" is that host, "*.example.com" every one below
 * it at any depth, "*" every host.  A list that is too long has none. */
bool pins_list_has(const char *list, const char *host);

#endif /* INGRESS_PINS_H */
