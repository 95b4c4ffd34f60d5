/* compiler: attributes of gcc and clang under one name each.
 *
 * AUTO(fn) runs fn(&variable) when the variable leaves its scope; a variable
 * so marked is initialised where it is declared.
 */
#ifndef BASE_COMPILER_H
#define BASE_COMPILER_H

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define AUTO(fn) __attribute__((cleanup(fn)))
#define NORETURN __attribute__((noreturn))
#define RETURNS_NONNULL __attribute__((returns_nonnull))
#define UNUSED __attribute__((unused))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#endif /* BASE_COMPILER_H */
