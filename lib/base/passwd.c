#include "lib/base/passwd.h"

#include <stdint.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"

/* What one verification may cost: about a second of one core. */
#define BCRYPT_COST_MAX 14
#define SHA_ROUNDS_MAX 500000

static const char crypt_bytes[] = "./0123456789abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
static const char base64_bytes[] = "+/0123456789abcdefghijklmnopqrstuvwxyz"
                                   "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

static bool
is_all(const char *s, size_t size, const char *set)
{
    for (size_t i = 0; i < size; i++) {
        if (s[i] == '\0' || !strchr(set, s[i])) {
            return false;
        }
    }
    return true;
}

/* "SALT$SUM": a salt of up to 'salt_max' bytes and exactly 'sum' more. */
static bool
is_salt_and_sum(const char *s, size_t size, size_t salt_max, size_t sum)
{
    const char *end = memchr(s, '$', size);
    size_t salt = end ? (size_t) (end - s) : 0;

    return end && salt <= salt_max && is_all(s, salt, crypt_bytes) &&
           size - salt - 1 == sum && is_all(end + 1, sum, crypt_bytes);
}

static const char *
check_bcrypt(const char *s, size_t size)
{
    /* $2y$10$ and 53 more. */
    if (size != 60 || s[3] != '$' || s[6] != '$' ||
        !is_all(s + 4, 2, "0123456789") ||
        !is_all(s + 7, 53, crypt_bytes)) {
        return "is not a bcrypt hash: it must have 60 characters";
    }
    if ((s[4] - '0') * 10 + s[5] - '0' > BCRYPT_COST_MAX) {
        return "is bcrypt with a cost above 14, which takes seconds for each "
               "login: write htpasswd -B -C 10";
    }
    return NULL;
}

static const char *
check_sha_crypt(const char *s, size_t size, size_t sum)
{
    const char *rest = s + 3;
    size_t left = size - 3;

    if (left > 7 && memcmp(rest, "rounds=", 7) == 0) {
        const char *end = memchr(rest, '$', left);
        AUTO_FREE char *text =
            end ? xstrndup(rest + 7, (size_t) (end - rest - 7)) : NULL;
        uint64_t rounds;

        if (!text || !parse_u64(text, 1000, 999999999, &rounds)) {
            return "has no number of rounds from 1000 on";
        }
        if (rounds > SHA_ROUNDS_MAX) {
            return "asks for more than 500000 rounds, which takes seconds "
                   "for each login: leave rounds out";
        }
        left -= (size_t) (end + 1 - rest);
        rest = end + 1;
    }
    return is_salt_and_sum(rest, left, 16, sum)
               ? NULL : "is not a whole hash of its kind";
}

/* Above these parameters one login takes more than 32 MiB of memory. */
static const char *
check_yescrypt(const char *s, size_t size)
{
    static const char *const cheap[] = {
        "j75$", "j85$", "j7T$", "j8T$", "j9T$", "jAT$",
    };
    const char *rest = s + 3;

    for (size_t i = 0; i < ARRAY_SIZE(cheap); i++) {
        if (size > 7 && memcmp(rest, cheap[i], 4) == 0) {
            return is_salt_and_sum(s + 7, size - 7, 86, 43)
                       ? NULL : "is not a whole hash of its kind";
        }
    }
    return "is yescrypt with more than its usual cost: write mkpasswd -m "
           "yescrypt, without rounds";
}

static const char *
check_apr1(const char *s, size_t size)
{
    return is_salt_and_sum(s + 6, size - 6, 8, 22)
               ? NULL : "is not a whole hash of its kind";
}

/* Base64 of 'min' to 'max' bytes. */
static const char *
check_base64(const char *s, size_t size, size_t min, size_t max)
{
    size_t pad = 0;

    while (pad < 2 && pad < size && s[size - 1 - pad] == '=') {
        pad++;
    }
    return size % 4 == 0 && size / 4 * 3 - pad >= min &&
                   size / 4 * 3 - pad <= max &&
                   is_all(s, size - pad, base64_bytes)
               ? NULL : "is not a whole hash of its kind";
}

static bool
begins(const char *s, size_t size, const char *with)
{
    return size >= strlen(with) && memcmp(s, with, strlen(with)) == 0;
}

