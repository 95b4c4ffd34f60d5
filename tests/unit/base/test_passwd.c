#include "tests/unit/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/passwd.h"

/* 'want': "USER HASH" for usable lines, "N: problem" for others, a line
 * each; a weak hash has "~" before it. */
static const struct row {
    const char *name;
    bool is_digest;
    const char *text;
    const char *want;
} rows[] = {
    { "none", false, "", "" },
    { "blank lines and comments", false, "\n# u:x\n\r\n\n", "" },
    { "apr1", false, "u:$apr1$05tD4Sr/$kl43m/G5gSpFGeoXKysOc0\n",
      "u ~$apr1$05tD4Sr/$kl43m/G5gSpFGeoXKysOc0\n" },
    { "no line feed, CRLF, more fields", false,
      "a:{SHA}2oguq15ANCGsJCWKX31fllwpyEk=:x:y\r\n"
      "b:$1$saltsalt$1K7dkhtbTNVUwUicA5kOT1",
      "a ~{SHA}2oguq15ANCGsJCWKX31fllwpyEk=\n"
      "b ~$1$saltsalt$1K7dkhtbTNVUwUicA5kOT1\n" },
    { "bcrypt", false,
      "u:$2y$05$Y7fZX/lZm9fMZeCzoeUe/.76UQsiRTmy1TH.TK.X.ansz7DZ15Msy",
      "u $2y$05$Y7fZX/lZm9fMZeCzoeUe/.76UQsiRTmy1TH.TK.X.ansz7DZ15Msy\n" },
    { "bcrypt, costly", false,
      "u:$2y$15$Y7fZX/lZm9fMZeCzoeUe/.76UQsiRTmy1TH.TK.X.ansz7DZ15Msy",
      "1: is bcrypt with a cost above 14, which takes seconds for each "
      "login: write htpasswd -B -C 10\n" },
    { "bcrypt, cut", false, "u:$2y$05$Y7fZX/lZm9fMZeCzoeUe/.7",
      "1: is not a bcrypt hash: it must have 60 characters\n" },
    { "bcrypt, its head alone", false, "u:$2y$",
      "1: is not a bcrypt hash: it must have 60 characters\n" },
    { "SHA-256-crypt", false,
      "u:$5$BqHadgOvgqGJHblH$gMgurdVC7i/ezxhIQfqdt/Vdr7DVr93dALBWjifVf9A",
      "u $5$BqHadgOvgqGJHblH$gMgurdVC7i/ezxhIQfqdt/Vdr7DVr93dALBWjifVf9A\n" },
    { "rounds", false,
      "u:$6$rounds=1000$saltsalt$nrkbTG/TULo0bJv7dJR0HxGm.iGVxIXV8bUeHRggjctO"
      "WeNYyrq6B6CWaV8zLK/K8.e4xVoDwEJXHPmiHieC8.",
      "u $6$rounds=1000$saltsalt$nrkbTG/TULo0bJv7dJR0HxGm.iGVxIXV8bUeHRggjctO"
      "WeNYyrq6B6CWaV8zLK/K8.e4xVoDwEJXHPmiHieC8.\n" },
    { "too many rounds", false, "u:$6$rounds=500001$saltsalt$x",
      "1: asks for more than 500000 rounds, which takes seconds for each "
      "login: leave rounds out\n" },
    { "rounds that are none", false, "u:$5$rounds=$s$x",
      "1: has no number of rounds from 1000 on\n" },
    { "rounds without end", false, "u:$5$rounds=5000",
      "1: has no number of rounds from 1000 on\n" },
    { "yescrypt", false,
      "u:$y$j9T$saltsaltsaltsalt$ccpV/TyRVJWylBeWlbSupT7b3AdwSk0JngnbkK.z.D4",
      "u $y$j9T$saltsaltsaltsalt$ccpV/TyRVJWylBeWlbSupT7b3AdwSk0JngnbkK.z."
      "D4\n" },
    { "yescrypt, costly", false,
      "u:$y$jFT$saltsaltsaltsalt$ccpV/TyRVJWylBeWlbSupT7b3AdwSk0JngnbkK.z.D4",
      "1: is yescrypt with more than its usual cost: write mkpasswd -m "
      "yescrypt, without rounds\n" },
    { "DES", false, "u:6ynhJRFhnQvYM", "u ~6ynhJRFhnQvYM\n" },
    { "{SSHA}", false, "u:{SSHA}oewIFZdZvn9XmijiFt3PRIG2NplzYWx0c2FsdA==",
      "u ~{SSHA}oewIFZdZvn9XmijiFt3PRIG2NplzYWx0c2FsdA==\n" },
    { "{SHA} of another length", false, "u:{SHA}2oguq15ANCGsJCWK",
      "1: is not a whole hash of its kind\n" },
    { "{SHA}, no base64", false, "u:{SHA}2oguq15ANCGsJCWKX31fllwpy*k=",
      "1: is not a whole hash of its kind\n" },
    { "{PLAIN}", false, "u:{PLAIN}secret",
      "1: is no password hash (a password itself is never taken for one): "
      "write htpasswd -B\n" },
    { "a password", false, "u:secret",
      "1: is no password hash (a password itself is never taken for one): "
      "write htpasswd -B\n" },
    { "unknown kind", false, "u:$7$x",
      "1: is of a kind that is not known: write htpasswd -B\n" },
    { "no colon", false, "user\n", "1: is not USER:HASH\n" },
    { "no user", false, ":6ynhJRFhnQvYM", "1: has no user\n" },
    { "no hash", false, "u:", "1: is empty\n" },
    { "control character", false, "u\tv:6ynhJRFhnQvYM",
      "1: has a user with a control character or a colon\n" },
    { "the good among the bad", false, "x\na:6ynhJRFhnQvYM\ny:z\n",
      "1: is not USER:HASH\na ~6ynhJRFhnQvYM\n3: is no password hash (a "
      "password itself is never taken for one): write htpasswd -B\n" },
    { "digest, MD5", true, "u:my realm:9cdfb439c7876e703e307864c9167a15",
      "u@my realm 9cdfb439c7876e703e307864c9167a15\n" },
    { "digest, SHA-256 and no realm", true,
      "u::9cdfb439c7876e703e307864c9167a15"
      "9cdfb439c7876e703e307864c9167a15",
      "u@ 9cdfb439c7876e703e307864c9167a15"
      "9cdfb439c7876e703e307864c9167a15\n" },
    { "digest, no HA1", true, "u:r:secret\nu:r\nu:r:\n",
      "1: has no HA1 of 32 or 64 lower-case hex digits: write htdigest\n"
      "2: is not USER:REALM:HA1\n"
      "3: has no HA1 of 32 or 64 lower-case hex digits: write htdigest\n" },
    { "digest, upper case", true, "u:r:9CDFB439c7876e703e307864c9167a15",
      "1: has no HA1 of 32 or 64 lower-case hex digits: write htdigest\n" },
};

static void
print_line(const struct passwd_line *line, bool is_digest, struct buf *out)
{
    if (line->problem) {
        buf_printf(out, "%u: %s\n", line->number, line->problem);
        return;
    }
    buf_put(out, line->user, line->user_size);
    if (is_digest) {
        buf_putc(out, '@');
        buf_put(out, line->realm, line->realm_size);
    }
    buf_puts(out, line->is_weak ? " ~" : " ");
    buf_put(out, line->hash, line->hash_size);
    buf_putc(out, '\n');
}

static void
check_row(void **state)
{
    const struct row *row = *state;
    /* A copy without a NUL behind it, for the sanitizer to guard. */
    size_t size = strlen(row->text);
    char *text = memcpy(malloc(size + 1), row->text, size);
    AUTO_BUF struct buf got = BUF_OWN;
    struct passwd_at at = { 0 };
    struct passwd_line line;

    text = realloc(text, size ? size : 1);
    while (passwd_next(text, size, row->is_digest, &at, &line)) {
        print_line(&line, row->is_digest, &got);
    }
    free(text);
    assert_string_equal(buf_str(&got), row->want);
}

TABLE_MAIN("passwd", rows, check_row)
