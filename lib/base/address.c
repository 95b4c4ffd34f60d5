#include "lib/base/address.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/base/compiler.h"

/* The first 'bits' of 'bytes'. */
struct block {
    uint8_t bytes[12];
    unsigned bits;
    enum address_scope scope;
};

static const struct block blocks4[] = {
    { { 0 }, 8, ADDRESS_LOCAL },                /* This network. */
    { { 10 }, 8, ADDRESS_PRIVATE },
    { { 100, 64 }, 10, ADDRESS_PRIVATE },       /* Shared (CGNAT). */
    { { 127 }, 8, ADDRESS_LOCAL },
    { { 168, 63, 129, 16 }, 32, ADDRESS_LOCAL },    /* Azure's own. */
    { { 169, 254 }, 16, ADDRESS_LOCAL },
    { { 172, 16 }, 12, ADDRESS_PRIVATE },
    { { 192, 0, 0 }, 24, ADDRESS_PRIVATE },     /* Of protocols. */
    { { 192, 0, 2 }, 24, ADDRESS_PRIVATE },     /* Documentation. */
    { { 192, 31, 196 }, 24, ADDRESS_PRIVATE },  /* AS112. */
    { { 192, 52, 193 }, 24, ADDRESS_PRIVATE },  /* AMT. */
    { { 192, 88, 99 }, 24, ADDRESS_PRIVATE },   /* 6to4 relays. */
    { { 192, 168 }, 16, ADDRESS_PRIVATE },
    { { 192, 175, 48 }, 24, ADDRESS_PRIVATE },  /* AS112. */
    { { 198, 18 }, 15, ADDRESS_PRIVATE },       /* Benchmarks. */
    { { 198, 51, 100 }, 24, ADDRESS_PRIVATE },  /* Documentation. */
    { { 203, 0, 113 }, 24, ADDRESS_PRIVATE },   /* Documentation. */
    { { 224 }, 3, ADDRESS_LOCAL },      /* Multicast, reserved, broadcast. */
};

/* What is not here and not in 2000::/3 is private: nobody has it. */
static const struct block blocks6[] = {
    { { 0 }, 64, ADDRESS_LOCAL },       /* ::, ::1, mapped, compatible. */
    { { 0xfe, 0x80 }, 10, ADDRESS_LOCAL },
    { { 0xff }, 8, ADDRESS_LOCAL },
    { { 0x20, 0x01, 0x00 }, 23, ADDRESS_PRIVATE },  /* Of protocols, Teredo. */
    { { 0x20, 0x01, 0x0d, 0xb8 }, 32, ADDRESS_PRIVATE },    /* Documents. */
    { { 0x20, 0x02 }, 16, ADDRESS_PRIVATE },        /* 6to4. */
    { { 0x26, 0x20, 0x00, 0x4f, 0x80, 0x00 }, 48, ADDRESS_PRIVATE },
    { { 0x3f, 0xff, 0x00 }, 20, ADDRESS_PRIVATE },  /* Documentation. */
    { { 0x20 }, 3, ADDRESS_PUBLIC },
};

static bool
is_in(const uint8_t *bytes, const struct block *block)
{
    const unsigned whole = block->bits / 8, rest = block->bits % 8;
    const unsigned mask = rest ? 0xffU << (8 - rest) & 0xffU : 0;

    return memcmp(bytes, block->bytes, whole) == 0 &&
           (!rest || ((bytes[whole] ^ block->bytes[whole]) & mask) == 0);
}

static enum address_scope
find(const uint8_t *bytes, const struct block *blocks, size_t n,
     enum address_scope otherwise)
{
    for (size_t i = 0; i < n; i++) {
        if (is_in(bytes, &blocks[i])) {
            return blocks[i].scope;
        }
    }
    return otherwise;
}

enum address_scope
address_scope(const uint8_t *bytes, size_t size)
{
    /* Who has only IPv6 reaches IPv4 through it. */
    static const uint8_t nat64[12] = { 0x00, 0x64, 0xff, 0x9b };

    if (size == 4) {
        return find(bytes, blocks4, ARRAY_SIZE(blocks4), ADDRESS_PUBLIC);
    }
    if (memcmp(bytes, nat64, sizeof nat64) == 0) {
        return address_scope(bytes + sizeof nat64, 4);
    }
    return find(bytes, blocks6, ARRAY_SIZE(blocks6), ADDRESS_PRIVATE);
}

/* The address inside, NULL: none. */
static const uint8_t *
bytes_of(const struct sockaddr *socket, size_t length, size_t *size)
{
    if (socket->sa_family == AF_INET && length >= sizeof(struct sockaddr_in)) {
        *size = 4;
        return (const uint8_t *) &((const struct sockaddr_in *)
                                   (const void *) socket)->sin_addr;
    }
    if (socket->sa_family == AF_INET6 &&
        length >= sizeof(struct sockaddr_in6)) {
        *size = 16;
        return (const uint8_t *) &((const struct sockaddr_in6 *)
                                   (const void *) socket)->sin6_addr;
    }
    return NULL;
}

enum address_scope
address_scope_of(const struct sockaddr *socket, size_t length)
{
    size_t size = 0;
    const uint8_t *bytes = bytes_of(socket, length, &size);

    return bytes ? address_scope(bytes, size) : ADDRESS_LOCAL;
}
