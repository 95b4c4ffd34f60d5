/* str: small questions about text, and text made fit to print.
 *
 * Bytes from users are arbitrary; str_quote() is the one way they reach a log
 * line, a finding or an error: cut to a length, every byte that is not
 * printable ASCII escaped.  Pure; any thread.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/compiler.h"

/* A value is quoted up to this many bytes, the rest is said by its length. */
#define STR_QUOTE_MAX 96

bool str_eq(const char *a, const char *b);      /* NULL equals only NULL. */
bool str_is_empty(const char *);                /* NULL or "". */
bool str_starts(const char *s, const char *prefix);
bool str_ends(const char *s, const char *suffix);
/* Where 'pattern' ends in "*", all that begins so; else that very text. */
bool str_fits(const char *s, const char *pattern);
bool str_has_control(const char *s, size_t length);

/* The texts one after the other, without printf's cost; NULL is none. */
#define str_concat(...)                                                    \
    str_concat_all((const char *const[]) { __VA_ARGS__ },                  \
                   sizeof((const char *const[]) { __VA_ARGS__ }) /         \
                       sizeof(const char *))
char *str_concat_all(const char *const *texts, size_t n)
    MUST_USE RETURNS_NONNULL;
/* The digits of 'n', somewhere in 'room'. */
#define STR_DIGITS_SIZE 21
const char *str_digits(size_t n, char room[STR_DIGITS_SIZE]);

/* "value" in double quotes, escaped (\n, \t, \", \\, \xHH) and cut. */
char *str_quote(const char *s) MUST_USE RETURNS_NONNULL;

/* ASCII lower case, a copy. */
char *str_lower(const char *) MUST_USE RETURNS_NONNULL;
void str_lower_in_place(char *);

/* Copy without blanks at both ends. */
char *str_trim(const char *) MUST_USE RETURNS_NONNULL;
/* True where such a copy would be equal. */
bool str_is_trim(const char *);

/* Calls 'each' with every piece of 's' between 'sep', blanks trimmed, empty
 * pieces included; stops early when it returns false, and returns false. */
typedef bool str_each_fn(const char *piece, size_t length, void *aux);
bool str_split(const char *s, char sep, str_each_fn *each, void *aux);

/* Number of edits (insert, delete, replace, swap of neighbours) between two
 * short strings; SIZE_MAX where one is longer than 128 bytes. */
size_t str_distance(const char *a, const char *b);

/* The nearest of 'n' names yielded by 'name(i, aux)', or NULL where none is
 * near enough to be what was meant (a third of its length). */
typedef const char *str_name_fn(size_t i, const void *aux);
const char *str_nearest(const char *word, size_t n, str_name_fn *name,
                        const void *aux);

#endif /* BASE_STR_H */
