#include "auth/tally.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/mem.h"

#define DIRTY_MS 1000
#define ALIVE_MS 10000

void
tally_answer(struct tally *t, enum authstats_kind kind)
{
    t->stats.answers[kind]++;
    t->is_dirty = true;
}

void
tally_refuse(struct tally *t, enum authstats_kind kind, const char *group)
{
    tally_answer(t, kind);
    authstats_refuse(&t->stats, group);
}

void
tally_verified(struct tally *t, uint64_t us)
{
    t->stats.verified++;
    t->stats.verify_us += us;
    t->is_dirty = true;
}

static bool
put_file(const char *path, const struct buf *text)
{
    AUTO_FREE char *tmp = xasprintf("%s.tmp", path);
    AUTO_CLOSE int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
                             0640);

    return fd >= 0 &&
           write(fd, text->data, text->size) == (ssize_t) text->size &&
           rename(tmp, path) == 0;
}

void
tally_run(struct tally *t, uint64_t waiting, int64_t now_ms)
{
    AUTO_BUF struct buf text = BUF_OWN;
    int64_t age = now_ms - t->written_ms;
    unsigned dropped;

    if (t->written_ms != 0 && age < ALIVE_MS &&
        (!t->is_dirty || age < DIRTY_MS)) {
        return;
    }
    t->stats.waiting = waiting;
    authstats_print(&t->stats, &text);
    if (!put_file(t->path, &text) &&
        log_limit(&t->limit, now_ms, 60000, &dropped)) {
        log_warn("auth", NULL, "%s cannot be written: %s", t->path,
                 strerror(errno));
    }
    t->is_dirty = false;
    t->written_ms = now_ms;
}
