/* routing_policy: what a row does to its requests. */
#include "lib/base/mem.h"
#include "reconciler/headers.h"
#include "reconciler/routing_priv.h"

struct err *
routing_policy_(const struct draft *d, const struct serve_row *row,
                struct policy **out)
{
    const struct routing_options *o = &d->routing->options;
    AUTO_FREE char *headers = NULL;
    AUTO_FREE char *asked = NULL;
    AUTO_FREE char *why = NULL;
    struct translate_headers both;

    switch (row->https) {
    case SERVE_FORWARD:
    case SERVE_REDIRECT:
        headers =
            headers_of_model(o->cache, o->defaults, row->model, &why);
        if (!why) {
            asked = headers_of_question(o->cache, row->model, &why);
        }
        if (why) {
            return err_new(ERR_INVALID, "%s", why);
        }
        both = (struct translate_headers) { headers, asked };
        return translate_policy(row->model, &row->route,
                                row->canary ? row->canary->model->settings
                                            : NULL,
                                &both, d->client, out);
    case SERVE_APP_ROOT:
        return translate_redirect(POLICY_REDIRECT,
                                  row->model->settings->app_root, "302",
                                  d->client, out);
    case SERVE_OTHER_NAME:
        return translate_redirect(POLICY_REDIRECT_HOST, row->route.of, "308",
                                  NULL, out);
    case SERVE_HTTPS_REDIRECT:
    case SERVE_UNAVAILABLE:
    case SERVE_DEFAULT:
    case SERVE_NOT_FOUND:
        break;
    }
    return NULL;
}

bool
routing_http_is_other_(const struct serve_row *row)
{
    return row->http == SERVE_HTTPS_REDIRECT || row->http == SERVE_APP_ROOT;
}

/* Redirects over http come before certificates are asked for, which http has
 * not; where they lead to asks. */
struct err *
routing_http_policy_(const struct serve_row *row, struct policy **out)
{
    if (row->http == SERVE_APP_ROOT) {
        return translate_redirect(POLICY_REDIRECT,
                                  row->model->settings->app_root, "302", NULL,
                                  out);
    }
    return row->http == SERVE_HTTPS_REDIRECT
               ? translate_cors(row->model->settings, out)
               : NULL;
}
