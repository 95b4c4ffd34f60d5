#include "reconciler/stores.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/digest.h"
#include "lib/base/map.h"
#include "lib/base/mem.h"

struct stores {
    struct plan *plan;
    struct map *names;          /* Name in the plan -> its users, counted. */
};

struct stores *
stores_new(struct plan *plan)
{
    struct stores *ss = xcalloc(1, sizeof *ss);

    ss->plan = plan;
    ss->names = map_new();
    return ss;
}

void
stores_free(struct stores *ss)
{
    if (ss) {
        map_free(ss->names, free);
        free(ss);
    }
}

char *
stores_use(struct stores *ss, const char *prefix, const char *pem,
           struct pem_text *text)
{
    char digest[DIGEST_HEX_SIZE];
    unsigned *n_users;
    char *name;

    digest_sha256_hex(pem, strlen(pem), digest);
    name = xasprintf("%s%s", prefix, digest);
    n_users = map_get(ss->names, name);
    if (!n_users) {
        n_users = xcalloc(1, sizeof *n_users);
        map_put(ss->names, name, n_users);
    }
    if (text || *n_users == 0) {
        plan_set_cert(ss->plan, name, pem, text);
    }
    (*n_users)++;
    return name;
}

void
stores_release(struct stores *ss, char *name)
{
    unsigned *n_users = name ? map_get(ss->names, name) : NULL;

    if (n_users && --*n_users == 0) {
        map_remove(ss->names, name);
        free(n_users);
        plan_del_cert(ss->plan, name);
    }
    free(name);
}
