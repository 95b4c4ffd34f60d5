#include "auth/basic.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/base/digest.h"
#include "lib/base/mem.h"
#include "lib/base/passwd.h"

static void
wipe(char *text, size_t size)
{
    if (text) {
        explicit_bzero(text, size);
        free(text);
    }
}

bool
basic_read(struct wire_text header, struct basic *out)
{
    static const char scheme[] = "Basic ";
    size_t at = strlen(scheme), size = 0;
    char *plain = NULL, *colon;
    bool is_good;

    *out = (struct basic) { 0 };
    if (header.size <= at || header.size > WIRE_AUTHORIZATION_MAX ||
        strncasecmp(header.data, scheme, at) != 0) {
        return false;
    }
    while (at < header.size && header.data[at] == ' ') {
        at++;
    }
    if (!digest_base64_decode(header.data + at, header.size - at, &plain,
                              &size)) {
        return false;
    }
    colon = memchr(plain, ':', size);
    is_good = colon && !memchr(plain, '\0', size) &&
              !passwd_check_user(plain, (size_t) (colon - plain)) &&
              (size_t) (plain + size - colon) <= PASSWD_SECRET_MAX;
    if (is_good) {
        out->user = xstrndup(plain, (size_t) (colon - plain));
        out->password = xstrdup(colon + 1);
    }
    wipe(plain, size);
    return is_good;
}

void
basic_fini(struct basic *b)
{
    wipe(b->user, b->user ? strlen(b->user) : 0);
    wipe(b->password, b->password ? strlen(b->password) : 0);
    *b = (struct basic) { 0 };
}
