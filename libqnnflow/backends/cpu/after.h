/* SPDX-License-Identifier: MIT */
/*
 * after.h - what follows an 8-bit tensor and needs no step of its own: operators whose result depends on its bytes alone become a table,
 * and they, or the addition of a tensor of the same shape, go with the convolution or product that makes it.
 *
 * This is no pass over the graph: other units want the operators. Results are those of the single steps, bit for bit.
 */
#ifndef QF_BACKENDS_CPU_AFTER_H
#define QF_BACKENDS_CPU_AFTER_H

#include "cpu.h"
#include "kernels/conv/after.h"

typedef struct QfCpuAfter QfCpuAfter;

/* What goes with @node, or NULL. */
QfCpuAfter *qf_cpu_after_of(const QfLower *lower, const QfNode *node);
/* The node's step, the last one that was made, does it too: it gets the step's inputs and output. */
void qf_cpu_after_take(QfLower *lower, QfCpuAfter *after);
/* The function, made once for the model. */
const QfkAfter *qf_cpu_after_function(const QfCpuAfter *after);
/* A sum: step input 3 is the other tensor. */
gboolean qf_cpu_after_is_sum(const QfCpuAfter *after);

/* Looks for them among the nodes of one call of the backend that are not keys of @others. Free with g_hash_table_unref(). */
GHashTable *qf_cpu_after_find(QfLower *lower, QfNode *const *nodes, uint32_t n_nodes, GHashTable *others);
/* For nodes that belong to one. FALSE: @node does not. Else the steps of all are made at the last of them, by @each where the
 * nodes need their own. */
gboolean qf_cpu_after_lower(QfLower *lower, QfNode *node,
                            gboolean (*each)(QfLower *lower, QfNode *node, GError **error), gboolean *ok,
                            GError **error);

#endif
