/* SPDX-License-Identifier: MIT */
/*
 * emit.c - our operators in the library's words: a table (ops.inc), the few functions for what a table cannot say, and fused activations
 * and residuals taken apart again, for the library fuses as it likes.
 */
#include "net.h"
#include "../../ops/attrs.h"
#include "../../ops/list.h"

#include <math.h>
#include <string.h>

typedef gboolean (*MoreFunc)(QfQnnNet *net, const QfNode *node, QfQnnNetOp *op, GString *why);

static const QfAttrDef *attr_of(const QfNode *node, const char *name)
{
  for (const QfAttrDef *a = node->op->attrs; a && a->name; a++)
    if (!strcmp(a->name, name))
      return a;
  return NULL;
}

static const void *attr_value(const QfNode *node, const QfAttrDef *a)
{
  return (const char *)node->attrs + a->offset;
}

static int32_t int_attr(const QfNode *node, const char *name)
{
  const QfAttrDef *a = attr_of(node, name);
  return a ? *(const int32_t *)attr_value(node, a) : 0;
}

static float float_attr(const QfNode *node, const char *name)
{
  const QfAttrDef *a = attr_of(node, name);
  return a ? *(const float *)attr_value(node, a) : 0;
}

static void list_param(QfQnnNet *net, QfQnnNetOp *op, const char *name, const QfInts *list)
{
  uint32_t values[QF_MAX_RANK], n = (uint32_t)list->n;
  for (uint32_t i = 0; i < n; i++)
    values[i] = (uint32_t)list->v[i];
  qf_qnn_op_tensor(op, name, qf_qnn_net_numbers(net, QF_QNN_UINT32, values, 1, &n));
}

/* No axes: all of them. */
static void axes_param(QfQnnNet *net, QfQnnNetOp *op, const char *name, const QfInts *axes, int32_t rank)
{
  QfInts all = *axes;
  for (all.n = axes->n ? axes->n : rank; !axes->n && rank > 0; rank--)
    all.v[rank - 1] = rank - 1;
  list_param(net, op, name, &all);
}

static void ints_param(QfQnnNet *net, QfQnnNetOp *op, const char *name, const int32_t *v, uint32_t n)
{
  const uint32_t line[] = {n}, square[] = {2, 2};
  if (n <= 1)
    qf_qnn_op_scalar(op, name, QF_QNN_UINT32, (uint32_t)*v);
  else
    qf_qnn_op_tensor(op, name,
                     qf_qnn_net_numbers(net, QF_QNN_UINT32, v, n == 4 ? 2 : 1, n == 4 ? square : line));
}

static void add_param(QfQnnNet *net, const QfNode *node, QfQnnNetOp *op, const QfAttrDef *a, const char *name)
{
  const void *v = attr_value(node, a);
  switch (a->kind) {
  case QF_ATTR_INT: ints_param(net, op, name, v, a->count); break;
  case QF_ATTR_FLOAT: qf_qnn_op_float(op, name, *(const float *)v); break;
  case QF_ATTR_BOOL: qf_qnn_op_scalar(op, name, QF_QNN_BOOL8, *(const int32_t *)v != 0); break;
  case QF_ATTR_AXES: axes_param(net, op, name, v, node->inputs[0]->rank); break;
  case QF_ATTR_ENUM:
  case QF_ATTR_DTYPE:
  case QF_ATTR_AXIS: qf_qnn_op_scalar(op, name, QF_QNN_UINT32, *(const uint32_t *)v); break;
  default: list_param(net, op, name, v);
  }
}

/* Whether an attribute that the library lacks has its default. */
static gboolean is_default(const QfNode *node, const QfAttrDef *a)
{
  const int32_t *v = attr_value(node, a);
  for (uint32_t i = 0; i < MAX(a->count, 1); i++)
    if ((double)v[i] != a->def)
      return FALSE;
  return TRUE;
}

