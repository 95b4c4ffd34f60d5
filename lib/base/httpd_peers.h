/* httpd_peers: who is connected, and what one of them may take; httpd.c's.
 *
 * A server's idle timeout begins anew with every byte, so that a client who
 * sends one now and then holds its connection for ever.  Here the time of a
 * head counts as a whole: peers_sweep() shuts down connections whose head has
 * begun and does not end, and those whose request takes far too long.  One
 * address may promise only so many bytes of bodies.
 *
 * Ownership: a peer is part of the caller's connection.  Any thread.
 * Source: tcp(7), TCP_INFO.
 */
#ifndef BASE_HTTPD_PEERS_H
#define BASE_HTTPD_PEERS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sockaddr;

struct peer {
    struct peer *next, *before;
    int fd;
    unsigned char address[16];  /* IPv4 as mapped into IPv6. */
    int64_t since_ms;           /* When its head or request began. */
    int64_t begun_ms;           /* A head was seen to drip; 0: none. */
    size_t promised;            /* Bytes of the running request's body. */
    bool is_busy;               /* From the end of a head to its answer. */
};

struct peers {
    pthread_mutex_t lock;       /* Guards all below, and each peer. */
    struct peer *first;
};

void peers_init(struct peers *);
void peers_fini(struct peers *);    /* All peers must be gone. */

/* Between the two 'fd' is open. */
void peers_add(struct peers *, struct peer *, int fd,
               const struct sockaddr *);
void peers_remove(struct peers *, struct peer *);

/* A request of 'size' bytes of body; false where its address would promise
 * more than 'max'.  peers_end() follows either way. */
bool peers_begin(struct peers *, struct peer *, size_t size, size_t max);
/* Its body is no longer held. */
void peers_give_back(struct peers *, struct peer *);
void peers_end(struct peers *, struct peer *);

/* Nothing comes from it or goes to it any more. */
void peers_cut(const struct peer *);

/* A head that drips for 'head_ms' ends twice that after it began at the
 * latest, a request after 'request_ms'.  Returns how many were shut down. */
size_t peers_sweep(struct peers *, int64_t head_ms, int64_t request_ms);

#endif /* BASE_HTTPD_PEERS_H */
