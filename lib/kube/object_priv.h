/* object_priv: how decode_*.c makes objects; for those files alone. */
#ifndef KUBE_OBJECT_PRIV_H
#define KUBE_OBJECT_PRIV_H

#include "lib/base/arena.h"
#include "lib/kube/object.h"

/* A zeroed object with one reference and 'room' bytes behind it, which
 * 'arena' hands out. */
struct kube_object *kube_object_new(size_t room, struct arena *arena)
    MUST_USE RETURNS_NONNULL;

/* What the object points to is in 'arena', which goes with it; not for what
 * must be wiped (Secrets). */
void kube_object_adopt(struct kube_object *, struct arena *);

#endif /* KUBE_OBJECT_PRIV_H */
