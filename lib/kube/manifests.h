/* manifests: Kubernetes objects from files, in place of an API server.
 *
 * Reads *.yaml, *.yml and *.json of a folder and its sub-folders (hidden
 * names are skipped, links are followed, so a mounted ConfigMap works),
 * several documents a file, "kind: List" unfolded.  Kinds we do not read are
 * skipped.  What an API server would refuse is refused here as well: a wrong
 * apiVersion, a bad name, in an Ingress an unknown field.
 *
 * A file is a unit: while anything in it cannot be read, all its objects stay
 * as they were; of a file that never was good, what can be read counts.  A
 * removed file takes its objects with it; a removed folder does not, for
 * that is an accident.  The same object in two files belongs to the first
 * one in order of names; the other is a problem.
 *
 * uid and resourceVersion are made from the object's name and its content.
 * object.source is "FILE:LINE" of the document, with " items[3]" behind for
 * an item of a List.
 *
 * Not locked: one thread, the owner of the cache.
 */
#ifndef KUBE_MANIFESTS_H
#define KUBE_MANIFESTS_H

#include "lib/base/err.h"
#include "lib/base/vec.h"
#include "lib/base/waits.h"
#include "lib/kube/cache.h"
#include "lib/kube/object.h"

#define MANIFESTS_MAX_FILES 20000
#define MANIFESTS_MAX_DEPTH 16
/* Where no event comes (a network file system, a linked file elsewhere),
 * files are looked at this often. */
#define MANIFESTS_POLL_MS 10000

struct manifests_problem {
    char *file;
    unsigned line;      /* From 1; 0: the file as a whole. */
    char *object;       /* "Ingress default/a", NULL where it is unknown. */
    char *message;
};

struct manifests_problems {
    VEC(struct manifests_problem) all;
};
#define MANIFESTS_PROBLEMS_INIT { .all = { .items = NULL } }
void manifests_problems_fini(struct manifests_problems *);

/* "file.yaml:12: Ingress default/a: message", the caller's to free. */
char *manifests_problem_text(const struct manifests_problem *)
    MUST_USE RETURNS_NONNULL;

/* Follows one folder (or file) into a cache. */
struct manifests;

/* Reads everything once; after it every kind of 'cache' is synced.  Fails
 * only where 'path' itself cannot be read; what is wrong inside is logged
 * and among the problems.  'cache' outlives the manifests. */
struct err *manifests_open(const char *path, struct cache *cache,
                           struct manifests **out) MUST_USE;
void manifests_free(struct manifests *);    /* Accepts NULL. */

/* Takes in what changed since; never blocks on anything but the disk. */
void manifests_run(struct manifests *);
void manifests_wait(struct manifests *, struct waits *);

/* What is wrong now; borrowed until the next manifests_run(). */
const struct manifests_problems *manifests_problems(const struct manifests *);
/* Counts up whenever the problems change. */
unsigned manifests_problems_generation(const struct manifests *);

/* Reads 'paths' (files, folders, "-" for standard input) once, in the order
 * given, a file that several of them lead to the first time only, and calls
 * 'each' with every object; the object is borrowed.  What cannot be read, a
 * path that is not there too, is added to 'problems'. */
typedef void manifests_each_fn(const struct kube_object *, void *aux);
void manifests_read(const char *const *paths, size_t n_paths,
                    manifests_each_fn *each, void *aux,
                    struct manifests_problems *problems);

#endif /* KUBE_MANIFESTS_H */
