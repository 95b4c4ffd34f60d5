/* Setters: from a checked value to its place in the settings. */
#include "lib/ingress/annot_priv.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/parse.h"

/* The field of the row, whose type the apply callback knows. */
static void *
field(const struct annot_def *def, struct settings_draft *draft)
{
    return (char *) draft + def->at;
}

static void
set_text(char **to, struct annot_value *value)
{
    free(*to);
    *to = STEAL_PTR(value->text);
}

void
annot_apply_flag(const struct annot_def *def, struct annot_value *value,
                 struct settings_draft *draft)
{
    memcpy(field(def, draft), &value->flag, sizeof value->flag);
}

void
annot_apply_number(const struct annot_def *def, struct annot_value *value,
                   struct settings_draft *draft)
{
    memcpy(field(def, draft), &value->number, sizeof value->number);
}

void
annot_apply_text(const struct annot_def *def, struct annot_value *value,
                 struct settings_draft *draft)
{
    set_text(field(def, draft), value);
}

void
annot_apply_list(const struct annot_def *def, struct annot_value *value,
                 struct settings_draft *draft)
{
    struct settings_texts *list = field(def, draft);

    for (size_t i = 0; i < list->n; i++) {
        free(list->items[i]);
    }
    free(list->items);
    *list = value->list;
    value->list = (struct settings_texts) { .n = 0 };
}

void
annot_apply_code(const struct annot_def *def, struct annot_value *value,
                 struct settings_draft *draft)
{
    uint64_t code = 0;

    if (parse_u64(value->text, 100, 599, &code)) {
        memcpy(field(def, draft), &code, sizeof code);
    }
}

void
annot_apply_on(const struct annot_def *def, struct annot_value *value,
               struct settings_draft *draft)
{
    bool is_on = strcmp(value->text, "on") == 0;

    memcpy(field(def, draft), &is_on, sizeof is_on);
}

void
annot_apply_close(const struct annot_def *def UNUSED,
                  struct annot_value *value, struct settings_draft *draft)
{
    draft->s.close_upstream = strcmp(value->text, "close") == 0;
}

void
annot_apply_legacy(const struct annot_def *def UNUSED,
                   struct annot_value *value, struct settings_draft *draft)
{
    draft->s.canary_legacy = strcmp(value->text, "legacy") == 0;
}

void
annot_apply_nothing(const struct annot_def *def UNUSED,
                    struct annot_value *value UNUSED,
                    struct settings_draft *draft UNUSED)
{
}

void
annot_apply_unless_off(const struct annot_def *def,
                       struct annot_value *value,
                       struct settings_draft *draft)
{
    char **to = field(def, draft);

    if (strcmp(value->text, "off") == 0 ||
        strcmp(value->text, "default") == 0) {
        free(STEAL_PTR(*to));
    } else {
        set_text(to, value);
    }
}

void
annot_apply_affinity(const struct annot_def *def UNUSED,
                     struct annot_value *value UNUSED,
                     struct settings_draft *draft)
{
    draft->s.affinity = true;
}

void
annot_apply_samesite(const struct annot_def *def UNUSED,
                     struct annot_value *value, struct settings_draft *draft)
{
    static const enum settings_samesite by_choice[] = {
        SAMESITE_NONE, SAMESITE_LAX, SAMESITE_STRICT,
    };

    draft->s.cookie_samesite = by_choice[value->number];
}

void
annot_apply_balance(const struct annot_def *def UNUSED,
                    struct annot_value *value, struct settings_draft *draft)
{
    draft->s.balance = strcmp(value->text, "ewma") == 0
        ? BALANCE_LEAST_CONN : BALANCE_ROUND_ROBIN;
}

void
annot_apply_protocol(const struct annot_def *def UNUSED,
                     struct annot_value *value, struct settings_draft *draft)
{
    static const enum settings_protocol by_choice[] = {
        PROTOCOL_HTTP, PROTOCOL_HTTPS, PROTOCOL_AUTO_HTTP, PROTOCOL_GRPC,
        PROTOCOL_GRPCS,
    };

    draft->s.protocol = by_choice[value->number];
}

void
annot_apply_ssl_server_name(const struct annot_def *def UNUSED,
                            struct annot_value *value,
                            struct settings_draft *draft)
{
    draft->s.ssl_sends_name = strcmp(value->text, "on") == 0;
}

/* "v2" is the only choice. */
void
annot_apply_proxy_protocol(const struct annot_def *def UNUSED,
                           struct annot_value *value UNUSED,
                           struct settings_draft *draft)
{
    draft->s.proxy_protocol = true;
}

void
annot_apply_client(const struct annot_def *def UNUSED,
                   struct annot_value *value, struct settings_draft *draft)
{
    static const enum settings_client by_choice[] = {
        CLIENT_ON, CLIENT_NONE, CLIENT_OPTIONAL, CLIENT_OPTIONAL_NO_CA,
    };

    draft->s.client = by_choice[value->number];
}
