/* Hostile requests for an expression, written from the expression itself.
 *
 * A writer walks the expression as a recursive descent parser and writes what
 * it would match, with one of its repetitions (or all) drawn out; a byte that
 * nothing expects goes behind, so that the match fails after all has been
 * tried.  PCRE2 counts the steps.  At SUBJECT_MAX bytes two independent
 * repetitions stay well under STEPS_MAX, three of them, or one inside the
 * other, go over it.  It is a net, not a proof: what it lets through is slow
 * only on requests that it did not think of.
 */
#include "lib/ingress/regex_priv.h"

#include <ctype.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"

#define SUBJECT_MAX 192
#define STEPS_MAX 60000     /* Refused above. */
#define STEPS_CHEAP 6000    /* A run below costs next to nothing. */
#define DEAR_RUNS_MAX 5     /* Runs between the two, 4 ms each. */
#define PUMPS_MAX 12        /* Repetitions that are drawn out one by one. */
#define WILDS_MAX 3
#define BRANCHES_MAX 2
#define ALL_REPEAT 6        /* Repetitions of each where all are. */
#define NONE SIZE_MAX
#define ALL (SIZE_MAX - 1)

/* What an expression is made of, as far as time is concerned. */
struct shape {
    size_t pumps[PUMPS_MAX];    /* Where a repeated atom begins. */
    size_t n_pumps;
    unsigned n_loops;           /* Repetitions of single bytes. */
    unsigned n_group_loops;     /* Repetitions of groups. */
    unsigned n_options;         /* "?" and "|". */
    char wilds[WILDS_MAX];      /* Bytes for what matches many bytes. */
    size_t n_wilds;
};

struct writer {
    const char *path;
    size_t at;
    size_t pump;            /* The atom that is drawn out, NONE, ALL. */
    unsigned branch;        /* Which branch of an alternation is written. */
    char wild;
    bool cut;               /* Stop behind the pump. */
    bool is_done;
    char chosen[REGEX_MAX_LENGTH];  /* By atom: its byte, 0: not yet. */
    char out[SUBJECT_MAX + 2];
    size_t n;
};

struct quantifier {
    unsigned min;
    bool is_variable;       /* More than 'min' is possible. */
    bool is_option;         /* At most one. */
    bool is_loop;           /* Two or more are possible. */
    size_t end;
};

static unsigned
read_number(const char *path, size_t *i)
{
    unsigned n = 0;

    while (isdigit((unsigned char) path[*i])) {
        n = n < 10000 ? n * 10 + (unsigned) (path[*i] - '0') : n;
        (*i)++;
    }
    return n;
}

/* "{2}", "{2,}", "{2,5}"; false for a brace that is one. */
static bool
read_braces(const char *path, size_t i, struct quantifier *q)
{
    size_t start = ++i;
    unsigned max;

    q->min = read_number(path, &i);
    if (i == start) {
        return false;
    }
    max = q->min;
    if (path[i] == ',') {
        i++;
        start = i;
        max = read_number(path, &i);
        max = i == start ? UINT32_MAX : max;
    }
    if (path[i] != '}') {
        return false;
    }
    q->is_variable = max > q->min;
    q->is_option = max == 1;
    q->is_loop = max > 1;
    q->end = i + 1;
    return true;
}

static struct quantifier
read_quantifier(const char *path, size_t i)
{
    struct quantifier q = { .min = 1, .end = i };

    switch (path[i]) {
    case '*':
    case '+':
    case '?':
        q.min = path[i] == '+';
        q.is_variable = true;
        q.is_option = path[i] == '?';
        q.is_loop = !q.is_option;
        q.end = i + 1;
        break;
    case '{':
        if (!read_braces(path, i, &q)) {
            return (struct quantifier) { .min = 1, .end = i };
        }
        break;
    default:
        return q;
    }
    if (path[q.end] == '?' || path[q.end] == '+') {
        q.end++;    /* Lazy or possessive. */
    }
    return q;
}

/* Behind the atom at 'i', if it is a single byte's: a class, an escape or a
 * byte. */
static size_t
skip_byte_atom(const char *path, size_t i)
{
    if (path[i] == '[') {
        return regex_skip_class(path, i);
    }
    if (path[i] != '\\') {
        return i + 1;
    }
    /* regex_check() has seen that what follows is there. */
    return path[i + 1] == 'x' ? i + 4 : i + 2;
}

static void
add_wild(struct shape *shape, char c)
{
    if (shape->n_wilds < WILDS_MAX && isgraph((unsigned char) c) &&
        !memchr(shape->wilds, c, shape->n_wilds)) {
        shape->wilds[shape->n_wilds++] = c;
    }
}

static void
add_loop(struct shape *shape, size_t start, const struct quantifier *q,
         bool is_group)
{
    shape->n_options += q->is_option;
    shape->n_group_loops += is_group && q->is_loop;
    shape->n_loops += !is_group && q->is_loop && q->is_variable;
    if (q->is_variable && q->is_loop && shape->n_pumps < PUMPS_MAX) {
        shape->pumps[shape->n_pumps++] = start;
    }
}

