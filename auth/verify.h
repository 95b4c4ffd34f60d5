/* verify: does a password fit a hash?
 *
 * Slow on purpose of the hash's author; called by the threads of the pool.
 * Any thread.  Source: crypt(3); apr_md5.c's format; RFC 2307.
 */
#ifndef AUTH_VERIFY_H
#define AUTH_VERIFY_H

#include <stdbool.h>

#include "lib/base/compiler.h"

/* 'hash' passed passwd_check().  Comparison takes the same time wherever
 * they differ. */
bool verify_password(const char *hash, const char *password) MUST_USE;

/* "$apr1$SALT$SUM" of 'password' with the salt of 'setting' ("$apr1$SALT");
 * 'out' has room for 38 bytes. */
#define VERIFY_APR1_SIZE 38
void verify_apr1(const char *setting, const char *password,
                 char out[VERIFY_APR1_SIZE]);

#endif /* AUTH_VERIFY_H */