static gboolean add_params(QfQnnNet *net, const QfNode *node, QfQnnNetOp *op, const char *spec, GString *why)
{
  g_auto(GStrv) words = g_strsplit(spec, " ", -1);
  for (guint i = 0; words[i] && *words[i]; i++) {
    char *ours = words[i], *theirs = strchr(ours, ':');
    const gboolean absent = *ours == '!';
    if (theirs)
      *theirs++ = 0;
    const QfAttrDef *a = attr_of(node, ours + absent);
    g_assert(a); /* the table is wrong */
    if (absent && !is_default(node, a)) {
      g_string_append_printf(why, "QNN's %s has no %s", op->type, a->name);
      return FALSE;
    }
    /* Renamed parameters outlive the words. */
    if (!absent)
      add_param(net, node, op, a, theirs ? g_intern_string(theirs) : a->name);
  }
  return TRUE;
}

/* A slope of one number, for LeakyRelu: a float, or the highest of 8 bits when the data has an encoding. */
static QfQnnTensor *slope_tensor(QfQnnNet *net, const QfQnnTensor *x, float alpha)
{
  const uint32_t one = 1, steps = UINT8_MAX;
  QfQnnTensor *t;
  if (x->dtype == QF_QNN_FLOAT32)
    return qf_qnn_net_numbers(net, QF_QNN_FLOAT32, &alpha, 1, &one);
  t = qf_qnn_net_numbers(net, QF_QNN_UFIXED8, &steps, 1, &one);
  t->u.client.size = 1; /* little-endian: the first byte is the number */
  t->quantize = (QfQnnQuantize){1, QF_QNN_SCALE_OFFSET, {.one = {alpha / UINT8_MAX, 0}}};
  return t;
}

static gboolean emit_slope(QfQnnNet *net, const QfNode *node, QfQnnNetOp *op, GString *why)
{
  const float alpha = float_attr(node, "alpha");
  if (alpha <= 0) {
    g_string_append(why, "its slope is not above 0");
    return FALSE;
  }
  qf_qnn_op_input(op, slope_tensor(net, op->inputs->pdata[0], alpha));
  return TRUE;
}

/* Clamps that have a name of their own. The emulator's ReluMinMax behind a 1x1 convolution of few pixels (3x3 and fewer) is wrong. */
static const char *clamp_type(float lo, float hi)
{
  static const struct {
    float lo, hi;
    const char *type;
  } named[] = {{0, INFINITY, "Relu"}, {0, 6, "Relu6"}, {-1, 1, "Relu1"}};
  for (gsize i = 0; i < G_N_ELEMENTS(named); i++)
    if (named[i].lo == lo && named[i].hi == hi)
      return named[i].type;
  return NULL;
}

/* @op becomes the clamp by its name, or ReluMinMax with its limits. */
static void set_clamp(QfQnnNetOp *op, float lo, float hi)
{
  const char *named = clamp_type(lo, hi);
  if (named)
    op->type = named;
  if (named)
    return;
  qf_qnn_op_float(op, "min_value", lo);
  qf_qnn_op_float(op, "max_value", hi);
}

static gboolean emit_clamp(QfQnnNet *net, const QfNode *node, QfQnnNetOp *op, GString *why)
{
  set_clamp(op, float_attr(node, "lo"), float_attr(node, "hi"));
  return TRUE;
}

/* The HTP counts in 32 bits: wider indices are made of them. */
static gboolean emit_index(QfQnnNet *net, const QfNode *node, QfQnnNetOp *op, GString *why)
{
  QfQnnTensor *y = op->outputs->pdata[0], *index;
  if (y->dtype != QF_QNN_INT64)
    return TRUE;
  op->outputs->pdata[0] = index = qf_qnn_net_temp(net, y);
  index->dtype = QF_QNN_INT32;
  QfQnnNetOp *cast = qf_qnn_net_op(net, "Cast");
  qf_qnn_op_input(cast, index);
  qf_qnn_op_output(cast, y);
  return TRUE;
}

static gboolean emit_hard_sigmoid(QfQnnNet *net, const QfNode *node, QfQnnNetOp *op, GString *why)
{
  qf_qnn_op_scalar(op, "operation", QF_QNN_UINT32, 2);
  return TRUE;
}

