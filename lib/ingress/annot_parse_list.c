/* Readers of the kinds that are lists with commas. */
#include "lib/ingress/annot_priv.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"
#include "lib/base/vec.h"
#include "lib/ingress/host.h"
#include "lib/ingress/regex.h"

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"
#define TOKEN_MAX 256

/* A list on its way: 'read' checks one item and returns it normalised, or
 * complains. */
struct list {
    VEC(char *) items;
    struct annot_say *say;
    char *(*read)(const char *item, struct buf *error);
};

static bool
read_item(const char *piece, size_t length, void *aux)
{
    struct list *list = aux;
    AUTO_FREE char *item = xstrndup(piece, length);
    char *normal;

    if (list->items.n == ANNOT_MAX_ITEMS) {
        buf_printf(&list->say->error,
                   "the list has more than %d items: write fewer, or larger "
                   "networks", ANNOT_MAX_ITEMS);
        return false;
    }
    if (length == 0) {
        buf_puts(&list->say->error,
                 "the list has an empty item: write one comma between two "
                 "items and none at the end");
        return false;
    }
    normal = list->read(item, &list->say->error);
    if (!normal) {
        return false;
    }
    for (size_t i = 0; i < list->items.n; i++) {
        if (strcmp(list->items.items[i], normal) == 0) {
            free(normal);
            return true;
        }
    }
    VEC_PUSH(&list->items, normal);
    return true;
}

static bool
read_list(const char *text, char *(*read)(const char *, struct buf *),
          struct settings_texts *out, struct annot_say *say)
{
    struct list list = { .say = say, .read = read };

    if (!str_split(text, ',', read_item, &list)) {
        for (size_t i = 0; i < list.items.n; i++) {
            free(list.items.items[i]);
        }
        VEC_FINI(&list.items);
        return false;
    }
    out->items = list.items.items;
    out->n = list.items.n;
    return true;
}

/* The items as one text, ", " between them; the list is emptied. */
static char *
join(struct settings_texts *list)
{
    AUTO_BUF struct buf out = BUF_OWN;

    for (size_t i = 0; i < list->n; i++) {
        buf_printf(&out, "%s%s", i ? ", " : "", list->items[i]);
        free(list->items[i]);
    }
    free(list->items);
    *list = (struct settings_texts) { .n = 0 };
    return buf_take(&out);
}

static char *
read_cidr(const char *item, struct buf *error)
{
    char address[INET6_ADDRSTRLEN];
    struct parse_cidr cidr;

    if (!parse_cidr(item, &cidr) ||
        !inet_ntop(cidr.size == 4 ? AF_INET : AF_INET6, cidr.bytes, address,
                   sizeof address)) {
        annot_complain(error, item,
                       "is not an address or network: write one such as "
                       "\"192.0.2.1\", \"10.0.0.0/8\" or \"2001:db8::/32\"");
        return NULL;
    }
    return xasprintf("%s/%u", address, cidr.prefix);
}

void
annot_parse_cidrs(const char *text, struct annot_value *value,
                  struct annot_say *say)
{
    (void) read_list(text, read_cidr, &value->list, say);
}

/* A blank becomes an escape in the map that holds the expression; here any
 * other byte stands for it. */
static char *
expression_complaint(const char *regex)
{
    AUTO_BUF struct buf path = BUF_OWN;

    buf_putc(&path, '/');
    for (regex += *regex == '^'; *regex; regex++) {
        buf_putc(&path, *regex == ' ' ? '_' : *regex);
    }
    return regex_check(buf_str(&path));
}

static char *
read_match(const char *item, struct buf *error)
{
    AUTO_FREE char *why = NULL;

    if (item[0] == '~') {
        const char *regex = item + (item[1] == '*' ? 2 : 1);

        why = *regex ? expression_complaint(regex)
                     : xstrdup("has no expression behind the mark");
    } else if (strlen(item) > REGEX_MAX_LENGTH / 4) {
        why = xstrdup("is longer than 256 bytes");
    }
    if (why) {
        annot_complain(error, item, "%s", why);
        return NULL;
    }
    return xstrdup(item);
}

void
annot_parse_matches(const char *text, struct annot_value *value,
                    struct annot_say *say)
{
    (void) read_list(text, read_match, &value->list, say);
}

static char *
read_prefix(const char *item, struct buf *error)
{
    if (item[0] != '/') {
        annot_complain(error, item, "is not a path: begin with \"/\"");
        return NULL;
    }
    return xstrdup(item);
}

void
annot_parse_paths(const char *text, struct annot_value *value,
                  struct annot_say *say)
{
    (void) read_list(text, read_prefix, &value->list, say);
}

static char *
read_method(const char *item, struct buf *error)
{
    AUTO_FREE char *method = xstrdup(item);

    if (strlen(item) > TOKEN_MAX || item[strspn(item, LETTERS)]) {
        annot_complain(error, item,
                       "is not an HTTP method: write methods with commas "
                       "between them, such as \"GET, POST\"");
        return NULL;
    }
    for (char *p = method; *p; p++) {
        if (*p >= 'a' && *p <= 'z') {
            *p = (char) (*p - 'a' + 'A');
        }
    }
    return STEAL_PTR(method);
}

void
annot_parse_methods(const char *text, struct annot_value *value,
                    struct annot_say *say)
{
    struct settings_texts list = { .n = 0 };

    if (read_list(text, read_method, &list, say)) {
        value->text = join(&list);
    }
}

static char *
read_host(const char *item, struct buf *error)
{
    if (item[0] == '[' || !annot_is_authority(item, strlen(item))) {
        annot_complain(error, item,
                       "is not a host: write one such as \"example.com\" or "
                       "\"example.com:8080\"");
        return NULL;
    }
    return str_lower(item);
}

