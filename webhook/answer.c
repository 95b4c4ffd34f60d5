#include "webhook/answer.h"

#include <string.h>

#include "lib/base/digest.h"
#include "lib/base/jx.h"
#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "webhook/limits.h"

#define RETRY_AFTER_S 1
#define PROGRAM "sallyport"
/* Bytes of most answers, to take their memory at once: without a finding, and
 * around one, whose escapes are in it.  Longer ones grow. */
#define FRAME 200
#define AROUND 100
#define MOST ((size_t) 4096)

static bool
is_plain(char c)
{
    return c >= ' ' && c <= '~' && c != '"' && c != '\\';
}

/* Appends 's' inside a string of JSON and returns its length.  Findings are
 * printable ASCII by contract; this keeps the promise to the API server
 * should one of them ever not be. */
static size_t
put_clean(struct buf *out, const char *s)
{
    const char *at = s, *from = s;

    for (;;) {
        while (is_plain(*at)) {
            at++;
        }
        buf_put(out, from, (size_t) (at - from));
        if (*at == '\0') {
            return (size_t) (at - s);
        }
        if (*at == '"' || *at == '\\') {
            buf_putc(out, '\\');
            from = at;
        } else {
            buf_putc(out, '?');
            from = at + 1;
        }
        at++;
    }
}

/* As finding_print(). */
static size_t
put_line(struct buf *out, const struct finding *f)
{
    size_t size = 0;

    if (f->field[0] != '\0') {
        size = put_clean(out, f->field) + 2;
        buf_puts(out, ": ");
    }
    return size + put_clean(out, f->message);
}

static size_t
line_size(const struct finding *f)
{
    return (f->field[0] != '\0' ? strlen(f->field) + 2 : 0) +
           strlen(f->message);
}

bool
answer_is_about_ownership(const struct findings *findings)
{
    for (size_t i = 0; i < findings_count(findings); i++) {
        const struct finding *f = findings_get(findings, i);

        if (f->severity == FINDING_ERROR && f->reason == FINDING_OWNERSHIP) {
            return true;
        }
    }
    return false;
}

static const char *
name_of_object(const struct findings *findings)
{
    for (size_t i = 0; i < findings_count(findings); i++) {
        const struct finding *f = findings_get(findings, i);

        if (f->severity == FINDING_ERROR) {
            return f->object;
        }
    }
    return "the object";
}

/* The object is named: one kubectl apply may hold many.  One error follows
 * it; several get a line each under their count. */
static void
put_message(const struct findings *findings, struct buf *out)
{
    const size_t n = findings_count_of(findings, FINDING_ERROR);
    size_t size = put_clean(out, name_of_object(findings));
    size_t n_left = n;

    if (n > 1) {
        const size_t before = out->size;

        buf_printf(out, " has %zu problems:", n);
        size += out->size - before;
    }
    for (size_t i = 0; i < findings_count(findings); i++) {
        const struct finding *f = findings_get(findings, i);

        if (f->severity != FINDING_ERROR) {
            continue;
        }
        if (n_left < n && size + line_size(f) > WEBHOOK_MAX_MESSAGE) {
            break;
        }
        buf_puts(out, n > 1 ? "\\n* " : ": ");
        size += put_line(out, f) + (n > 1 ? strlen("\n* ") : strlen(": "));
        n_left--;
    }
    if (n_left > 0) {
        buf_printf(out, "\\n* and %zu more", n_left);
    }
}

/* "{"reason":...,"message":...,"field":...}".  Where kubectl prints causes it
 * prints nothing else: each says who refused. */
static void
put_cause(struct buf *out, const struct finding *f)
{
    buf_puts(out, f->reason == FINDING_OWNERSHIP
                      ? "{\"reason\":\"FieldValueDuplicate\""
                      : "{\"reason\":\"FieldValueInvalid\"");
    buf_puts(out, ",\"message\":\"" PROGRAM ": ");
    put_clean(out, f->message);
    if (f->field[0] != '\0') {
        buf_puts(out, "\",\"field\":\"");
        put_clean(out, f->field);
    }
    buf_puts(out, "\"}");
}

/* The errors once more, for clients that read fields. */
static void
put_causes(const struct findings *findings, struct buf *out)
{
    const size_t n = findings_count_of(findings, FINDING_ERROR);
    const size_t begin = out->size;
    size_t n_left = n;

    for (size_t i = 0; i < findings_count(findings); i++) {
        const struct finding *f = findings_get(findings, i);

        if (f->severity != FINDING_ERROR) {
            continue;
        }
        if (n_left < n && out->size - begin + strlen(f->field) +
                                  strlen(f->message) >
                              WEBHOOK_MAX_MESSAGE) {
            break;
        }
        buf_puts(out, n_left < n ? "," : "");
        put_cause(out, f);
        n_left--;
    }
    if (n_left > 0) {
        buf_printf(out, ",{\"reason\":\"FieldValueInvalid\","
                        "\"message\":\"" PROGRAM ": and %zu more\"}",
                   n_left);
    }
}

