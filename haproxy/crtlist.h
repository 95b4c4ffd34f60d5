/* crtlist: the lines of HAProxy's crt-list, which says what certificate, and
 * under which options of TLS, a server name is answered with.
 *
 * A server name has some lines, one for each certificate, kept as one text:
 * "ID" or "ID OPTIONS" each, sorted, joined by line feeds; "" is none.  HAProxy
 * shows options in an order of its own; ours are written in that order, so
 * that texts are equal where lines are.  Pure; any thread.
 */
#ifndef HAPROXY_CRTLIST_H
#define HAPROXY_CRTLIST_H

#include <stdbool.h>

#include "haproxy/model.h"
#include "lib/base/buf.h"
#include "lib/base/compiler.h"

/* "ID" or "ID OPTIONS"; the caller's to free. */
char *crtlist_line(const char *id, const char *options)
    MUST_USE RETURNS_NONNULL;
/* Adds a line to '*lines', which is freed and made anew; false where it was
 * there before. */
bool crtlist_add(char **lines, const char *id, const char *options);
bool crtlist_has(const char *lines, const char *line);

/* Line by line: begin with .lines, ask crtlist_next() until it says false. */
struct crtlist_walk {
    const char *lines;
    char *line;                 /* "ID" or "ID OPTIONS"; inside. */
    char *id;
    const char *options;        /* "" where there are none. */
};
bool crtlist_next(struct crtlist_walk *);
void crtlist_fini(struct crtlist_walk *);
#define AUTO_CRTLIST AUTO(crtlist_fini)

/* Options by which clients are asked for a certificate, before 'rest': 'ca'
 * and 'crl' are file ids, "": none.  As everywhere in options here, a file is
 * an id; the whole path stands only in what HAProxy reads and shows. */
char *crtlist_options(const char *ca, const char *crl, const char *rest)
    MUST_USE RETURNS_NONNULL;
/* The other way: fills both, and returns the rest. */
const char *crtlist_split(const char *options, char ca[MODEL_ID_SIZE],
                          char crl[MODEL_ID_SIZE]);

/* Options with names that a wildcard's line is not for, "" or with blanks
 * between (plan_sni_except()); the caller's to free. */
char *crtlist_with_except(const char *options, const char *except)
    MUST_USE RETURNS_NONNULL;
/* The other way: the options without them, and '*except', NULL: there are
 * none.  Both are the caller's to free. */
char *crtlist_except(const char *options, char **except)
    MUST_USE RETURNS_NONNULL;

/* Appends the line as the file and "add ssl crt-list" want it. */
void crtlist_write(struct buf *out, const char *path, const char *options,
                   const char *host);

/* A line of "show ssl crt-list -n": PATH:NUMBER [OPTIONS] HOST.  The parts
 * stand in 'text', which is changed; false where it is no such line. */
struct crtlist_line {
    char *file;
    char *number;
    const char *options;
    char *host;                 /* Of several, the first. */
    char *more;                 /* What stands behind it, or NULL. */
};
bool crtlist_parse(char *text, struct crtlist_line *out);
/* Its options with the names that it is not for; the caller's to free. */
char *crtlist_line_options(const struct crtlist_line *)
    MUST_USE RETURNS_NONNULL;

#endif /* HAPROXY_CRTLIST_H */