void
annot_parse_hosts(const char *text, struct annot_value *value,
                  struct annot_say *say)
{
    (void) read_list(text, read_host, &value->list, say);
}

static char *
read_alias(const char *item, struct buf *error)
{
    const char *why = NULL;
    char *host = NULL;

    if (item[0] == '~') {
        annot_complain(error, item,
                       "is a regular expression, and a host has an owner: "
                       "write each name, or \"*.example.com\"");
        return NULL;
    }
    host = host_canonical(item, &why);
    if (!host || host[0] == '\0') {
        annot_complain(error, item, "%s",
                       host ? "is empty" : why);
        free(STEAL_PTR(host));
    }
    return host;
}

void
annot_parse_aliases(const char *text, struct annot_value *value,
                    struct annot_say *say)
{
    (void) read_list(text, read_alias, &value->list, say);
}

static char *
read_header(const char *item, struct buf *error)
{
    if (strcmp(item, "*") == 0) {
        return xstrdup(item);
    }
    if (strlen(item) > TOKEN_MAX || item[strspn(item, LETTERS DIGITS "-_")]) {
        annot_complain(error, item,
                       "is not a header name: write names with commas "
                       "between them, such as \"Content-Type, "
                       "X-Request-ID\"");
        return NULL;
    }
    return xstrdup(item);
}

void
annot_parse_headers(const char *text, struct annot_value *value,
                    struct annot_say *say)
{
    struct settings_texts list = { .n = 0 };

    if (read_list(text, read_header, &list, say)) {
        value->text = join(&list);
    }
}

/* Where the host of an origin begins, NULL where it has no scheme. */
static const char *
origin_host(const char *item)
{
    size_t length = strspn(item, LETTERS DIGITS "+-.");

    if (length == 0 || strncmp(item + length, "://", 3) != 0) {
        return NULL;
    }
    return item + length + 3;
}

static char *
read_origin(const char *item, struct buf *error)
{
    const char *host = origin_host(item);
    const char *colon = host ? strchr(host, ':') : NULL;
    size_t length = host ? strcspn(host, ":") : 0;
    uint16_t port;

    if (strcmp(item, "*") == 0 || strcmp(item, "null") == 0) {
        return xstrdup(item);
    }
    if (host && host[strcspn(host, "/?#")] == '/') {
        annot_complain(error, item,
                       "is not an origin: leave out the path and the last "
                       "\"/\"");
        return NULL;
    }
    if (host && strncmp(host, "*.", 2) == 0) {
        host += 2;
        length -= 2;
    }
    if (!host || !annot_is_host(host, length) ||
        (colon && !parse_port(colon + 1, &port))) {
        annot_complain(error, item,
                       "is not an origin: write \"https://example.com\", "
                       "\"https://*.example.com\", \"null\" or \"*\"");
        return NULL;
    }
    return str_lower(item);
}

void
annot_parse_origins(const char *text, struct annot_value *value,
                    struct annot_say *say)
{
    (void) read_list(text, read_origin, &value->list, say);
}

/* --- Some of the row's choices --- */

struct words {
    const struct annot_def *def;
    struct annot_value *value;
    struct annot_say *say;
};

static bool
read_word(const char *piece, size_t length, void *aux)
{
    struct words *w = aux;
    AUTO_FREE char *word = xstrndup(piece, length);
    AUTO_BUF struct buf known = BUF_OWN;

    for (unsigned i = 0; w->def->choices[i]; i++) {
        const char *choice = w->def->choices[i];

        if (length == 0 || strcmp(choice, word) == 0) {
            w->value->number |= length > 0 ? (uint64_t) 1 << i : 0;
            return true;
        }
        buf_printf(&known, "%s%s", i ? ", " : "", choice);
    }
    annot_complain(&w->say->error, word, "is not known here: write some of "
                   "%s, with blanks between them", buf_str(&known));
    return false;
}

void
annot_parse_words(const struct annot_def *def, const char *text,
                  struct annot_value *value, struct annot_say *say)
{
    struct words w = { .def = def, .value = value, .say = say };

    (void) str_split(text, ' ', read_word, &w);
}

/* --- Statuses --- */

static int
compare_codes(const void *a, const void *b)
{
    return strcmp(*(char *const *) a, *(char *const *) b);
}

static bool
read_code(const char *piece, size_t length, void *aux)
{
    struct words *w = aux;
    AUTO_FREE char *raw = xstrndup(piece, length);
    AUTO_FREE char *text = str_trim(raw);
    struct settings_texts *list = &w->value->list;
    uint64_t code;

    if (text[0] == '\0') {
        return true;            /* A comma too many is ingress-nginx's. */
    }
    if (!parse_u64(text, 400, 599, &code)) {
        annot_complain(&w->say->error, text, "is not a status from 400 to "
                       "599: write such as \"404,503\"");
        return false;
    }
    for (size_t i = 0; i < list->n; i++) {
        if (strcmp(list->items[i], text) == 0) {
            return true;
        }
    }
    list->items =
        xrealloc(list->items, list->n + 1, sizeof *list->items);
    list->items[list->n++] = STEAL_PTR(text);
    return true;
}

void
annot_parse_codes(const char *text, struct annot_value *value,
                  struct annot_say *say)
{
    struct words w = { .value = value, .say = say };

    if (str_split(text, ',', read_code, &w) && value->list.n > 1) {
        qsort(value->list.items, value->list.n, sizeof *value->list.items,
              compare_codes);
    }
}
