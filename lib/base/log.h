/* log: one line per event on standard error, text or JSON.
 *
 *     log_warn("reconciler", "default/alpha", "host %s is taken", host);
 *
 * 'module' is the room's name; 'subject' is the object concerned
 * ("namespace/name") or NULL.  Messages begin in lower case and have no
 * period.  Text from users is quoted with str_quote() before it comes here.
 * Any thread; a line is written in one call.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/compiler.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_format { LOG_TEXT, LOG_JSON };

void log_configure(enum log_level, enum log_format);
bool log_enabled(enum log_level);

void log_at(enum log_level, const char *module, const char *subject,
            const char *fmt, ...) PRINTF(4, 5);

#define log_debug(module, subject, ...)                                    \
    do {                                                                   \
        if (log_enabled(LOG_DEBUG)) {                                      \
            log_at(LOG_DEBUG, module, subject, __VA_ARGS__);               \
        }                                                                  \
    } while (0)
#define log_info(module, subject, ...)                                     \
    log_at(LOG_INFO, module, subject, __VA_ARGS__)
#define log_warn(module, subject, ...)                                     \
    log_at(LOG_WARN, module, subject, __VA_ARGS__)
#define log_error(module, subject, ...)                                    \
    log_at(LOG_ERROR, module, subject, __VA_ARGS__)

/* For a message that may repeat without end: true at most once in
 * 'interval_ms' per 'limit'; '*dropped' tells how many it swallowed. */
struct log_limit {
    int64_t last_ms;
    unsigned dropped;
};
bool log_limit(struct log_limit *, int64_t now_ms, int64_t interval_ms,
               unsigned *dropped);

/* The names of --log-level and --log-format. */
bool log_level_parse(const char *s, enum log_level *out);
bool log_format_parse(const char *s, enum log_format *out);

#endif /* BASE_LOG_H */
