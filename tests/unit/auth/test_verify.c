/* Vectors of htpasswd 2.4, openssl passwd, mkpasswd and crypt(3). */
#include "tests/unit/table.h"

#include <string.h>

#include "auth/verify.h"
#include "lib/base/mem.h"

#define X10 "xxxxxxxxxx"

static const struct row {
    const char *name;
    const char *hash;
    const char *password;
} rows[] = {
    { "htpasswd -m", "$apr1$05tD4Sr/$kl43m/G5gSpFGeoXKysOc0", "pass word" },
    { "openssl -apr1", "$apr1$saltsalt$qYpLAVWkBvXFyDme7.oc1/", "pass word" },
    { "openssl -apr1, short salt, nothing",
      "$apr1$ab$S8K6Sgp3W8c9Jb6LxgywZ.", "" },
    { "openssl -apr1, long",
      "$apr1$12345678$yiFoyfrrVNwrIepED8sjv0",
      X10 X10 X10 X10 X10 X10 X10 X10 X10 X10 },
    { "openssl -apr1, UTF-8", "$apr1$a.b/$Of.b35wi.LaF.jlPU1XlB.",
      "p\xc3\xa4ssw\xc3\xb6rd" },
    { "htpasswd -B",
      "$2y$05$Y7fZX/lZm9fMZeCzoeUe/.76UQsiRTmy1TH.TK.X.ansz7DZ15Msy",
      "pass word" },
    { "crypt, bcrypt",
      "$2y$05$abcdefghijklmnopqrstuuIt/9/tGzLcigNq/.RWIDjeEVR30RSf.",
      "pass word" },
    { "htpasswd -s", "{SHA}2oguq15ANCGsJCWKX31fllwpyEk=", "pass word" },
    { "{SSHA}", "{SSHA}oewIFZdZvn9XmijiFt3PRIG2NplzYWx0c2FsdA==",
      "pass word" },
    { "htpasswd -d", "6ynhJRFhnQvYM", "password" },
    { "htpasswd -2",
      "$5$BqHadgOvgqGJHblH$gMgurdVC7i/ezxhIQfqdt/Vdr7DVr93dALBWjifVf9A",
      "pass word" },
    { "htpasswd -5",
      "$6$A7UKyN30yMGE5STJ$KJVBsRmQSQ26HboXcmrJHILrKSWbTCToFW81eLilIpnqGTc37"
      "w9zYGUaPFAYjokaq8/LWnauzEeLGrKD0rjT./", "pass word" },
    { "crypt, rounds",
      "$6$rounds=1000$saltsalt$nrkbTG/TULo0bJv7dJR0HxGm.iGVxIXV8bUeHRggjctOWe"
      "NYyrq6B6CWaV8zLK/K8.e4xVoDwEJXHPmiHieC8.", "pass word" },
    { "mkpasswd -m yescrypt",
      "$y$j9T$gZyUzFna1VCivQOIvpFQe/$GH./Glv21mbEmVyFipVbWio3tHYEBkeZglio4NP"
      "FilC", "pass word" },
    { "openssl -1", "$1$saltsalt$1K7dkhtbTNVUwUicA5kOT1", "pass word" },
};

/* Right, and wrong in one byte, in one byte more and in one less. */
static void
check_row(void **state)
{
    const struct row *row = *state;
    AUTO_FREE char *other = xasprintf("y%s", row->password);
    AUTO_FREE char *more = xasprintf("%s", row->password);

    assert_true(verify_password(row->hash, row->password));
    assert_false(verify_password(row->hash, other));
    more[0] ^= 1;
    if (row->password[0]) {
        assert_false(verify_password(row->hash, more));
        /* DES knows eight bytes; all of these differ before. */
        assert_false(verify_password(row->hash, row->password + 1));
    }
    assert_false(verify_password(row->hash, row->hash));
}

static void
nothing_fits_what_is_no_hash(void **state)
{
    static const char *const hashes[] = {
        "", "*0", "*1", "x", "plain", "$apr1$", "$apr1$$", "{SHA}", "$2y$",
        "$2y$99$Y7fZX/lZm9fMZeCzoeUe/.76UQsiRTmy1TH.TK.X.ansz7DZ15Msy",
    };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(hashes); i++) {
        assert_false(verify_password(hashes[i], ""));
        assert_false(verify_password(hashes[i], "plain"));
        assert_false(verify_password(hashes[i], hashes[i]));
    }
}

static void
a_password_that_is_too_long(void **state)
{
    char text[600];

    (void) state;
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    assert_false(verify_password("{SHA}2oguq15ANCGsJCWKX31fllwpyEk=", text));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_fits_what_is_no_hash),
        cmocka_unit_test(a_password_that_is_too_long),
    };

    return TABLE_RUN("verify", rows, check_row) +
           cmocka_run_group_tests_name("verify", tests, NULL, NULL);
}
