#include "haproxy/cgroup.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "haproxy/files.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"

/* Fields of a line of /proc/self/mountinfo. */
enum { MOUNT_ROOT = 3, MOUNT_POINT = 4 };

/* The text of a file; NULL: it cannot be read.  The caller's to free. */
static char *
read_text(const char *root, const char *path, size_t limit)
{
    AUTO_FREE char *full = str_concat(root, path);
    AUTO_BUF struct buf text = BUF_INIT(limit);
    AUTO_ERR struct err *err = files_get(full, limit, &text);

    return err ? NULL : buf_take(&text);
}

/* What the one line of a file says. */
static char *
read_line(const char *root, const char *dir, const char *file)
{
    AUTO_FREE char *path = str_concat(dir, "/", file);
    AUTO_FREE char *text = read_text(root, path, 128);

    return text ? str_trim(text) : NULL;
}

/* 'word' among those that commas part. */
static bool
has_word(char *list, const char *word)
{
    char *one;

    while ((one = strsep(&list, ","))) {
        if (str_eq(one, word)) {
            return true;
        }
    }
    return false;
}

static unsigned
whole_cpus(const char *quota, const char *period)
{
    uint64_t us, per;

    /* "max" and -1 are no numbers: no quota. */
    return quota && period && parse_u64(quota, 1, UINT32_MAX, &us) &&
                   parse_u64(period, 1, UINT32_MAX, &per)
               ? (unsigned) ((us + per - 1) / per)
               : 0;
}

static unsigned
quota_of_v2(const char *root, const char *dir)
{
    AUTO_FREE char *line = read_line(root, dir, "cpu.max");
    char *period = line ? strchr(line, ' ') : NULL;

    if (!period) {
        return 0;
    }
    *period++ = '\0';
    return whole_cpus(line, period);
}

static unsigned
quota_of_v1(const char *root, const char *dir)
{
    AUTO_FREE char *quota = read_line(root, dir, "cpu.cfs_quota_us");
    AUTO_FREE char *period = read_line(root, dir, "cpu.cfs_period_us");

    return whole_cpus(quota, period);
}

/* The path of our group in that hierarchy, NULL: we are in none.  The caller's
 * to free.  Lines are ID:CONTROLLERS:PATH; of version 2 they are "0" and
 * "". */
static char *
our_path(const char *groups, bool is_v2)
{
    AUTO_FREE char *text = xstrdup(groups);
    char *rest = text, *line;

    while ((line = strsep(&rest, "\n"))) {
        char *path = line;
        const char *id = strsep(&path, ":");
        char *controllers = strsep(&path, ":");

        if (path && (is_v2 ? str_eq(id, "0") && !*controllers
                           : has_word(controllers, "cpu"))) {
            return xstrdup(path);
        }
    }
    return NULL;
}

/* Where our group is under this mount, which may be of a group itself: in a
 * container that sees the host's paths, of ours. */
static char *
our_folder(const char *mount_root, const char *mount_point, const char *path)
{
    size_t n = str_eq(mount_root, "/") ? 0 : strlen(mount_root);
    bool is_below = strncmp(path, mount_root, n) == 0 &&
                    (path[n] == '/' || path[n] == '\0') &&
                    !str_starts(path, "/..");

    return str_concat(mount_point,
                      is_below && !str_eq(path + n, "/") ? path + n : "");
}

static unsigned
least(unsigned a, unsigned b)
{
    return a == 0 || (b > 0 && b < a) ? b : a;
}

/* A quota of a group counts for all below it. */
static unsigned
quota_upwards(const char *root, const char *mount_point, char *dir,
              bool is_v2)
{
    size_t top = strlen(mount_point);
    unsigned cpus = 0;

    for (;;) {
        cpus = least(cpus, is_v2 ? quota_of_v2(root, dir)
                                 : quota_of_v1(root, dir));
        if (strlen(dir) <= top) {
            return cpus;
        }
        *strrchr(dir, '/') = '\0';
    }
}

static unsigned
quota_of_hierarchy(const char *root, const char *groups,
                   const char *mount_root, const char *mount_point,
                   bool is_v2)
{
    AUTO_FREE char *path = our_path(groups, is_v2);
    AUTO_FREE char *dir =
        path ? our_folder(mount_root, mount_point, path) : NULL;

    return dir ? quota_upwards(root, mount_point, dir, is_v2) : 0;
}

/* One line of mountinfo, whose optional fields end with "-". */
static unsigned
quota_of_mount(const char *root, const char *groups, char *line)
{
    char *options = strstr(line, " - ");
    char *fields[MOUNT_POINT + 1] = { NULL };
    const char *kind;
    bool is_v2;

    if (!options) {
        return 0;
    }
    *options = '\0';
    options += strlen(" - ");
    kind = strsep(&options, " ");
    (void) strsep(&options, " ");       /* The source. */
    is_v2 = str_eq(kind, "cgroup2");
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        fields[i] = strsep(&line, " ");
    }
    return fields[MOUNT_POINT] &&
                   (is_v2 || (str_eq(kind, "cgroup") && options &&
                              has_word(options, "cpu")))
               ? quota_of_hierarchy(root, groups, fields[MOUNT_ROOT],
                                    fields[MOUNT_POINT], is_v2)
               : 0;
}

unsigned
cgroup_cpus(const char *root)
{
    AUTO_FREE char *groups = read_text(root, "/proc/self/cgroup", 65536);
    AUTO_FREE char *mounts =
        read_text(root, "/proc/self/mountinfo", (size_t) 1 << 20);
    char *rest = mounts, *line;
    unsigned cpus = 0;

    while (groups && (line = strsep(&rest, "\n"))) {
        cpus = least(cpus, quota_of_mount(root, groups, line));
    }
    return cpus;
}
