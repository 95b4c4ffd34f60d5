/* What sallyport-auth reads of others: the question of HAProxy's script, the
 * Authorization inside it, and, read by the reconciler, the daemon's own
 * counts.
 *
 * Oracles: a question that is whole has its fields inside the input, in order
 * and to its last byte, a table of 32 hex digits and a group of printable
 * bytes, and is not whole with a byte less; a user and a password are texts
 * that fit the header; counts that are read are written so that they are read
 * as the same. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "auth/basic.h"
#include "auth/wire.h"
#include "lib/base/authstats.h"
#include "lib/base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_question(const char *data, size_t size, const struct wire_question *q)
{
    const struct wire_text fields[WIRE_FIELDS] = {
        q->table, q->group, q->realm, q->method, q->uri, q->authorization,
    };
    const char *at = data;

    for (size_t i = 0; i < WIRE_FIELDS; i++) {
        assert(fields[i].data == at + 2);
        at = fields[i].data + fields[i].size;
        assert(at <= data + size);
    }
    assert(at == data + size && size <= WIRE_MAX + 2);
    assert(q->table.size == 32);
    for (size_t i = 0; i < q->table.size; i++) {
        assert(q->table.data[i] &&
               strchr("0123456789abcdef", q->table.data[i]));
    }
    assert(q->group.size >= 1 && q->group.size <= WIRE_GROUP_MAX);
    for (size_t i = 0; i < q->group.size; i++) {
        assert(q->group.data[i] > ' ' && q->group.data[i] <= '~');
    }
}

static void
check_basic(struct wire_text authorization)
{
    struct basic b;

    if (basic_read(authorization, &b)) {
        assert(strlen(b.user) + strlen(b.password) < authorization.size);
        assert(!strchr(b.user, ':'));
        basic_fini(&b);
    }
}

static void
check_stats(const char *data, size_t size)
{
    AUTO_FREE char *text = xstrndup(data, size);
    AUTO_BUF struct buf out = BUF_OWN;
    struct authstats stats, again;

    if (authstats_read(text, &stats)) {
        authstats_print(&stats, &out);
        assert(authstats_read(buf_str(&out), &again));
        assert(memcmp(&stats, &again, sizeof stats) == 0);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wire_question q;
    /* Alone in memory, so that a byte read too much is seen. */
    AUTO_FREE char *copy = xcalloc(1, size ? size : 1);

    memcpy(copy, data, size);
    if (wire_read(copy, size, &q) == WIRE_WHOLE) {
        check_question(copy, size, &q);
        check_basic(q.authorization);
        assert(wire_read(copy, size - 1, &q) == WIRE_MORE);
    }
    check_basic((struct wire_text) { copy, size });
    check_stats(copy, size);
    return 0;
}
