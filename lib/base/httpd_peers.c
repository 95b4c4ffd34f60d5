#include "lib/base/httpd_peers.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/base/clock.h"

void
peers_init(struct peers *p)
{
    pthread_mutex_init(&p->lock, NULL);
    p->first = NULL;
}

void
peers_fini(struct peers *p)
{
    pthread_mutex_destroy(&p->lock);
}

static void
read_address(const struct sockaddr *from, unsigned char out[16])
{
    static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };

    memset(out, 0, 16);
    if (from && from->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;

        memcpy(&in6, from, sizeof in6);
        memcpy(out, &in6.sin6_addr, 16);
    } else if (from && from->sa_family == AF_INET) {
        struct sockaddr_in in;

        memcpy(&in, from, sizeof in);
        memcpy(out, mapped, sizeof mapped);
        memcpy(out + sizeof mapped, &in.sin_addr, 4);
    }
}

void
peers_add(struct peers *p, struct peer *peer, int fd,
          const struct sockaddr *from)
{
    *peer = (struct peer) { .fd = fd, .since_ms = clock_ms() };
    read_address(from, peer->address);
    pthread_mutex_lock(&p->lock);
    peer->next = p->first;
    if (p->first) {
        p->first->before = peer;
    }
    p->first = peer;
    pthread_mutex_unlock(&p->lock);
}

void
peers_remove(struct peers *p, struct peer *peer)
{
    pthread_mutex_lock(&p->lock);
    *(peer->before ? &peer->before->next : &p->first) = peer->next;
    if (peer->next) {
        peer->next->before = peer->before;
    }
    pthread_mutex_unlock(&p->lock);
}

/* What all connections of the peer's address have promised. */
static size_t
promised_by(const struct peers *p, const struct peer *peer)
{
    size_t sum = 0;

    for (const struct peer *other = p->first; other; other = other->next) {
        if (memcmp(other->address, peer->address, 16) == 0) {
            sum += other->promised;
        }
    }
    return sum;
}

bool
peers_begin(struct peers *p, struct peer *peer, size_t size, size_t max)
{
    bool is_good = true;

    pthread_mutex_lock(&p->lock);
    peer->is_busy = true;
    peer->since_ms = clock_ms();
    peer->begun_ms = 0;
    if (size > 0) {
        peer->promised = size;
        is_good = promised_by(p, peer) <= max;
    }
    pthread_mutex_unlock(&p->lock);
    return is_good;
}

void
peers_give_back(struct peers *p, struct peer *peer)
{
    pthread_mutex_lock(&p->lock);
    peer->promised = 0;
    pthread_mutex_unlock(&p->lock);
}

void
peers_end(struct peers *p, struct peer *peer)
{
    pthread_mutex_lock(&p->lock);
    peer->is_busy = false;
    peer->since_ms = clock_ms();
    peer->begun_ms = 0;
    peer->promised = 0;
    pthread_mutex_unlock(&p->lock);
}

void
peers_cut(const struct peer *peer)
{
    shutdown(peer->fd, SHUT_RDWR);
}

/* Milliseconds since something came from it. */
static int64_t
silence_of(const struct peer *peer)
{
    struct tcp_info info = { .tcpi_last_data_recv = UINT32_MAX };
    socklen_t size = sizeof info;

    if (getsockopt(peer->fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0) {
        return INT64_MAX;
    }
    return info.tcpi_last_data_recv;
}

/* An idle connection has sent nothing for long; one that is about to ask may
 * be met in the middle of it, once.  The sweep that first meets a head takes
 * the time, a later one ends it. */
static bool
is_dripping(struct peer *peer, int64_t now_ms, int64_t head_ms)
{
    const int64_t waited_ms = now_ms - peer->since_ms;

    if (peer->begun_ms != 0) {
        return now_ms - peer->begun_ms >= head_ms;
    }
    if (waited_ms >= head_ms && waited_ms - head_ms >= silence_of(peer)) {
        peer->begun_ms = now_ms;
    }
    return false;
}

size_t
peers_sweep(struct peers *p, int64_t head_ms, int64_t request_ms)
{
    const int64_t now_ms = clock_ms();
    size_t n = 0;

    pthread_mutex_lock(&p->lock);
    for (struct peer *peer = p->first; peer; peer = peer->next) {
        if (peer->is_busy ? now_ms - peer->since_ms >= request_ms
                          : is_dripping(peer, now_ms, head_ms)) {
            peers_cut(peer);
            n++;
        }
    }
    pthread_mutex_unlock(&p->lock);
    return n;
}
