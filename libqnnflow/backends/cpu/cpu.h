/* SPDX-License-Identifier: MIT */
/*
 * cpu.h - what the files of the CPU backend share.
 *
 * A lowering function looks at one node and either appends its steps or declines; a node that is declined, or whose operator has
 * no line in cpu_ops.inc, goes to the reference backend. To add an operator: a line there and a function.
 */
#ifndef QF_BACKENDS_CPU_H
#define QF_BACKENDS_CPU_H

#include "../backend.h"
#include "../../ops/attrs.h"
#include "../../runtime/pool.h"
#include "kernels/epilogue.h"

#define QF_CPU_UNIT "cpu"

/* Appends the steps of @node and returns TRUE, or changes nothing and returns FALSE: the reference takes it. Shapes and types
 * are verified; integer tensors are to be computed in the `float` requantisation. */
typedef gboolean (*QfCpuLowerFunc)(QfLower *lower, QfNode *node);

#define QF_CPU_OP(op, function) gboolean function(QfLower *lower, QfNode *node);
#include "cpu_ops.inc"
#undef QF_CPU_OP

/* Splits [0, count) into pieces of at least @grain and runs fn on the pool. */
typedef void (*QfCpuRangeFunc)(void *arg, size_t begin, size_t end, uint32_t thread);
void qf_cpu_parallel(const QfExec *exec, size_t count, size_t grain, QfCpuRangeFunc fn, void *arg);

/* What packed constants depend on besides their kernel and size: this build's kernels and the CPU's features. */
const char *qf_cpu_packed_unit(void);

/* MatMul of int32 with constant weights that fit int16. FALSE: another one. In integer.c. */
gboolean qf_cpu_matmul_integers(QfLower *lower, QfNode *node);

/* Sum, difference or product of int32 numbers with one. FALSE: another one. In cast.c. */
gboolean qf_cpu_binary_integers(QfLower *lower, QfNode *node);

/*
 * Attention that is written out in small operators. find() looks for it among the nodes of one call of the backend; take() says
 * whether @node belongs to one, and makes the step for all of them at the last. In attention.c.
 */
GHashTable *qf_cpu_attention_find(QfLower *lower, QfNode *const *nodes, uint32_t n_nodes);
gboolean qf_cpu_attention_take(QfLower *lower, GHashTable *found, const QfNode *node);

/* Input @i of @node, NULL when absent. */
static inline QfTensor *qf_cpu_input(const QfNode *node, uint32_t i)
{
  return i < node->n_inputs ? node->inputs[i] : NULL;
}

/* Storage type for kernels; FALSE when @dtype is not an 8 or 16-bit integer. */
gboolean qf_cpu_int_type(QfDType dtype, QfkInt *type);

/* Zero point of a per-tensor encoded tensor. */
static inline int32_t qf_cpu_zero_point(const QfTensor *t)
{
  return t->enc.count ? -t->enc.entries[0].offset : 0;
}

#endif
