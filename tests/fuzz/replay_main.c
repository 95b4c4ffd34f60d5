/* Runs a fuzz target over files without a fuzzer: the corpus as a test.
 *
 *     target [-m N] FILE-OR-FOLDER...
 *
 * With -m each input is also tried N times with small damage, the same at
 * every run: cut off, bytes changed, a piece of it twice.  A crash, a failed
 * assertion or more than 20 seconds for one input names the input and leaves
 * what was tried in build/replay-crash.bin.
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/base/vec.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#endif

#define INPUT_MAX ((size_t) 16 << 20)
#define CRASH_FILE "build/replay-crash.bin"
#define SECONDS_MAX 20

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is being tried: for the signal handler alone. */
static const char *present_file;
static const void *present_data;
static size_t present_size;

static void
say(const char *text)
{
    if (write(STDERR_FILENO, text, strlen(text)) < 0) {
        return;
    }
}

static void
tell_input(void)
{
    int fd = open(CRASH_FILE, O_WRONLY | O_CREAT | O_TRUNC, 0644);

    if (!present_file) {
        return;
    }
    say("\nFAILED on ");
    say(present_file);
    if (fd >= 0 && write(fd, present_data, present_size) >= 0) {
        say(", the bytes are in " CRASH_FILE);
    }
    say("\n");
    present_file = NULL;
}

static void
on_signal(int signal_number)
{
    tell_input();
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

static void
try(const void *data, size_t size)
{
    /* Exactly the size, so that the sanitizer sees one byte too many. */
    uint8_t *copy = xmemdup(data, size);

    present_data = copy;
    present_size = size;
    alarm(SECONDS_MAX);
    LLVMFuzzerTestOneInput(copy, size);
    alarm(0);
    free(copy);
}

/* xorshift64: the same damage at every run. */
static uint64_t
next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void
change_bytes(uint8_t *data, size_t size, uint64_t *random)
{
    static const uint8_t odd[] = "\0\"\\{}[]:,/*&!|>-#%@`'\n\r\t \x7f\x80\xff";
    size_t n = 1 + next_random(random) % 4;

    for (size_t i = 0; i < n; i++) {
        uint64_t r = next_random(random);

        data[(r >> 16) % size] = r % 2 ? odd[(r >> 8) % (sizeof odd - 1)]
                                       : (uint8_t) (r >> 8);
    }
}

static void
try_damaged(const struct buf *text, uint64_t *random)
{
    size_t size = text->size;
    size_t at = size > 0 ? next_random(random) % size : 0;
    size_t piece = size > 0 ? next_random(random) % (size - at) : 0;
    AUTO_BUF struct buf damaged = BUF_INIT(2 * INPUT_MAX);

    if (size == 0) {
        return;
    }
    switch (next_random(random) % 4) {
    case 0:
        buf_put(&damaged, text->data, at);
        break;
    case 1:
        buf_put(&damaged, text->data, at + piece);
        buf_put(&damaged, text->data + at, size - at);
        break;
    case 2:
        buf_put(&damaged, text->data, at);
        buf_put(&damaged, text->data + at + piece, size - at - piece);
        break;
    default:
        buf_put(&damaged, text->data, size);
        break;
    }
    if (damaged.size > 0) {
        change_bytes((uint8_t *) damaged.data, damaged.size, random);
        try(damaged.data, damaged.size);
    }
}

static bool
read_input(const char *path, struct buf *out)
{
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t room;
    char *tail;
    ssize_t n;

    if (fd < 0) {
        return false;
    }
    while ((tail = buf_room(out, &room))) {
        n = read(fd, tail, room);
        if (n <= 0) {
            return n == 0;
        }
        buf_grow(out, (size_t) n);
    }
    return false;
}

/* Tries one file; the number of inputs, 0 where it cannot be read. */
static size_t
try_file(const char *path, uint64_t n_damaged)
{
    AUTO_BUF struct buf text = BUF_INIT(INPUT_MAX);
    uint64_t random = 0x9e3779b97f4a7c15;

    if (!read_input(path, &text)) {
        fprintf(stderr, "%s cannot be read\n", path);
        return 0;
    }
    present_file = path;
    try(buf_str(&text), text.size);
    for (uint64_t i = 0; i < n_damaged; i++) {
        try_damaged(&text, &random);
    }
    present_file = NULL;
    return 1;
}

static size_t
try_path(const char *path, uint64_t n_damaged)
{
    DIR *folder = opendir(path);
    struct dirent *entry;
    size_t n = 0;

    if (!folder) {
        return try_file(path, n_damaged);
    }
    while ((entry = readdir(folder))) {
        AUTO_FREE char *file = xasprintf("%s/%s", path, entry->d_name);

        if (entry->d_name[0] != '.') {
            n += try_file(file, n_damaged);
        }
    }
    closedir(folder);
    return n;
}

int
main(int argc, char **argv)
{
    uint64_t n_damaged = 0;
    size_t n = 0;
    int first = 1;

    if (argc > 2 && strcmp(argv[1], "-m") == 0) {
        if (!parse_u64(argv[2], 0, 1000000, &n_damaged)) {
            fprintf(stderr, "-m: not a number\n");
            return 2;
        }
        first = 3;
    }
    signal(SIGABRT, on_signal);
    signal(SIGALRM, on_signal);
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_set_death_callback(tell_input);
#else
    signal(SIGSEGV, on_signal);
#endif
    for (int i = first; i < argc; i++) {
        size_t n_here = try_path(argv[i], n_damaged);

        if (n_here == 0) {
            fprintf(stderr, "%s: no input\n", argv[i]);
            return 1;
        }
        n += n_here;
    }
    printf("%zu inputs, %llu damaged ones of each\n", n,
           (unsigned long long) n_damaged);
    return n > 0 ? 0 : 2;
}
