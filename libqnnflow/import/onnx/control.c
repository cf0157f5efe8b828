/* SPDX-License-Identifier: MIT */
/*
 * control.c - If and Loop. A branch whose condition is constant is mapped in place; everything else becomes a node with bodies
 * (ops/attrs.h says what these take and give).
 */
#include "body.h"

#include <string.h>

/* TRUE when @t is a constant of one element, or a cast or reshape of one was folded to it; its truth goes to @value. */
static gboolean constant_truth(const QfTensor *t, gboolean *value)
{
  int64_t v;
  if (!t || qf_tensor_get_ints(t, &v, 1) != 1)
    return FALSE;
  *value = v != 0;
  return TRUE;
}

static gboolean map_branch(QfOnnxNode *n, const char *attr, GError **error)
{
  QfOnnxBody body;
  gboolean ok = qf_onnx_body_open(&body, n, n->onnx, attr, TRUE, error) &&
                qf_onnx_body_import(&body, n, n->n_out, error);
  for (uint32_t i = 0; ok && i < n->n_out; i++)
    ok = qf_onnx_bind(n, i, body.outputs->pdata[i]);
  qf_onnx_body_close(&body);
  return ok;
}

/* The node over @operands with the bodies as they are; its outputs are those of @n. */
static QfNode *make_node(QfOnnxNode *n, const char *op, const GPtrArray *operands, const QfOnnxBody *bodies,
                         uint32_t n_bodies)
{
  for (uint32_t i = 0; i < n->n_out; i++)
    n->out[i] = qf_onnx_output(n, i);
  QfNode *node = qf_graph_new_node(n->onnx->graph, op, n->name, (QfTensor **)operands->pdata, operands->len,
                                   n->out, n->n_out);
  for (uint32_t b = 0; b < n_bodies; b++)
    qf_node_add_subgraph(node, bodies[b].onnx.graph);
  return node;
}

static gboolean map_if(QfOnnxNode *n, GError **error)
{
  static const char *const attrs[] = {"then_branch", "else_branch"};
  QfOnnxBody bodies[2] = {0};
  gboolean condition, ok = TRUE;
  if (constant_truth(n->in[0], &condition))
    return map_branch(n, attrs[condition ? 0 : 1], error);
  for (int b = 0; ok && b < 2; b++)
    ok = qf_onnx_body_open(&bodies[b], n, n->onnx, attrs[b], FALSE, error) &&
         qf_onnx_body_import(&bodies[b], n, n->n_out, error);
  if (ok) {
    g_autoptr(GPtrArray) operands = g_ptr_array_new();
    g_ptr_array_add(operands, n->in[0]);
    qf_onnx_body_finish(bodies, 2, operands);
    ok = qf_graph_add_node(make_node(n, "If", operands, bodies, 2), error);
  }
  qf_onnx_body_close(&bodies[0]);
  qf_onnx_body_close(&bodies[1]);
  return ok;
}

/* What a chain of copies gives. */
static const QfTensor *behind_copies(const QfTensor *t)
{
  while (t->producer && !strcmp(t->producer->op->name, "Reshape"))
    t = t->producer->inputs[0];
  return t;
}

/* The number of iterations when it is known now: the trip count, when the condition is true at first and stays so. */
static int32_t known_trips(const QfOnnxNode *n, const QfOnnxBody *body, const QfTensor *condition)
{
  const QfTensor *next = behind_copies(body->outputs->pdata[0]);
  gboolean first = TRUE, stays = FALSE;
  int64_t trips;
  if (n->in[0] && qf_tensor_get_ints(n->in[0], &trips, 1) != 1)
    return -1;
  if (qf_onnx_input(n, 1) && !constant_truth(n->in[1], &first))
    return -1;
  if (!first)
    return 0;
  if (constant_truth(next, &stays) && !stays)
    return n->in[0] ? (int32_t)CLAMP(trips, 0, 1) : 1;
  if (!n->in[0] || trips > G_MAXINT32 || !(next == condition || stays))
    return -1;
  return (int32_t)MAX(trips, 0);
}

static QfTensor *new_constant(QfOnnxNode *n, const char *what, QfDType dtype, const void *value)
{
  g_autofree char *name = g_strdup_printf("%s/%s", n->name, what);
  return qf_graph_add_constant_copy(n->onnx->graph, name, dtype, NULL, 0, value);
}

static gboolean import_loop(QfOnnxNode *n, QfOnnxBody *body, uint32_t n_carried, QfTensor **condition,
                            GError **error)
{
  if (!qf_onnx_body_open(body, n, n->onnx, "body", FALSE, error) ||
      !qf_onnx_body_scalar(body, n, QF_DTYPE_INT64, error) ||
      !(*condition = qf_onnx_body_scalar(body, n, QF_DTYPE_BOOL, error)))
    return FALSE;
  for (uint32_t i = 2; i < 2 + n_carried; i++) {
    const QfTensor *t = n->in[i];
    if (!t)
      return qf_onnx_fail(n, error, QF_ERROR_FORMAT, "input %u is missing", i);
    if (!qf_onnx_body_input(body, n, t, t->dims, t->rank, error))
      return FALSE;
  }
  return qf_onnx_body_import(body, n, n->n_out + 1, error);
}

static gboolean map_loop(QfOnnxNode *n, GError **error)
{
  static const int64_t forever = G_MAXINT64;
  static const uint8_t always = 1;
  uint32_t n_carried = MAX(n->n_in, 2) - 2;
  QfOnnxBody body;
  QfTensor *condition;
  gboolean ok = import_loop(n, &body, n_carried, &condition, error);
  if (ok) {
    g_autoptr(GPtrArray) operands = g_ptr_array_new();
    QfTensor *trips = qf_onnx_input(n, 0), *first = qf_onnx_input(n, 1);
    int32_t known = known_trips(n, &body, condition);
    g_ptr_array_add(operands, trips ? trips : new_constant(n, "trips", QF_DTYPE_INT64, &forever));
    g_ptr_array_add(operands, first ? first : new_constant(n, "condition", QF_DTYPE_BOOL, &always));
    for (uint32_t i = 0; i < n_carried; i++)
      g_ptr_array_add(operands, n->in[2 + i]);
    qf_onnx_body_finish(&body, 1, operands);
    QfNode *node = make_node(n, "Loop", operands, &body, 1);
    QfControlAttrs *a = node->attrs;
    a->n_carried = (int32_t)n_carried;
    a->trips = known;
    ok = qf_graph_add_node(node, error);
  }
  qf_onnx_body_close(&body);
  return ok;
}

const QfOnnxRow qf_onnx_control_rows[] = {
    {"", "If", map_if, 1, 1, "If", 0},
    {"", "Loop", map_loop, 0, -1, "Loop", 0},
    {NULL},
};