static gboolean emit_split(QfQnnNet *net, const QfNode *node, QfQnnNetOp *op, GString *why)
{
  const QfConcatAttrs *a = node->attrs;
  uint32_t n = node->n_outputs - 1, at = 0;
  g_autofree uint32_t *index = g_new0(uint32_t, n + 1);
  if (!n) {
    g_string_append(why, "it has one part only");
    return FALSE;
  }
  for (uint32_t i = 0; i < n; i++)
    index[i] = at += (uint32_t)node->outputs[i]->dims[a->axis];
  qf_qnn_op_tensor(op, "split_index", qf_qnn_net_numbers(net, QF_QNN_UINT32, index, 1, &n));
  return TRUE;
}

static gboolean emit_ranges(QfQnnNet *net, const QfNode *node, QfQnnNetOp *op, GString *why)
{
  const QfStridedSliceAttrs *a = node->attrs;
  const uint32_t dims[] = {(uint32_t)node->inputs[0]->rank, 3};
  int32_t ranges[QF_MAX_RANK][3];
  for (uint32_t i = 0; i < dims[0]; i++) {
    ranges[i][0] = (int32_t)a->begin.v[i];
    ranges[i][1] = (int32_t)a->end.v[i];
    ranges[i][2] = (int32_t)a->stride.v[i];
  }
  qf_qnn_op_tensor(op, "ranges", qf_qnn_net_numbers(net, QF_QNN_INT32, ranges, 2, dims));
  return TRUE;
}

/* Padding with a number: in the steps of the data. */
static gboolean emit_pad(QfQnnNet *net, const QfNode *node, QfQnnNetOp *op, GString *why)
{
  static const uint32_t schemes[] = {
      [QF_PAD_CONSTANT] = 0, [QF_PAD_SYMMETRIC] = 1, [QF_PAD_REFLECT] = 2, [QF_PAD_EDGE] = 3};
  const QfPadAttrs *a = node->attrs;
  const QfTensor *x = node->inputs[0];
  const uint32_t dims[] = {(uint32_t)x->rank, 2};
  uint32_t amounts[QF_MAX_RANK][2];
  for (uint32_t i = 0; i < dims[0]; i++) {
    if (a->before.v[i] < 0 || a->after.v[i] < 0) {
      g_string_append(why, "it crops");
      return FALSE;
    }
    amounts[i][0] = (uint32_t)a->before.v[i];
    amounts[i][1] = (uint32_t)a->after.v[i];
  }
  qf_qnn_op_scalar(op, "scheme", QF_QNN_UINT32, schemes[a->scheme]);
  qf_qnn_op_tensor(op, "pad_amount", qf_qnn_net_numbers(net, QF_QNN_UINT32, amounts, 2, dims));
  if (a->scheme != QF_PAD_CONSTANT)
    return TRUE;
  if (!x->enc.count) {
    qf_qnn_op_float(op, "pad_constant_value", a->value);
    return TRUE;
  }
  const float q = rintf(a->value / x->enc.entries[0].scale) - (float)x->enc.entries[0].offset;
  qf_qnn_op_scalar(op, "pad_constant_value", QF_QNN_INT32, (uint32_t)(int32_t)q);
  return TRUE;
}

/* Whole factors: the nearest pixel is the one that the output's lies in, whatever the mode calls it. */
static gboolean whole_factors(const QfNode *node)
{
  const QfTensor *x = node->inputs[0], *y = node->outputs[0];
  for (int32_t i = 0; i < x->rank; i++)
    if (y->dims[i] % x->dims[i])
      return FALSE;
  return TRUE;
}

