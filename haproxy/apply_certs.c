#include "haproxy/apply.h"

#include <stdlib.h>
#include <string.h>

#include "haproxy/crtlist.h"
#include "haproxy/files.h"
#include "haproxy/pem.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

/* "cert", "ca-file" or "crl-file", as commands have it. */
static const char *
store_of(const char *id)
{
    static const char *const words[] = {
        [MODEL_STORE_CERT] = "cert",
        [MODEL_STORE_CA] = "ca-file",
        [MODEL_STORE_CRL] = "crl-file",
    };

    return words[model_store(id)];
}

/* One exchange of its own: what HAProxy says to a certificate concerns that
 * certificate only.  'is_refused' is set where HAProxy said no. */
static bool
exchange(struct apply *a, const enum reply *replies, size_t n,
         const char *text, bool *is_refused, struct err **why)
{
    AUTO_BUF struct buf answer = BUF_INIT(65536);
    struct err *err =
        command_ask_for(a->socket, text, replies, n, &answer);

    *is_refused = false;
    *why = NULL;
    a->batch.n_commands += n;
    if (err) {
        a->batch.err = err;
        return false;
    }
    *why = reply_check(replies, n, buf_str(&answer));
    *is_refused = *why != NULL;
    return !*why;
}

/* The response goes into the same transaction; "set ssl ocsp-response" knows
 * only certificates that were loaded with one. */
static bool
set_response(struct apply *a, const char *path, const struct buf *base64,
             bool *is_refused, struct err **why)
{
    static const enum reply replies[] = { REPLY_CERT_SET };
    AUTO_BUF struct buf text = BUF_OWN;

    buf_printf(&text, "set ssl cert %s.ocsp <<\n%s\n", path,
               buf_str(base64));
    return exchange(a, replies, 1, buf_str(&text), is_refused, why);
}

/* Begins the transaction with the PEM 'all', and the response of it with
 * 'has_response'.  False: it was refused, or there is no connection. */
static bool
send_cert(struct apply *a, const char *id, const struct buf *all,
          bool has_response, bool *is_refused, struct err **why)
{
    static const enum reply replies[] = { REPLY_CERT_NEW, REPLY_CERT_SET };
    static const enum reply committed[] = { REPLY_CERT_COMMIT };
    bool is_new = map_get(a->model->certs, id) == NULL;
    AUTO_FREE char *path = files_cert(a->run_dir, id);
    AUTO_FREE char *commit =
        xasprintf("commit ssl %s %s", store_of(id), path);
    AUTO_BUF struct buf text = BUF_SECRET(BUF_OWN_MAX);
    AUTO_BUF struct buf response = BUF_OWN;

    if (is_new) {
        buf_printf(&text, "new ssl %s %s;", store_of(id), path);
    }
    buf_printf(&text, "set ssl %s %s <<\n", store_of(id), path);
    pem_compact(buf_str(all), &text);
    if (text.size > command_payload_room(0)) {
        a->is_oversized = true;
        return false;
    }
    return exchange(a, is_new ? replies : replies + 1, is_new ? 2 : 1,
                    buf_str(&text), is_refused, why) &&
           (!has_response || !pem_response(buf_str(all), &response) ||
            set_response(a, path, &response, is_refused, why)) &&
           exchange(a, committed, 1, commit, is_refused, why);
}

/* Takes the transaction back. */
static void
abandon(struct apply *a, const char *id)
{
    AUTO_FREE char *path = files_cert(a->run_dir, id);
    AUTO_FREE char *abort_it =
        xasprintf("abort ssl %s %s", store_of(id), path);
    AUTO_FREE char *delete_it =
        xasprintf("del ssl %s %s", store_of(id), path);
    AUTO_BUF struct buf answer = BUF_INIT(65536);

    a->batch.err = command_ask(a->socket, abort_it, &answer);
    if (!a->batch.err && !map_get(a->model->certs, id)) {
        a->batch.err = command_ask(a->socket, delete_it, &answer);
    }
}

static void
refuse(struct apply *a, const char *id, const struct model_cert *cert,
       struct err *why)
{
    AUTO_FREE char *shown = str_quote(cert->name);

    log_error("haproxy", NULL, "certificate %s is not installed: %s", shown,
              err_text(why));
    err_free(why);
    free(map_put(a->refused, id, xstrdup(cert->digest)));
    abandon(a, id);
}

/* True where the certificate is in service now; 'all' becomes its text.  One
 * whose response is not taken is served without. */
static bool
install(struct apply *a, const char *id, const struct model_cert *cert,
        struct buf *all)
{
    AUTO_BUF struct buf response = BUF_OWN;
    struct err *why = NULL;
    bool is_refused = false, is_done;

