#include "lib/base/yaml.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "lib/base/buf.h"
#include "lib/base/jx.h"
#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/yaml_scalar.h"

#define CORE_TAG "tag:yaml.org,2002:"

/* What aliases may add to a stream, in bytes of memory, roughly. */
#define ALIAS_MAX ((size_t) 4 << 20)
#define NODE_WEIGHT 16

struct loader {
    yaml_parser_t parser;
    struct map *anchors;    /* name -> json_t, complete ones only. */
    size_t line_before;     /* Lines of the text before the parser's. */
    size_t aliased;         /* Weight that aliases have added. */
    size_t n_nodes;
};

static struct err *parse_node(struct loader *, const yaml_event_t *,
                              unsigned depth, json_t **out);

static void
decref(void *p)
{
    json_decref(p);
}

static void
drop_event(yaml_event_t *event)
{
    yaml_event_delete(event);
}
#define AUTO_EVENT AUTO(drop_event)

static struct err *
fail_at(const struct loader *l, yaml_mark_t mark, const char *text)
{
    return err_new(ERR_INVALID, "line %zu column %zu: %s",
                   l->line_before + mark.line + 1, mark.column + 1, text);
}

static struct err *
next_event(struct loader *l, yaml_event_t *event)
{
    const char *problem;

    if (yaml_parser_parse(&l->parser, event)) {
        return NULL;
    }
    problem = l->parser.problem ? l->parser.problem : "not YAML";
    if (l->parser.error == YAML_READER_ERROR) {
        return err_new(ERR_INVALID, "line %zu byte %zu: %s",
                       l->line_before + l->parser.mark.line + 1,
                       l->parser.problem_offset + 1, problem);
    }
    return fail_at(l, l->parser.problem_mark, problem);
}

/* Adds the memory a value takes, roughly, to '*weight': what an alias costs.
 * False where the value, put at 'depth', reaches too deep. */
static bool
weigh(json_t *value, unsigned depth, size_t *weight)
{
    const char *key;
    json_t *item;
    size_t i;

    if (depth > YAML_MAX_DEPTH) {
        return false;
    }
    *weight += NODE_WEIGHT + json_string_length(value);
    json_array_foreach(value, i, item) {
        if (!weigh(item, depth + 1, weight)) {
            return false;
        }
    }
    json_object_foreach(value, key, item) {
        *weight += strlen(key);
        if (!weigh(item, depth + 1, weight)) {
            return false;
        }
    }
    return true;
}

static struct err *
parse_alias(struct loader *l, const yaml_event_t *event, unsigned depth,
            json_t **out)
{
    const char *name = (const char *) event->data.alias.anchor;
    json_t *value = map_get(l->anchors, name);

    if (!value) {
        return fail_at(l, event->start_mark,
                       "an alias needs an anchor that ends before it");
    }
    if (!weigh(value, depth, &l->aliased) || l->aliased > ALIAS_MAX) {
        return fail_at(l, event->start_mark, "aliases expand to too much");
    }
    *out = json_deep_copy(value);
    return NULL;
}

/* Remembers the complete value of an anchor. */
static void
keep_anchor(struct loader *l, const yaml_char_t *anchor, json_t *value)
{
    if (anchor) {
        json_decref(map_put(l->anchors, (const char *) anchor,
                            json_incref(value)));
    }
}

/* True where a collection has no tag but the one it has anyway. */
static bool
is_own_tag(const yaml_char_t *tag, const char *own)
{
    const char *text = (const char *) tag;

    return !text || strcmp(text, "!") == 0 || strcmp(text, own) == 0;
}

static struct err *
text_value(struct loader *l, const yaml_event_t *event, json_t **out)
{
    const char *text = (const char *) event->data.scalar.value;
    size_t length = event->data.scalar.length;

    if (memchr(text, '\0', length)) {
        return fail_at(l, event->start_mark, "a text has a NUL inside");
    }
    *out = json_stringn(text, length);
    return *out ? NULL : fail_at(l, event->start_mark, "not UTF-8");
}

