/* SPDX-License-Identifier: MIT */
/*
 * inspect.h - looking into a compiled model: what each node is, what it costs, and what runs it.
 */
#ifndef QNNFLOW_INSPECT_H
#define QNNFLOW_INSPECT_H

#include <qnnflow/model.h>

G_BEGIN_DECLS

/* One node. Strings are owned by the model. */
typedef struct {
  const char *name, *op;     /* as in the file; the operator of the graph. Never NULL */
  const char *unit, *kernel; /* what runs it; NULL: nothing does, its output is its input's memory */
  uint32_t depth;            /* bodies of control flow that it lies in; they follow their node */
  uint64_t macs;             /* multiply-accumulates of one run; of control flow: with its bodies */
  uint64_t params;           /* elements of constants that no earlier node has */
  uint64_t param_bytes;      /* bytes of these */
  QfDType in_type,
      param_type; /* of the first input that is no constant, of the largest constant; QF_DTYPE_INVALID: there is none */
  QfDType out_type; /* of the first output */
  int32_t rank;     /* of the first output */
  int64_t dims[QF_MAX_RANK];
} QfNodeInfo;

/* The nodes in the order they run. *@count gets their number, 0 for a model that compiles as it runs (qf_model_is_dynamic()).
 * Free with g_free(). Thread-safe. */
QF_API QfNodeInfo *qf_model_inspect(const QfModel *model, uint32_t *count);

G_END_DECLS

#endif
