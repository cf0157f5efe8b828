/* SPDX-License-Identifier: MIT */
/*
 * control.c - what If, While, Loop and Scan mean. Their bodies are graphs (QfNode.subgraphs); attrs.h lists which inputs
 * and outputs these have. All shapes are fixed: what would change a shape from run to run or from iteration to
 * iteration is QF_ERROR_DYNAMIC. The runtime, not a backend, computes them: runtime/control.c.
 */
#include "list.h"
#include "infer.h"

#include <string.h>

static const QfAttrDef loop_attrs[] = {
    {"n_carried", QF_ATTR_INT, offsetof(QfControlAttrs, n_carried), 1, 0, NULL},
    {"n_sequences", QF_ATTR_INT, offsetof(QfControlAttrs, n_sequences), 1, 0, NULL},
    {"trips", QF_ATTR_INT, offsetof(QfControlAttrs, trips), 1, -1, NULL},
    {NULL},
};

static const QfTensor *body_in(const QfGraph *body, uint32_t i)
{
  return g_ptr_array_index(body->inputs, i);
}

static const QfTensor *body_out(const QfGraph *body, uint32_t i)
{
  return g_ptr_array_index(body->outputs, i);
}

static gboolean check_counts(const QfGraph *body, const char *what, uint32_t n_in, uint32_t n_out,
                             GError **error)
{
  if (body->n_states)
    return qf_infer_fail(error, QF_ERROR_FORMAT, "its %s keeps state, which only a whole model can", what);
  return (body->inputs->len == n_in && body->outputs->len == n_out) ||
         qf_infer_fail(error, QF_ERROR_FORMAT,
                       "its %s has %u inputs and %u outputs in place of %u and %u: fix the model", what,
                       body->inputs->len, body->outputs->len, n_in, n_out);
}

/* @drop: leading dimensions of @outer that @inner does not have (1: @inner is a slice). */
static gboolean check_same(const QfTensor *outer, int32_t drop, const QfTensor *inner, const char *what,
                           GError **error)
{
  if (!outer)
    return qf_infer_fail(error, QF_ERROR_FORMAT, "a value of its %s ('%s') is absent: fix the model", what,
                         inner->name);
  gboolean same_type = outer->dtype == inner->dtype && qf_encoding_equal(&outer->enc, &inner->enc);
  gboolean same_shape = outer->rank == inner->rank + drop && inner->rank >= 0 &&
                        !memcmp(outer->dims + drop, inner->dims, (size_t)inner->rank * sizeof(*inner->dims));
  g_autofree char *a = qf_dims_to_string(outer->dims, MAX(outer->rank, 0));
  g_autofree char *b = qf_dims_to_string(inner->dims, MAX(inner->rank, 0));
  if (!same_shape)
    return qf_infer_fail(error, QF_ERROR_DYNAMIC,
                         "the shape of a value of its %s is not fixed: '%s' is %s, but '%s' is %s", what,
                         outer->name, a, inner->name, b);
  return same_type ||
         qf_infer_fail(error, QF_ERROR_TYPE,
                       "the types of a value of its %s differ: '%s' is %s, but '%s' is %s%s", what,
                       outer->name, qf_dtype_name(outer->dtype), inner->name, qf_dtype_name(inner->dtype),
                       outer->dtype == inner->dtype ? " in another encoding" : "");
}

static gboolean check_condition(const QfTensor *t, GError **error)
{
  return (t->dtype == QF_DTYPE_BOOL && qf_tensor_count(t) == 1) ||
         qf_infer_fail(error, QF_ERROR_TYPE, "its condition '%s' must be one bool", t->name);
}

static gboolean check_counter(const QfTensor *t, GError **error)
{
  return (t->dtype == QF_DTYPE_INT64 && qf_tensor_count(t) == 1) ||
         qf_infer_fail(error, QF_ERROR_TYPE, "its counter '%s' must be one int64", t->name);
}

/* Inputs of the node from @first on are inputs of the body from @at on. */
static gboolean check_operands(const QfNode *node, uint32_t first, const QfGraph *body, uint32_t at,
                               const char *what, GError **error)
{
  for (uint32_t i = first; i < node->n_inputs; i++)
    if (!check_same(node->inputs[i], 0, body_in(body, at + i - first), what, error))
      return FALSE;
  return TRUE;
}

