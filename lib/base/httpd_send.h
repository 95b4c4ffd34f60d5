/* httpd_send: an answer's way to libmicrohttpd, and over TLS into one record.
 *
 * libmicrohttpd hands the head of an answer and its body to GnuTLS one after
 * the other, and each would be sealed, sent and read for itself.  So GnuTLS
 * keeps a short answer back until all of it is there.  Private to httpd.c.
 * The connection's thread.
 */
#ifndef BASE_HTTPD_SEND_H
#define BASE_HTTPD_SEND_H

#include <stdbool.h>

#include <gnutls/gnutls.h>
#include <microhttpd.h>

#include "lib/base/httpd.h"

/* Queues an answer and takes its body.  '*held' becomes the session that keeps
 * it back, if one does: then httpd_send_held() is called when libmicrohttpd
 * has completed the request.  'held' may be NULL: nothing is kept back. */
enum MHD_Result httpd_send(struct MHD_Connection *,
                           struct httpd_response *answer, bool is_last,
                           gnutls_session_t *held);

/* Sends what '*held' keeps back, where it is not NULL, and makes it NULL.
 * False where that cannot be: the connection has to end. */
bool httpd_send_held(gnutls_session_t *held);

#endif /* BASE_HTTPD_SEND_H */
