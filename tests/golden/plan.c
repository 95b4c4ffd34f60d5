/* Prints what a folder of manifests becomes: the plan and all findings.
 *
 * usage: plan DIR [reconciler flags]
 */
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/kube/cache.h"
#include "lib/kube/manifests.h"
#include "reconciler/config.h"
#include "reconciler/engine.h"

static int
print(const char *dir, const struct config *config)
{
    const struct engine_options options = {
        .ruleset = &config->ruleset,
        .default_backend_service = config->default_backend_service,
        .fallback_pem = "fallback\n",
        .local_endpoints = true,
    };
    AUTO_BUF struct buf out = BUF_OWN;
    struct cache *cache = cache_new();
    struct manifests *manifests = NULL;
    struct err *err = manifests_open(dir, cache, &manifests);
    struct engine *engine;

    if (err) {
        fprintf(stderr, "plan: %s\n", err_text(err));
        err_free(err);
        cache_free(cache);
        return 1;
    }
    engine = engine_new(&options, cache);
    engine_tick(engine, clock_wall());
    engine_run(engine);
    plan_dump(engine_plan(engine), &out);
    {
        AUTO_FINDINGS struct findings *findings = findings_new();
        size_t n;
        AUTO_FREE const char **keys = engine_ingresses(engine, &n);

        for (size_t i = 0; i < n; i++) {
            engine_findings(engine, keys[i], findings);
        }
        engine_findings(engine, ENGINE_CONFIGMAP, findings);
        findings_print(findings, &out);
    }
    fputs(buf_str(&out), stdout);
    engine_free(engine);
    manifests_free(manifests);
    cache_free(cache);
    return 0;
}

int
main(int argc, char **argv)
{
    struct config config;
    struct err *err;
    bool help;
    int status;

    if (argc < 2) {
        fputs("usage: plan DIR [flags]\n", stderr);
        return 2;
    }
    err = config_parse(argc - 1, argv + 1, &config, &help);
    if (err) {
        fprintf(stderr, "plan: %s\n", err_text(err));
        err_free(err);
        return 2;
    }
    status = print(argv[1], &config);
    config_fini(&config);
    return status;
}
