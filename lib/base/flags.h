/* flags: command-line flags from a table.
 *
 * "--name VALUE" or "--name=VALUE"; a boolean is "--name", "--name=false".
 * A table row is flag, bounds, default and documentation; --help prints the
 * table.  A wrong flag or value is one line that names it and the nearest
 * known one.  Values stay borrowed from argv.
 */
#ifndef BASE_FLAGS_H
#define BASE_FLAGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/compiler.h"
#include "lib/base/err.h"

enum flag_kind {
    FLAG_TEXT,      /* const char ** */
    FLAG_BOOL,      /* bool * */
    FLAG_NUMBER,    /* uint64_t *, min to max */
    FLAG_CHOICE,    /* int *, index into choices */
};

struct flag {
    const char *name;           /* Without "--". */
    const char *value_name;     /* "FILE" for --help; NULL for booleans. */
    enum flag_kind kind;
    void *out;
    uint64_t min, max;          /* FLAG_NUMBER. */
    const char *const *choices; /* FLAG_CHOICE, NULL-terminated. */
    const char *doc;
    char letter;                /* "-o VALUE" means the same; 0: none. */
};

/* Reads argv[1..] into the table's outputs, which hold the defaults before.
 * Arguments that are no flags go to 'rest' (room for argc pointers), their
 * count to '*n_rest'; where 'rest' is NULL they are an error. */
struct err *flags_parse(const struct flag *, size_t n, int argc, char **argv,
                        const char **rest, size_t *n_rest) MUST_USE;

/* Prints the table for --help. */
void flags_print(const struct flag *, size_t n);

/* True when argv asks for "--help" or "-h". */
bool flags_want_help(int argc, char **argv);

/* For a daemon: where argv asks for help prints 'usage' and the table, where
 * it asks for "--version" or "-V" the version of 'program'; true then. */
bool flags_tell(const struct flag *, size_t n, int argc, char **argv,
                const char *program, const char *usage) MUST_USE;

/* For a daemon whose one argument is RUN-DIR: reads it and the flags.  Where
 * flags_tell() has told what was asked for, or something is wrong, which is
 * one line of 'program', returns NULL with the status to exit with. */
const char *flags_run_dir(const struct flag *, size_t n, int argc,
                          char **argv, const char *program,
                          const char *usage, int *status) MUST_USE;

#endif /* BASE_FLAGS_H */
