#include "haproxy/crtlist.h"

#include <stdlib.h>
#include <string.h>

#include "haproxy/reply.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

char *
crtlist_line(const char *id, const char *options)
{
    return xasprintf("%s%s%s", id, options[0] ? " " : "", options);
}

bool
crtlist_next(struct crtlist_walk *walk)
{
    const char *begin = walk->lines;
    size_t length = begin ? strcspn(begin, "\n") : 0;
    char *blank;

    crtlist_fini(walk);
    if (length == 0) {
        return false;
    }
    walk->lines = begin + length + (begin[length] == '\n');
    walk->line = xstrndup(begin, length);
    walk->id = xstrdup(walk->line);
    blank = strchr(walk->id, ' ');
    if (blank) {
        *blank = '\0';
    }
    walk->options = blank ? blank + 1 : "";
    return true;
}

void
crtlist_fini(struct crtlist_walk *walk)
{
    free(walk->line);
    free(walk->id);
    walk->line = walk->id = NULL;
    walk->options = NULL;
}

bool
crtlist_has(const char *lines, const char *line)
{
    AUTO_CRTLIST struct crtlist_walk walk = { .lines = lines };

    while (crtlist_next(&walk)) {
        if (strcmp(walk.line, line) == 0) {
            return true;
        }
    }
    return false;
}

bool
crtlist_add(char **lines, const char *id, const char *options)
{
    AUTO_CRTLIST struct crtlist_walk walk = { .lines = *lines };
    AUTO_FREE char *line = crtlist_line(id, options);
    AUTO_BUF struct buf out = BUF_OWN;
    bool is_put = false;

    if (crtlist_has(*lines, line)) {
        return false;
    }
    while (crtlist_next(&walk)) {
        if (!is_put && strcmp(line, walk.line) < 0) {
            buf_printf(&out, "%s\n", line);
            is_put = true;
        }
        buf_printf(&out, "%s\n", walk.line);
    }
    if (!is_put) {
        buf_printf(&out, "%s\n", line);
    }
    free(*lines);
    *lines = xstrndup(buf_str(&out), out.size - 1);
    return true;
}

void
crtlist_write(struct buf *out, const char *path, const char *options,
              const char *host)
{
    buf_puts(out, path);
    if (options[0]) {
        buf_printf(out, " [%s]", options);
    }
    buf_printf(out, " %s", host);
}

/* HAProxy writes some blanks twice. */
static void
squeeze(char *s)
{
    char *to = s;

    for (const char *from = s; *from; from++) {
        if (*from != ' ' || (to > s && to[-1] != ' ')) {
            *to++ = *from;
        }
    }
    if (to > s && to[-1] == ' ') {
        to--;
    }
    *to = '\0';
}

bool
crtlist_parse(char *text, struct crtlist_line *out)
{
    char *rest = text, *end;

    *out = (struct crtlist_line) { .file = reply_word(&rest), .options = "" };
    out->number = out->file ? strrchr(out->file, ':') : NULL;
    if (!out->number || !rest) {
        return false;
    }
    *out->number++ = '\0';
    rest += strspn(rest, " ");
    if (*rest == '[') {
        end = strchr(rest, ']');
        if (!end) {
            return false;
        }
        *end = '\0';
        squeeze(rest + 1);
        out->options = rest + 1;
        rest = end + 1;
    }
    out->host = reply_word(&rest);
    return out->host != NULL;
}
