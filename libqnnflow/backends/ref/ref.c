/* SPDX-License-Identifier: MIT */
/*
 * ref.c - the reference backend's table, and constant folding with it.
 */
#include "ref.h"
#include "../../ops/list.h"
#include "../../runtime/memory.h"

#include <string.h>

static const struct {
  const QfOpDef *op;
  QfRefLowerFunc lower;
} rows[] = {
#define QF_REF_OP(name, function) {&qf_op_##name, function},
#include "ref_ops.inc"
#undef QF_REF_OP
};

static gboolean lower_node(QfLower *lower, QfNode *node, GError **error)
{
  if (node->n_inputs > QF_REF_MAX_PORTS - 8 || node->n_outputs > QF_REF_MAX_PORTS)
    return qf_ref_unsupported(node, error, "it has more than 1016 inputs or 1024 outputs", "split it");
  for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
    if (rows[i].op == node->op)
      return rows[i].lower(lower, node, error);
  return qf_ref_unsupported(node, error, "no backend computes this operator yet",
                            "replace it in the model, or run that part outside");
}

static gboolean ref_lower(QfLower *lower, QfNode *const *nodes, uint32_t n_nodes, GError **error)
{
  for (uint32_t i = 0; i < n_nodes; i++)
    if (!lower_node(lower, nodes[i], error))
      return FALSE;
  return TRUE;
}

static gboolean ref_probe(GString *detail)
{
  g_string_append(detail, "plain C, every operator, one thread");
  return TRUE;
}

const QfBackend qf_backend_ref = {
    .name = QF_REF_UNIT,
    .description = "plain C reference: the truth for tests and comparison, slow",
    .probe = ref_probe,
    .lower = ref_lower,
};

/* What one evaluation allocates. */
typedef struct {
  QfLower lower;
  QfExec exec;
} Evaluation;

/* Only the entries of the node's own tensors are ever looked at: a file with many nodes to fold takes linear time. */
static void evaluation_init(Evaluation *e, const QfNode *node)
{
  QfGraph *graph = node->graph;
  uint32_t n = graph->tensors->len;
  *e = (Evaluation){.lower = {.graph = graph, .fallback = &qf_backend_ref}, .exec = {.n_threads = 1}};
  e->lower.steps = g_array_new(FALSE, FALSE, sizeof(QfStep));
  e->lower.blocks = g_ptr_array_new_with_free_func(qf_aligned_free);
  e->lower.alias = g_new(uint32_t, n + 1);
  for (uint32_t i = 0; i < node->n_inputs; i++)
    if (node->inputs[i])
      e->lower.alias[node->inputs[i]->id] = node->inputs[i]->id;
  for (uint32_t i = 0; i < node->n_outputs; i++)
    e->lower.alias[node->outputs[i]->id] = node->outputs[i]->id;
  e->exec.data = g_new0(void *, n + 1);
}

static void evaluation_clear(Evaluation *e)
{
  g_array_unref(e->lower.steps);
  g_ptr_array_unref(e->lower.blocks);
  g_free(e->lower.alias);
  g_free(e->exec.data);
  qf_aligned_free(e->exec.scratch);
}

/* Output buffers, by output index; FALSE when memory cannot be had. */
static gboolean allocate(Evaluation *e, const QfNode *node, void **out)
{
  size_t scratch = 0;
  for (uint32_t i = 0; i < e->lower.steps->len; i++)
    scratch = MAX(scratch, g_array_index(e->lower.steps, QfStep, i).scratch_bytes);
  e->exec.scratch = qf_aligned_alloc(scratch);
  for (uint32_t i = 0; i < node->n_outputs; i++) {
    out[i] = qf_aligned_alloc(qf_tensor_size_bytes(node->outputs[i]));
    e->exec.data[node->outputs[i]->id] = out[i];
    if (!out[i])
      return FALSE;
  }
  for (uint32_t i = 0; i < node->n_inputs; i++)
    if (node->inputs[i])
      e->exec.data[node->inputs[i]->id] =
          (void *)qf_tensor_data(node->inputs[i]); /* steps only read inputs */
  return e->exec.scratch != NULL;
}