static void
put_details(const struct answer *answer, struct buf *out)
{
    const char *slash = strrchr(name_of_object(answer->findings), '/');

    buf_puts(out, ",\"details\":{\"group\":\"networking.k8s.io\","
                  "\"kind\":\"Ingress\"");
    if (slash) {
        buf_puts(out, ",\"name\":\"");
        put_clean(out, slash + 1);
        buf_putc(out, '"');
    }
    if (answer->is_later) {
        buf_printf(out, ",\"retryAfterSeconds\":%d", RETRY_AFTER_S);
    }
    buf_puts(out, ",\"causes\":[");
    put_causes(answer->findings, out);
    buf_puts(out, "]}");
}

static void
put_status(const struct answer *answer, struct buf *out)
{
    const bool is_taken = answer_is_about_ownership(answer->findings);

    buf_puts(out, ",\"status\":{\"status\":\"Failure\",\"code\":");
    buf_puts(out, answer->is_later ? "503,\"reason\":\"ServiceUnavailable\""
                  : is_taken       ? "403,\"reason\":\"Forbidden\""
                                   : "422,\"reason\":\"Invalid\"");
    buf_puts(out, ",\"message\":\"");
    put_message(answer->findings, out);
    buf_putc(out, '"');
    put_details(answer, out);
    buf_putc(out, '}');
}

static bool
is_news(const struct finding *f, struct map *seen)
{
    AUTO_BUF struct buf line = BUF_OWN;

    put_line(&line, f);
    return !map_put(seen, buf_str(&line), seen);
}

static void
begin_warning(struct buf *out, bool *is_first)
{
    buf_puts(out, *is_first ? ",\"warnings\":[\"" : ",\"");
    *is_first = false;
}

static void
put_warnings(const struct findings *findings, struct buf *out)
{
    const size_t room = WEBHOOK_MAX_WARNINGS - WEBHOOK_WARNINGS_ROOM;
    const size_t n = findings_count_of(findings, FINDING_WARNING);
    struct map *seen = n > 1 ? map_new() : NULL;
    size_t n_left_out = 0;
    size_t size = 0;
    bool is_first = true;

    for (size_t i = 0; i < findings_count(findings); i++) {
        const struct finding *f = findings_get(findings, i);

        if (f->severity != FINDING_WARNING || (seen && !is_news(f, seen))) {
            continue;
        }
        if (size + line_size(f) > room) {
            n_left_out++;
            continue;
        }
        begin_warning(out, &is_first);
        size += put_line(out, f);
        buf_putc(out, '"');
    }
    map_free(seen, NULL);
    if (n_left_out > 0) {
        begin_warning(out, &is_first);
        buf_printf(out, "%zu more warnings are left out here; sallyport lint "
                        "shows all\"", n_left_out);
    }
    buf_puts(out, n > 0 ? "]" : "");
}

static size_t
expected_size(const struct findings *findings)
{
    size_t size = FRAME;

    for (size_t i = 0; i < findings_count(findings) && size < MOST; i++) {
        const struct finding *f = findings_get(findings, i);
        const size_t n_times = f->severity == FINDING_ERROR ? 2 : 1;

        size += AROUND + n_times * line_size(f);
    }
    return size < MOST ? size : MOST;
}

void
answer_print(const struct answer *answer, struct buf *out)
{
    buf_expect(out, expected_size(answer->findings));
    buf_puts(out, "{\"apiVersion\":\"admission.k8s.io/v1\","
                  "\"kind\":\"AdmissionReview\",\"response\":{\"uid\":");
    jx_put_string(out, answer->uid);
    buf_puts(out, answer->is_allowed ? ",\"allowed\":true"
                                     : ",\"allowed\":false");
    if (!answer->is_allowed && answer->findings) {
        put_status(answer, out);
    }
    if (answer->patch) {
        AUTO_FREE char *patch =
            digest_base64_encode(answer->patch, strlen(answer->patch));

        buf_puts(out, ",\"patchType\":\"JSONPatch\",\"patch\":\"");
        buf_puts(out, patch);
        buf_putc(out, '"');
    }
    if (answer->findings) {
        put_warnings(answer->findings, out);
    }
    buf_puts(out, "}}");
}
