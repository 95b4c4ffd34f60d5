#include "lib/kube/answer.h"

#include "lib/base/jx.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/kube/limits.h"

static enum err_kind
kind_of(int status)
{
    switch (status) {
    case 401:
    case 403:
        return ERR_DENIED;
    case 404:
    case 410:
        return ERR_GONE;
    case 409:
        return ERR_CONFLICT;
    case 408:
    case 429:
        return ERR_UNAVAILABLE;
    default:
        break;
    }
    if (status >= 500) {
        return ERR_UNAVAILABLE;
    }
    return status >= 400 ? ERR_INVALID : ERR_PROTOCOL;
}

static json_t *
load_status(const struct http_response *response)
{
    json_t *status = NULL;

    /* A proxy in between answers with something else; that is no news. */
    err_free(jx_load(response->body, response->size, KUBE_MAX_REFUSAL,
                     &status));
    return status;
}

static struct err *
refusal(int status, json_t *document)
{
    const char *message =
        json_string_value(json_object_get(document, "message"));
    AUTO_FREE char *quoted = message ? str_quote(message) : NULL;

    if (!quoted) {
        return err_new(kind_of(status), "the API server answered %d", status);
    }
    return err_new(kind_of(status), "the API server answered %d: %s", status,
                   quoted);
}

struct err *
answer_err(const struct http_response *response)
{
    AUTO_JSON json_t *status = NULL;

    if (response->err) {
        return err_new(err_kind(response->err), "%s",
                       err_text(response->err));
    }
    if (response->status >= 200 && response->status < 300) {
        return NULL;
    }
    status = load_status(response);
    return refusal(response->status, status);
}

struct err *
answer_status_err(json_t *status, int *code)
{
    json_int_t number = json_integer_value(json_object_get(status, "code"));

    *code = number >= 100 && number < 600 ? (int) number : 0;
    return refusal(*code, status);
}

bool
answer_has_cause(const struct http_response *response, const char *name)
{
    AUTO_JSON json_t *status = load_status(response);
    json_t *details = json_object_get(status, "details");
    json_t *causes = json_object_get(details, "causes");
    json_t *cause;
    size_t i;

    json_array_foreach(causes, i, cause) {
        json_t *field = json_object_get(cause, "field");
        json_t *reason = json_object_get(cause, "reason");

        if (str_eq(json_string_value(field), name) ||
            str_eq(json_string_value(reason), name)) {
            return true;
        }
    }
    return false;
}

bool
answer_is_transient(const struct http_response *response)
{
    if (response->err || response->status == 0) {
        return !response->err || err_kind(response->err) == ERR_UNAVAILABLE ||
               err_kind(response->err) == ERR_DENIED;
    }
    return kind_of(response->status) == ERR_UNAVAILABLE ||
           response->status == 401;
}

int64_t
answer_retry_after(const struct http_response *response)
{
    int64_t ms = response->retry_after_ms;

    if (ms < 0) {
        return 0;
    }
    return ms < KUBE_RETRY_AFTER_MS ? ms : KUBE_RETRY_AFTER_MS;
}
