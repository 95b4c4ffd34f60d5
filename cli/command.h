/* command: what sallyport can be asked; one row and one file each. */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

/* Exit statuses. */
enum { EXIT_CLEAN = 0, EXIT_REFUSED = 1, EXIT_USAGE = 2 };

/* 'argv[0]' is the command's own name. */
typedef int command_fn(int argc, char **argv);

command_fn command_lint, command_audit, command_explain, command_routes,
    command_completion;

#endif /* CLI_COMMAND_H */
