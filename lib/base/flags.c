#include "lib/base/flags.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"
#include "lib/base/version.h"

static const char *
flag_name(size_t i, const void *aux)
{
    return ((const struct flag *) aux)[i].name;
}

static const char *
choice_name(size_t i, const void *aux)
{
    return ((const char *const *) aux)[i];
}

static const struct flag *
find_flag(const struct flag *flags, size_t n, const char *name, size_t length)
{
    for (size_t i = 0; i < n; i++) {
        if (strlen(flags[i].name) == length &&
            memcmp(flags[i].name, name, length) == 0) {
            return &flags[i];
        }
    }
    return NULL;
}

/* 'dashes' are those that were written. */
static struct err *
unknown_flag(const struct flag *flags, size_t n, const char *dashes,
             const char *name)
{
    AUTO_FREE char *quoted = str_quote(name);
    const char *near = str_nearest(name, n, flag_name, flags);

    if (near) {
        return err_new(ERR_INVALID, "unknown flag %s%.*s: did you mean --%s?",
                       dashes, (int) strlen(quoted) - 2, quoted + 1, near);
    }
    return err_new(ERR_INVALID, "unknown flag %s%.*s: see --help", dashes,
                   (int) strlen(quoted) - 2, quoted + 1);
}

static struct err *
set_choice(const struct flag *flag, const char *value)
{
    AUTO_BUF struct buf all = BUF_OWN;
    AUTO_FREE char *quoted = str_quote(value);
    const char *near;
    size_t n = 0;

    for (; flag->choices[n]; n++) {
        if (strcmp(flag->choices[n], value) == 0) {
            *(int *) flag->out = (int) n;
            return NULL;
        }
        buf_printf(&all, "%s%s", n > 0 ? ", " : "", flag->choices[n]);
    }
    near = str_nearest(value, n, choice_name, flag->choices);
    return err_new(ERR_INVALID, "--%s: %s is not one of %s%s%s%s", flag->name,
                   quoted, buf_str(&all), near ? "; did you mean " : "",
                   near ? near : "", near ? "?" : "");
}

static struct err *
set_value(const struct flag *flag, const char *value)
{
    AUTO_FREE char *quoted = str_quote(value);

    switch (flag->kind) {
    case FLAG_TEXT:
        *(const char **) flag->out = value;
        return NULL;
    case FLAG_BOOL:
        if (!parse_bool(value, flag->out)) {
            return err_new(ERR_INVALID, "--%s: %s is not true or false",
                           flag->name, quoted);
        }
        return NULL;
    case FLAG_NUMBER:
        if (!parse_u64(value, flag->min, flag->max, flag->out)) {
            return err_new(ERR_INVALID,
                           "--%s: %s is not a whole number from %" PRIu64
                           " to %" PRIu64,
                           flag->name, quoted, flag->min, flag->max);
        }
        return NULL;
    case FLAG_CHOICE:
        return set_choice(flag, value);
    }
    return err_new(ERR_INTERNAL, "flag --%s has no kind", flag->name);
}

/* "-o VALUE" or "-oVALUE", as kubectl has it. */
static struct err *
read_letter(const struct flag *flags, size_t n, int argc, char **argv, int *i)
{
    const char *text = argv[*i] + 1;

    for (size_t k = 0; k < n; k++) {
        if (flags[k].letter != text[0]) {
            continue;
        }
        if (flags[k].kind == FLAG_BOOL && text[1] == '\0') {
            return set_value(&flags[k], "true");
        }
        if (text[1] != '\0') {
            return set_value(&flags[k], text + 1);
        }
        if (*i + 1 >= argc) {
            return err_new(ERR_INVALID, "-%c needs a value (%s)", text[0],
                           flags[k].value_name);
        }
        return set_value(&flags[k], argv[++*i]);
    }
    return unknown_flag(flags, n, "-", text);
}

