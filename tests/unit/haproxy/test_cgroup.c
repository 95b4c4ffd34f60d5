#include "tests/unit/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "haproxy/cgroup.h"
#include "haproxy/files.h"
#include "lib/base/mem.h"

#define V1_MOUNT "117 116 0:29 %s /sys/fs/cgroup/cpu,cpuacct ro,relatime - " \
                 "cgroup cgroup rw,cpu,cpuacct\n"
#define V2_MOUNT "31 23 0:28 %s /sys/fs/cgroup rw,relatime shared:9 - " \
                 "cgroup2 cgroup2 rw,nsdelegate\n"
#define OTHERS "30 1 0:27 / /proc rw - proc proc rw\n" \
               "118 116 0:30 / /sys/fs/cgroup/cpuset rw - cgroup cgroup " \
               "rw,cpuset\n"
#define V1 "/sys/fs/cgroup/cpu,cpuacct"
#define V2 "/sys/fs/cgroup"

/* What the folder holds: what /proc says of us, then quotas by group. */
static const struct row {
    const char *name;
    const char *groups;
    const char *mount_format, *mount_root;
    struct {
        const char *path, *text;
    } files[5];
    unsigned want;
} rows[] = {
    { "nothing is mounted", "0::/\n", "", "", { { NULL, NULL } }, 0 },
    { "v2: of our namespace", "0::/\n", V2_MOUNT, "/",
      { { V2 "/cpu.max", "150000 100000\n" } }, 2 },
    { "v2: no quota", "0::/\n", V2_MOUNT, "/",
      { { V2 "/cpu.max", "max 100000\n" } }, 0 },
    { "v2: a service of the host", "0::/system.slice/a.service\n", V2_MOUNT,
      "/", { { V2 "/system.slice/a.service/cpu.max", "300000 100000\n" } },
      3 },
    { "v2: the group above has less", "0::/a/b\n", V2_MOUNT, "/",
      { { V2 "/a/b/cpu.max", "400000 100000\n" },
        { V2 "/a/cpu.max", "50000 100000\n" } }, 1 },
    { "v2: only the group above has one", "0::/a/b\n", V2_MOUNT, "/",
      { { V2 "/a/b/cpu.max", "max 100000\n" },
        { V2 "/a/cpu.max", "200000 100000\n" } }, 2 },
    { "v2: above what is mounted", "0::/../x\n", V2_MOUNT, "/",
      { { V2 "/cpu.max", "200000 100000\n" } }, 2 },
    { "v1: a container with the host's paths",
      "4:memory:/docker/m\n1:cpu,cpuacct:/docker/a\n0::/docker/a\n", V1_MOUNT,
      "/docker/a",
      { { V1 "/cpu.cfs_quota_us", "250000\n" },
        { V1 "/cpu.cfs_period_us", "100000\n" } }, 3 },
    { "v1: a container with a namespace", "1:cpu,cpuacct:/\n", V1_MOUNT, "/",
      { { V1 "/cpu.cfs_quota_us", "100000\n" },
        { V1 "/cpu.cfs_period_us", "100000\n" } }, 1 },
    { "v1: no quota", "1:cpu,cpuacct:/\n", V1_MOUNT, "/",
      { { V1 "/cpu.cfs_quota_us", "-1\n" },
        { V1 "/cpu.cfs_period_us", "100000\n" } }, 0 },
    { "v1: the pod's group has it, the container's none",
      "1:cpu,cpuacct:/kubepods/pod/c\n", V1_MOUNT, "/",
      { { V1 "/kubepods/pod/c/cpu.cfs_quota_us", "-1\n" },
        { V1 "/kubepods/pod/c/cpu.cfs_period_us", "100000\n" },
        { V1 "/kubepods/pod/cpu.cfs_quota_us", "400000\n" },
        { V1 "/kubepods/pod/cpu.cfs_period_us", "100000\n" } }, 4 },
    { "v1: our group is not below what is mounted",
      "1:cpu,cpuacct:/docker/ab\n", V1_MOUNT, "/docker/a",
      { { V1 "/cpu.cfs_quota_us", "100000\n" },
        { V1 "/cpu.cfs_period_us", "100000\n" } }, 1 },
    { "v1: we are in no group of that kind", "2:cpuset:/\n", V1_MOUNT, "/",
      { { V1 "/cpu.cfs_quota_us", "100000\n" },
        { V1 "/cpu.cfs_period_us", "100000\n" } }, 0 },
    { "v1: a file is missing", "1:cpu,cpuacct:/\n", V1_MOUNT, "/",
      { { V1 "/cpu.cfs_quota_us", "100000\n" } }, 0 },
    { "nonsense", "\n:\n::\n0:\n", "x\n - \n1 2 3 / - cgroup2\n%s\n", "-",
      { { V2 "/cpu.max", "100000\n" } }, 0 },
};

/* With all folders above it. */
static void
put(const char *root, const char *path, const char *text)
{
    AUTO_FREE char *full = xasprintf("%s%s", root, path);

    for (char *p = full + strlen(root) + 1; (p = strchr(p, '/')); p++) {
        *p = '\0';
        (void) mkdir(full, 0700);
        *p = '/';
    }
    assert_null(files_put(full, text, strlen(text)));
}

static void
remove_all(char *dir)
{
    char rm[] = "rm", flag[] = "-r";
    char *const argv[] = { rm, flag, dir, NULL };
    pid_t pid = fork();

    if (pid == 0) {
        execv("/bin/rm", argv);
        _exit(1);
    }
    (void) waitpid(pid, NULL, 0);
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static void
check_row(void **state)
{
    const struct row *row = *state;
    char root[] = "/tmp/sp-unit-XXXXXX";
    AUTO_FREE char *mount = xasprintf(row->mount_format, row->mount_root);
    AUTO_FREE char *mounts = xasprintf(OTHERS "%s", mount);
    unsigned got;

    assert_non_null(mkdtemp(root));
    put(root, "/proc/self/cgroup", row->groups);
    put(root, "/proc/self/mountinfo", mounts);
    for (size_t i = 0; i < ARRAY_SIZE(row->files) && row->files[i].path; i++) {
        put(root, row->files[i].path, row->files[i].text);
    }
    got = cgroup_cpus(root);
    remove_all(root);
    assert_int_equal(got, row->want);
}
#pragma GCC diagnostic pop

TABLE_MAIN("cgroup", rows, check_row)
