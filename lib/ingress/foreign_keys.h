/* foreign_keys: keys of ingress-nginx's ConfigMap that are none of ours.
 *
 * Who brings a ConfigMap along hears of each key why it has no effect: because
 * what it asks for is so in any case, or is nobody's wish of this proxy
 * (needless), because a flag has it (moved), or because it asks for what is not
 * done here, or not by a key (refused), and what to do instead.
 *
 * Rows are constant.  Pure; any thread.
 * Source: ingress-nginx's documentation of its ConfigMap.
 */
#ifndef INGRESS_FOREIGN_KEYS_H
#define INGRESS_FOREIGN_KEYS_H

#include <stdbool.h>
#include <stddef.h>

enum foreign_kind { FOREIGN_NEEDLESS, FOREIGN_MOVED, FOREIGN_REFUSED };

struct foreign_key {
    const char *name;           /* One that ends in "*" stands for all that
                                 * begin so. */
    enum foreign_kind kind;
    const char *idle;           /* The value that asks for nothing, as
                                 * "false"; NULL: none does. */
    const char *why;            /* The end of a sentence. */
};

size_t foreign_key_count(void);
const struct foreign_key *foreign_key_at(size_t i);
/* NULL where nothing is known of 'name'. */
const struct foreign_key *foreign_key_find(const char *name);
/* True where 'value' asks for nothing. */
bool foreign_key_is_idle(const struct foreign_key *, const char *value);

#endif /* INGRESS_FOREIGN_KEYS_H */
