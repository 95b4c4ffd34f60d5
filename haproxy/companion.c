#include "haproxy/companion.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"

#define LIVED_MS 5000           /* A death after that is no crash loop. */

void
companion_init(struct companion *c, const char *path, const char *run_dir)
{
    *c = (struct companion) {
        .path = path,
        .run_dir = run_dir,
        .backoff = BACKOFF_INIT(50, 5000),
    };
}

void
companion_run(struct companion *c, const sigset_t *blocked, int64_t now_ms)
{
    pid_t parent = getpid(), pid;

    if (!c->path || c->pid > 0 || now_ms < c->due_ms) {
        return;
    }
    pid = fork();
    if (pid == 0) {
        AUTO_FREE char *path = xstrdup(c->path);
        AUTO_FREE char *run_dir = xstrdup(c->run_dir);
        char *const argv[] = { path, run_dir, NULL };

        prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (getppid() != parent) {
            _exit(126);
        }
        sigprocmask(SIG_UNBLOCK, blocked, NULL);
        execv(path, argv);
        _exit(127);
    }
    if (pid < 0) {
        log_error("proxy", NULL, "fork: %s", strerror(errno));
        c->due_ms = now_ms + backoff_fail(&c->backoff, backoff_random());
        return;
    }
    c->pid = pid;
    c->started_ms = now_ms;
}

int64_t
companion_wait(const struct companion *c, int64_t now_ms, int64_t max)
{
    int64_t ms = c->due_ms - now_ms;

    if (!c->path || c->pid > 0 || ms > max) {
        return max;
    }
    return ms > 0 ? ms : 0;
}

bool
companion_reaped(struct companion *c, pid_t pid, int64_t now_ms)
{
    if (c->pid == 0 || pid != c->pid) {
        return false;
    }
    log_warn("proxy", NULL, "%s ended", c->path);
    c->pid = 0;
    c->due_ms = now_ms;
    if (now_ms - c->started_ms >= LIVED_MS) {
        backoff_reset(&c->backoff);
    } else {
        c->due_ms += backoff_fail(&c->backoff, backoff_random());
    }
    return true;
}

void
companion_stop(const struct companion *c)
{
    if (c->pid > 0) {
        kill(c->pid, SIGTERM);
    }
}
