#include "webhook/answer.h"

#include <string.h>

#include "lib/base/digest.h"
#include "lib/base/jx.h"
#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "webhook/limits.h"

#define RETRY_AFTER_S 1
#define PROGRAM "sallyport"
/* Most answers take no more bytes. */
#define ORDINARY 1000

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

static void
put_warning(struct buf *out, const char *line, bool *is_first)
{
    buf_puts(out, *is_first ? ",\"warnings\":[\"" : ",\"");
    buf_puts(out, line);
    buf_putc(out, '"');
    *is_first = false;
}

static void
put_warnings(const struct findings *findings, struct buf *out)
{
    const size_t room = WEBHOOK_MAX_WARNINGS - WEBHOOK_WARNINGS_ROOM;
    const size_t n = findings_count_of(findings, FINDING_WARNING);
    AUTO_BUF struct buf line = BUF_OWN;
    struct map *seen;
    size_t n_left_out = 0;
    size_t size = 0;
    bool is_first = true;

    if (n == 0) {
        return;
    }
    seen = n > 1 ? map_new() : NULL;
    for (size_t i = 0; i < findings_count(findings); i++) {
        const struct finding *f = findings_get(findings, i);
        size_t length;

        if (f->severity != FINDING_WARNING) {
            continue;
        }
        buf_clear(&line);
        length = put_line(&line, f);
        if (seen && map_put(seen, buf_str(&line), seen)) {
            continue;
        }
        if (size + length > room) {
            n_left_out++;
            continue;
        }
        size += length;
        put_warning(out, buf_str(&line), &is_first);
    }
    map_free(seen, NULL);
    if (n_left_out > 0) {
        buf_clear(&line);
        buf_printf(&line, "%zu more warnings are left out here; sallyport "
                          "lint shows all", n_left_out);
        put_warning(out, buf_str(&line), &is_first);
    }
    buf_putc(out, ']');
}

void
answer_print(const struct answer *answer, struct buf *out)
{
    buf_expect(out, ORDINARY);
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
