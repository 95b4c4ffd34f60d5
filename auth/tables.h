/* tables: the folder of tables, each read when it is asked for.
 *
 * Every question looks at the file's identity first, so that a change is in
 * force the moment the reconciler renames it there, and a table that is gone
 * is gone: nothing is kept that is not there any more, nor for long what
 * nobody asks for.  A file is held open while its table is, so that no other
 * can have its identity.
 *
 * One thread.
 */
#ifndef AUTH_TABLES_H
#define AUTH_TABLES_H

#include <stdint.h>

#include "auth/table.h"

#define TABLES_MAX 1024             /* Held at one time. */
#define TABLES_FILE_MAX (2 << 20)   /* Bytes. */
#define TABLES_IDLE_MS (10 * 60 * 1000)

struct tables;

struct tables *tables_new(const char *dir) MUST_USE RETURNS_NONNULL;
void tables_free(struct tables *);          /* Accepts NULL. */

/* The table of 'id' (32 hex digits) as its file says now, NULL: there is
 * none, or it cannot be read.  Borrowed until the next call. */
struct table *tables_get(struct tables *, const char *id, int64_t now_ms);
/* Drops what is gone, changed or idle. */
void tables_sweep(struct tables *, int64_t now_ms);
size_t tables_count(const struct tables *);

#endif /* AUTH_TABLES_H */
