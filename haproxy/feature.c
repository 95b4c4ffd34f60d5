#include "haproxy/feature.h"

#include <stdlib.h>
#include <string.h>

#include "haproxy/command.h"
#include "haproxy/hapsock.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"

#define VERSION_MAX 63
#define NUMBER_MAX 9999
#define HELP_MAX 65536

/* Which release began it, and the commands that its help text must list. */
static const struct {
    const char *name;
    unsigned major, minor;
    const char *commands[3];    /* NULL-terminated. */
} features[FEATURE_N] = {
    [FEATURE_ADD_BACKEND] = { "add-backend", 3, 4,
                              { "add backend", "publish backend" } },
    [FEATURE_DEL_SERVER_SAFE] = { "del-server-safe", 3, 0, { NULL } },
    [FEATURE_WAIT] = { "wait", 3, 0, { "wait" } },
    [FEATURE_RELOAD_STATUS] = { "reload-status", 2, 7, { NULL } },
    [FEATURE_ADD_CA] = { "add-ca", 2, 7, { "add ssl ca-file" } },
    [FEATURE_FAST_SET_MAP] = { "fast-set-map", 2, 9, { NULL } },
    [FEATURE_BANDWIDTH] = { "bandwidth", 2, 7, { NULL } },
    [FEATURE_BIG_PAYLOAD] = { "big-payload", 3, 4, { NULL } },
};

/* --- Versions --- */

/* Takes digits from '*s'; a number has no leading zero. */
static bool
take_number(const char **s, unsigned *out)
{
    size_t n = strspn(*s, "0123456789");
    AUTO_FREE char *digits = xstrndup(*s, n);
    uint64_t value;

    if (n == 0 || (n > 1 && **s == '0') ||
        !parse_u64(digits, 0, NUMBER_MAX, &value)) {
        return false;
    }
    *out = (unsigned) value;
    *s += n;
    return true;
}

static bool
is_suffix(const char *s)
{
    if (*s != '\0' && !strchr("-+~", *s)) {
        return false;
    }
    for (; *s; s++) {
        if (*s <= ' ' || *s > '~') {
            return false;
        }
    }
    return true;
}

bool
feature_version_parse(const char *s, struct feature_version *out)
{
    struct feature_version v = { 0 };
    const char *at = s;

    if (strnlen(s, VERSION_MAX + 1) > VERSION_MAX ||
        !take_number(&at, &v.major) || *at++ != '.' ||
        !take_number(&at, &v.minor)) {
        return false;
    }
    if (*at == '.') {
        at++;
        if (!take_number(&at, &v.patch)) {
            return false;
        }
    }
    if (!is_suffix(at)) {
        return false;
    }
    v.is_development = str_starts(at, "-dev");
    *out = v;
    return true;
}

static bool
is_since(const struct feature_version *v, unsigned major, unsigned minor)
{
    if (v->major != major) {
        return v->major > major;
    }
    return v->minor > minor || (v->minor == minor && !v->is_development);
}

void
feature_of_version(const char *version, struct features *out)
{
    struct feature_version v;

    *out = (struct features) { 0 };
    if (!feature_version_parse(version, &v)) {
        return;
    }
    for (size_t i = 0; i < FEATURE_N; i++) {
        out->has[i] = is_since(&v, features[i].major, features[i].minor);
    }
}

/* --- Help texts --- */

bool
feature_is_listed(const char *text, const char *command)
{
    size_t length = strlen(command);

    while (text) {
        text += strspn(text, " \t");
        if (str_starts(text, command) &&
            (text[length] == ' ' || text[length] == '\n' ||
             text[length] == '\0')) {
            return true;
        }
        text = strchr(text, '\n');
        text = text ? text + 1 : NULL;
    }
    return false;
}

static struct err *
confirm(const char *socket, const char *command, bool *out)
{
    AUTO_FREE char *help = xasprintf("help %s", command);
    AUTO_BUF struct buf answer = BUF_INIT(HELP_MAX);
    struct err *err = command_ask(socket, help, &answer);

    *out = !err && feature_is_listed(buf_str(&answer), command);
    return err;
}

struct err *
feature_probe(const char *socket, const char *version, struct features *out)
{
    struct features found;

    *out = (struct features) { 0 };
    feature_of_version(version, &found);
    for (size_t i = 0; i < FEATURE_N; i++) {
        const char *const *command = features[i].commands;

        for (; *command && found.has[i]; command++) {
            struct err *err = confirm(socket, *command, &found.has[i]);

            if (err) {
                return err;
            }
        }
    }
    *out = found;
    return NULL;
}

/* --- Names --- */

void
feature_describe(const struct features *f, struct buf *out)
{
    bool is_first = true;

    for (size_t i = 0; i < FEATURE_N; i++) {
        if (f->has[i]) {
            buf_printf(out, "%s%s", is_first ? "" : ", ", features[i].name);
            is_first = false;
        }
    }
    if (is_first) {
        buf_puts(out, "nothing beyond 2.6");
    }
}
