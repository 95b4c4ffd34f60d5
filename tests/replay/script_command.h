/* script_command: what the verbs of script.h share, and those that change the
 * API server (script_api.c).  A verb that fails says so by replay_fail(). */
#ifndef TESTS_REPLAY_SCRIPT_COMMAND_H
#define TESTS_REPLAY_SCRIPT_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/replay/script.h"

struct replay;

/* A command, cut into words; 'block' where it goes on until "end". */
struct command {
    char *words[SCRIPT_MAX_WORDS];
    size_t n;
    char *line;
    char *block;
};

/* Word 'i', "" where there is none. */
const char *script_word(const struct command *, size_t i);
/* The text from word 'i' on, as it was written. */
const char *script_rest(const struct command *, size_t i);
void script_bad(struct replay *, const struct command *);
bool script_number(struct replay *, const char *text, uint64_t *out);
/* A kind, or all of them: "" and "*". */
bool script_kind(struct replay *, const char *text, int *out);

void script_api(struct replay *, const struct command *);
void script_hold(struct replay *, const struct command *);
void script_release(struct replay *, const struct command *);
void script_watch(struct replay *, const struct command *);
void script_compact(struct replay *, const struct command *);
void script_server(struct replay *, const struct command *);
void script_page_size(struct replay *, const struct command *);
void script_lease(struct replay *, const struct command *);
void script_claim(struct replay *, const struct command *);

#endif /* TESTS_REPLAY_SCRIPT_COMMAND_H */
