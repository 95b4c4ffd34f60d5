/* output: the shapes in which commands answer, and what all of them say of
 * unreadable files. */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include <stdbool.h>

#include "lib/base/buf.h"
#include "lib/base/flags.h"
#include "lib/ingress/finding.h"
#include "lib/kube/manifests.h"
#include "lib/kube/object.h"

enum format { FORMAT_TEXT, FORMAT_JSON, FORMAT_GITHUB };

/* The row of "-o text|json", or with GitHub's annotations. */
struct flag output_flag(int *format, bool with_github);

/* All of it to standard output; false, and a line, where that fails. */
bool output_write(const char *command, const struct buf *);

/* What cannot be read goes to standard error in every format. */
void output_problems(const struct manifests_problems *);

/* "file.yaml:12: error: Ingress default/a: field: message", or the same as an
 * annotation of a GitHub workflow.  The object is NULL where no file has it. */
void output_finding(const struct kube_object *, const struct finding *,
                    enum format, struct buf *out);

#endif /* CLI_OUTPUT_H */
