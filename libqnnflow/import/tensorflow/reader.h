/* SPDX-License-Identifier: MIT */
/*
 * reader.h - a frozen GraphDef as records, and its tensors as constants. Knows no operators. The invariant: a tensor's bytes fit
 * its shape; values that the file gives once for many elements are repeated here.
 */
#ifndef QF_IMPORT_TENSORFLOW_READER_H
#define QF_IMPORT_TENSORFLOW_READER_H

#include "../../graph/graph.h"
#include "../protobuf.h"

#include "graphdef.pb-c.h"

typedef struct {
  const char *name; /* for messages */
  Tf__GraphDef *graph;
  QfBudget budget;
} QfTfFile;

gboolean qf_tf_probe(const uint8_t *data, size_t size);
QfTfFile *qf_tf_open(GBytes *bytes, const char *name, GError **error);
void qf_tf_close(QfTfFile *file);

#define QF_TF_STRING 7 /* the number of a type that is no number */

/* Type number to dtype; QF_DTYPE_INVALID when it is not supported. @name (may be NULL) gets its name. */
QfDType qf_tf_dtype(int32_t number, const char **name);

/* A tensor as a constant. NULL with an error naming @node. Its content may move out of the record. */
QfTensor *qf_tf_read_tensor(QfTfFile *file, QfGraph *graph, Tf__TensorProto *tensor, const char *node,
                            GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(QfTfFile, qf_tf_close)

#endif
