#include "haproxy/reply.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"

/* Lines that mean success; a command with 'n_lines' 0 says nothing else. */
static const struct known {
    size_t n_lines;             /* Lines of text that must be there. */
    const char *begins[7];      /* NULL-terminated. */
} known[] = {
    [REPLY_NOTHING] = { 0, { NULL } },
    [REPLY_REGISTERED] = { 1, { "New server registered." } },
    [REPLY_ADDRESS] = { 1, { "IP changed from '", "no need to change the "
                             "addr", "port changed from '" } },
    [REPLY_CERT_NEW] = { 1, { "New empty certificate store '",
                              "New CA file created '",
                              "New CRL file created '" } },
    [REPLY_CERT_SET] = { 1, { "Transaction created for certificate ",
                              "Transaction updated for certificate ",
                              "transaction created for CA ",
                              "transaction updated for CA ",
                              "transaction created for CRL ",
                              "transaction updated for CRL " } },
    [REPLY_CERT_COMMIT] = { 2, { "Committing ", "Success!" } },
    [REPLY_CERT_ABORT] = { 1, { "Transaction aborted for certificate '",
                                "Transaction aborted for CA-file '",
                                "Transaction aborted for CRL-file '" } },
    [REPLY_CERT_DEL] = { 1, { "Certificate '", "CA file '",
                              "CRL file '" } },
    [REPLY_CRT_LIST_ADD] = { 2, { "Inserting certificate '",
                                  "Success!" } },
    [REPLY_CRT_LIST_DEL] = { 1, { "Entry '" } },
    [REPLY_BACKEND_ADD] = { 1, { "New backend registered." } },
    [REPLY_BACKEND_PUBLISH] = { 1, { "Backend published." } },
};

static bool
is_known(enum reply command, const char *line)
{
    const char *const *begin = known[command].begins;

    for (; *begin; begin++) {
        if (str_starts(line, *begin)) {
            return true;
        }
    }
    return false;
}

/* Every line of text belongs to the first command, from where we stand, that
 * can say it; a command left behind must have said all it has to. */
struct err *
reply_check(const enum reply *commands, size_t n, const char *text)
{
    AUTO_FREE char *copy = xstrdup(text);
    char *rest = copy, *line;
    size_t at = 0, said = 0, feeds = 0, lines = 0;

    for (const char *p = text; *p; p++) {
        feeds += *p == '\n';
    }
    while ((line = reply_line(&rest))) {
        /* Dots show the progress of a long commit. */
        if (line[strspn(line, ".")] == '\0') {
            continue;
        }
        lines++;
        while (at < n && !is_known(commands[at], line)) {
            if (said < known[commands[at]].n_lines) {
                at = n;
                break;
            }
            at++;
            said = 0;
        }
        if (at == n) {
            AUTO_FREE char *shown = str_quote(line);

            return err_new(ERR_PROTOCOL, "HAProxy said %s", shown);
        }
        if (++said == known[commands[at]].n_lines) {
            at++;
            said = 0;
        }
    }
    for (; at < n; at++, said = 0) {
        if (said < known[commands[at]].n_lines) {
            return err_new(ERR_PROTOCOL, "HAProxy did not confirm command "
                           "%zu of %zu", at + 1, n);
        }
    }
    if (feeds < n + lines) {
        return err_new(ERR_PROTOCOL, "HAProxy's answer to %zu commands is "
                       "cut off", n);
    }
    return NULL;
}

/* 2.6 ends some answers with a blank line too many, which would pass for the
 * answer of a command that says nothing. */
bool
reply_is_whole(const enum reply *commands, size_t n, const char *text)
{
    AUTO_ERR struct err *err = NULL;

    if (n == 0 || (n > 1 && known[commands[n - 1]].n_lines == 0)) {
        return false;
    }
    err = reply_check(commands, n, text);
    return !err;
}