/* Output @index of the node is @value, or @count of them stacked when @count is not negative. */
static gboolean set_output(QfNode *node, uint32_t index, const QfTensor *value, int64_t count, GError **error)
{
  QfTensor *out = node->outputs[index];
  int64_t dims[QF_MAX_RANK + 1] = {count};
  int32_t lead = count >= 0;
  if (value->rank < 0 || value->dtype == QF_DTYPE_INVALID)
    return qf_infer_fail(error, QF_ERROR_FORMAT, "nothing makes '%s', an output of its body: fix the model",
                         value->name);
  memcpy(dims + lead, value->dims, (size_t)value->rank * sizeof(*dims));
  if (value->enc.count && !out->enc.count)
    qf_tensor_set_encoding(node->graph, out, value->enc.count, value->enc.axis + lead, value->enc.entries);
  if (out->dtype != QF_DTYPE_INVALID && out->dtype != value->dtype)
    return qf_infer_fail(error, QF_ERROR_TYPE, "its output '%s' is %s, but its body gives %s", out->name,
                         qf_dtype_name(out->dtype), qf_dtype_name(value->dtype));
  if (value->enc.count <= 1 && !qf_encoding_equal(&out->enc, &value->enc))
    return qf_infer_fail(error, QF_ERROR_TYPE, "its output '%s' and its body's '%s' have different encodings",
                         out->name, value->name);
  return qf_infer_set(node, index, value->dtype, dims, value->rank + lead, error);
}

/* Far above any model; what passes and sessions do for each value of a node must not become slow. */
#define MAX_VALUES 4096

static gboolean begin(const QfNode *node, GError **error)
{
  if (node->n_inputs > MAX_VALUES || node->n_outputs > MAX_VALUES)
    return qf_infer_fail(error, QF_ERROR_LIMIT, "it takes %u values and gives %u; at most %d are possible",
                         node->n_inputs, node->n_outputs, MAX_VALUES);
  return qf_infer_begin(node, error) &&
         (node->n_subgraphs == node->op->n_bodies ||
          qf_infer_fail(error, QF_ERROR_FORMAT, "it has %u bodies in place of %u: fix the model",
                        node->n_subgraphs, node->op->n_bodies));
}

/* The numbers in the attributes fit the inputs and outputs that there are; @lead inputs come before the carried ones. */
static gboolean check_attrs(const QfNode *node, uint32_t lead, GError **error)
{
  const QfControlAttrs *a = node->attrs;
  int64_t in = (int64_t)lead + a->n_carried + a->n_sequences;
  return (a->n_carried >= 0 && a->n_sequences >= 0 && a->trips >= -1 && in <= node->n_inputs &&
          a->n_carried <= (int64_t)node->n_outputs) ||
         qf_infer_fail(
             error, QF_ERROR_FORMAT,
             "it carries %d values and cuts %d sequences, but has %u inputs and %u outputs: fix the "
             "model",
             a->n_carried, a->n_sequences, node->n_inputs, node->n_outputs);
}

