/* settings_share: one copy of settings that many Ingresses have.
 *
 * Most Ingresses ask for nothing special; their settings are equal to the
 * last byte, own no text, and are kept once.  Ownership: counted references.
 * Any thread.
 */
#ifndef INGRESS_SETTINGS_SHARE_H
#define INGRESS_SETTINGS_SHARE_H

#include "lib/ingress/settings.h"

/* Takes over what '*given' owns. */
const struct settings *settings_share(const struct settings *given)
    RETURNS_NONNULL MUST_USE;
/* One more reference to shared ones. */
const struct settings *settings_again(const struct settings *)
    RETURNS_NONNULL MUST_USE;
void settings_unshare(const struct settings *);

#endif /* INGRESS_SETTINGS_SHARE_H */
