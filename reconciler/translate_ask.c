/* translate_ask: what is asked of a service, as the policy carries it. */
#include "reconciler/translate.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/digest.h"
#include "lib/base/mem.h"
#include "lib/ingress/askurl.h"
#include "lib/ingress/variables.h"

/* No question takes longer, whatever proxy-read-timeout says. */
#define MS_MAX 10000

/* Settings of one question, framed as POLICY_HEADERS are. */
struct frame {
    struct buf text;
    struct variables_place place;
};

static void
put(struct frame *f, const char *name, const char *value)
{
    if (value) {
        buf_printf(&f->text, "%zu:%s%zu:%s", strlen(name), name,
                   strlen(value), value);
    }
}

/* A text with variables. */
static void
put_text(struct frame *f, const char *name, const char *text)
{
    AUTO_BUF struct buf filled = BUF_OWN;

    if (text) {
        variables_put(text, &f->place, &filled);
        put(f, name, buf_str(&filled));
    }
}

static void
put_url(struct frame *f, const struct askurl *url)
{
    bool is_routed = url->to == ASKURL_OWN_HOST || url->to == ASKURL_NAME;

    put_text(f, "url", url->uri);
    put(f, "host", url->host);
    put(f, "via", is_routed ? "self" : "inside");
    put(f, "own", url->to == ASKURL_OWN_HOST ? "1" : NULL);
    if (url->to == ASKURL_SERVICE && url->is_https) {
        put(f, "name", url->host);
    }
}

uint64_t
translate_ask_ms(const struct settings *s)
{
    return s->read_timeout_s < MS_MAX / 1000 ? s->read_timeout_s * 1000
                                             : MS_MAX;
}

void
translate_ask_id(const struct settings *s, char out[UNANSWERED_ID_SIZE])
{
    const struct settings_ask *ask = s->ask;
    AUTO_FREE char *text = xasprintf(
        "%d\n%s\n%s\n%" PRIu64 "\n%s\n%s", ask->is_global, ask->url,
        settings_ask_method(ask), translate_ask_ms(s),
        ask->set_headers ? ask->set_headers : "",
        ask->redirect ? ask->redirect : "");
    char hex[DIGEST_HEX_SIZE];

    digest_sha256_hex(text, strlen(text), hex);
    memcpy(out, hex, UNANSWERED_ID_SIZE - 1);
    out[UNANSWERED_ID_SIZE - 1] = '\0';
}

static void
put_rest(struct frame *f, const struct settings *s)
{
    const struct settings_ask *ask = s->ask;
    AUTO_FREE char *ms_text = xasprintf("%" PRIu64, translate_ask_ms(s));
    char id[UNANSWERED_ID_SIZE];

    translate_ask_id(s, id);
    put(f, "id", id);
    put(f, "method", settings_ask_method(ask));
    put_text(f, "signin", ask->signin);
    put(f, "copied", ask->headers);
    put_text(f, "redirect", ask->redirect);
    put_text(f, "key", ask->cache_key);
    put(f, "keeping", ask->cache_key ? ask->cache_for : NULL);
    put(f, "always", ask->always_cookie ? "1" : NULL);
    put(f, "ms", ms_text);
}

struct err *
translate_ask(const struct model *model, const struct route *route,
              const char *more, struct policy *policy)
{
    const struct settings_ask *ask = model->settings->ask;
    const struct kube_port *port = &route->backend.port;
    AUTO_FREE char *port_text =
        port->name ? xstrdup(port->name) : xasprintf("%d", port->number);
    struct frame f = {
        .text = BUF_OWN,
        .place = {
            .namespace = model->object->namespace,
            .ingress = model->object->name,
            .service = route->backend.service ? route->backend.service : "",
            .port = port_text,
        },
    };
    struct err *err = NULL;
    struct askurl url;
    AUTO_FREE char *why = askurl_read(ask->url, &url);

    if (why) {
        err = err_new(ERR_INVALID, "auth-url %s", why);
    } else {
        put_url(&f, &url);
        put_rest(&f, model->settings);
        err = policy_set(policy, POLICY_ASK, buf_str(&f.text));
    }
    if (!err && more) {
        err = policy_set(policy, POLICY_ASK_SET, more);
    }
    askurl_fini(&url);
    buf_fini(&f.text);
    return err;
}
