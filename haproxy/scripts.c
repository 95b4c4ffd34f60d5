#include "haproxy/scripts.h"

#include "lib/base/compiler.h"

/* haproxy/lua/NAME.lua as it is, with a NUL behind it. */
#define SCRIPT(name)                                                       \
    __asm__(".pushsection .rodata\n"                                       \
            ".global script_" #name "\n"                                   \
            "script_" #name ":\n"                                          \
            ".incbin \"haproxy/lua/" #name ".lua\"\n"                      \
            ".byte 0\n"                                                    \
            ".popsection\n");                                              \
    extern const char script_##name[];
#include "haproxy/scripts.def"
#undef SCRIPT

const struct script scripts[] = {
#define SCRIPT(name) { #name, script_##name },
#include "haproxy/scripts.def"
#undef SCRIPT
};

const size_t n_scripts = ARRAY_SIZE(scripts);