static json_t *
typed_value(const struct yaml_value *value)
{
    switch (value->type) {
    case YAML_TYPE_NULL:
        return json_null();
    case YAML_TYPE_BOOL:
        return json_boolean(value->flag);
    case YAML_TYPE_INT:
        return json_integer(value->number);
    case YAML_TYPE_FLOAT:
        return json_real(value->real);
    case YAML_TYPE_TEXT:
        return NULL;
    }
    return NULL;
}

static bool
is_tag_of(const char *tag, enum yaml_type type)
{
    static const char *const tags[] = {
        [YAML_TYPE_NULL] = CORE_TAG "null",
        [YAML_TYPE_BOOL] = CORE_TAG "bool",
        [YAML_TYPE_INT] = CORE_TAG "int",
        [YAML_TYPE_FLOAT] = CORE_TAG "float",
        [YAML_TYPE_TEXT] = CORE_TAG "str",
    };

    return strcmp(tag, tags[type]) == 0 ||
           (type == YAML_TYPE_INT && strcmp(tag, tags[YAML_TYPE_FLOAT]) == 0);
}

static struct err *
parse_scalar(struct loader *l, const yaml_event_t *event, json_t **out)
{
    const char *tag = (const char *) event->data.scalar.tag;
    const char *text = (const char *) event->data.scalar.value;
    bool is_plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    struct yaml_value value;
    struct err *err = NULL;

    if (tag ? str_eq(tag, "!") || is_tag_of(tag, YAML_TYPE_TEXT)
            : !is_plain) {
        err = text_value(l, event, out);
    } else {
        /* A NUL would cut the text: then it is no number either. */
        value = yaml_resolve(text);
        if (strlen(text) != event->data.scalar.length) {
            value.type = YAML_TYPE_TEXT;
        }
        if (tag && !is_tag_of(tag, value.type)) {
            err = fail_at(l, event->start_mark,
                          "a value does not fit its tag, or the tag is not "
                          "known");
        } else if (value.type == YAML_TYPE_TEXT) {
            err = text_value(l, event, out);
        } else {
            *out = typed_value(&value);
            err = *out ? NULL
                       : fail_at(l, event->start_mark,
                                 "JSON has no such number: put it in quotes");
        }
    }
    if (!err) {
        keep_anchor(l, event->data.scalar.anchor, *out);
    }
    return err;
}

static struct err *
parse_sequence(struct loader *l, const yaml_event_t *start, unsigned depth,
               json_t **out)
{
    AUTO_JSON json_t *array = json_array();

    if (!is_own_tag(start->data.sequence_start.tag, CORE_TAG "seq")) {
        return fail_at(l, start->start_mark, "the tag is not known");
    }
    for (;;) {
        AUTO_EVENT yaml_event_t event = { .type = YAML_NO_EVENT };
        struct err *err = next_event(l, &event);
        json_t *item = NULL;

        if (err) {
            return err;
        }
        if (event.type == YAML_SEQUENCE_END_EVENT) {
            break;
        }
        err = parse_node(l, &event, depth + 1, &item);
        if (err) {
            return err;
        }
        json_array_append_new(array, item);
    }
    keep_anchor(l, start->data.sequence_start.anchor, array);
    *out = STEAL_PTR(array);
    return NULL;
}

/* The member name that 'event' means; numbers and booleans become text, as
 * JSON wants it. */
static struct err *
parse_key(struct loader *l, const yaml_event_t *event, char **out)
{
    AUTO_JSON json_t *key = NULL;
    struct err *err;

    *out = NULL;
    if (event->type != YAML_SCALAR_EVENT && event->type != YAML_ALIAS_EVENT) {
        return fail_at(l, event->start_mark, "a key must be a text");
    }
    err = parse_node(l, event, 1, &key);
    if (err) {
        return err;
    }
    if (json_is_string(key)) {
        *out = xstrdup(json_string_value(key));
    } else if (json_is_integer(key) || json_is_boolean(key)) {
        *out = json_dumps(key, JSON_ENCODE_ANY);
    }
    return *out ? NULL
                : fail_at(l, event->start_mark,
                          "a key must be a text: put it in quotes");
}