/* The older operators where they mean the same, for more libraries take them; else Resize with all its parameters. */
static gboolean emit_resize(QfQnnNet *net, const QfNode *node, QfQnnNetOp *op, GString *why)
{
  const QfResizeAttrs *a = node->attrs;
  const gboolean half = a->coordinate_mode == QF_COORD_HALF_PIXEL,
                 corners = a->coordinate_mode == QF_COORD_ALIGN_CORNERS;
  const gboolean asymmetric = a->coordinate_mode == QF_COORD_ASYMMETRIC;
  const gboolean in_pixel =
      asymmetric ? a->nearest_mode == QF_NEAREST_FLOOR
                 : half && a->nearest_mode == QF_NEAREST_ROUND_PREFER_FLOOR && whole_factors(node);
  const gboolean nearest = a->interpolation == QF_RESIZE_NEAREST && in_pixel;
  if (!nearest && (a->interpolation != QF_RESIZE_LINEAR || !(half || corners || asymmetric))) {
    qf_qnn_op_scalar(op, "interpolation_mode", QF_QNN_UINT32, (uint32_t)a->interpolation);
    qf_qnn_op_scalar(op, "transformation_mode", QF_QNN_UINT32, (uint32_t)a->coordinate_mode);
    qf_qnn_op_scalar(op, "nearest_mode", QF_QNN_UINT32, (uint32_t)a->nearest_mode);
    qf_qnn_op_scalar(op, "exclude_outside", QF_QNN_BOOL8, (uint32_t)a->exclude_outside);
    qf_qnn_op_float(op, "cubic_coeff", a->cubic_a);
    return TRUE;
  }
  op->type = nearest ? "ResizeNearestNeighbor" : "ResizeBilinear";
  qf_qnn_op_scalar(op, "align_corners", QF_QNN_BOOL8, corners);
  qf_qnn_op_scalar(op, "half_pixel_centers", QF_QNN_BOOL8, half && !nearest);
  return TRUE;
}

/* Whether clamping to [lo, hi] changes a number that the encoding can hold. */
static gboolean clamp_is_nothing(const QfTensor *y, float lo, float hi)
{
  static const struct {
    QfDType dtype;
    double lo, hi;
  } ranges[] = {{QF_DTYPE_UINT8, 0, 255},
                {QF_DTYPE_INT8, -128, 127},
                {QF_DTYPE_UINT16, 0, 65535},
                {QF_DTYPE_INT16, -32768, 32767}};
  for (gsize i = 0; y->enc.count == 1 && i < G_N_ELEMENTS(ranges); i++) {
    const double scale = y->enc.entries[0].scale, offset = y->enc.entries[0].offset;
    if (ranges[i].dtype == y->dtype)
      return (ranges[i].lo + offset) * scale > lo - scale / 2 &&
             (ranges[i].hi + offset) * scale < hi + scale / 2;
  }
  return FALSE;
}

/* The activations that are one operator there. */
static const char *const act_types[QF_N_ACTS] = {
    [QF_ACT_CLAMP] = "ReluMinMax", [QF_ACT_HARD_SWISH] = "HardSwish", [QF_ACT_SIGMOID] = "Sigmoid",
    [QF_ACT_TANH] = "Tanh",        [QF_ACT_PRELU] = "Prelu",          [QF_ACT_LEAKY] = "Prelu",
    [QF_ACT_GELU] = "Gelu"};

static void emit_act(QfQnnNet *net, const QfNode *node, int32_t act, QfQnnTensor *slope, QfQnnTensor *x,
                     QfQnnTensor *y)
{
  if (act == QF_ACT_SILU) { /* x * sigmoid(x) */
    QfQnnTensor *gate = qf_qnn_net_temp(net, x);
    QfQnnNetOp *sigmoid = qf_qnn_net_op(net, "Sigmoid"), *product = qf_qnn_net_op(net, "ElementWiseMultiply");
    qf_qnn_op_input(sigmoid, x);
    qf_qnn_op_output(sigmoid, gate);
    qf_qnn_op_input(product, x);
    qf_qnn_op_input(product, gate);
    qf_qnn_op_output(product, y);
    return;
  }
  QfQnnNetOp *op = qf_qnn_net_op(net, act_types[act]);
  qf_qnn_op_input(op, x);
  if (act == QF_ACT_PRELU)
    qf_qnn_op_input(op, slope);
  if (act == QF_ACT_LEAKY)
    qf_qnn_op_input(op, slope_tensor(net, x, float_attr(node, "act_alpha")));
  qf_qnn_op_output(op, y);
  if (act == QF_ACT_CLAMP)
    set_clamp(op, float_attr(node, "act_lo"), float_attr(node, "act_hi"));
}

