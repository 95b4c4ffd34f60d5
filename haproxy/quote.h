/* quote: the only way a string enters a command, a map or a file of HAProxy.
 *
 * Map rows travel three ways: as words of a command, as payload lines and as
 * lines of a file.  A key has no blank and no control byte but the end mark
 * 0x01 of routes, and no "#" first; a value has no control byte, does not
 * begin or end with a blank, and is not empty.  What passes quote_is_key()
 * and quote_is_value() is the same in all three.  Pure; any thread.
 */
#ifndef HAPROXY_QUOTE_H
#define HAPROXY_QUOTE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/buf.h"

#define QUOTE_ROW_MAX 10000     /* Bytes of a key and its value together. */

bool quote_is_key(const char *key);
bool quote_is_value(const char *value);
bool quote_is_row(const char *key, const char *value);

/* Appends a key or value that passed, as one word of a command. */
void quote_word(struct buf *out, const char *s);

/* Any name as a word without blanks ("%XX" for odd bytes), and back; the
 * caller's to free.  quote_unname() yields NULL for what quote_name() cannot
 * have written. */
char *quote_name(const char *name) MUST_USE RETURNS_NONNULL;
char *quote_unname(const char *word) MUST_USE;

/* A server name for a crt-list line: letters, digits, "-", "_", ".", and
 * one "*." in front. */
bool quote_is_sni(const char *host);

/* A word of an option in a crt-list line: a list of ciphers, a version. */
#define QUOTE_OPTION_MAX 1000
bool quote_is_option(const char *word);

/* "192.0.2.1:80", "[2001:db8::1]:80"; false where 'address' is no IP address
 * in strict form. */
bool quote_address(struct buf *out, const char *address, uint16_t port);

#endif /* HAPROXY_QUOTE_H */