static bool
is_merge(const yaml_event_t *event)
{
    return event->type == YAML_SCALAR_EVENT && !event->data.scalar.tag &&
           event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
           str_eq((const char *) event->data.scalar.value, "<<");
}

/* "<<": the members of one mapping, or of several, the first one winning. */
static bool
merge(json_t *merged, json_t *value)
{
    json_t *item;
    size_t i;

    if (json_is_object(value)) {
        return json_object_update_missing(merged, value) == 0;
    }
    if (!json_is_array(value)) {
        return false;
    }
    json_array_foreach(value, i, item) {
        if (!json_is_object(item) ||
            json_object_update_missing(merged, item) != 0) {
            return false;
        }
    }
    return true;
}

/* Reads one member into 'object', or into 'merged' under a merge key. */
static struct err *
parse_member(struct loader *l, const yaml_event_t *name, unsigned depth,
             json_t *object, json_t *merged)
{
    AUTO_EVENT yaml_event_t event = { .type = YAML_NO_EVENT };
    AUTO_FREE char *key = NULL;
    AUTO_JSON json_t *value = NULL;
    struct err *err = NULL;

    if (!is_merge(name)) {
        err = parse_key(l, name, &key);
    }
    if (!err) {
        err = next_event(l, &event);
    }
    if (!err) {
        err = parse_node(l, &event, depth + 1, &value);
    }
    if (err) {
        return err;
    }
    if (!key) {
        return merge(merged, value)
                   ? NULL
                   : fail_at(l, name->start_mark,
                             "\"<<\" takes a mapping or several");
    }
    if (json_object_get(object, key)) {
        AUTO_FREE char *quoted = str_quote(key);
        AUTO_FREE char *text = xasprintf("the key %s is there twice", quoted);

        return fail_at(l, name->start_mark, text);
    }
    json_object_set(object, key, value);
    return NULL;
}

static struct err *
parse_mapping(struct loader *l, const yaml_event_t *start, unsigned depth,
              json_t **out)
{
    AUTO_JSON json_t *object = json_object();
    AUTO_JSON json_t *merged = json_object();

    if (!is_own_tag(start->data.mapping_start.tag, CORE_TAG "map")) {
        return fail_at(l, start->start_mark, "the tag is not known");
    }
    for (;;) {
        AUTO_EVENT yaml_event_t event = { .type = YAML_NO_EVENT };
        struct err *err = next_event(l, &event);

        if (err) {
            return err;
        }
        if (event.type == YAML_MAPPING_END_EVENT) {
            break;
        }
        err = parse_member(l, &event, depth, object, merged);
        if (err) {
            return err;
        }
    }
    json_object_update_missing(object, merged);
    keep_anchor(l, start->data.mapping_start.anchor, object);
    *out = STEAL_PTR(object);
    return NULL;
}

static struct err *
parse_node(struct loader *l, const yaml_event_t *event, unsigned depth,
           json_t **out)
{
    *out = NULL;
    if (depth > YAML_MAX_DEPTH) {
        return fail_at(l, event->start_mark, "nested too deeply");
    }
    if (++l->n_nodes > YAML_MAX_NODES) {
        return fail_at(l, event->start_mark, "too many values");
    }
    if (event->type == YAML_ALIAS_EVENT) {
        return parse_alias(l, event, depth, out);
    }
    if (event->type == YAML_SCALAR_EVENT) {
        return parse_scalar(l, event, out);
    }
    if (event->type == YAML_SEQUENCE_START_EVENT) {
        return parse_sequence(l, event, depth, out);
    }
    if (event->type == YAML_MAPPING_START_EVENT) {
        return parse_mapping(l, event, depth, out);
    }
    return fail_at(l, event->start_mark, "not a value");
}

