#include "auth/nonces.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/digest_raw.h"
#include "lib/base/map.h"
#include "lib/base/mem.h"

#define HEAD_SIZE 32        /* Hex: time of birth and chance. */
#define MAC_BYTES 16

struct nonce {
    char text[NONCE_SIZE];
    int64_t born_ms;
    uint32_t highest;       /* Count seen. */
    uint64_t seen;          /* Bit i: highest - i. */
};

struct nonces {
    struct map *known;      /* Text to struct nonce. */
    struct nonce *ring;     /* By first use, NONCES_MAX; NULL until used. */
    size_t next;
    int64_t floor_ms;       /* Unknown ones born up to then are stale. */
};

struct nonces *
nonces_new(int64_t now_ms)
{
    struct nonces *n = xcalloc(1, sizeof *n);

    n->known = map_new();
    n->floor_ms = now_ms - 1;
    return n;
}

void
nonces_free(struct nonces *n)
{
    if (n) {
        map_free(n->known, NULL);
        free(n->ring);
        free(n);
    }
}

static void
put_mac(const unsigned char *key, size_t key_size, const char *context,
        const char *head, char out[2 * MAC_BYTES + 1])
{
    AUTO_BUF struct buf text = BUF_OWN;
    unsigned char mac[DIGEST_HMAC_SIZE];

    buf_put(&text, head, HEAD_SIZE);
    buf_puts(&text, context);
    digest_hmac(key, key_size, text.data, text.size, mac);
    digest_put_hex(mac, MAC_BYTES, out);
}

void
nonce_make(const unsigned char *key, size_t key_size, const char *context,
           int64_t now_ms, char out[NONCE_SIZE])
{
    uint64_t chance;

    digest_random(&chance, sizeof chance);
    snprintf(out, NONCE_SIZE, "%016" PRIx64 "%016" PRIx64, (uint64_t) now_ms,
             chance);
    put_mac(key, key_size, context, out, out + HEAD_SIZE);
}

/* 16 hex digits. */
static bool
read_hex(const char *s, uint64_t *out)
{
    *out = 0;
    for (size_t i = 0; i < 16; i++) {
        const char *at = s[i] ? strchr("0123456789abcdef", s[i]) : NULL;

        if (!at) {
            return false;
        }
        *out = *out << 4 | (uint64_t) (at - "0123456789abcdef");
    }
    return true;
}

bool
nonce_read(const unsigned char *key, size_t key_size, const char *context,
           const char *nonce, int64_t *born_ms)
{
    char mac[2 * MAC_BYTES + 1];
    uint64_t born;

    if (strlen(nonce) != NONCE_SIZE - 1 || !read_hex(nonce, &born)) {
        return false;
    }
    put_mac(key, key_size, context, nonce, mac);
    *born_ms = (int64_t) born;
    return digest_equal(mac, nonce + HEAD_SIZE, 2 * MAC_BYTES);
}

/* In the place of the one that was used first. */
static struct nonce *
remember(struct nonces *n, const char *text, int64_t born_ms)
{
    struct nonce *nonce;

    if (!n->ring) {
        n->ring = xcalloc(NONCES_MAX, sizeof *n->ring);
    }
    nonce = &n->ring[n->next];
    n->next = (n->next + 1) % NONCES_MAX;
    if (nonce->text[0] != '\0') {
        map_remove(n->known, nonce->text);
        n->floor_ms = nonce->born_ms > n->floor_ms ? nonce->born_ms
                                                   : n->floor_ms;
    }
    *nonce = (struct nonce) { .born_ms = born_ms };
    memcpy(nonce->text, text, NONCE_SIZE);
    map_put(n->known, text, nonce);
    return nonce;
}

static bool
take_count(struct nonce *nonce, uint32_t count)
{
    uint32_t behind;

    if (count > nonce->highest) {
        uint32_t ahead = count - nonce->highest;

        nonce->seen = ahead < NONCES_WINDOW ? nonce->seen << ahead : 0;
        nonce->seen |= 1;
        nonce->highest = count;
        return true;
    }
    behind = nonce->highest - count;
    if (behind >= NONCES_WINDOW || (nonce->seen >> behind & 1)) {
        return false;
    }
    nonce->seen |= (uint64_t) 1 << behind;
    return true;
}

bool
nonces_take(struct nonces *n, const char *text, int64_t born_ms,
            uint32_t count, int64_t now_ms)
{
    struct nonce *nonce = map_get(n->known, text);

    if (count == 0 || born_ms > now_ms || now_ms - born_ms > NONCES_MS) {
        return false;
    }
    if (!nonce) {
        if (born_ms <= n->floor_ms) {
            return false;
        }
        nonce = remember(n, text, born_ms);
    }
    return take_count(nonce, count);
}
