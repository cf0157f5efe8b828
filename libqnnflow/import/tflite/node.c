/* SPDX-License-Identifier: MIT */
/*
 * node.c - making graph nodes of one TFLite operator: options, constants, encodings, and the nodes that quantization
 * and fused activations need around it. See map.h.
 */
#include "map.h"

#include <math.h>
#include <string.h>

gboolean qf_tfl_fail(const QfTflNode *n, GError **error, QfError code, const char *format, ...)
{
  if (error && *error) /* an expression of several nodes goes on after a failure: its first error counts */
    return FALSE;
  va_list args;
  va_start(args, format);
  g_autofree char *text = g_strdup_vprintf(format, args);
  va_end(args);
  g_autofree char *where = n->scope->index ? g_strdup_printf(" of graph %u", n->scope->index) : NULL;
  g_set_error(error, QF_ERROR, code, "%s: operator %u%s (%s version %u, output \"%s\"): %s", n->graph->name,
              n->index, where ? where : "", n->row->name, n->record->code->version, n->name, text);
  return FALSE;
}

int64_t qf_tfl_option(const QfTflNode *n, uint32_t field, int64_t def)
{
  return qf_flat_get_int(&n->record->options, field, QF_FLAT_I32, def);
}

int64_t qf_tfl_option_byte(const QfTflNode *n, uint32_t field, int64_t def)
{
  return qf_flat_get_int(&n->record->options, field, QF_FLAT_I8, def);
}

float qf_tfl_option_float(const QfTflNode *n, uint32_t field, float def)
{
  return qf_flat_get_float(&n->record->options, field, def);
}

gboolean qf_tfl_get_ints(const QfTflNode *n, uint32_t input, QfInts *values, GError **error)
{
  QfTensor *t = input < n->n_in ? n->in[input] : NULL;
  values->n = t ? qf_tensor_get_ints(t, values->v, QF_MAX_RANK) : -1;
  return values->n >= 0 ||
         qf_tfl_fail(
             n, error, QF_ERROR_UNSUPPORTED,
             "input %u must be a constant list of at most %d integers; export the model with fixed shapes",
             input, QF_MAX_RANK);
}

gboolean qf_tfl_get_int(const QfTflNode *n, uint32_t input, int64_t *value, GError **error)
{
  QfInts v;
  if (!qf_tfl_get_ints(n, input, &v, error))
    return FALSE;
  *value = v.v[0];
  return v.n == 1 ||
         qf_tfl_fail(n, error, QF_ERROR_FORMAT, "input %u has %d values in place of one", input, v.n);
}

gboolean qf_tfl_axis(const QfTflNode *n, int64_t value, int32_t rank, int32_t *axis, GError **error)
{
  int64_t a = value < 0 ? value + rank : value;
  *axis = (int32_t)CLAMP(a, 0, QF_MAX_RANK);
  return (a >= 0 && a < rank) ||
         qf_tfl_fail(n, error, QF_ERROR_SHAPE, "axis %" G_GINT64_FORMAT " is not one of %d dimensions", value,
                     rank);
}

gboolean qf_tfl_check_rank(const QfTflNode *n, uint32_t input, int32_t rank, GError **error)
{
  return n->in[input]->rank == rank ||
         qf_tfl_fail(n, error, QF_ERROR_SHAPE, "input %u has %d dimensions, not %d", input,
                     n->in[input]->rank, rank);
}

QfTensor *qf_tfl_temp(QfTflNode *n, const char *suffix, const QfTensor *like)
{
  g_autofree char *name = g_strconcat(n->name, "/", suffix, NULL);
  QfTensor *t = qf_graph_add_tensor(n->graph, name);
  if (!like)
    return t;
  t->dtype = like->dtype;
  if (like->enc.count)
    qf_tensor_set_encoding(n->graph, t, like->enc.count, like->enc.axis, like->enc.entries);
  return t;
}

QfTensor *qf_tfl_const_ints(QfTflNode *n, const char *suffix, const int64_t *values, int32_t count)
{
  g_autofree char *name = g_strconcat(n->name, "/", suffix, NULL);
  int64_t dims[] = {count};
  return qf_graph_add_constant_copy(n->graph, name, QF_DTYPE_INT64, dims, 1, values);
}

static void add_after(QfTflNode *n, const QfTflAfter *after)
{
  g_array_prepend_val(n->after, *after);
}

static void set_change(QfNode *node, const QfTensor *out)
{
  ((QfCastAttrs *)node->attrs)->dtype = out->dtype;
}