    pem_text_read(cert->text, all);
    is_done = send_cert(a, id, all, true, &is_refused, &why);
    if (is_refused && pem_response(buf_str(all), &response)) {
        AUTO_FREE char *shown = str_quote(cert->name);

        log_error("haproxy", NULL, "the OCSP response of certificate %s is "
                  "not installed: %s", shown, err_text(why));
        err_free(why);
        abandon(a, id);
        is_refused = false;
        is_done = !a->batch.err &&
                  send_cert(a, id, all, false, &is_refused, &why);
    }
    if (is_refused) {
        refuse(a, id, cert, why);
    }
    return is_done;
}

bool
apply_blank(struct apply *a, const char *id, const struct model_cert *cert,
            const struct pem_text *text)
{
    const struct model_cert blank = { .name = cert->name, .text = text };
    AUTO_BUF struct buf all = BUF_SECRET(BUF_OWN_MAX);

    return install(a, id, &blank, &all);
}

/* False where its file could not be written: HAProxy has it all the same, but
 * what it is stays unknown, so that it is sent and written again. */
static bool
note(struct apply *a, const char *id, const struct model_cert *cert,
     const struct buf *all)
{
    struct model_cert *have = model_cert(a->model, id, cert->name);
    AUTO_ERR struct err *err = files_put_cert(a->run_dir, id, all);

    memset(have->digest, 0, sizeof have->digest);
    have->text = NULL;
    have->is_blank = false;
    free(map_remove(a->refused, id));
    if (err) {
        log_error("haproxy", NULL, "a certificate is served and not in its "
                  "file: %s", err_text(err));
        free(map_remove(a->written, id));
        a->is_unwritten = true;
        return false;
    }
    memcpy(have->digest, cert->digest, sizeof have->digest);
    free(map_put(a->written, id, xstrdup(cert->digest)));
    return true;
}

/* A line with options goes alone: where HAProxy does not take them, it
 * concerns that name only, which then has its other lines or the program's
 * options.  False where the line is not there. */
static bool
add_line(struct apply *a, const struct crtlist_walk *line, const char *host)
{
    static const enum reply replies[] = { REPLY_CRT_LIST_ADD };
    AUTO_FREE char *head =
        xasprintf("add ssl crt-list %s/crt-list", a->run_dir);
    AUTO_FREE char *path = files_cert(a->run_dir, line->id);
    AUTO_BUF struct buf text = BUF_OWN;
    struct err *why = NULL;
    bool is_refused;

    if (!line->options[0]) {
        crtlist_write(&text, path, line->options, host);
        buf_putc(&text, '\n');
        command_payload(&a->batch, REPLY_CRT_LIST_ADD, head, &text);
        return true;
    }
    command_flush(&a->batch);
    buf_printf(&text, "%s <<\n", head);
    crtlist_write(&text, path, line->options, host);
    buf_putc(&text, '\n');
    if (!a->batch.err &&
        !exchange(a, replies, 1, buf_str(&text), &is_refused, &why) &&
        is_refused) {
        log_error("haproxy", NULL, "%s is not served as it asks: %s", host,
                  err_text(why));
        err_free(why);
        return false;
    }
    return !a->batch.err;
}

/* Everything a line names is in HAProxy. */
static bool
has_stores(const struct model *m, const struct crtlist_walk *line)
{
    char ca[MODEL_ID_SIZE], crl[MODEL_ID_SIZE];

    (void) crtlist_split(line->options, ca, crl);
    return map_get(m->certs, line->id) && (!ca[0] || map_get(m->certs, ca)) &&
           (!crl[0] || map_get(m->certs, crl));
}

/* Adds the lines of a server name that are not there yet.  Those that it is
 * to lose stay until nothing else is to do, and for good where one that it
 * should have got did not come. */
static void
put_lines(struct apply *a, const char *host, const char *want)
{
    const char *old = map_get(a->model->snis, host);
    AUTO_FREE char *have = xstrdup(old ? old : "");
    AUTO_CRTLIST struct crtlist_walk walk = { .lines = want };
    AUTO_CRTLIST struct crtlist_walk gone = { .lines = have };
    AUTO_FREE char *now = xstrdup(have);
    bool is_whole = true;

    while (crtlist_next(&walk)) {
        if (crtlist_has(have, walk.line)) {
            continue;
        }
        a->touched_certs = true;
        if (!has_stores(a->model, &walk) || !add_line(a, &walk, host)) {
            is_whole = false;
            continue;
        }
        crtlist_add(&now, walk.id, walk.options);
    }
    while (is_whole && crtlist_next(&gone)) {
        if (!crtlist_has(want, gone.line)) {
            model_rows_add(&a->model->strays, gone.line, host);
        }
    }
    model_set_sni(a->model, host, is_whole ? want : now);
}

