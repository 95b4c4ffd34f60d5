/* command: runtime commands, gathered into lines of known answers.
 *
 * A batch takes commands until a line is full, sends it on a connection of
 * its own and checks the answer against what each command says when it
 * succeeds.  The first error sticks: later commands are not sent, and
 * command_end() returns it.  Then nobody knows which of the line's commands
 * were carried out, so the caller observes again.
 *
 * Not locked; one batch at a time on one socket, because HAProxy 2.6 wants
 * one single writer.
 */
#ifndef HAPROXY_COMMAND_H
#define HAPROXY_COMMAND_H

#include <stdint.h>

#include "haproxy/reply.h"
#include "lib/base/buf.h"
#include "lib/base/vec.h"

struct command_batch {
    const char *socket;         /* Borrowed path. */
    struct buf line;
    VEC(enum reply) replies;
    struct err *err;
    uint64_t n_commands;        /* Sent so far. */
};

void command_begin(struct command_batch *, const char *socket);
/* Sends what is left; frees. */
struct err *command_end(struct command_batch *) MUST_USE;

/* Adds a command; words from elsewhere passed quote_word(). */
void command_put(struct command_batch *, enum reply, const char *fmt, ...)
    PRINTF(3, 4);
void command_put_text(struct command_batch *, enum reply, const char *text);
/* Sends what was gathered, then "HEAD <<", payload, empty line.  'head' and
 * 'payload' fit one exchange together; payload lines end with a feed. */
void command_payload(struct command_batch *, enum reply, const char *head,
                     const struct buf *payload);
/* Sends what was gathered. */
void command_flush(struct command_batch *);

/* One command alone whose answer is data.  'text' has no line feed. */
struct err *command_ask(const char *socket, const char *text,
                        struct buf *answer) MUST_USE;

/* A line whose commands answer so when they succeed, and which is read no
 * further than that. */
struct err *command_ask_for(const char *socket, const char *text,
                            const enum reply *replies, size_t n,
                            struct buf *answer) MUST_USE;

/* Payload bytes that fit behind a head of 'length' bytes. */
size_t command_payload_room(size_t length);

#endif /* HAPROXY_COMMAND_H */
