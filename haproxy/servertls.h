/* servertls: under which options HAProxy speaks TLS to servers, as one text.
 *
 * The text has the words of "add server" behind "ssl", with the file id of a
 * certificate or authority in place of its path, and is named by a number
 * made of it.  A server carries the number in its own name, since nothing can
 * change these options and no report of HAProxy tells them; the map
 * "server-tls" has the text under the number.  Pure; any thread.
 */
#ifndef HAPROXY_SERVERTLS_H
#define HAPROXY_SERVERTLS_H

#include <stdbool.h>
#include <stdint.h>

#include "haproxy/plan.h"
#include "lib/base/buf.h"
#include "lib/base/compiler.h"

/* The text, the caller's to free; NULL where a word of it is none, so that
 * no server may be spoken to under it. */
char *servertls_words(const struct plan_server_tls *) MUST_USE;

/* Never 0. */
uint64_t servertls_id(const char *words);
/* The key of the map for a number, and back; 0: it is none. */
#define SERVERTLS_KEY_SIZE 17
void servertls_key(uint64_t id, char out[SERVERTLS_KEY_SIZE]);
uint64_t servertls_parse(const char *key);

/* Whether the text names this file id. */
bool servertls_names(const char *words, const char *file_id);
/* The file ids that it names: for 'each' of them. */
void servertls_each(const char *words,
                    void (*each)(const char *file_id, void *aux), void *aux);
/* Appends the words as HAProxy wants them, with paths. */
void servertls_write(struct buf *out, const char *run_dir,
                     const char *words);

#endif /* HAPROXY_SERVERTLS_H */