static struct shape
read_shape(const char *path)
{
    struct shape shape = { .n_pumps = 0 };
    size_t starts[REGEX_MAX_NESTING + 1];
    size_t depth = 0, i = 0;

    while (path[i]) {
        struct quantifier q;
        size_t start = i;

        if (path[i] == '(') {
            starts[depth < REGEX_MAX_NESTING ? depth : REGEX_MAX_NESTING] =
                i;
            depth++;
            i++;
            continue;
        }
        if (path[i] == '|') {
            shape.n_options++;
            i++;
            continue;
        }
        if (path[i] == ')' && depth > 0) {
            depth--;
            start = starts[depth < REGEX_MAX_NESTING ? depth
                                                     : REGEX_MAX_NESTING];
            q = read_quantifier(path, i + 1);
            add_loop(&shape, start, &q, true);
        } else {
            size_t end = skip_byte_atom(path, i);

            if (end == i + 1 && !strchr("?:=!<>$.", path[i])) {
                add_wild(&shape, path[i]);
            }
            q = read_quantifier(path, end);
            add_loop(&shape, start, &q, false);
        }
        i = q.end;
    }
    add_wild(&shape, 'a');
    return shape;
}

/* Two loops over single bytes cost at most the square of a short request,
 * times the few ways that options give. */
static bool
is_plainly_cheap(const struct shape *shape)
{
    return shape->n_group_loops == 0 && shape->n_loops <= 2 &&
           shape->n_options <= 8;
}

static bool
atom_matches(const pcre2_code *code, pcre2_match_data *data, char c)
{
    return pcre2_match(code, (PCRE2_SPTR) &c, 1, 0, PCRE2_ANCHORED, data,
                       NULL) == 1;
}

/* A byte that the class or escape at [start, end) matches, the writer's wild
 * one before all. */
static char
choose_byte(const struct writer *w, size_t start, size_t end)
{
    static const char others[] = "a0/-A9zb1._~%";
    size_t offset;
    int error;
    pcre2_code *code = regex_compile(w->path + start, end - start, 0,
                                     &error, &offset);
    pcre2_match_data *data = code
        ? pcre2_match_data_create_from_pattern(code, NULL) : NULL;
    char chosen = 'a';

    if (data) {
        if (atom_matches(code, data, w->wild)) {
            chosen = w->wild;
        } else {
            for (const char *c = others; *c; c++) {
                if (atom_matches(code, data, *c)) {
                    chosen = *c;
                    break;
                }
            }
        }
    }
    pcre2_match_data_free(data);
    pcre2_code_free(code);
    return chosen;
}

static void
put_byte(struct writer *w, char c)
{
    if (w->n < SUBJECT_MAX) {
        w->out[w->n++] = c;
    }
}

/* Writes the single-byte atom at w->at and goes behind it. */
static void
write_byte_atom(struct writer *w)
{
    size_t start = w->at;
    size_t end = skip_byte_atom(w->path, start);
    char first = w->path[start];

    w->at = end;
    if (first == '$' ||
        (first == '\\' && strchr("bBzZ", w->path[start + 1]))) {
        return;     /* Matches a place, not a byte. */
    }
    if (end == start + 1 && first != '.') {
        put_byte(w, first);
        return;
    }
    if (!w->chosen[start]) {
        w->chosen[start] = choose_byte(w, start, end);
    }
    put_byte(w, w->chosen[start]);
}

static void write_branches(struct writer *w);

/* The group at w->at; look-arounds match no text. */
static void
write_group(struct writer *w)
{
    size_t before = w->n;
    bool is_look = false;

    w->at++;
    if (w->path[w->at] == '?') {
        const char *kind = &w->path[w->at + 1];
        size_t length = strspn(kind, "-i<");

        is_look = kind[length] == '=' || kind[length] == '!';
        w->at += 1 + length + 1;
        if (kind[length] == ')') {
            return;     /* Flags. */
        }
    }
    write_branches(w);
    w->at += w->path[w->at] == ')';
    if (is_look) {
        w->n = before;
    }
}

static void
write_atom(struct writer *w)
{
    if (w->path[w->at] == '(') {
        write_group(w);
    } else {
        write_byte_atom(w);
    }
}

/* How often the atom at 'start' is written. */
static unsigned
repetitions(const struct writer *w, size_t start, const struct quantifier *q)
{
    if (q->is_variable && w->pump == start) {
        return q->is_option ? 1 : SUBJECT_MAX;
    }
    if (q->is_variable && w->pump == ALL) {
        return q->is_option ? 1 : q->min + ALL_REPEAT;
    }
    /* What holds the pump must be there. */
    if (q->min == 0 && w->pump != NONE && w->pump > start &&
        w->pump < q->end) {
        return 1;
    }
    return q->min;
}

