/* SPDX-License-Identifier: MIT */
/*
 * cpu.c - the CPU backend: a table from operator to lowering function, with the reference backend behind it.
 *
 * It supports every node. Integers are computed in the `float` requantisation only; under another one, quantized nodes are left
 * to the reference.
 */
#include "after.h"

#define QF_CPU_OP(op, function) extern const QfOpDef qf_op_##op;
#include "cpu_ops.inc"
#undef QF_CPU_OP

static const struct {
  const QfOpDef *op;
  QfCpuLowerFunc lower;
} rows[] = {
#define QF_CPU_OP(name, function) {&qf_op_##name, function},
#include "cpu_ops.inc"
#undef QF_CPU_OP
    {NULL, NULL},
};

static gboolean is_quantized(const QfNode *node)
{
  for (uint32_t i = 0; i < node->n_inputs; i++)
    if (node->inputs[i] && qf_tensor_is_quantized(node->inputs[i]))
      return TRUE;
  for (uint32_t i = 0; i < node->n_outputs; i++)
    if (node->outputs[i] && qf_tensor_is_quantized(node->outputs[i]))
      return TRUE;
  return FALSE;
}

static gboolean lower_node(QfLower *lower, QfNode *node, GError **error)
{
  if (lower->requant == QF_REQUANT_FLOAT || !is_quantized(node))
    for (size_t i = 0; rows[i].op; i++)
      if (rows[i].op == node->op && rows[i].lower(lower, node))
        return TRUE;
  return lower->fallback->lower(lower, &node, 1, error);
}

static gboolean cpu_lower(QfLower *lower, QfNode *const *nodes, uint32_t n_nodes, GError **error)
{
  g_autoptr(GHashTable) attention = qf_cpu_attention_find(lower, nodes, n_nodes);
  g_autoptr(GHashTable) after = qf_cpu_after_find(lower, nodes, n_nodes, attention);
  gboolean ok = TRUE;
  lower->after = after;
  for (uint32_t i = 0; ok && i < n_nodes; i++)
    if (!qf_cpu_attention_take(lower, attention, nodes[i]) &&
        !qf_cpu_after_lower(lower, nodes[i], lower_node, &ok, error))
      ok = lower_node(lower, nodes[i], error);
  lower->after = NULL;
  return ok;
}

static gboolean cpu_probe(GString *detail)
{
  char features[128];
  qfk_cpu_features_string(qfk_cpu_features(), features, sizeof(features));
  g_string_append_printf(detail, "%u CPUs, %s", g_get_num_processors(), features[0] ? features : "plain C");
  return TRUE;
}

typedef struct {
  size_t count, pieces;
  QfCpuRangeFunc fn;
  void *arg;
} Range;

static void run_piece(void *arg, uint32_t index, uint32_t thread)
{
  const Range *r = arg;
  size_t share = r->count / r->pieces, rest = r->count % r->pieces;
  size_t begin = index * share + MIN(index, rest);
  r->fn(r->arg, begin, begin + share + (index < rest), thread);
}

void qf_cpu_parallel(const QfExec *exec, size_t count, size_t grain, QfCpuRangeFunc fn, void *arg)
{
  if (!count)
    return;
  size_t pieces = exec->n_threads > 1 ? MIN(count / MAX(grain, 1), (size_t)exec->n_threads * 2) : 1;
  if (pieces > exec->n_threads)
    pieces -= pieces % exec->n_threads; /* as many for each */
  Range r = {count, MAX(pieces, 1), fn, arg};
  qf_pool_run(exec->pool, (uint32_t)r.pieces, run_piece, &r);
}

gboolean qf_cpu_int_type(QfDType dtype, QfkInt *type)
{
  static const struct {
    QfDType dtype;
    QfkInt type;
  } map[] = {{QF_DTYPE_UINT8, QFK_U8},
             {QF_DTYPE_INT8, QFK_S8},
             {QF_DTYPE_UINT16, QFK_U16},
             {QF_DTYPE_INT16, QFK_S16}};
  for (size_t i = 0; i < G_N_ELEMENTS(map); i++)
    if (map[i].dtype == dtype) {
      *type = map[i].type;
      return TRUE;
    }
  return FALSE;
}

const QfBackend qf_backend_cpu = {
    .name = QF_CPU_UNIT,
    .description = "SIMD kernels on the CPU",
    .probe = cpu_probe,
    .lower = cpu_lower,
};
