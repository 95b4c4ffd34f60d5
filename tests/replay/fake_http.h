/* fake_http: http.h over the scripted API server of fake_api.h.
 *
 * Linked instead of lib/kube/http.c.  A request is answered in the turn
 * after it was sent; watches bring what changed, cut in two anywhere, end at
 * their timeoutSeconds and carry a bookmark a minute.
 */
#ifndef TESTS_REPLAY_FAKE_HTTP_H
#define TESTS_REPLAY_FAKE_HTTP_H

#include <stdbool.h>

/* Of the watches of one kind, or of all (FAKE_ANY). */
void fake_http_cut(int kind);           /* The connection breaks. */
void fake_http_end(int kind);           /* The server ends them. */
void fake_http_inject(int kind, const char *line);
void fake_http_bookmark(int kind);

/* Open watches. */
unsigned fake_http_n_watches(void);

#endif /* TESTS_REPLAY_FAKE_HTTP_H */
