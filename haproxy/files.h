/* files: RUN as HAProxy reads it when it starts.
 *
 * Every file is written beside its name and renamed over it, so that a
 * HAProxy that starts at any moment reads whole files; the order of the calls
 * (certificates, crt-list, haproxy.cfg, policies, routes) keeps what one file
 * names in place before it is named.  Only the very first haproxy.cfg comes
 * last: nobody starts HAProxy without it.  Keys are secret: RUN is 0700 and
 * what lies in it 0600.
 */
#ifndef HAPROXY_FILES_H
#define HAPROXY_FILES_H

#include "haproxy/model.h"
#include "lib/base/buf.h"
#include "lib/base/err.h"

/* RUN, RUN/maps, RUN/certs and RUN/lua. */
struct err *files_prepare(const char *run_dir) MUST_USE;

/* Writes 'path' whole: new file, fsync, rename. */
struct err *files_put(const char *path, const void *data, size_t size)
    MUST_USE;
/* The same with these permissions in place of 0600. */
struct err *files_put_mode(const char *path, const void *data, size_t size,
                           unsigned mode) MUST_USE;
/* Reads a small file whole; ERR_GONE where it is not there. */
struct err *files_get(const char *path, size_t limit, struct buf *out)
    MUST_USE;
/* Whether 'path' still names the file that is open as 'fd'. */
bool files_is_at(int fd, const char *path);

struct err *files_put_map(const char *run_dir, const struct model *,
                          enum model_map) MUST_USE;
struct err *files_put_list(const char *run_dir, const struct model *,
                           enum plan_table) MUST_USE;

/* The certificates whose text the model has and 'written' (file id to
 * digest, kept by the caller) does not show as written. */
struct err *files_put_certs(const char *run_dir, const struct model *,
                            struct map *written) MUST_USE;
/* A certificate by itself, with its response (pem.h) in a file beside it. */
struct err *files_put_cert(const char *run_dir, const char *id,
                           const struct buf *pem) MUST_USE;
/* But for lines whose certificate could not be written. */
struct err *files_put_crt_list(const char *run_dir, const struct model *)
    MUST_USE;
/* Removes certificates that the model has not (any more), and keys that it has
 * only since HAProxy cannot let go of them. */
void files_drop_certs(const char *run_dir, const struct model *,
                      struct map *written);

/* The scripts of this program; those of others stay until the running HAProxy
 * is known to run this one. */
struct err *files_put_scripts(const char *run_dir) MUST_USE;
void files_drop_scripts(const char *run_dir);

/* A map that HAProxy itself fills (unanswered.h), empty where it is not there
 * yet: it must be when HAProxy starts. */
struct err *files_put_unanswered(const char *run_dir) MUST_USE;

/* Names as HAProxy knows them; the caller's to free. */
char *files_map(const char *run_dir, const char *map)
    MUST_USE RETURNS_NONNULL;
char *files_cert(const char *run_dir, const char *id)
    MUST_USE RETURNS_NONNULL;
/* Where its response is, if there is one. */
char *files_response(const char *run_dir, const char *id)
    MUST_USE RETURNS_NONNULL;
/* The file id in the name of a certificate file, NULL: not one of ours; the
 * caller's to free. */
char *files_cert_id(const char *run_dir, const char *path) MUST_USE;

#endif /* HAPROXY_FILES_H */
