/* render_class: what classes and slots are called, and when their requests
 * are tried again. */
#include <stdio.h>
#include <stdlib.h>

#include "haproxy/plan.h"
#include "haproxy/render.h"
#include "lib/base/mem.h"

const char *
program_kind_name(enum program_kind kind)
{
    switch (kind) {
    case PROGRAM_PLAIN:
        return "plain";
    case PROGRAM_POLICY:
        return "policy";
    case PROGRAM_COOKIE:
        return "cookie";
    case PROGRAM_TCP:
        return "tcp";
    }
    abort();
}

const char *
program_balance_name(enum program_balance balance)
{
    switch (balance) {
    case PROGRAM_ROUNDROBIN:
        return "roundrobin";
    case PROGRAM_LEASTCONN:
        return "leastconn";
    case PROGRAM_HASH:
        return "hash";
    case PROGRAM_RANDOM:
        return "random";
    case PROGRAM_SOURCE:
        return "source";
    }
    abort();
}

static void
class_name(const struct program_class *class, char *out, size_t size)
{
    char retry[32] = "";

    if (class->retry) {
        snprintf(retry, sizeof retry, "r%um%u",
                 PLAN_RETRY_TRIES(class->retry),
                 (unsigned) (class->retry & PLAN_RETRY_ALL));
    }
    snprintf(out, size, "%s-%s-%u%s", program_kind_name(class->kind),
             program_balance_name(class->balance), class->connect_ms, retry);
}

void
program_class_name(const struct program_class *class,
                   char out[PROGRAM_NAME_SIZE])
{
    class_name(class, out, PROGRAM_NAME_SIZE);
}

void
program_slot_name(const struct program_class *class, unsigned index,
                  char out[PROGRAM_NAME_SIZE])
{
    char name[PROGRAM_NAME_SIZE - 8];

    class_name(class, name, sizeof name);
    snprintf(out, PROGRAM_NAME_SIZE, "%s.%04u", name, index);
}

/* What "retry-on" says. */
char *
program_retry_words(uint32_t retry)
{
    static const struct {
        enum plan_retry_on on;
        const char *words;
    } all[] = {
        { PLAN_RETRY_ERROR, "conn-failure empty-response" },
        { PLAN_RETRY_TIMEOUT, "response-timeout" },
        { PLAN_RETRY_INVALID, "junk-response" },
        { PLAN_RETRY_403, "403" },
        { PLAN_RETRY_404, "404" },
        { PLAN_RETRY_500, "500" },
        { PLAN_RETRY_502, "502" },
        { PLAN_RETRY_503, "503" },
        { PLAN_RETRY_504, "504" },
    };
    AUTO_BUF struct buf out = BUF_OWN;

    retry = retry ? retry : PLAN_RETRY(3, PLAN_RETRY_ERROR);
    for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
        if (retry & all[i].on) {
            buf_printf(&out, "%s%s", out.size > 0 ? " " : "", all[i].words);
        }
    }
    if (out.size == 0) {
        buf_puts(&out, "none");
    }
    return buf_take(&out);
}
