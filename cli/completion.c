/* sallyport completion: scripts for shells.  They ask the binary itself, so
 * that they know what it knows: commands from "help", flags from "--help",
 * annotations from "explain". */
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "lib/base/flags.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

static const char usage[] =
    "usage: sallyport completion bash|zsh\n"
    "\n"
    "Prints a script that completes commands, flags and annotations:\n"
    "  source <(sallyport completion bash)\n";

static const char words[] =
    "_sallyport_words() {\n"
    "    case $1 in\n"
    "    commands) sallyport help | sed -n 's/^  \\([a-z]*\\) .*/\\1/p' ;;\n"
    "    flags) sallyport \"$2\" --help |\n"
    "        sed -n 's/^  \\(-[a-z], \\)\\{0,1\\}\\(--[a-z-]*\\).*/\\2/p' ;;\n"
    "    annotations) sallyport explain |\n"
    "        sed -n 's/^  \\([a-z0-9-]*\\) .*/\\1/p' ;;\n"
    "    esac\n"
    "}\n";

static const char bash[] =
    "_sallyport() {\n"
    "    local word=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]} kind\n"
    "    if ((COMP_CWORD == 1)); then kind=commands\n"
    "    elif [[ $word == -* ]]; then kind=flags\n"
    "    elif [[ $command == explain ]]; then kind=annotations\n"
    "    else return\n"
    "    fi\n"
    "    COMPREPLY=($(compgen -W \"$(_sallyport_words $kind $command)\" \\\n"
    "        -- \"$word\"))\n"
    "}\n"
    "complete -o default -F _sallyport sallyport\n";

static const char zsh[] =
    "#compdef sallyport\n"
    "_sallyport() {\n"
    "    if ((CURRENT == 2)); then\n"
    "        compadd -- $(_sallyport_words commands)\n"
    "    elif [[ $words[CURRENT] == -* ]]; then\n"
    "        compadd -- $(_sallyport_words flags $words[2])\n"
    "    elif [[ $words[2] == explain ]]; then\n"
    "        compadd -- $(_sallyport_words annotations)\n"
    "    else\n"
    "        _files\n"
    "    fi\n"
    "}\n"
    "compdef _sallyport sallyport\n";

static const char *
shell_name(size_t i, const void *aux)
{
    static const char *const names[] = { "bash", "zsh" };

    (void) aux;
    return names[i];
}

int
command_completion(int argc, char **argv)
{
    const char *shell = argc == 2 ? argv[1] : NULL;
    const char *near;

    if (flags_want_help(argc, argv)) {
        fputs(usage, stdout);
        return EXIT_CLEAN;
    }
    if (!shell) {
        fputs("sallyport completion: for which shell? bash or zsh\n",
              stderr);
        return EXIT_USAGE;
    }
    if (strcmp(shell, "bash") == 0 || strcmp(shell, "zsh") == 0) {
        printf("%s%s", shell[0] == 'z' ? "" : words,
               shell[0] == 'z' ? zsh : bash);
        if (shell[0] == 'z') {
            fputs(words, stdout);
        }
        return EXIT_CLEAN;
    }

    AUTO_FREE char *quoted = str_quote(shell);

    near = str_nearest(shell, 2, shell_name, NULL);
    fprintf(stderr, "sallyport completion: %s is not bash or zsh%s%s%s\n",
            quoted, near ? ": did you mean " : "", near ? near : "",
            near ? "?" : "");
    return EXIT_USAGE;
}