struct err *
reply_version(const char *text, unsigned *out)
{
    static const char begin[] = "New version created: ";
    AUTO_FREE char *number = NULL;
    AUTO_FREE char *shown = NULL;
    uint64_t value;

    *out = 0;
    if (str_starts(text, begin)) {
        text += strlen(begin);
        number = xstrndup(text, strcspn(text, "\n"));
        if (parse_u64(number, 0, UINT32_MAX, &value)) {
            *out = (unsigned) value;
            return NULL;
        }
    }
    shown = str_quote(text);
    return err_new(ERR_PROTOCOL, "HAProxy said %s to \"prepare map\"", shown);
}

char *
reply_line(char **text)
{
    char *line = *text, *end;

    if (!line || *line == '\0') {
        return NULL;
    }
    end = strchr(line, '\n');
    if (end) {
        *end = '\0';
        *text = end + 1;
    } else {
        *text = NULL;
    }
    return line;
}

char *
reply_word(char **line)
{
    char *word = *line;

    if (!word) {
        return NULL;
    }
    word += strspn(word, " ");
    if (*word == '\0') {
        *line = NULL;
        return NULL;
    }
    *line = word + strcspn(word, " ");
    if (**line == '\0') {
        *line = NULL;
    } else {
        *(*line)++ = '\0';
    }
    return word;
}

bool
reply_csv(const char *line, size_t index, char *out, size_t size)
{
    size_t length;

    for (; index > 0; index--) {
        line = strchr(line, ',');
        if (!line) {
            return false;
        }
        line++;
    }
    length = strcspn(line, ",\n");
    if (length >= size) {
        return false;
    }
    memcpy(out, line, length);
    out[length] = '\0';
    return true;
}

char *
reply_value(const char *text, const char *name)
{
    size_t length = strlen(name);

    for (const char *p = text; p && *p;) {
        if (strncmp(p, name, length) == 0 && p[length] == ':' &&
            p[length + 1] == ' ') {
            p += length + 2;
            return xstrndup(p, strcspn(p, "\n"));
        }
        p = strchr(p, '\n');
        p = p ? p + 1 : NULL;
    }
    return NULL;
}

static void
read_master(char *line, struct reply_proc *out)
{
    char *word;

    word = reply_word(&line);
    if (word && !parse_u64(word, 0, UINT32_MAX, &out->reloads)) {
        out->reloads = 0;
    }
    word = reply_word(&line);
    if (word && str_eq(word, "[failed:") && (word = reply_word(&line))) {
        word[strcspn(word, "]")] = '\0';
        if (!parse_u64(word, 0, UINT32_MAX, &out->failed)) {
            out->failed = 0;
        }
    }
}

/* The current worker is the one that has seen fewest reloads; after a failed
 * reload the old one is current still. */
static void
read_worker(char *line, uint64_t pid, uint64_t *least, struct reply_proc *out)
{
    char *word = reply_word(&line);
    uint64_t reloads;

    if (word && parse_u64(word, 0, UINT32_MAX, &reloads) &&
        reloads < *least) {
        *least = reloads;
        out->worker = pid;
    }
}

struct err *
reply_proc(const char *text, struct reply_proc *out)
{
    AUTO_FREE char *copy = xstrdup(text);
    char *rest = copy, *line;
    uint64_t least = UINT64_MAX;
    bool has_master = false;

    *out = (struct reply_proc) { 0 };
    while ((line = reply_line(&rest))) {
        char *first = reply_word(&line), *type = reply_word(&line);
        uint64_t pid;

        if (!first || !type || !parse_u64(first, 1, UINT32_MAX, &pid)) {
            continue;
        }
        if (str_eq(type, "master")) {
            has_master = true;
            read_master(line, out);
        } else if (str_eq(type, "worker")) {
            read_worker(line, pid, &least, out);
        }
    }
    return has_master ? NULL
                      : err_new(ERR_PROTOCOL, "\"show proc\" has no master");
}
