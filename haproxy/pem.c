#include "haproxy/pem.h"

#include <string.h>

void
pem_compact(const char *pem, struct buf *out)
{
    for (const char *p = pem; *p;) {
        size_t length = strcspn(p, "\r\n");

        if (length > 0) {
            buf_put(out, p, length);
            buf_putc(out, '\n');
        }
        p += length + strspn(p + length, "\r\n");
    }
}

void
pem_split(const char *pem, struct buf *certificates, struct buf *key)
{
    static const char begin[] = "-----BEGIN ", end[] = "-----END ";
    static const char kind[] = "CERTIFICATE-----";

    for (const char *p = pem; (p = strstr(p, begin));) {
        const char *stop = strstr(p, end);
        bool is_cert = strncmp(p + strlen(begin), kind, strlen(kind)) == 0;
        size_t length;

        if (!stop) {
            return;
        }
        stop += strcspn(stop, "\n");
        length = (size_t) (stop - p);
        buf_put(is_cert ? certificates : key, p, length);
        buf_putc(is_cert ? certificates : key, '\n');
        p = stop;
    }
}
