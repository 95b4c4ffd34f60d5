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

/* --- Clients --- */

/* A bad certificate ends no handshake: the program answers with what is
 * wrong, and the listeners ignore such errors. */
#define VERIFY "verify optional "
#define CA "ca-file "
#define CRL "crl-file "

char *
crtlist_options(const char *ca, const char *crl, const char *rest)
{
    if (!ca[0]) {
        return xstrdup(rest);
    }
    return xasprintf(VERIFY CA "%s%s%s%s%s", ca, crl[0] ? " " CRL : "", crl,
                     rest[0] ? " " : "", rest);
}

/* "WORD ID ": the id, where 'text' begins so. */
static const char *
take_id(const char *text, const char *word, char id[MODEL_ID_SIZE])
{
    size_t length;

    id[0] = '\0';
    if (!str_starts(text, word)) {
        return text;
    }
    text += strlen(word);
    length = strcspn(text, " ");
    if (length < MODEL_ID_SIZE) {
        memcpy(id, text, length);
        id[length] = '\0';
    }
    return text + length + (text[length] == ' ');
}

const char *
crtlist_split(const char *options, char ca[MODEL_ID_SIZE],
              char crl[MODEL_ID_SIZE])
{
    if (str_starts(options, VERIFY)) {
        options += strlen(VERIFY);
    }
    options = take_id(options, CA, ca);
    return take_id(options, CRL, crl);
}

/* --- Names below a wildcard --- */

#define EXCEPT "except "

char *
crtlist_with_except(const char *options, const char *except)
{
    return xasprintf("%s%s%s%s", options, options[0] && except[0] ? " " : "",
                     except[0] ? EXCEPT : "", except);
}

char *
crtlist_except(const char *options, char **except)
{
    const char *at = str_starts(options, EXCEPT) ? options
                                                 : strstr(options, " " EXCEPT);
    size_t length = at ? (size_t) (at - options) : strlen(options);

    *except = at ? xstrdup(strstr(at, EXCEPT) + strlen(EXCEPT)) : NULL;
    return xstrndup(options, length);
}

char *
crtlist_line_options(const struct crtlist_line *line)
{
    AUTO_FREE char *copy = xstrdup(line->more ? line->more : "");
    AUTO_BUF struct buf except = BUF_OWN;
    char *rest = copy, *word;

    while ((word = strsep(&rest, " "))) {
        if (word[0] == '!') {
            buf_printf(&except, "%s%s", except.size > 0 ? " " : "", word + 1);
        }
    }
    return crtlist_with_except(line->options, buf_str(&except));
}

static void
put_except(struct buf *out, char *except)
{
    const char *word;

    while ((word = strsep(&except, " "))) {
        buf_printf(out, " !%s", word);
    }
}

/* --- What HAProxy reads and shows --- */

void
crtlist_write(struct buf *out, const char *path, const char *options,
              const char *host)
{
    char ca[MODEL_ID_SIZE], crl[MODEL_ID_SIZE];
    AUTO_FREE char *except = NULL;
    AUTO_FREE char *plain = crtlist_except(options, &except);
    const char *rest = crtlist_split(plain, ca, crl);
    const char *slash = strrchr(path, '/');
    int folder = slash ? (int) (slash - path) : 0;

    buf_puts(out, path);
    if (ca[0]) {
        buf_printf(out, " [" VERIFY CA "%.*s/%s.pem", folder, path, ca);
        if (crl[0]) {
            buf_printf(out, " " CRL "%.*s/%s.pem", folder, path, crl);
        }
        buf_printf(out, "%s%s]", rest[0] ? " " : "", rest);
    } else if (plain[0]) {
        buf_printf(out, " [%s]", plain);
    }
    buf_printf(out, " %s", host);
    if (except) {
        put_except(out, except);
    }
}

/* Takes "FOLDER/" and ".pem" away from files in the options. */
static void
shorten(char *options, const char *file)
{
    const char *slash = strrchr(file, '/');
    size_t folder = slash ? (size_t) (slash - file) + 1 : 0;
    static const char *const words[] = { CA, CRL };

    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        char *at = strstr(options, words[i]), *end;

        if (!at) {
            continue;
        }
        at += strlen(words[i]);
        if (strncmp(at, file, folder) == 0) {
            memmove(at, at + folder, strlen(at + folder) + 1);
        }
        end = at + strcspn(at, " ");
        if (end - at > 4 && strncmp(end - 4, ".pem", 4) == 0) {
            memmove(end - 4, end, strlen(end) + 1);
        }
    }
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
        shorten(rest + 1, out->file);
        out->options = rest + 1;
        rest = end + 1;
    }
    out->host = reply_word(&rest);
    out->more = rest;
    return out->host != NULL;
}
