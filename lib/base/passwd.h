/* passwd: files of users as htpasswd and htdigest write them.
 *
 *     basic     USER:HASH[:anything]
 *     digest    USER:REALM:HA1      32 hex digits (MD5) or 64 (SHA-256)
 *
 * Says of every line whether it can be used and why not; knows which hashes
 * there are and how costly each may be, but verifies none (auth/verify.h).
 * Whoever makes tables and whoever reads them ask this one module.
 *
 * Nothing is copied: pieces point into the text.  Pure; any thread.
 * Source: htpasswd(1), htdigest(1), crypt(5).
 */
#ifndef BASE_PASSWD_H
#define BASE_PASSWD_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/compiler.h"

#define PASSWD_USER_MAX 255     /* Bytes. */
#define PASSWD_REALM_MAX 255
#define PASSWD_HASH_MAX 255
#define PASSWD_SECRET_MAX 512   /* Bytes of a password; crypt(3)'s own. */
#define PASSWD_USERS_MAX 10000  /* Of one file. */

enum passwd_hash {
    PASSWD_CRYPT,               /* crypt(3) verifies it. */
    PASSWD_APR1,
    PASSWD_SHA,                 /* {SHA} */
    PASSWD_SSHA,                /* {SSHA} */
};

struct passwd_line {
    unsigned number;            /* From 1. */
    const char *user, *realm, *hash;    /* 'realm' of digest only. */
    size_t user_size, realm_size, hash_size;
    enum passwd_hash kind;      /* Of basic only. */
    bool is_weak;               /* A hash that is quickly guessed. */
    const char *problem;        /* NULL: usable; else end of a sentence. */
};

/* The next line that is neither empty nor a comment; false: no more.  '*at'
 * begins as {0}. */
struct passwd_at {
    size_t offset;
    unsigned number;
};
bool passwd_next(const char *text, size_t size, bool is_digest,
                 struct passwd_at *at, struct passwd_line *out) MUST_USE;

/* Judges one hash of 'size' bytes; NULL: usable. */
const char *passwd_check(const char *hash, size_t size,
                         enum passwd_hash *kind, bool *is_weak);
/* Can 'user' be a user's name?  NULL: yes. */
const char *passwd_check_user(const char *user, size_t size);

#endif /* BASE_PASSWD_H */
