#include "lib/base/httpd_send.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"

#define MODULE "httpd"
/* A body of no more bytes is kept back.  Whoever has read its earlier answers
 * has room for so much: sending does not have to wait. */
#define MAX_HELD ((size_t) 4096)

static void
put_header(struct MHD_Response *response, const char *name,
           const char *value)
{
    if (value && MHD_add_response_header(response, name, value) != MHD_YES) {
        log_error(MODULE, NULL, "cannot add header %s", name);
    }
}

static ssize_t
read_body(void *body, uint64_t at, char *out, size_t room)
{
    memcpy(out, (const char *) body + at, room);
    return (ssize_t) room;
}

/* libmicrohttpd corks the socket for a short body that it has from the
 * beginning, and a corked socket would keep the record for a while; a body
 * that it is to ask for it sends without. */
static struct MHD_Response *
make_response(char *body, size_t size, bool is_held)
{
    return is_held ? MHD_create_response_from_callback(size, size, read_body,
                                                       body, free)
                   : MHD_create_response_from_buffer(size, body,
                                                     MHD_RESPMEM_MUST_FREE);
}

/* The session of a connection; NULL: it has no TLS. */
static gnutls_session_t
session_of(struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);

    return info ? info->tls_session : NULL;
}

enum MHD_Result
httpd_send(struct MHD_Connection *mhd, struct httpd_response *answer,
           bool is_last, gnutls_session_t *held)
{
    size_t size = answer->body.size;
    gnutls_session_t session = NULL;
    struct MHD_Response *response;
    enum MHD_Result result;

    if (answer->body.overflowed) {
        answer->status = 500;
        size = 0;
    }
    if (held && size > 0 && size <= MAX_HELD) {
        session = session_of(mhd);
    }
    response = make_response(buf_take(&answer->body), size, session != NULL);
    if (!response) {
        return MHD_NO;
    }
    put_header(response, "Content-Type", answer->content_type);
    put_header(response, "Retry-After", answer->retry_after);
    put_header(response, "Allow", answer->allow);
    put_header(response, "Connection", is_last ? "close" : NULL);
    if (session) {
        gnutls_record_cork(session);
        *held = session;
    }
    result = MHD_queue_response(mhd, answer->status, response);
    MHD_destroy_response(response);
    return result;
}

bool
httpd_send_held(gnutls_session_t *held)
{
    gnutls_session_t session = *held;
    int code;

    if (!session) {
        return true;
    }
    *held = NULL;
    do {
        code = gnutls_record_uncork(session, 0);
    } while (code == GNUTLS_E_INTERRUPTED);
    return code >= 0;
}