/* What was fused behind the operator: a residual, then an activation. @op's output becomes the first of a chain that ends in the node's. */
static gboolean emit_epilogue(QfQnnNet *net, const QfNode *node, QfQnnNetOp *op, uint32_t n_plain,
                              GString *why)
{
  const QfTensor *out = node->outputs[0];
  const gboolean residual = int_attr(node, "residual") != 0;
  int32_t act = int_attr(node, "activation");
  if (act == QF_ACT_CLAMP && clamp_is_nothing(out, float_attr(node, "act_lo"), float_attr(node, "act_hi")))
    act = QF_ACT_NONE;
  if (!residual && act == QF_ACT_NONE)
    return TRUE;
  if (out->enc.count && (residual || act != QF_ACT_CLAMP)) {
    g_string_append(why, "what is fused behind it has no encoding of its own");
    return FALSE;
  }
  QfQnnTensor *y = op->outputs->pdata[0], *at = qf_qnn_net_temp(net, y), *slope = NULL;
  op->outputs->pdata[0] = at;
  if (act == QF_ACT_PRELU && !(slope = qf_qnn_net_tensor(net, node->inputs[node->n_inputs - 1], why)))
    return FALSE;
  if (residual) {
    QfQnnTensor *other = qf_qnn_net_tensor(net, node->inputs[n_plain], why);
    if (!other)
      return FALSE;
    QfQnnNetOp *sum = qf_qnn_net_op(net, "ElementWiseAdd");
    QfQnnTensor *total = act == QF_ACT_NONE ? y : qf_qnn_net_temp(net, y);
    qf_qnn_op_input(sum, at);
    qf_qnn_op_input(sum, other);
    qf_qnn_op_output(sum, total);
    at = total;
  }
  if (act != QF_ACT_NONE)
    emit_act(net, node, act, slope, at, y);
  return TRUE;
}

#define QF_QNN_OP(ours, theirs, params, more) extern const QfOpDef qf_op_##ours;
#include "ops.inc"
#undef QF_QNN_OP

static const struct Row {
  const QfOpDef *op;
  const char *type, *params;
  MoreFunc more;
} rows[] = {
#define QF_QNN_OP(ours, theirs, params, more) {&qf_op_##ours, theirs, params, more},
#include "ops.inc"
#undef QF_QNN_OP
};

/* Inputs of the operator itself: those of the epilogue come after them. */
static uint32_t plain_inputs(const QfNode *node)
{
  if (node->op->quant != QF_QUANT_WEIGHTED)
    return node->n_inputs;
  return MIN(node->n_inputs, 3);
}

static gboolean emit_row(QfQnnNet *net, const struct Row *row, const QfNode *node, GString *why)
{
  QfQnnNetOp *op = qf_qnn_net_op(net, row->type);
  const uint32_t n_plain = plain_inputs(node);
  for (uint32_t i = 0; i < n_plain; i++) {
    QfQnnTensor *t = node->inputs[i] ? qf_qnn_net_tensor(net, node->inputs[i], why) : NULL;
    if (node->inputs[i] && !t)
      return FALSE;
    if (t)
      qf_qnn_op_input(op, t);
  }
  for (uint32_t i = 0; i < node->n_outputs; i++) {
    QfQnnTensor *t = qf_qnn_net_tensor(net, node->outputs[i], why);
    if (!t)
      return FALSE;
    qf_qnn_op_output(op, t);
  }
  if (!add_params(net, node, op, row->params, why) || (row->more && !row->more(net, node, op, why)))
    return FALSE;
  /* What a row adds behind its operator belongs to it. */
  return emit_epilogue(net, node, net->ops->pdata[net->ops->len - 1], n_plain, why);
}

gboolean qf_qnn_emit(QfQnnNet *net, const QfNode *node, GString *why)
{
  net->node = node->name;
  net->source = node;
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++)
    if (rows[i].op == node->op)
      return emit_row(net, &rows[i], node, why);
  g_string_append(why, "QNN has no such operator");
  return FALSE;
}