/* Dequantizes input @in for an operator that only knows real numbers. NULL on error. */
static QfTensor *dequantize(QfTflNode *n, QfTensor *in, GError **error)
{
  g_autofree char *name = g_strconcat(in->name, "/dequantize", NULL);
  QfTensor *real = qf_graph_add_tensor(n->graph, name);
  real->dtype = QF_DTYPE_FLOAT32;
  QfNode *node = qf_graph_new_node(n->graph, "Dequantize", name, &in, 1, &real, 1);
  set_change(node, real);
  return qf_graph_add_node(node, error) ? real : NULL;
}

/* What quantization needs in front of @node, in place. */
static gboolean adapt_inputs(QfTflNode *n, QfNode *node, GError **error)
{
  const QfOpDef *def = node->op;
  gboolean real = def->quant == QF_QUANT_NONE;
  gboolean hybrid =
      def->quant == QF_QUANT_WEIGHTED && node->inputs[0] && !qf_tensor_is_quantized(node->inputs[0]);
  for (uint32_t i = 0; (real || hybrid) && i < node->n_inputs; i++) {
    QfTensor *t = node->inputs[i];
    if (t && qf_tensor_is_quantized(t) && !(node->inputs[i] = dequantize(n, t, error)))
      return FALSE;
  }
  return TRUE;
}

/* The same behind it. */
static void adapt_outputs(QfTflNode *n, QfNode *node)
{
  const QfTensor *first = node->n_inputs ? node->inputs[0] : NULL;
  for (uint32_t i = 0; i < node->n_outputs; i++) {
    QfTensor *out = node->outputs[i];
    gboolean quantized = qf_tensor_is_quantized(out);
    QfTflAfter after = {.in = NULL, .out = out};
    if (node->op->quant == QF_QUANT_NONE && quantized) {
      after = (QfTflAfter){.in = qf_tfl_temp(n, "real", NULL), .out = out, .op = "Quantize", .change = TRUE};
    } else if (node->op->quant == QF_QUANT_SAME && first && qf_tensor_is_quantized(first)) {
      if (!quantized && first->dtype == out->dtype)
        qf_tensor_set_encoding(n->graph, out, first->enc.count, first->enc.axis, first->enc.entries);
      else if (!qf_encoding_equal(&first->enc, &out->enc))
        after =
            (QfTflAfter){.in = qf_tfl_temp(n, "moved", first), .out = out, .op = "Convert", .change = TRUE};
    }
    if (after.in) {
      node->outputs[i] = after.in;
      add_after(n, &after);
    }
  }
}

QfNode *qf_tfl_new_node(QfTflNode *n, const char *op, QfTensor *const *in, uint32_t n_in,
                        QfTensor *const *out, uint32_t n_out)
{
  return qf_graph_new_node(n->graph, op, out[0]->name, in, n_in, out, n_out);
}

gboolean qf_tfl_add_node(QfTflNode *n, QfNode *node, GError **error)
{
  if (!adapt_inputs(n, node, error))
    return FALSE;
  adapt_outputs(n, node);
  return qf_tfl_add_raw_node(n, node, error);
}

gboolean qf_tfl_add_raw_node(QfTflNode *n, QfNode *node, GError **error)
{
  if (!qf_graph_add_node(node, error))
    return FALSE;
  while (n->after->len) {
    QfTflAfter a = g_array_index(n->after, QfTflAfter, 0);
    g_array_remove_index(n->after, 0);
    QfNode *next = qf_graph_new_node(n->graph, a.op, a.out->name, &a.in, 1, &a.out, 1);
    if (a.change) {
      set_change(next, a.out);
    } else if (a.hi != 0) {
      QfUnaryAttrs *u = next->attrs;
      u->lo = a.lo;
      u->hi = a.hi;
    }
    if (!qf_graph_add_node(next, error))
      return FALSE;
  }
  return TRUE;
}

/* The activations of the schema, by number. */
static const struct {
  QfActivation act;
  const char *op;
  float lo, hi;
} activations[] = {
    [QF_TFL_ACT_NONE] = {QF_ACT_NONE, NULL, 0, 0},
    [QF_TFL_ACT_RELU] = {QF_ACT_CLAMP, "Relu", 0, INFINITY},
    [QF_TFL_ACT_RELU_N1_TO_1] = {QF_ACT_CLAMP, "ReluMinMax", -1, 1},
    [QF_TFL_ACT_RELU6] = {QF_ACT_CLAMP, "Relu6", 0, 6},
    [QF_TFL_ACT_TANH] = {QF_ACT_TANH, "Tanh", 0, 0},
};

static gboolean find_activation(const QfTflNode *n, uint32_t field, uint32_t *index, GError **error)
{
  int64_t a = qf_tfl_option_byte(n, field, QF_TFL_ACT_NONE);
  *index = (uint32_t)a;
  return (a >= 0 && a < (int64_t)G_N_ELEMENTS(activations)) ||
         qf_tfl_fail(n, error, QF_ERROR_UNSUPPORTED, "fused activation %" G_GINT64_FORMAT " is not supported",
                     a);
}

