#include "reconciler/asks.h"

#include <stdlib.h>

#include "lib/base/mem.h"
#include "lib/ingress/judge_ask.h"

void
asks_report(const struct backends *bs, const struct claims *claims,
            const struct model *model, struct findings *out)
{
    AUTO_FREE char *field = judge_ask_field(model);
    AUTO_FREE char *name = judge_ask_name(model);

    if (judge_ask_host(claims, model, out) && name &&
        backends_is_unknown(bs, name)) {
        findings_add(out, FINDING_WARNING, FINDING_INVALID, model->name,
                     field, "no address of \"%s\" is known: requests get "
                     "503 until DNS has one", name);
    }
}