static gboolean infer_if(QfNode *node, GError **error)
{
  static const char *const names[] = {"then branch", "else branch"};
  if (!begin(node, error) || !check_condition(node->inputs[0], error))
    return FALSE;
  for (int b = 0; b < 2; b++)
    if (!check_counts(node->subgraphs[b], names[b], node->n_inputs - 1, node->n_outputs, error) ||
        !check_operands(node, 1, node->subgraphs[b], 0, names[b], error))
      return FALSE;
  for (uint32_t i = 0; i < node->n_outputs; i++) {
    const QfTensor *t = body_out(node->subgraphs[0], i);
    if (!check_same(t, 0, body_out(node->subgraphs[1], i), "two branches", error) ||
        !set_output(node, i, t, -1, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean infer_while(QfNode *node, GError **error)
{
  const QfControlAttrs *a = node->attrs;
  if (!begin(node, error) || !check_attrs(node, 0, error))
    return FALSE;
  QfGraph *cond = node->subgraphs[0], *body = node->subgraphs[1];
  if (!check_counts(cond, "condition", node->n_inputs, 1, error) ||
      !check_counts(body, "body", node->n_inputs, (uint32_t)a->n_carried, error) ||
      !check_operands(node, 0, cond, 0, "condition", error) ||
      !check_operands(node, 0, body, 0, "body", error) || !check_condition(body_out(cond, 0), error))
    return FALSE;
  for (int32_t i = 0; i < a->n_carried; i++)
    if (!check_same(node->inputs[i], 0, body_out(body, i), "body", error) ||
        !set_output(node, i, node->inputs[i], -1, error))
      return FALSE;
  return node->n_outputs == (uint32_t)a->n_carried ||
         qf_infer_fail(error, QF_ERROR_FORMAT, "it carries %d values, but has %u outputs", a->n_carried,
                       node->n_outputs);
}

static gboolean infer_loop(QfNode *node, GError **error)
{
  const QfControlAttrs *a = node->attrs;
  uint32_t n_outer = node->n_inputs - 2;
  if (!begin(node, error) || !check_attrs(node, 2, error))
    return FALSE;
  const QfGraph *body = node->subgraphs[0];
  if (!check_counts(body, "body", n_outer + 2, node->n_outputs + 1, error) ||
      !check_operands(node, 2, body, 2, "body", error) || !check_counter(node->inputs[0], error) ||
      !check_condition(node->inputs[1], error) || !check_counter(body_in(body, 0), error) ||
      !check_condition(body_in(body, 1), error) || !check_condition(body_out(body, 0), error))
    return FALSE;
  for (uint32_t i = 0; i < node->n_outputs; i++) {
    const QfTensor *t = body_out(body, i + 1);
    gboolean carried = i < (uint32_t)a->n_carried;
    if (carried && !check_same(node->inputs[i + 2], 0, t, "body", error))
      return FALSE;
    if (!carried && a->trips < 0)
      return qf_infer_fail(
          error, QF_ERROR_DYNAMIC,
          "the length of output '%s' is the number of iterations, which is only known during "
          "a run: make the trip count a constant, and the condition always true",
          node->outputs[i]->name);
    if (!set_output(node, i, t, carried ? -1 : a->trips, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean infer_scan(QfNode *node, GError **error)
{
  const QfControlAttrs *a = node->attrs;
  if (!begin(node, error) || !check_attrs(node, 0, error))
    return FALSE;
  const QfGraph *body = node->subgraphs[0];
  uint32_t s = (uint32_t)a->n_carried, end = s + (uint32_t)a->n_sequences;
  if (!a->n_sequences || !check_counts(body, "body", node->n_inputs, node->n_outputs, error))
    return a->n_sequences ? FALSE
                          : qf_infer_fail(error, QF_ERROR_FORMAT, "it has no sequence: fix the model");
  for (uint32_t i = 0; i < node->n_inputs; i++)
    if (!check_same(node->inputs[i], i >= s && i < end, body_in(body, i), "body", error))
      return FALSE;
  for (uint32_t i = s + 1; i < end; i++)
    if (node->inputs[i]->dims[0] != node->inputs[s]->dims[0])
      return qf_infer_fail(error, QF_ERROR_SHAPE, "its sequences '%s' and '%s' differ in length",
                           node->inputs[s]->name, node->inputs[i]->name);
  for (uint32_t i = 0; i < node->n_outputs; i++) {
    const QfTensor *t = body_out(body, i);
    if (i < s && !check_same(node->inputs[i], 0, t, "body", error))
      return FALSE;
    if (!set_output(node, i, t, i < s ? -1 : node->inputs[s]->dims[0], error))
      return FALSE;
  }
  return TRUE;
}

static uint64_t add(uint64_t a, uint64_t b)
{
  return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static uint64_t graph_macs(const QfGraph *graph)
{
  uint64_t sum = 0;
  qf_foreach_node (node, graph)
    sum = add(sum, node->op->macs ? node->op->macs(node) : 0);
  return sum;
}

/* The dearer branch; of loops each body as often as the graph says, else once. */
static uint64_t macs_if(const QfNode *node)
{
  uint64_t a = graph_macs(node->subgraphs[0]), b = graph_macs(node->subgraphs[1]);
  return MAX(a, b);
}

static uint64_t macs_loop(const QfNode *node)
{
  const QfControlAttrs *a = node->attrs;
  uint64_t trips = a->trips >= 0 ? (uint64_t)a->trips : 1, sum = 0;
  if (a->n_sequences)
    trips = (uint64_t)node->inputs[a->n_carried]->dims[0];
  for (uint32_t i = 0; i < node->n_subgraphs; i++)
    sum = add(sum, graph_macs(node->subgraphs[i]));
  return qf_infer_product(trips, sum);
}

#define CONTROL(Name, text, bodies, min_in, function, cost, attributes)                                      \
  const QfOpDef qf_op_##Name = {                                                                             \
      .name = #Name,                                                                                         \
      .summary = text,                                                                                       \
      .min_inputs = min_in,                                                                                  \
      .max_inputs = -1,                                                                                      \
      .min_outputs = 1,                                                                                      \
      .max_outputs = -1,                                                                                     \
      .attrs_size = sizeof(QfControlAttrs),                                                                  \
      .attrs = attributes,                                                                                   \
      .move = QF_MOVE_FIXED,                                                                                 \
      .quant = QF_QUANT_NONE,                                                                                \
      .n_bodies = bodies,                                                                                    \
      .infer = function,                                                                                     \
      .macs = cost,                                                                                          \
  };

CONTROL(If, "y = cond ? then(x) : else(x)", 2, 1, infer_if, macs_if, NULL)
CONTROL(While, "while cond(x): x = body(x)", 2, 1, infer_while, macs_loop, loop_attrs)
CONTROL(Loop, "for i in 0..trips while cond: cond, x, y[i] = body(i, cond, x)", 1, 2, infer_loop, macs_loop,
        loop_attrs)
CONTROL(Scan, "for each i: x, y[i] = body(x, sequence[i])", 1, 1, infer_scan, macs_loop, loop_attrs)