gboolean qf_tfl_set_epilogue(const QfTflNode *n, uint32_t field, QfEpilogue *epi, GError **error)
{
  uint32_t i;
  if (!find_activation(n, field, &i, error))
    return FALSE;
  if (activations[i].act == QF_ACT_TANH && qf_tensor_is_quantized(n->out[0]))
    return qf_tfl_fail(n, error, QF_ERROR_UNSUPPORTED, "a fused TANH on quantized data is not supported");
  epi->act = activations[i].act;
  epi->lo = activations[i].lo;
  epi->hi = activations[i].hi;
  return TRUE;
}

gboolean qf_tfl_split_activation(QfTflNode *n, uint32_t field, QfTensor **out, GError **error)
{
  uint32_t i;
  if (!find_activation(n, field, &i, error))
    return FALSE;
  if (!activations[i].op)
    return TRUE;
  QfTensor *before = qf_tfl_temp(n, "before_activation", *out);
  gboolean clamp = !strcmp(activations[i].op, "ReluMinMax");
  add_after(n, &(QfTflAfter){.op = activations[i].op,
                             .in = before,
                             .out = *out,
                             .lo = clamp ? activations[i].lo : 0,
                             .hi = clamp ? activations[i].hi : 0});
  *out = before;
  return TRUE;
}

gboolean qf_tfl_add_reshape(QfTflNode *n, QfTensor *in, QfTensor *out, const int64_t *dims, int32_t rank,
                            GError **error)
{
  QfNode *node = qf_tfl_new_node(n, "Reshape", &in, 1, &out, 1);
  QfReshapeAttrs *a = node->attrs;
  a->shape.n = rank;
  for (int32_t i = 0; i < rank; i++)
    a->shape.v[i] = dims[i];
  return qf_tfl_add_node(n, node, error);
}

gboolean qf_tfl_add_unary(QfTflNode *n, const char *op, QfTensor *in, QfTensor *out, GError **error)
{
  return qf_tfl_add_node(n, qf_tfl_new_node(n, op, &in, 1, &out, 1), error);
}

gboolean qf_tfl_add_change(QfTflNode *n, const char *op, QfTensor *in, QfTensor *out, GError **error)
{
  QfNode *node = qf_tfl_new_node(n, op, &in, 1, &out, 1);
  set_change(node, out);
  return qf_tfl_add_raw_node(n, node, error);
}

gboolean qf_tfl_add_cast(QfTflNode *n, QfTensor *in, QfTensor *out, QfDType dtype, GError **error)
{
  out->dtype = dtype;
  return qf_tfl_add_change(n, "Cast", in, out, error);
}

gboolean qf_tfl_set_encoding(QfGraph *graph, QfTensor *tensor, const QfTflTensor *record, GError **error)
{
  uint32_t count = record->scales.count;
  int32_t axis = count > 1 ? record->quant_axis : 0;
  int64_t min, max;
  if (!count || qf_dtype_is_float(tensor->dtype) || (count == 1 && qf_flat_at_float(&record->scales, 0) == 0))
    return TRUE;
  gboolean fits = count == 1 || (axis >= 0 && axis < record->rank && record->dims[axis] == count);
  if (!fits || (record->zero_point.count > 1 && record->zero_point.count != count)) {
    g_set_error(
        error, QF_ERROR, QF_ERROR_FORMAT,
        "%s: tensor \"%s\": %u scales and %u zero points do not fit dimension %d of its shape; the file is "
        "damaged",
        graph->name, record->name, count, record->zero_point.count, axis);
    return FALSE;
  }
  g_autofree QfScaleOffset *entries = g_new(QfScaleOffset, count);
  qf_dtype_range(tensor->dtype, &min, &max);
  for (uint32_t i = 0; i < count; i++) {
    float scale = qf_flat_at_float(&record->scales, i);
    int64_t zero = qf_flat_at_int(&record->zero_point, record->zero_point.count > 1 ? i : 0, QF_FLAT_I64);
    if (!(scale > 0) || !isfinite(scale) || zero < min || zero > max) {
      g_set_error(error, QF_ERROR, QF_ERROR_FORMAT,
                  "%s: tensor \"%s\": scale %g with zero point %" G_GINT64_FORMAT
                  " is not an encoding of %s; the file is damaged",
                  graph->name, record->name, scale, zero, qf_dtype_name(tensor->dtype));
      return FALSE;
    }
    entries[i] = (QfScaleOffset){scale, (int32_t)-zero};
  }
  qf_tensor_set_encoding(graph, tensor, count, axis, entries);
  return TRUE;
}