/* An atom with its quantifier. */
static void
write_piece(struct writer *w)
{
    size_t start = w->at;
    size_t before = w->n;
    struct quantifier q;
    unsigned times;

    write_atom(w);
    q = read_quantifier(w->path, w->at);
    times = repetitions(w, start, &q);
    if (times == 0) {
        w->n = before;
    }
    while (times > 1 && w->n > before && w->n < SUBJECT_MAX - 16) {
        size_t last = w->n;

        w->at = start;
        write_atom(w);
        times--;
        if (w->n == last) {
            break;
        }
    }
    w->at = q.end;
    if (w->cut && w->pump == start) {
        w->is_done = true;
    }
}

/* Branches up to ")" or the end: one of them stays written. */
static void
write_branches(struct writer *w)
{
    size_t before = w->n;
    size_t kept = w->n;
    unsigned branch = 0;

    for (;;) {
        bool was_done = w->is_done;

        while (w->path[w->at] && w->path[w->at] != '|' &&
               w->path[w->at] != ')') {
            size_t n = w->n;

            write_piece(w);
            if (was_done) {
                w->n = n;
            }
            was_done = w->is_done;
        }
        if (branch <= w->branch) {
            kept = w->n;
        }
        if (w->path[w->at] != '|') {
            break;
        }
        w->at++;
        branch++;
        w->n = branch <= w->branch ? before : kept;
    }
    /* What branches behind the kept one wrote is cut off; it may have
     * overwritten nothing before it. */
    w->n = kept;
}

struct probe {
    pcre2_code *code;
    pcre2_match_data *data;
    pcre2_match_context *context;
    unsigned dear_runs;
};

static bool
exceeds(struct probe *p, const struct writer *w, uint32_t steps)
{
    int result;

    pcre2_set_match_limit(p->context, steps);
    result = pcre2_match(p->code, (PCRE2_SPTR) w->out, w->n, 0,
                         PCRE2_ANCHORED, p->data, p->context);
    return result == PCRE2_ERROR_MATCHLIMIT ||
           result == PCRE2_ERROR_DEPTHLIMIT ||
           result == PCRE2_ERROR_HEAPLIMIT;
}

/* Runs what was written with a byte behind that is not expected there. */
static bool
is_slow(struct probe *p, struct writer *w)
{
    static const char unexpected[] = "!/";

    w->n++;
    w->out[w->n] = '\0';
    for (const char *c = unexpected; *c; c++) {
        w->out[w->n - 1] = *c;
        if (exceeds(p, w, STEPS_CHEAP)) {
            p->dear_runs++;
            if (exceeds(p, w, STEPS_MAX)) {
                return true;
            }
        }
    }
    return false;
}

static bool
try_pump(struct probe *p, struct writer *w, size_t pump, bool cut)
{
    w->at = 0;
    w->n = 0;
    w->pump = pump;
    w->cut = cut;
    w->is_done = false;
    write_branches(w);
    /* All that it matches, over and over. */
    if (pump == NONE && w->n > 0) {
        size_t n = w->n;

        while (w->n + n <= SUBJECT_MAX) {
            memcpy(w->out + w->n, w->out, n);
            w->n += n;
        }
    }
    return is_slow(p, w);
}

static bool
try_all(struct probe *p, struct writer *w, const struct shape *shape)
{
    if (try_pump(p, w, NONE, false) || try_pump(p, w, ALL, false)) {
        return true;
    }
    for (size_t i = 0; i < shape->n_pumps; i++) {
        if (p->dear_runs >= DEAR_RUNS_MAX) {
            return false;
        }
        if (try_pump(p, w, shape->pumps[i], false) ||
            try_pump(p, w, shape->pumps[i], true)) {
            return true;
        }
    }
    return false;
}

static bool
probe_init(struct probe *p, const char *path)
{
    size_t offset;
    int error;

    /* A hostile request has what start optimisations ask for. */
    *p = (struct probe) {
        .code = regex_compile(path, strlen(path), PCRE2_NO_START_OPTIMIZE,
                              &error, &offset),
        .context = pcre2_match_context_create(NULL),
    };
    p->data = p->code
        ? pcre2_match_data_create_from_pattern(p->code, NULL) : NULL;
    return p->data && p->context;
}

char *
regex_probe(const char *path)
{
    struct shape shape = read_shape(path);
    struct writer w = { .path = path };
    struct probe p;
    char *found = NULL;

    if (is_plainly_cheap(&shape)) {
        return NULL;
    }
    if (probe_init(&p, path)) {
        for (size_t i = 0; i < shape.n_wilds && !found; i++) {
            memset(w.chosen, 0, sizeof w.chosen);
            w.wild = shape.wilds[i];
            for (w.branch = 0; w.branch < BRANCHES_MAX && !found &&
                 p.dear_runs < DEAR_RUNS_MAX; w.branch++) {
                found = try_all(&p, &w, &shape) ? xstrdup(w.out) : NULL;
            }
        }
    }
    pcre2_match_data_free(p.data);
    pcre2_match_context_free(p.context);
    pcre2_code_free(p.code);
    return found;
}
