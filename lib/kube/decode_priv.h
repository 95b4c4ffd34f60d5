/* decode_priv: what the decoders of all kinds share; for decode*.c alone.
 *
 * A decoder reads members through 'jx' (the first error sticks) and copies
 * what it keeps into 'arena'.  It runs twice over the same document, first
 * to learn the size, so it must do the same both times.
 */
#ifndef KUBE_DECODE_PRIV_H
#define KUBE_DECODE_PRIV_H

#include "lib/base/arena.h"
#include "lib/base/jx.h"
#include "lib/kube/decode.h"

struct decode {
    struct jx jx;
    struct arena *arena;
};

/* False once something is wrong or the object has grown past its cap. */
bool decode_go_on(struct decode *) MUST_USE;

/* A copy of a text member, NULL where it is absent. */
const char *decode_text(struct decode *, json_t *object, const char *name);
bool decode_text_is(struct decode *, json_t *object, const char *name,
                    const char *value);

/* An array of objects: 'each' fills one zeroed struct of 'size' bytes from
 * one item.  '*n' is their count; the array is in the arena. */
typedef void decode_item_fn(struct decode *, json_t *item, void *out);
void *decode_list(struct decode *, json_t *object, const char *name,
                  size_t size, decode_item_fn *each, uint32_t *n);
/* An array of texts. */
const char *const *decode_texts(struct decode *, json_t *object,
                                const char *name, uint32_t *n);
/* An object of texts, sorted; a member named 'without' is left out. */
struct kube_pairs decode_pairs(struct decode *, json_t *object,
                               const char *name, const char *without);
/* A number or a text (IntOrString); true where it is there. */
bool decode_port(struct decode *, json_t *object, const char *name,
                 struct kube_port *out);
/* status.loadBalancer.ingress of 'document'. */
const struct kube_address *decode_addresses(struct decode *,
                                            json_t *document, uint32_t *n);

/* Says that the value of a member, whose name a stranger chose, is no text
 * and how to write it. */
void decode_fail_text(struct decode *, const char *name, json_t *value);

/* One per kind: 'document' is the whole object. */
typedef void decode_kind_fn(struct decode *, json_t *document,
                            struct kube_object *out);
decode_kind_fn decode_ingress, decode_ingress_class, decode_service,
    decode_endpoint_slice, decode_secret, decode_namespace,
    decode_config_map, decode_lease, decode_pod;

#endif /* KUBE_DECODE_PRIV_H */
