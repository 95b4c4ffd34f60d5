/* explain: what "sallyport explain" was asked; explain_url.c answers URLs. */
#ifndef CLI_EXPLAIN_H
#define CLI_EXPLAIN_H

#include "cli/source.h"
#include "lib/ingress/ruleset.h"

struct explain {
    struct ruleset ruleset;
    struct source source;
    int format;                 /* enum format. */
    const char *url;
    const char *method;
    const char *host;           /* NULL: the URL's. */
};

/* The exit status. */
int explain_url(struct explain *);

#endif /* CLI_EXPLAIN_H */