/* Reads the flag at argv[*i], moving '*i' on when its value is the next. */
static struct err *
read_flag(const struct flag *flags, size_t n, int argc, char **argv, int *i)
{
    const char *name = argv[*i] + 2;
    const char *equals = strchr(name, '=');
    size_t length = equals ? (size_t) (equals - name) : strlen(name);
    const struct flag *flag = find_flag(flags, n, name, length);

    if (!flag) {
        AUTO_FREE char *copy = xstrndup(name, length);

        return unknown_flag(flags, n, "--", copy);
    }
    if (equals) {
        return set_value(flag, equals + 1);
    }
    if (flag->kind == FLAG_BOOL) {
        return set_value(flag, "true");
    }
    if (*i + 1 >= argc) {
        return err_new(ERR_INVALID, "--%s needs a value (%s)", flag->name,
                       flag->value_name);
    }
    return set_value(flag, argv[++*i]);
}

struct err *
flags_parse(const struct flag *flags, size_t n, int argc, char **argv,
            const char **rest, size_t *n_rest)
{
    bool only_rest = false;
    size_t n_found = 0;

    if (n_rest) {
        *n_rest = 0;
    }
    for (int i = 1; i < argc; i++) {
        if (!only_rest && strcmp(argv[i], "--") == 0) {
            only_rest = true;
        } else if (!only_rest && str_starts(argv[i], "--")) {
            struct err *err = read_flag(flags, n, argc, argv, &i);

            if (err) {
                return err;
            }
        } else if (!only_rest && argv[i][0] == '-' && argv[i][1] != '\0') {
            struct err *err = read_letter(flags, n, argc, argv, &i);

            if (err) {
                return err;
            }
        } else if (rest) {
            rest[n_found++] = argv[i];
        } else {
            AUTO_FREE char *quoted = str_quote(argv[i]);

            return err_new(ERR_INVALID, "unexpected argument %s", quoted);
        }
    }
    if (n_rest) {
        *n_rest = n_found;
    }
    return NULL;
}

void
flags_print(const struct flag *flags, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char letter[] = { '-', flags[i].letter, ',', ' ', '\0' };

        printf("  %s--%s%s%s\n      %s\n",
               flags[i].letter ? letter : "", flags[i].name,
               flags[i].value_name ? " " : "",
               flags[i].value_name ? flags[i].value_name : "", flags[i].doc);
    }
}

static bool
is_asked_for(const char *name, const char *letter, int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], name) == 0 || strcmp(argv[i], letter) == 0) {
            return true;
        }
    }
    return false;
}

bool
flags_want_help(int argc, char **argv)
{
    return is_asked_for("--help", "-h", argc, argv);
}

bool
flags_tell(const struct flag *flags, size_t n, int argc, char **argv,
           const char *program, const char *usage)
{
    if (flags_want_help(argc, argv)) {
        puts(usage);
        flags_print(flags, n);
        puts("  --version\n      Prints the version.");
        return true;
    }
    if (is_asked_for("--version", "-V", argc, argv)) {
        printf("%s %s\n", program, SALLYPORT_VERSION);
        return true;
    }
    return false;
}

const char *
flags_run_dir(const struct flag *flags, size_t n, int argc, char **argv,
              const char *program, const char *usage, int *status)
{
    AUTO_FREE const char **rest = xcalloc((size_t) argc, sizeof *rest);
    AUTO_ERR struct err *err = NULL;
    size_t n_rest = 0;

    *status = 0;
    if (flags_tell(flags, n, argc, argv, program, usage)) {
        return NULL;
    }
    err = flags_parse(flags, n, argc, argv, rest, &n_rest);
    if (!err && n_rest != 1) {
        err = err_new(ERR_INVALID, "one run directory is needed");
    }
    if (err) {
        fprintf(stderr, "%s: %s\n", program, err_text(err));
        *status = 2;
        return NULL;
    }
    return rest[0];
}
