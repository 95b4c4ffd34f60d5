/* manifest_watch: inotify over the folders of a scan.
 *
 * Tells that something may have changed, and which files somebody is in the
 * middle of writing: those are left alone until they are closed (or for
 * MANIFEST_WRITE_MS), so that half a file is never taken for the whole.
 * Where inotify does not work (too many watches), the caller's polling is all
 * there is.  Not locked.
 */
#ifndef KUBE_MANIFEST_WATCH_H
#define KUBE_MANIFEST_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/waits.h"

#define MANIFEST_WRITE_MS 4000

struct manifest_watch;

struct manifest_watch *manifest_watch_new(void) MUST_USE RETURNS_NONNULL;
void manifest_watch_free(struct manifest_watch *);

/* Around a scan: begin, add every folder before it is read, end; folders
 * that were not added again are let go.  "" is the working directory, whose
 * files have paths without a slash. */
void manifest_watch_begin(struct manifest_watch *);
void manifest_watch_add(struct manifest_watch *, const char *folder);
void manifest_watch_end(struct manifest_watch *);
/* True where a folder of the last scan is not watched. */
bool manifest_watch_is_blind(const struct manifest_watch *);

/* Reads what happened; true where anything did.  '*is_whole' is set where a
 * name was renamed into place: what it names is complete. */
bool manifest_watch_drain(struct manifest_watch *, int64_t now_ms,
                          bool *is_whole);
/* True while 'path' is being written. */
bool manifest_watch_is_busy(struct manifest_watch *, const char *path,
                            int64_t now_ms);
void manifest_watch_wait(const struct manifest_watch *, struct waits *);

#endif /* KUBE_MANIFEST_WATCH_H */
