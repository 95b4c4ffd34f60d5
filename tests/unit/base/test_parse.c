#include "tests/unit/table.h"

#include "lib/base/parse.h"

enum kind { U64, BOOL, SIZE, CIDR, TIME, PORT };

/* One row per boundary; 'want' is the number read, -1 where it is refused. */
static const struct row {
    const char *name;
    enum kind kind;
    const char *text;
    int64_t want;
} rows[] = {
    { "u64: zero", U64, "0", 0 },
    { "u64: highest allowed", U64, "1000", 1000 },
    { "u64: one over", U64, "1001", -1 },
    { "u64: empty", U64, "", -1 },
    { "u64: blank", U64, " 1", -1 },
    { "u64: plus sign", U64, "+1", -1 },
    { "u64: unit", U64, "60s", -1 },
    { "u64: overflow", U64, "18446744073709551617", -1 },
    { "u64: line feed", U64, "1\n", -1 },
    { "bool: t", BOOL, "t", 1 },
    { "bool: False", BOOL, "False", 0 },
    { "bool: yes is not Go", BOOL, "yes", -1 },
    { "bool: mixed case", BOOL, "tRue", -1 },
    { "size: plain", SIZE, "10", 10 },
    { "size: mega", SIZE, "8m", 8388608 },
    { "size: upper case", SIZE, "1K", 1024 },
    { "size: unit only", SIZE, "m", -1 },
    { "size: two units", SIZE, "1mb", -1 },
    { "size: overflow", SIZE, "99999999999g", -1 },
    { "cidr: v4 prefix", CIDR, "10.0.0.0/8", 8 },
    { "cidr: v4 address", CIDR, "192.0.2.1", 32 },
    { "cidr: v6", CIDR, "2001:db8::/32", 32 },
    { "cidr: all", CIDR, "0.0.0.0/0", 0 },
    { "cidr: prefix too long", CIDR, "10.0.0.0/33", -1 },
    { "cidr: no prefix after slash", CIDR, "10.0.0.0/", -1 },
    { "cidr: leading zero", CIDR, "010.0.0.0/8", -1 },
    { "time: epoch", TIME, "1970-01-01T00:00:00Z", 0 },
    { "time: fraction dropped", TIME, "1970-01-01T00:00:01.999999Z", 1 },
    { "time: offset", TIME, "1970-01-01T00:00:00+01:00", -1 },
    { "time: date only", TIME, "1970-01-01", -1 },
    { "port: highest", PORT, "65535", 65535 },
    { "port: zero", PORT, "0", -1 },
    { "port: too high", PORT, "65536", -1 },
};

static bool
read_row(const struct row *row, int64_t *got)
{
    struct parse_cidr cidr;
    uint64_t number;
    uint16_t port;
    bool flag;

    switch (row->kind) {
    case U64:
        if (!parse_u64(row->text, 0, 1000, &number)) {
            return false;
        }
        *got = (int64_t) number;
        return true;
    case BOOL:
        if (!parse_bool(row->text, &flag)) {
            return false;
        }
        *got = flag;
        return true;
    case SIZE:
        if (!parse_size(row->text, &number)) {
            return false;
        }
        *got = (int64_t) number;
        return true;
    case CIDR:
        if (!parse_cidr(row->text, &cidr)) {
            return false;
        }
        *got = cidr.prefix;
        return true;
    case TIME:
        return parse_time(row->text, got);
    case PORT:
        if (!parse_port(row->text, &port)) {
            return false;
        }
        *got = port;
        return true;
    }
    return false;
}

static void
check_row(void **state)
{
    const struct row *row = *state;
    int64_t got = -1;

    if (!read_row(row, &got)) {
        got = -1;
    }
    assert_int_equal(got, row->want);
}

TABLE_MAIN("parse", rows, check_row)