static const char *
check_dollar(const char *s, size_t size, enum passwd_hash *kind, bool *is_weak)
{
    *kind = PASSWD_CRYPT;
    if (begins(s, size, "$apr1$")) {
        *kind = PASSWD_APR1;
        *is_weak = true;
        return check_apr1(s, size);
    }
    if (begins(s, size, "$2y$") || begins(s, size, "$2b$") ||
        begins(s, size, "$2a$")) {
        return check_bcrypt(s, size);
    }
    if (begins(s, size, "$5$")) {
        return check_sha_crypt(s, size, 43);
    }
    if (begins(s, size, "$6$")) {
        return check_sha_crypt(s, size, 86);
    }
    if (begins(s, size, "$y$")) {
        return check_yescrypt(s, size);
    }
    if (begins(s, size, "$1$")) {
        *is_weak = true;
        return is_salt_and_sum(s + 3, size - 3, 8, 22)
                   ? NULL : "is not a whole hash of its kind";
    }
    return "is of a kind that is not known: write htpasswd -B";
}

const char *
passwd_check(const char *s, size_t size, enum passwd_hash *kind,
             bool *is_weak)
{
    *is_weak = false;
    *kind = PASSWD_CRYPT;
    if (size == 0) {
        return "is empty";
    }
    if (size > PASSWD_HASH_MAX) {
        return "is longer than 255 bytes";
    }
    if (s[0] == '$') {
        return check_dollar(s, size, kind, is_weak);
    }
    *is_weak = true;
    if (begins(s, size, "{SHA}")) {
        *kind = PASSWD_SHA;
        return check_base64(s + 5, size - 5, 20, 20);
    }
    if (begins(s, size, "{SSHA}")) {
        *kind = PASSWD_SSHA;
        return check_base64(s + 6, size - 6, 21, 84);
    }
    /* DES: two bytes of salt and eleven more. */
    return size == 13 && is_all(s, size, crypt_bytes)
               ? NULL
               : "is no password hash (a password itself is never taken for "
                 "one): write htpasswd -B";
}

const char *
passwd_check_user(const char *user, size_t size)
{
    if (size == 0) {
        return "has no user";
    }
    if (size > PASSWD_USER_MAX) {
        return "has a user of more than 255 bytes";
    }
    return str_has_control(user, size) || memchr(user, ':', size)
               ? "has a user with a control character or a colon" : NULL;
}

static const char *
check_ha1(const char *s, size_t size)
{
    if ((size != 32 && size != 64) || !is_all(s, size, "0123456789abcdef")) {
        return "has no HA1 of 32 or 64 lower-case hex digits: write htdigest";
    }
    return NULL;
}

/* Cuts 'line' at colons. */
static const char *
judge_line(const char *line, size_t size, bool is_digest,
           struct passwd_line *out)
{
    const char *colon = memchr(line, ':', size), *second;
    const char *problem;

    if (!colon) {
        return is_digest ? "is not USER:REALM:HA1" : "is not USER:HASH";
    }
    out->user = line;
    out->user_size = (size_t) (colon - line);
    out->hash = colon + 1;
    out->hash_size = size - out->user_size - 1;
    problem = passwd_check_user(out->user, out->user_size);
    if (problem) {
        return problem;
    }
    second = memchr(out->hash, ':', out->hash_size);
    if (!is_digest) {
        if (second) {
            out->hash_size = (size_t) (second - out->hash);
        }
        return passwd_check(out->hash, out->hash_size, &out->kind,
                            &out->is_weak);
    }
    if (!second) {
        return "is not USER:REALM:HA1";
    }
    out->realm = out->hash;
    out->realm_size = (size_t) (second - out->hash);
    out->hash = second + 1;
    out->hash_size -= out->realm_size + 1;
    return out->realm_size > PASSWD_REALM_MAX
               ? "has a realm of more than 255 bytes"
               : check_ha1(out->hash, out->hash_size);
}

bool
passwd_next(const char *text, size_t size, bool is_digest,
            struct passwd_at *at, struct passwd_line *out)
{
    while (at->offset < size) {
        const char *line = text + at->offset;
        size_t left = size - at->offset;
        const char *end = memchr(line, '\n', left);
        size_t length = end ? (size_t) (end - line) : left;

        at->offset += length + (end ? 1 : 0);
        at->number++;
        if (length > 0 && line[length - 1] == '\r') {
            length--;
        }
        if (length == 0 || line[0] == '#') {
            continue;
        }
        *out = (struct passwd_line) { .number = at->number };
        out->problem = judge_line(line, length, is_digest, out);
        return true;
    }
    return false;
}
