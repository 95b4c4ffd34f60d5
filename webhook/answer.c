#include "webhook/answer.h"

#include <jansson.h>
#include <string.h>

#include "lib/base/digest.h"
#include "lib/base/jx.h"
#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "webhook/limits.h"

#define RETRY_AFTER_S 1

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
        buf_printf(&out, "%s%s", n > 1 ? "\n* " : ": ", line);
        n_left--;
    }
    if (n_left > 0) {
        buf_printf(&out, "\n* and %zu more", n_left);
    }
    return buf_take(&out);
}

static json_t *
make_status(const struct answer *answer)
{
    AUTO_FREE char *message = make_message(answer->findings);
    const bool is_taken = answer_is_about_ownership(answer->findings);

    if (answer->is_later) {
        return json_pack("{s:s, s:i, s:s, s:s, s:{s:i}}", "status", "Failure",
                         "code", 503, "reason", "ServiceUnavailable",
                         "message", message, "details", "retryAfterSeconds",
                         RETRY_AFTER_S);
    }

    return json_pack("{s:s, s:i, s:s, s:s}", "status", "Failure", "code",
                     is_taken ? 403 : 422, "reason",
                     is_taken ? "Forbidden" : "Invalid", "message", message);
}

static json_t *
make_warnings(const struct findings *findings)
{
    const size_t room = WEBHOOK_MAX_WARNINGS - WEBHOOK_WARNINGS_ROOM;
    struct map *seen = map_new();
    json_t *list = json_array();
    size_t n_left_out = 0;
    size_t size = 0;

    for (size_t i = 0; i < findings_count(findings); i++) {
        const struct finding *f = findings_get(findings, i);
        AUTO_FREE char *line = NULL;

        if (f->severity != FINDING_WARNING) {
            continue;
        }
        line = clean_line(f);
        if (map_put(seen, line, list)) {
            continue;
        }
        if (size + strlen(line) > room) {
            n_left_out++;
            continue;
        }
        size += strlen(line);
        json_array_append_new(list, json_string(line));
    }
    map_free(seen, NULL);
    if (n_left_out > 0) {
        json_array_append_new(
            list, json_sprintf("%zu more warnings are left out here; "
                               "sallyport lint shows all",
                               n_left_out));
    }
    return list;
}

static json_t *
make_response(const struct answer *answer)
{
    json_t *response = json_pack("{s:s, s:b}", "uid", answer->uid, "allowed",
                                 answer->is_allowed);
    AUTO_JSON json_t *warnings =
        answer->findings ? make_warnings(answer->findings) : NULL;

    if (!answer->is_allowed && answer->findings) {
        json_object_set_new(response, "status",
                            make_status(answer));
    }
    if (answer->patch) {
        AUTO_FREE char *patch =
            digest_base64_encode(answer->patch, strlen(answer->patch));

        json_object_set_new(response, "patchType", json_string("JSONPatch"));
        json_object_set_new(response, "patch", json_string(patch));
    }
    if (json_array_size(warnings) > 0) {
        json_object_set(response, "warnings", warnings);
    }
    return response;
}

static int
put_text(const char *data, size_t size, void *aux)
{
    buf_put(aux, data, size);
    return 0;
}

void
answer_print(const struct answer *answer, struct buf *out)
{
    AUTO_JSON json_t *review =
        json_pack("{s:s, s:s, s:o}", "apiVersion", "admission.k8s.io/v1",
                  "kind", "AdmissionReview", "response",
                  make_response(answer));

    json_dump_callback(review, put_text, out, JSON_COMPACT);
}
