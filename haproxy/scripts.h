/* scripts: the Lua that the program loads, where HAProxy has no construct.
 *
 * haproxy/lua/NAME.lua is compiled into this module and shipped to
 * RUN/lua/NAME-HASH.lua, HASH being program_hash(): a program that fails to
 * load leaves the scripts of the running one alone.  The program says
 * "lua-load-per-thread @RUN@/lua/NAME-@HASH@.lua" for each.
 *
 * Constant data; any thread.
 */
#ifndef HAPROXY_SCRIPTS_H
#define HAPROXY_SCRIPTS_H

#include <stddef.h>

struct script {
    const char *name;           /* Without ".lua". */
    const char *text;
};

extern const struct script scripts[];
extern const size_t n_scripts;

#endif /* HAPROXY_SCRIPTS_H */
