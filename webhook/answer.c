#include "webhook/answer.h"

#include <stdlib.h>
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

/* Findings are printable ASCII by contract; this keeps the promise to the
 * API server (and to JSON) should one of them ever not be. */
static void
clean(char *text)
{
    for (char *c = text; *c; c++) {
        if (*c < ' ' || *c > '~') {
            *c = '?';
        }
    }
}

static char *
clean_line(const struct finding *finding)
{
    AUTO_BUF struct buf line = BUF_OWN;
    char *text;

    finding_print(finding, &line);
    text = buf_take(&line);
    clean(text);
    return text;
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

static char *
name_of_object(const struct findings *findings)
{
    char *name = NULL;

    for (size_t i = 0; i < findings_count(findings) && !name; i++) {
        const struct finding *f = findings_get(findings, i);

        if (f->severity == FINDING_ERROR) {
            name = xstrdup(f->object);
        }
    }
    if (!name) {
        name = xstrdup("the object");
    }
    clean(name);
    return name;
}

/* The object is named: one kubectl apply may hold many.  One error follows
 * it; several get a line each under their count. */
static char *
make_message(const struct findings *findings)
{
    const size_t n = findings_count_of(findings, FINDING_ERROR);
    AUTO_FREE char *object = name_of_object(findings);
    AUTO_BUF struct buf out = BUF_OWN;
    size_t n_left = n;

    buf_puts(&out, object);
    if (n > 1) {
        buf_printf(&out, " has %zu problems:", n);
    }
    for (size_t i = 0; i < findings_count(findings); i++) {
        const struct finding *f = findings_get(findings, i);
        AUTO_FREE char *line = NULL;

        if (f->severity != FINDING_ERROR) {
            continue;
        }
        line = clean_line(f);
        if (n_left < n && out.size + strlen(line) > WEBHOOK_MAX_MESSAGE) {
            break;
        }
        buf_puts(&out, n > 1 ? "\n* " : ": ");
        buf_puts(&out, line);
        n_left--;
    }
    if (n_left > 0) {
        buf_printf(&out, "\n* and %zu more", n_left);
    }
    return buf_take(&out);
}

/* The answer is small and ours: it is written as it goes, and no document
 * is built of it. */
static void
put_member(struct buf *out, const char *name, const char *value)
{
    buf_puts(out, ",\"");
    buf_puts(out, name);
    buf_puts(out, "\":");
    jx_put_string(out, value);
}

/* "{"reason":...,"message":...,"field":...}".  Where kubectl prints causes it
 * prints nothing else: each says who refused. */
static void
put_cause(struct buf *out, const char *reason, const char *field,
          const char *text)
{
    AUTO_FREE char *message = xasprintf(PROGRAM ": %s", text);

    buf_printf(out, "{\"reason\":\"%s\"", reason);
    put_member(out, "message", message);
    if (field[0] != '\0') {
        put_member(out, "field", field);
    }
    buf_putc(out, '}');
}

/* The errors once more, for clients that read fields. */
static void
put_causes(const struct findings *findings, struct buf *out)
{
    size_t n_left = findings_count_of(findings, FINDING_ERROR);
    const size_t begin = out->size, n = n_left;

    for (size_t i = 0; i < findings_count(findings); i++) {
        const struct finding *f = findings_get(findings, i);
        AUTO_FREE char *field = xstrdup(f->field);
        AUTO_FREE char *text = xstrdup(f->message);

        if (f->severity != FINDING_ERROR) {
            continue;
        }
        if (n_left < n && out->size - begin + strlen(field) + strlen(text) >
                              WEBHOOK_MAX_MESSAGE) {
            break;
        }
        clean(field);
        clean(text);
        buf_puts(out, n_left < n ? "," : "");
        put_cause(out, f->reason == FINDING_OWNERSHIP ? "FieldValueDuplicate"
                                                      : "FieldValueInvalid",
                  field, text);
        n_left--;
    }
    if (n_left > 0) {
        AUTO_FREE char *text = xasprintf("and %zu more", n_left);

        buf_putc(out, ',');
        put_cause(out, "FieldValueInvalid", "", text);
    }
}

static void
put_details(const struct answer *answer, struct buf *out)
{
    AUTO_FREE char *object = name_of_object(answer->findings);
    const char *slash = strrchr(object, '/');

    buf_puts(out, ",\"details\":{\"group\":\"networking.k8s.io\","
                  "\"kind\":\"Ingress\"");
    if (slash) {
        put_member(out, "name", slash + 1);
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
    AUTO_FREE char *message = make_message(answer->findings);
    const bool is_taken = answer_is_about_ownership(answer->findings);
    const char *reason = answer->is_later ? "ServiceUnavailable"
                         : is_taken       ? "Forbidden"
                                          : "Invalid";

    buf_printf(out, ",\"status\":{\"status\":\"Failure\",\"code\":%d",
               answer->is_later ? 503 : is_taken ? 403 : 422);
    put_member(out, "reason", reason);
    put_member(out, "message", message);
    put_details(answer, out);
    buf_putc(out, '}');
}

static void
put_warning(struct buf *out, const char *line, bool *is_first)
{
    buf_puts(out, *is_first ? ",\"warnings\":[" : ",");
    jx_put_string(out, line);
    *is_first = false;
}

static void
put_warnings(const struct findings *findings, struct buf *out)
{
    const size_t room = WEBHOOK_MAX_WARNINGS - WEBHOOK_WARNINGS_ROOM;
    struct map *seen = NULL;
    size_t n_left_out = 0;
    size_t size = 0;
    bool is_first = true;

    if (findings_count_of(findings, FINDING_WARNING) == 0) {
        return;
    }
    seen = map_new();
    for (size_t i = 0; i < findings_count(findings); i++) {
        const struct finding *f = findings_get(findings, i);
        AUTO_FREE char *line = NULL;

        if (f->severity != FINDING_WARNING) {
            continue;
        }
        line = clean_line(f);
        if (map_put(seen, line, seen)) {
            continue;
        }
        if (size + strlen(line) > room) {
            n_left_out++;
            continue;
        }
        size += strlen(line);
        put_warning(out, line, &is_first);
    }
    map_free(seen, NULL);
    if (n_left_out > 0) {
        AUTO_FREE char *line = xasprintf("%zu more warnings are left out "
                                         "here; sallyport lint shows all",
                                         n_left_out);

        put_warning(out, line, &is_first);
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

        put_member(out, "patchType", "JSONPatch");
        put_member(out, "patch", patch);
    }
    if (answer->findings) {
        put_warnings(answer->findings, out);
    }
    buf_puts(out, "}}");
}
