#include "tests/unit/table.h"

#include "lib/base/mem.h"
#include "lib/base/parse.h"

enum kind { U64, I64, BOOL, SIZE, CIDR, IP, TIME, PORT, HOST_PORT };

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
    { "time: a year later", TIME, "1971-01-01T00:00:00Z", 31536000 },
    { "time: leap day", TIME, "1972-02-29T00:00:00Z", 68169600 },
    { "time: no leap day", TIME, "1971-02-29T00:00:00Z", -1 },
    { "time: month 13", TIME, "1970-13-01T00:00:00Z", -1 },
    { "time: month 0", TIME, "1970-00-01T00:00:00Z", -1 },
    { "time: hour 24", TIME, "1970-01-01T24:00:00Z", -1 },
    { "time: minute 60", TIME, "1970-01-01T00:60:00Z", -1 },
    { "time: blank for a digit", TIME, "1970- 1-01T00:00:00Z", -1 },
    { "time: one digit", TIME, "1970-1-01T00:00:000Z", -1 },
    { "time: sign", TIME, "+970-01-01T00:00:00Z", -1 },
    { "time: small t", TIME, "1970-01-01t00:00:00Z", -1 },
    { "time: no zone", TIME, "1970-01-01T00:00:00", -1 },
    { "time: point without digits", TIME, "1970-01-01T00:00:00.Z", -1 },
    { "time: text behind", TIME, "1970-01-01T00:00:00Z ", -1 },
    { "time: empty", TIME, "", -1 },
    { "i64: lowest", I64, "-1000", -1000 },
    { "i64: highest", I64, "1000", 1000 },
    { "i64: one under", I64, "-1001", -1 },
    { "i64: only a sign", I64, "-", -1 },
    { "i64: two signs", I64, "--1", -1 },
    { "i64: plus sign", I64, "+1", -1 },
    { "i64: overflow", I64, "-9999999999999999999", -1 },
    { "ip: v4", IP, "192.0.2.1", 4 },
    { "ip: v6", IP, "::1", 16 },
    { "ip: v6 with a zone", IP, "fe80::1%eth0", -1 },
    { "ip: short form", IP, "127.1", -1 },
    { "ip: too great", IP, "256.0.0.1", -1 },
    { "ip: blank behind", IP, "192.0.2.1 ", -1 },
    { "ip: brackets", IP, "[::1]", -1 },
    { "ip: empty", IP, "", -1 },
    { "cidr: two slashes", CIDR, "10.0.0.0/8/8", -1 },
    { "cidr: v6 prefix too long", CIDR, "::/129", -1 },
    { "cidr: very long", CIDR,
      "10.0.0.0000000000000000000000000000000000000000000000000000000/8", -1 },
    { "host and port", HOST_PORT, "a:80", 80 },
    { "host and port: v6", HOST_PORT, "[::1]:80", 80 },
    { "host and port: no host", HOST_PORT, ":80", 80 },
    { "host and port: no port", HOST_PORT, "a", -1 },
    { "host and port: empty port", HOST_PORT, "a:", -1 },
    { "host and port: v6 without brackets", HOST_PORT, "::1:80", -1 },
    { "host and port: half a bracket", HOST_PORT, "[::1:80", -1 },
    { "port: highest", PORT, "65535", 65535 },
    { "port: zero", PORT, "0", -1 },
    { "port: too high", PORT, "65536", -1 },
};

static bool
read_row(const struct row *row, int64_t *got)
{
    AUTO_FREE char *host = NULL;
    struct parse_cidr cidr;
    uint8_t bytes[16];
    uint64_t number;
    uint16_t port = 0;
    size_t size;
    bool flag;

    switch (row->kind) {
    case U64:
        if (!parse_u64(row->text, 0, 1000, &number)) {
            return false;
        }
        *got = (int64_t) number;
        return true;
    case I64:
        return parse_i64(row->text, -1000, 1000, got);
    case IP:
        if (!parse_ip(row->text, bytes, &size)) {
            return false;
        }
        *got = (int64_t) size;
        return true;
    case HOST_PORT:
        if (!parse_host_port(row->text, &host, &port)) {
            assert_null(host);
            assert_int_equal(port, 0);
            return false;
        }
        *got = port;
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
