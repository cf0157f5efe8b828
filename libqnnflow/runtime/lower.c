/* SPDX-License-Identifier: MIT */
/*
 * lower.c - what backends use while they turn nodes into steps, and aligned memory.
 */
#include "../backends/backend.h"
#include "memory.h"

#include <stdlib.h>
#include <string.h>

void *qf_aligned_alloc(size_t size_bytes)
{
  void *p = NULL;
  if (size_bytes > SIZE_MAX - QF_ALIGNMENT)
    return NULL;
  size_t size = (MAX(size_bytes, 1) + QF_ALIGNMENT - 1) / QF_ALIGNMENT * QF_ALIGNMENT;
  if (posix_memalign(&p, QF_ALIGNMENT, size))
    return NULL;
  return memset(p, 0, size);
}

void qf_aligned_free(void *memory)
{
  free(memory);
}

void *qf_lower_alloc(QfLower *lower, size_t size_bytes)
{
  void *p = qf_aligned_alloc(size_bytes);
  if (!p)
    g_error("%" G_GSIZE_FORMAT " bytes for packed constants cannot be had", size_bytes);
  g_ptr_array_add(lower->blocks, p);
  return p;
}

static const uint32_t *ids(QfLower *lower, QfTensor *const *tensors, uint32_t n)
{
  uint32_t *list = qf_lower_alloc(lower, n * sizeof(*list));
  for (uint32_t i = 0; i < n; i++)
    list[i] = tensors[i] ? tensors[i]->id : QF_NO_TENSOR;
  return list;
}

QfStep *qf_lower_step(QfLower *lower, const QfNode *node, const char *unit, const char *kernel,
                      void (*run)(const QfStep *, const QfExec *), const void *params, size_t scratch_bytes)
{
  QfStep step = {.run = run,
                 .kernel = kernel,
                 .unit = unit,
                 .node = node,
                 .in = ids(lower, node->inputs, node->n_inputs),
                 .n_in = node->n_inputs,
                 .out = ids(lower, node->outputs, node->n_outputs),
                 .n_out = node->n_outputs,
                 .params = params,
                 .scratch_bytes = scratch_bytes};
  g_array_append_val(lower->steps, step);
  return &g_array_index(lower->steps, QfStep, lower->steps->len - 1);
}

gboolean qf_lower_alias(QfLower *lower, const QfTensor *view, const QfTensor *base)
{
  if (base->data || qf_graph_is_output(lower->graph, view) || qf_graph_is_input(lower->graph, view))
    return FALSE;
  lower->alias[view->id] = lower->alias[base->id]; /* topological order: the base is resolved already */
  return TRUE;
}
