#include "haproxy/command.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "haproxy/hapsock.h"
#include "lib/base/mem.h"

/* Before a worker is slow to answer the line takes less than this. */
#define COMMANDS_PER_LINE 200

static const char payload_begin[] = " <<\n";
static const char payload_end[] = "\n";

void
command_begin(struct command_batch *b, const char *socket)
{
    *b = (struct command_batch) {
        .socket = socket,
        .line = BUF_SECRET(BUF_OWN_MAX),
    };
}

struct expected {
    const enum reply *replies;
    size_t n;
};

static bool
is_whole(const char *answer, const void *aux)
{
    const struct expected *expected = aux;

    return reply_is_whole(expected->replies, expected->n, answer);
}

static void
send_line(struct command_batch *b)
{
    const struct expected expected = { b->replies.items, b->replies.n };
    AUTO_BUF struct buf answer = BUF_INIT(HAPSOCK_LINE_MAX * 8);

    if (b->err || b->replies.n == 0) {
        return;
    }
    if (b->line.size > HAPSOCK_LINE_MAX) {
        b->err = err_new(ERR_LIMIT, "a command of %zu bytes exceeds %d",
                         b->line.size, HAPSOCK_LINE_MAX);
        return;
    }
    b->n_commands += b->replies.n;
    b->err = hapsock_call_until(b->socket, b->line.data, b->line.size,
                                is_whole, &expected, &answer);
    if (!b->err) {
        b->err = reply_check(b->replies.items, b->replies.n,
                             buf_str(&answer));
    }
    buf_clear(&b->line);
    b->replies.n = 0;
}

void
command_flush(struct command_batch *b)
{
    if (b->replies.n > 0) {
        buf_putc(&b->line, '\n');
        send_line(b);
    }
}

struct err *
command_end(struct command_batch *b)
{
    command_flush(b);
    buf_fini(&b->line);
    VEC_FINI(&b->replies);
    return STEAL_PTR(b->err);
}

void
command_put_text(struct command_batch *b, enum reply reply, const char *text)
{
    if (b->err) {
        return;
    }
    if (b->line.size + strlen(text) + 2 > HAPSOCK_LINE_MAX ||
        b->replies.n >= COMMANDS_PER_LINE) {
        command_flush(b);
    }
    if (b->replies.n > 0) {
        buf_putc(&b->line, ';');
    }
    buf_puts(&b->line, text);
    VEC_PUSH(&b->replies, reply);
}

void
command_put(struct command_batch *b, enum reply reply, const char *fmt, ...)
{
    AUTO_FREE char *text = NULL;
    va_list args;

    va_start(args, fmt);
    if (vasprintf(&text, fmt, args) < 0) {
        abort();
    }
    va_end(args);
    command_put_text(b, reply, text);
}

size_t
command_payload_room(size_t length)
{
    size_t taken = length + strlen(payload_begin) + strlen(payload_end);

    return taken < HAPSOCK_LINE_MAX ? HAPSOCK_LINE_MAX - taken : 0;
}

void
command_payload(struct command_batch *b, enum reply reply, const char *head,
                const struct buf *payload)
{
    command_flush(b);
    if (b->err || payload->size == 0) {
        return;
    }
    buf_puts(&b->line, head);
    buf_puts(&b->line, payload_begin);
    buf_put(&b->line, payload->data, payload->size);
    buf_puts(&b->line, payload_end);
    VEC_PUSH(&b->replies, reply);
    send_line(b);
}

struct err *
command_ask(const char *socket, const char *text, struct buf *answer)
{
    return command_ask_for(socket, text, NULL, 0, answer);
}

struct err *
command_ask_for(const char *socket, const char *text,
                const enum reply *replies, size_t n, struct buf *answer)
{
    const struct expected expected = { replies, n };
    AUTO_BUF struct buf line = BUF_SECRET(BUF_OWN_MAX);

    buf_puts(&line, text);
    buf_putc(&line, '\n');
    /* What follows the first line is a payload: a key perhaps. */
    return err_wrap(hapsock_call_until(socket, line.data, line.size,
                                       is_whole, &expected, answer),
                    "\"%.*s\"", (int) strcspn(text, "\n"), text);
}
