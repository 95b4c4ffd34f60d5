/* reply: what HAProxy answers, told apart.
 *
 * The answer to a line of several commands has no framing: each command
 * writes its text, if any, and then a line feed.  So a batch holds only
 * commands whose success is known word for word (enum reply), and anything
 * else in the answer is an error.  Pure; any thread.
 * Source: HAProxy 2.6.12, 3.0.11 and 3.4.7, tried.
 */
#ifndef HAPROXY_REPLY_H
#define HAPROXY_REPLY_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"

enum reply {
    REPLY_NOTHING,          /* Only the line feed. */
    REPLY_REGISTERED,       /* add server */
    REPLY_ADDRESS,          /* set server addr */
    REPLY_CERT_NEW,         /* These of CA and CRL files, too. */
    REPLY_CERT_SET,
    REPLY_CERT_COMMIT,
    REPLY_CERT_ABORT,
    REPLY_CERT_DEL,
    REPLY_CRT_LIST_ADD,
    REPLY_CRT_LIST_DEL,
    REPLY_BACKEND_ADD,      /* 3.4 and later */
    REPLY_BACKEND_PUBLISH,
};

/* Whether 'text' is the answer to 'n' commands that all succeeded. */
struct err *reply_check(const enum reply *commands, size_t n,
                        const char *text) MUST_USE;

/* Whether it is so far, and nothing is to come that matters. */
bool reply_is_whole(const enum reply *commands, size_t n, const char *text);

/* "New version created: N" of "prepare map". */
struct err *reply_version(const char *text, unsigned *out) MUST_USE;

/* Walks lines: the next one without its line feed, NULL at the end.
 * Overwrites line feeds; '*text' is moved on. */
char *reply_line(char **text);

/* The next word of a line, NULL at the end; overwrites blanks. */
char *reply_word(char **line);

/* Field 'index' (from 0) of a CSV line as "show stat" writes it, cut to
 * 'size'; false where there are not that many. */
bool reply_csv(const char *line, size_t index, char *out, size_t size);

/* A "Name: value" line of "show info" or "show ssl cert"; the caller's to
 * free, NULL: no such line. */
char *reply_value(const char *text, const char *name) MUST_USE;

/* "show proc" of the master. */
struct reply_proc {
    uint64_t reloads;       /* Of the master, tried. */
    uint64_t failed;        /* In a row. */
    uint64_t worker;        /* Pid of the current one, 0: none. */
};
struct err *reply_proc(const char *text, struct reply_proc *out) MUST_USE;

#endif /* HAPROXY_REPLY_H */
