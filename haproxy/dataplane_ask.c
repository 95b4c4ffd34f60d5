#include "haproxy/dataplane_priv.h"

#include <stdlib.h>

#include "haproxy/command.h"
#include "haproxy/files.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"

bool
dataplane_unanswered(struct dataplane *dp, struct unanswered *out)
{
    AUTO_FREE char *map = files_map(dp->layout.run_dir, UNANSWERED_MAP);
    AUTO_FREE char *command = xasprintf("show map %s", map);
    AUTO_BUF struct buf answer = BUF_INIT(UNANSWERED_TEXT_MAX);
    AUTO_ERR struct err *err = NULL;

    *out = (struct unanswered) { .rows = { .n = 0 } };
    if (dp->state != DATAPLANE_UP || dp->must_observe) {
        return false;
    }
    err = command_ask(dp->socket, command, &answer);
    if (err) {
        log_debug("haproxy", NULL, "could not read %s: %s", map,
                  err_text(err));
        return false;
    }
    if (answer.size > 0) {
        unanswered_read(answer.data, out);
    }
    return true;
}
