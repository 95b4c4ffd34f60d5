/* sallyport: what the rules say of manifests and clusters, offline.  Called
 * kubectl-sallyport it is the plug-in "kubectl sallyport". */
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "lib/base/compiler.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/version.h"

static command_fn command_help, command_version;

static const struct command {
    const char *name;
    command_fn *run;
    const char *doc;
} commands[] = {
    {
        .name = "lint",
        .run = command_lint,
        .doc = "Judges the Ingresses of files and folders.",
    },
    {
        .name = "audit",
        .run = command_audit,
        .doc = "Judges all Ingresses of a cluster, as if applied today.",
    },
    {
        .name = "explain",
        .run = command_explain,
        .doc = "An annotation, or which Ingress answers a URL.",
    },
    {
        .name = "routes",
        .run = command_routes,
        .doc = "What HAProxy holds now, and the Ingress behind each row.",
    },
    {
        .name = "completion",
        .run = command_completion,
        .doc = "Prints a script for bash or zsh.",
    },
    {
        .name = "version",
        .run = command_version,
        .doc = "Prints the version.",
    },
    {
        .name = "help",
        .run = command_help,
        .doc = "Prints this.",
    },
};

static const char *
command_name(size_t i, const void *aux)
{
    (void) aux;
    return commands[i].name;
}

/* The status; EXIT_CLEAN where nothing is given. */
static int
refuse_arguments(int argc, char **argv)
{
    if (argc > 1) {
        AUTO_FREE char *quoted = str_quote(argv[1]);

        fprintf(stderr, "sallyport %s: unexpected argument %s\n", argv[0],
                quoted);
        return EXIT_USAGE;
    }
    return EXIT_CLEAN;
}

static int
command_version(int argc, char **argv)
{
    int status = refuse_arguments(argc, argv);

    if (status == EXIT_CLEAN) {
        puts("sallyport " SALLYPORT_VERSION);
    }
    return status;
}

static int
command_help(int argc, char **argv)
{
    int status = refuse_arguments(argc, argv);

    if (status != EXIT_CLEAN) {
        return status;
    }
    puts("usage: sallyport COMMAND [ARGUMENTS]\n");
    for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
        printf("  %-10s %s\n", commands[i].name, commands[i].doc);
    }
    puts("\n\"sallyport COMMAND --help\" says more of each.");
    return EXIT_CLEAN;
}

static int
unknown_command(const char *name)
{
    AUTO_FREE char *quoted = str_quote(name);
    const char *near =
        str_nearest(name, ARRAY_SIZE(commands), command_name, NULL);

    if (near) {
        fprintf(stderr,
                "sallyport: unknown command %s: did you mean \"%s\"?\n",
                quoted, near);
    } else {
        fprintf(stderr,
                "sallyport: unknown command %s: see \"sallyport help\"\n",
                quoted);
    }
    return EXIT_USAGE;
}

int
main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : NULL;

    if (!name) {
        fputs("sallyport: which command? see \"sallyport help\"\n", stderr);
        return EXIT_USAGE;
    }
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        name = "help";
    } else if (strcmp(name, "--version") == 0) {
        name = "version";
    }
    for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
        if (strcmp(name, commands[i].name) == 0) {
            return commands[i].run(argc - 1, argv + 1);
        }
    }
    return unknown_command(name);
}
