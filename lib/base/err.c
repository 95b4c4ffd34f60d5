#include "lib/base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

struct err {
    enum err_kind kind;
    char *text;
};

static struct err *
err_vnew(enum err_kind kind, const char *fmt, va_list args)
{
    struct err *err = xmalloc(sizeof *err);

    err->kind = kind;
    if (vasprintf(&err->text, fmt, args) < 0) {
        err->text = xstrdup("error text could not be formatted");
    }
    return err;
}

struct err *
err_new(enum err_kind kind, const char *fmt, ...)
{
    struct err *err;
    va_list args;

    va_start(args, fmt);
    err = err_vnew(kind, fmt, args);
    va_end(args);
    return err;
}

struct err *
err_errno(enum err_kind kind, int errno_value, const char *fmt, ...)
{
    char scratch[128];
    struct err *err;
    va_list args;
    char *text;

    va_start(args, fmt);
    err = err_vnew(kind, fmt, args);
    va_end(args);
    text = xasprintf("%s: %s", err->text,
                     strerror_r(errno_value, scratch, sizeof scratch));
    free(err->text);
    err->text = text;
    return err;
}

struct err *
err_wrap(struct err *err, const char *fmt, ...)
{
    char *context = NULL;
    va_list args;
    char *text;
    int n;

    if (!err) {
        return NULL;
    }
    va_start(args, fmt);
    n = vasprintf(&context, fmt, args);
    va_end(args);
    if (n < 0) {
        return err;
    }
    text = xasprintf("%s: %s", context, err->text);
    free(context);
    free(err->text);
    err->text = text;
    return err;
}

void
err_free(struct err *err)
{
    if (err) {
        free(err->text);
        free(err);
    }
}

void
err_freep(struct err **errp)
{
    err_free(*errp);
}

const char *
err_text(const struct err *err)
{
    return err->text;
}

enum err_kind
err_kind(const struct err *err)
{
    return err->kind;
}
