#include "tests/unit/table.h"

#include "lib/base/mem.h"
#include "lib/ingress/copyto.h"

/* "SERVICE NAMESPACE PORT HOST URI BASE", "-" where there is none. */
static const struct row {
    const char *name;
    const char *text;
    const char *want;
} rows[] = {
    { "nothing behind it", "http://s.n", "s n 80 s.n - -" },
    { "the whole name", "https://s.n.svc.cluster.local",
      "s n 443 s.n.svc.cluster.local - -" },
    { "a port", "http://s.n.svc:8080", "s n 8080 s.n.svc - -" },
    { "the request's", "http://s.n$request_uri", "s n 80 s.n - -" },
    { "the request's and a slash", "http://s.n/$request_uri",
      "s n 80 s.n - -" },
    { "a path", "http://s.n/a?b", "s n 80 s.n /a?b -" },
    { "the root", "http://s.n/", "s n 80 s.n / -" },
    { "a path before the request's", "http://s.n:81/a$request_uri",
      "s n 81 s.n - /a" },
    { "a path and a slash before it", "http://s.n/a/$request_uri",
      "s n 80 s.n - /a" },
    { "one slash is dropped, not two", "http://s.n//$request_uri",
      "s n 80 s.n - /" },
    { "the request's in the middle", "http://s.n/$request_uri/a", "none" },
    { "the request's twice", "http://s.n$request_uri$request_uri", "none" },
    { "another variable", "http://s.n/$uri", "none" },
    { "another variable before it", "http://s.n/$uri$request_uri", "none" },
    { "text that is no path", "http://s.n.org/a", "none" },
    { "text that is no path before it", "http://s.n?a$request_uri", "none" },
    { "no namespace", "http://s/a", "none" },
    { "no scheme", "s.n/a", "none" },
    { "a port that is none", "http://s.n:0/a", "none" },
};

static const char *
or_dash(const char *text)
{
    return text ? text : "-";
}

static void
check_row(void **state)
{
    const struct row *row = *state;
    struct copyto to;
    bool is_good = copyto_read(row->text, &to);
    AUTO_FREE char *got =
        is_good ? xasprintf("%s %s %d %s %s %s", to.service, to.namespace,
                            to.port, to.host, or_dash(to.uri),
                            or_dash(to.base))
                : xstrdup("none");

    assert_string_equal(got, row->want);
    copyto_fini(&to);
}

TABLE_MAIN("copyto", rows, check_row)