/*
 * What folding may cost: far beyond what models ask for that somebody made, and little enough that a damaged file of a megabyte neither takes
 * seconds nor fills the memory. Work is counted in multiply-accumulates or elements read and written. While fuzzing, with sanitizers, all takes longer.
 */
#ifdef QF_FUZZ_BUILD
#define IS_FUZZING (g_getenv("QF_FUZZING") != NULL)
#else
#define IS_FUZZING FALSE
#endif
#define FOLD_BYTES ((uint64_t)(IS_FUZZING ? 64 : 256) << 20)
#define FOLD_WORK ((uint64_t)(IS_FUZZING ? 8 : 64) << 20)
#define FOLD_PER_BYTE 64 /* more of both for each byte of the model's files */

static uint64_t count_elements(QfTensor *const *tensors, uint32_t n)
{
  uint64_t sum = 0;
  for (uint32_t i = 0; i < n; i++)
    sum += tensors[i] ? (uint64_t)qf_tensor_count(tensors[i]) : 0;
  return sum;
}

static gboolean too_much(const QfNode *node, uint64_t sum, uint64_t limit, const char *what, GError **error)
{
  g_set_error(
      error, QF_ERROR, QF_ERROR_LIMIT,
      "%s: node '%s' (%s): with it, the constants computed from the model's own would take %" G_GUINT64_FORMAT
      " %s; for a file of this size at most %" G_GUINT64_FORMAT
      " are. Give these nodes smaller shapes, or store their results in the model",
      node->graph->name, node->name, node->op->name, sum, what, limit);
  return FALSE;
}

static gboolean charge(const QfNode *node, GError **error)
{
  QfGraph *model = node->graph;
  while (model->outer)
    model = model->outer;
  uint64_t more = model->file_bytes > UINT32_MAX ? G_MAXUINT64 / 4 : model->file_bytes * FOLD_PER_BYTE;
  uint64_t macs = node->op->macs ? node->op->macs(node) : 0,
           work = count_elements(node->inputs, node->n_inputs);
  work += count_elements(node->outputs, node->n_outputs);
  work = MAX(work, macs);
  model->folded_work = work > G_MAXUINT64 - model->folded_work ? G_MAXUINT64 : model->folded_work + work;
  for (uint32_t i = 0; i < node->n_outputs; i++)
    model->folded_bytes += qf_tensor_size_bytes(node->outputs[i]);
  if (model->folded_bytes > FOLD_BYTES + more)
    return too_much(node, model->folded_bytes, FOLD_BYTES + more, "bytes", error);
  if (model->folded_work > FOLD_WORK + more)
    return too_much(node, model->folded_work, FOLD_WORK + more, "operations", error);
  return TRUE;
}

gboolean qf_ref_evaluate(QfNode *node, GError **error)
{
  Evaluation e;
  gboolean ok;
  if (!charge(node, error))
    return FALSE;
  if (qf_node_defer(node))
    return TRUE;
  g_autofree void **out = g_new0(void *, node->n_outputs + 1);
  evaluation_init(&e, node);
  ok = lower_node(&e.lower, node, error);
  if (ok && !allocate(&e, node, out)) {
    g_set_error(error, QF_ERROR, QF_ERROR_LIMIT,
                "%s: node '%s' (%s): memory for its constant result cannot be had", node->graph->name,
                node->name, node->op->name);
    ok = FALSE;
  }
  for (uint32_t i = 0; ok && i < e.lower.steps->len; i++) {
    const QfStep *step = &g_array_index(e.lower.steps, QfStep, i);
    step->run(step, &e.exec);
  }
  for (uint32_t i = 0; i < node->n_outputs; i++) {
    QfTensor *t = node->outputs[i];
    if (ok)
      qf_tensor_set_data(node->graph, t,
                         g_bytes_new_with_free_func(out[i], qf_tensor_size_bytes(t), qf_aligned_free,
                                                    out[i]));
    else
      qf_aligned_free(out[i]);
  }
  evaluation_clear(&e);
  return ok;
}