/* Reads the root value after a document's start, and hands it on. */
static struct err *
parse_document(struct loader *l, yaml_each_fn *each, void *aux)
{
    AUTO_EVENT yaml_event_t event = { .type = YAML_NO_EVENT };
    AUTO_JSON json_t *document = NULL;
    struct err *err = next_event(l, &event);

    if (!err) {
        err = parse_node(l, &event, 1, &document);
    }
    map_free(l->anchors, decref);
    l->anchors = map_new();
    if (err || json_is_null(document)) {
        return err;
    }
    return each(document,
                (unsigned) (l->line_before + event.start_mark.line + 1), aux);
}

static struct err *
parse_stream(struct loader *l, yaml_each_fn *each, void *aux)
{
    bool is_open = true;

    while (is_open) {
        AUTO_EVENT yaml_event_t event = { .type = YAML_NO_EVENT };
        struct err *err = next_event(l, &event);

        if (!err && event.type == YAML_DOCUMENT_START_EVENT) {
            err = parse_document(l, each, aux);
        }
        if (err) {
            return err;
        }
        is_open = event.type != YAML_STREAM_END_EVENT &&
                  event.type != YAML_NO_EVENT;
    }
    return NULL;
}

static struct err *
each_yaml(const char *text, size_t size, size_t line_before,
          yaml_each_fn *each, void *aux)
{
    struct loader l = { .line_before = line_before };
    struct err *err;

    if (!yaml_parser_initialize(&l.parser)) {
        return err_new(ERR_INTERNAL, "libyaml does not start");
    }
    l.anchors = map_new();
    yaml_parser_set_input_string(&l.parser, (const unsigned char *) text,
                                 size);
    err = parse_stream(&l, each, aux);
    map_free(l.anchors, decref);
    yaml_parser_delete(&l.parser);
    return err;
}

static size_t
count_lines(const char *text, size_t size)
{
    size_t n = 0;

    for (size_t i = 0; i < size; i++) {
        n += text[i] == '\n';
    }
    return n;
}

/* Where the next document begins: behind blanks and lines of "---". */
static size_t
skip_blanks(const char *text, size_t size)
{
    size_t n = 0;

    while (n < size) {
        if (memchr(" \t\r\n", text[n], 4)) {
            n++;
        } else if (size - n > 3 && memcmp(text + n, "---", 3) == 0 &&
                   memchr("\r\n", text[n + 3], 2)) {
            n += 4;
        } else {
            break;
        }
    }
    return n;
}

/* JSON documents first, for JSON is almost but not quite YAML (surrogate
 * escapes, long keys); from the first one that is none, the YAML parser. */
struct err *
yaml_each(const char *text, size_t size, yaml_each_fn *each, void *aux)
{
    size_t line = 0;

    if (size > YAML_MAX_SIZE) {
        return err_new(ERR_LIMIT, "%zu bytes are more than %zu", size,
                       YAML_MAX_SIZE);
    }
    while (size > 0) {
        size_t n = skip_blanks(text, size);
        AUTO_JSON json_t *document = NULL;
        json_error_t why = { .position = 0 };
        struct err *err;

        if (n < size && text[n] == '{') {
            document = json_loadb(text + n, size - n,
                                  JSON_REJECT_DUPLICATES |
                                      JSON_DISABLE_EOF_CHECK,
                                  &why);
        }
        if (!document) {
            return each_yaml(text, size, line, each, aux);
        }
        err = each(document, (unsigned) (line + count_lines(text, n) + 1),
                   aux);
        if (err) {
            return err;
        }
        n += (size_t) why.position;
        line += count_lines(text, n);
        text += n;
        size -= n;
    }
    return NULL;
}
