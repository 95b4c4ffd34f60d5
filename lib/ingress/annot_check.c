/* Checks beyond kind and range. */
#include "lib/ingress/annot_priv.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"
#include "lib/ingress/copyto.h"
#include "lib/ingress/hashby.h"
#include "lib/ingress/regex.h"

void
annot_check_balance(const struct annot_def *def UNUSED,
                    struct annot_value *value, struct annot_say *say)
{
    if (strcmp(value->text, "ewma") == 0) {
        buf_puts(&say->warning,
                 "\"ewma\" has no equal in HAProxy: the server with the "
                 "fewest connections is taken (leastconn)");
    }
}

/* HAProxy keeps all headers of a message in one buffer. */
#define HEADER_ROOM ((uint64_t) 15 << 10)

void
annot_check_buffer_size(const struct annot_def *def UNUSED,
                        struct annot_value *value, struct annot_say *say)
{
    if (value->number > HEADER_ROOM) {
        annot_complain(&say->warning, value->text,
                       "asks for more than HAProxy's buffer: response "
                       "headers may have 15 KiB together, or what your "
                       "administrator gives by --header-size");
    }
}

void
annot_check_buffering(const struct annot_def *def UNUSED,
                      struct annot_value *value, struct annot_say *say)
{
    if (strcmp(value->text, "on") == 0) {
        buf_puts(&say->warning, "responses are sent on as they come: a slow "
                 "client holds its endpoint until all but one buffer is "
                 "sent");
    }
}

void
annot_check_hash(const struct annot_def *def UNUSED,
                 struct annot_value *value, struct annot_say *say)
{
    struct hashby by;
    AUTO_FREE char *why = hashby_read(value->text, &by);

    if (why) {
        annot_complain(&say->error, value->text, "%s", why);
    }
    hashby_fini(&by);
}

void
annot_check_service(const struct annot_def *def UNUSED,
                    struct annot_value *value, struct annot_say *say)
{
    size_t length = strlen(value->text);

    if (length > 63 || value->text[0] < 'a' ||
        value->text[length - 1] == '-') {
        annot_complain(&say->error, value->text, "is not the name of a "
                       "Service: write one of this namespace");
    }
}

void
annot_check_copy(const struct annot_def *def UNUSED,
                 struct annot_value *value, struct annot_say *say)
{
    struct copyto to;

    if (!copyto_read(value->text, &to)) {
        annot_complain(&say->error, value->text, "is no Service of the "
                       "cluster: write such as "
                       "\"http://SERVICE.NAMESPACE.svc.cluster.local"
                       "$request_uri\", with or without :PORT and a path "
                       "before $request_uri, the only variable; what is "
                       "elsewhere needs a Service of type ExternalName");
    }
    copyto_fini(&to);
}

/* Found anywhere in a header's value, or with "^" at its start; else the
 * rules of expressions are those of paths, which begin with "/". */
void
annot_check_pattern(const struct annot_def *def UNUSED,
                    struct annot_value *value, struct annot_say *say)
{
    AUTO_FREE char *path = xasprintf("/%s", value->text +
                                     (value->text[0] == '^'));
    AUTO_FREE char *why = regex_check(path);

    if (why) {
        annot_complain(&say->error, value->text, "%s", why);
    }
}

/* ingress-nginx looks for the whole of it, "CN=" and all, in the subject. */
void
annot_check_subject(const struct annot_def *def, struct annot_value *value,
                    struct annot_say *say)
{
    if (!str_starts(value->text, "CN=") || value->text[3] == '\0') {
        annot_complain(&say->error, value->text,
                       "is not a subject: write \"CN=\" and a regular "
                       "expression");
    } else {
        annot_check_pattern(def, value, say);
    }
}

void
annot_check_depth(const struct annot_def *def UNUSED,
                  struct annot_value *value UNUSED, struct annot_say *say)
{
    buf_puts(&say->warning,
             "HAProxy sets no limit to a chain: any that leads to a "
             "certificate of ca.crt is taken");
}

/* "//host" is another site to a browser; a backslash does not get here. */
void
annot_check_local_path(const struct annot_def *def UNUSED,
                       struct annot_value *value, struct annot_say *say)
{
    if (value->text[1] == '/') {
        annot_complain(&say->error, value->text,
                       "is another site to a browser: begin with one "
                       "\"/\"");
    }
}
