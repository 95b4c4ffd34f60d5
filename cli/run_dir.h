/* run_dir: the routes that a run directory holds, for "sallyport routes".
 *
 * The maps in it are what HAProxy loads when it starts, kept equal to what it
 * holds; they name Services, but not the Ingresses behind them.
 */
#ifndef CLI_RUN_DIR_H
#define CLI_RUN_DIR_H

#include <jansson.h>

#include "lib/base/err.h"

/* The "routes" of reconciler/report.h, with null where a map cannot tell; the
 * caller's reference. */
struct err *run_dir_read(const char *dir, json_t **out) MUST_USE;

#endif /* CLI_RUN_DIR_H */