void
apply_stores_in(struct apply *a, struct diff *d)
{
    struct map_iter it = MAP_ITER;

    command_flush(&a->batch);
    while (!a->batch.err && map_next(d->certs, &it)) {
        const struct model_cert *cert = it.value;
        AUTO_BUF struct buf pem = BUF_SECRET(BUF_OWN_MAX);

        a->touched_certs = true;
        if (cert->text && (!install(a, it.key, cert, &pem) ||
                           !note(a, it.key, cert, &pem))) {
            AUTO_FREE char *key = xasprintf("cert|%s", it.key);

            free(map_remove(d->rows[MODEL_META], key));
        }
    }
}

void
apply_certs_in(struct apply *a, struct diff *d)
{
    struct map_iter it = MAP_ITER;

    while (!a->batch.err && map_next(d->snis, &it)) {
        if (!str_eq(it.value, DIFF_GONE)) {
            put_lines(a, it.key, it.value);
        }
    }
}

/* --- Taking away --- */

/* PATH:NUMBER of the lines of the crt-list by what crtlist_write() makes of
 * them. */
static struct map *
read_lines(struct apply *a)
{
    AUTO_FREE char *command =
        xasprintf("show ssl crt-list -n %s/crt-list", a->run_dir);
    AUTO_BUF struct buf answer = BUF_OWN;
    struct map *lines = map_new();
    char *rest, *text;

    command_flush(&a->batch);
    if (!a->batch.err) {
        a->batch.err = command_ask(a->socket, command, &answer);
    }
    rest = answer.data;
    while ((text = reply_line(&rest))) {
        AUTO_BUF struct buf key = BUF_OWN;
        struct crtlist_line line;

        if (crtlist_parse(text, &line)) {
            AUTO_FREE char *options = crtlist_line_options(&line);

            crtlist_write(&key, line.file, options, line.host);
            free(map_put(lines, buf_str(&key),
                         xasprintf("%s:%s", line.file, line.number)));
        }
    }
    return lines;
}

static void
drop_line(struct apply *a, const struct map *numbers, const char *line,
          const char *host)
{
    AUTO_CRTLIST struct crtlist_walk walk = { .lines = line };

    while (crtlist_next(&walk)) {
        AUTO_FREE char *path = files_cert(a->run_dir, walk.id);
        AUTO_BUF struct buf key = BUF_OWN;
        const char *number;

        crtlist_write(&key, path, walk.options, host);
        number = map_get(numbers, buf_str(&key));
        if (number) {
            command_put(&a->batch, REPLY_CRT_LIST_DEL,
                        "del ssl crt-list %s/crt-list %s", a->run_dir,
                        number);
        }
    }
}

/* Of two lines the older one counts: it goes before policies change. */
void
apply_certs_moved(struct apply *a)
{
    struct model_rows *strays = &a->model->strays;
    struct map *lines;

    if (strays->rows.n == 0) {
        return;
    }
    lines = read_lines(a);
    a->touched_certs = true;
    for (size_t i = 0; i < strays->rows.n; i++) {
        drop_line(a, lines, strays->rows.items[i].key,
                  strays->rows.items[i].value);
    }
    model_rows_clear(strays);
    map_free(lines, free);
    command_flush(&a->batch);
}

static void
drop_lines(struct apply *a, const struct diff *d)
{
    struct map_iter it = MAP_ITER;
    bool is_needed = false;
    struct map *lines;

    while (map_next(d->snis, &it)) {
        is_needed |= str_eq(it.value, DIFF_GONE);
    }
    if (!is_needed) {
        return;
    }
    lines = read_lines(a);
    a->touched_certs = true;
    it = (struct map_iter) MAP_ITER;
    while (map_next(d->snis, &it)) {
        const char *have = map_get(a->model->snis, it.key);

        if (str_eq(it.value, DIFF_GONE) && have) {
            drop_line(a, lines, have, it.key);
            model_set_sni(a->model, it.key, NULL);
        }
    }
    map_free(lines, free);
}

void
apply_certs_out(struct apply *a, const struct diff *d)
{
    struct map_iter it = MAP_ITER;

    drop_lines(a, d);
    while (map_next(d->certs, &it)) {
        const struct model_cert *cert = it.value;
        AUTO_FREE char *path = files_cert(a->run_dir, it.key);

        if (!cert->text && map_get(a->model->certs, it.key)) {
            command_put(&a->batch, REPLY_CERT_DEL, "del ssl %s %s",
                        store_of(it.key), path);
            model_drop_cert(a->model, it.key);
            free(map_remove(a->refused, it.key));
        }
    }
    command_flush(&a->batch);
}
