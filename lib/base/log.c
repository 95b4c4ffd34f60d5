#include "lib/base/log.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/base/clock.h"

static const char *const level_names[] = { "debug", "info", "warn", "error" };
static const char *const format_names[] = { "text", "json" };

static enum log_level threshold = LOG_INFO;
static enum log_format shape = LOG_TEXT;

void
log_configure(enum log_level level, enum log_format format)
{
    threshold = level;
    shape = format;
}

bool
log_enabled(enum log_level level)
{
    return level >= threshold;
}

static void
format_json(struct buf *line, const char *time, enum log_level level,
            const char *module, const char *subject, const char *message)
{
    json_t *object = json_pack("{s:s, s:s, s:s, s:s}", "time", time, "level",
                               level_names[level], "module", module,
                               "message", message);
    char *text;

    if (!object) {
        /* Bytes that are not UTF-8 were not quoted by the caller. */
        object = json_pack("{s:s, s:s, s:s, s:s}", "time", time, "level",
                           level_names[level], "module", module, "message",
                           "message is not UTF-8");
    }
    if (subject) {
        json_object_set_new(object, "subject", json_string(subject));
    }
    text = json_dumps(object, JSON_COMPACT | JSON_ENSURE_ASCII);
    buf_puts(line, text ? text : "{}");
    free(text);
    json_decref(object);
}

void
log_at(enum log_level level, const char *module, const char *subject,
       const char *fmt, ...)
{
    AUTO_BUF struct buf line = BUF_OWN;
    char time[CLOCK_MICROTIME_SIZE];
    char *message = NULL;
    va_list args;

    if (!log_enabled(level)) {
        return;
    }
    va_start(args, fmt);
    if (vasprintf(&message, fmt, args) < 0) {
        message = NULL;
    }
    va_end(args);
    if (!message) {
        return;
    }
    clock_format_micro(clock_wall_us(), time);
    if (shape == LOG_JSON) {
        format_json(&line, time, level, module, subject, message);
    } else {
        buf_printf(&line, "%s %-5s %s: %s%s%s", time, level_names[level],
                   module, subject ? subject : "", subject ? ": " : "",
                   message);
    }
    buf_putc(&line, '\n');
    free(message);
    if (write(STDERR_FILENO, line.data, line.size) < 0) {
        return; /* Nowhere left to say so. */
    }
}

bool
log_limit(struct log_limit *limit, int64_t now_ms, int64_t interval_ms,
          unsigned *dropped)
{
    if (limit->last_ms != 0 && now_ms - limit->last_ms < interval_ms) {
        limit->dropped++;
        return false;
    }
    *dropped = limit->dropped;
    limit->dropped = 0;
    limit->last_ms = now_ms;
    return true;
}

bool
log_level_parse(const char *s, enum log_level *out)
{
    for (size_t i = 0; i < ARRAY_SIZE(level_names); i++) {
        if (strcmp(s, level_names[i]) == 0) {
            *out = (enum log_level) i;
            return true;
        }
    }
    return false;
}

bool
log_format_parse(const char *s, enum log_format *out)
{
    for (size_t i = 0; i < ARRAY_SIZE(format_names); i++) {
        if (strcmp(s, format_names[i]) == 0) {
            *out = (enum log_format) i;
            return true;
        }
    }
    return false;
}
