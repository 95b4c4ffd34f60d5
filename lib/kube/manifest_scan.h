/* manifest_scan: which manifest files a path means, and their bytes.
 *
 * Only the file system is asked here; nothing is kept.  Any thread.
 */
#ifndef KUBE_MANIFEST_SCAN_H
#define KUBE_MANIFEST_SCAN_H

#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/vec.h"
#include "lib/kube/manifests.h"

/* What tells that a file is another one now. */
struct manifest_stamp {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec modified;
    struct timespec changed;
};

struct manifest_scan {
    VEC(char *) files;      /* In order of names. */
    VEC(char *) blind;      /* Folders that could not be read. */
    /* Called before a folder is read, so that what changes after is seen. */
    void (*enter)(const char *folder, void *aux);
    void *aux;
};
void manifest_scan_fini(struct manifest_scan *);

/* Finds the files under 'path', which may be a file itself.  Fails only
 * where 'path' cannot be read; of what is inside, problems are added. */
struct err *manifest_scan(struct manifest_scan *, const char *path,
                          struct manifests_problems *) MUST_USE;

/* The stamp of 'path'; false where there is no regular file. */
bool manifest_stamp(const char *path, struct manifest_stamp *out);
bool manifest_stamp_equal(const struct manifest_stamp *,
                          const struct manifest_stamp *);

/* Reads a regular file, at most YAML_MAX_SIZE.  '*stamp' is as it was before
 * the first byte was read.  ERR_GONE: it is not there (any more). */
struct err *manifest_read_file(const char *path, struct manifest_stamp *stamp,
                               struct buf *out) MUST_USE;
/* Reads a descriptor, a pipe perhaps, to its end; may block. */
struct err *manifest_read_all(int fd, struct buf *out) MUST_USE;

#endif /* KUBE_MANIFEST_SCAN_H */
