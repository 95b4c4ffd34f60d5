#include "lib/ingress/settings_share.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

#define N_KNOWN 16

struct block {
    size_t n_refs;
    struct settings settings;   /* The first of the block's users made it. */
};

/* The lock guards the table and all counts.  It holds no references: a block
 * leaves it with its last user. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct block *known[N_KNOWN];
static unsigned next;

static struct block *
block_of(const struct settings *s)
{
    return (struct block *) (uintptr_t) ((const char *) s -
                                         offsetof(struct block, settings));
}

/* Settings with texts of their own never equal others byte by byte, as the
 * texts of both are alive: who is equal owns nothing. */
static struct block *
find(const struct settings *given)
{
    for (size_t i = 0; i < N_KNOWN; i++) {
        if (known[i] &&
            memcmp(&known[i]->settings, given, sizeof *given) == 0) {
            return known[i];
        }
    }
    return NULL;
}

/* Into the next place that is free or whose block nobody shares. */
static void
remember(struct block *block)
{
    for (size_t i = 0; i < N_KNOWN; i++) {
        struct block **place = &known[next++ % N_KNOWN];

        if (!*place || (*place)->n_refs == 1) {
            *place = block;
            return;
        }
    }
}

static void
forget(const struct block *block)
{
    for (size_t i = 0; i < N_KNOWN; i++) {
        if (known[i] == block) {
            known[i] = NULL;
        }
    }
}

const struct settings *
settings_share(const struct settings *given)
{
    struct block *block;

    pthread_mutex_lock(&lock);
    block = find(given);
    if (!block) {
        block = xmalloc(sizeof *block);
        block->n_refs = 0;
        memcpy(&block->settings, given, sizeof *given);
        remember(block);
    }
    block->n_refs++;
    pthread_mutex_unlock(&lock);
    return &block->settings;
}

const struct settings *
settings_again(const struct settings *s)
{
    pthread_mutex_lock(&lock);
    block_of(s)->n_refs++;
    pthread_mutex_unlock(&lock);
    return s;
}

void
settings_unshare(const struct settings *s)
{
    struct block *block = block_of(s);
    bool is_last;

    pthread_mutex_lock(&lock);
    is_last = --block->n_refs == 0;
    if (is_last) {
        forget(block);
    }
    pthread_mutex_unlock(&lock);
    if (is_last) {
        settings_fini(&block->settings);
        free(block);
    }
}
