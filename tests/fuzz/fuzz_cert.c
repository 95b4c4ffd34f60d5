/* Certificates from strangers: the input up to its first NUL as tls.crt, the
 * rest as tls.key, and all of it as published lines.
 *
 * What is read from a line and written again reads the same.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/ingress/cert_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
same_facts(const struct cert_facts *a, const struct cert_facts *b)
{
    assert(str_eq(a->problem, b->problem));
    assert(str_eq(a->other_type, b->other_type));
    assert(a->is_missing == b->is_missing && a->is_served == b->is_served);
    assert(a->n_names == b->n_names && a->notes == b->notes);
    assert(a->n_addresses == b->n_addresses);
    assert(a->not_before == b->not_before && a->not_after == b->not_after);
    assert(a->chain_not_after == b->chain_not_after);
    for (size_t i = 0; i < a->n_names; i++) {
        assert(str_eq(a->names[i], b->names[i]));
    }
}

static void
travel(const struct cert_facts *facts)
{
    AUTO(cert_facts_fini) struct cert_facts far;
    AUTO_BUF struct buf line = BUF_OWN;

    cert_wire_put("c", facts, &line);
    assert(strchr(buf_str(&line), '\n') ==
           buf_str(&line) + line.size - 1);
    assert(cert_wire_get(buf_str(&line), CERT_WIRE_WHOLE, "c", &far));
    same_facts(facts, &far);
}

static void
read_lines(const char *text)
{
    AUTO(cert_facts_fini) struct cert_facts facts;

    if (cert_wire_get(text, CERT_WIRE_WHOLE, "c", &facts) &&
        (!facts.is_missing || facts.other_type)) {
        travel(&facts);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_FREE char *text = xmalloc(size + 1);
    AUTO(x509_pair_fini) struct x509_pair pair = { .pem = NULL };
    AUTO_ERR struct err *err = NULL;
    size_t length;

    memcpy(text, data, size);
    text[size] = '\0';
    length = strlen(text);
    read_lines(text);
    err = x509_read(text, length, text + length + (length < size),
                    size - length - (length < size), &pair);
    if (!err) {
        AUTO(cert_facts_fini) struct cert_facts facts = { .names = NULL };

        cert_facts_take(&facts, &pair);
        if (facts.n_names <= CERT_WIRE_MAX_NAMES) {
            travel(&facts);
        }
    }
    return 0;
}
