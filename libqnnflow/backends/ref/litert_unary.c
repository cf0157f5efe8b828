/* SPDX-License-Identifier: MIT */
/*
 * litert_unary.c - operators of one input in the `tflite` scheme: a row an operator in the table at the end. What has no
 * row computes as always. The numbers are made in kernels/litert.
 */
#include "litert.h"
#include "../../ops/list.h"
#include "kernels/unary/unary.h"

#include <math.h>

/* One node: its encodings, and how many elements it has. */
typedef struct {
  QfkEncoding x, y;
  size_t n;
} Shape;

typedef struct {
  QfkLitertLeaky q;
  size_t n;
} Leaky;

static void run_leaky(const void *params, const void *const *in, void *const *out)
{
  const Leaky *p = params;
  qfk_litert_leaky_ref(&p->q, in[0], out[0], p->n);
}

/* Two slopes, and bounds in real numbers: the forms of LeakyRelu, the clamps, and the absolute value. */
static gboolean lower_slopes(QfLower *lower, const QfNode *node, const Shape *s, float negative, float lo,
                             float hi)
{
  Leaky *p = qf_lower_alloc(lower, sizeof(*p));
  p->n = s->n;
  p->q = (QfkLitertLeaky){.x_type = s->x.type,
                          .y_type = s->y.type,
                          .x_zero = s->x.zero,
                          .y_zero = s->y.zero,
                          .positive = qfk_fixed_from_real((double)(s->x.scale / s->y.scale)),
                          .negative = qfk_fixed_from_real((double)(s->x.scale * negative / s->y.scale))};
  qf_ref_bounds(&s->y, QF_ACT_CLAMP, lo, hi, &p->q.lo, &p->q.hi);
  qf_ref_lower_plain(lower, node, "litert_leaky_ref", run_leaky, p);
  return TRUE;
}

static gboolean lower_leaky(QfLower *lower, const QfNode *node, const Shape *s)
{
  return lower_slopes(lower, node, s, ((const QfUnaryAttrs *)node->attrs)->alpha, -INFINITY, INFINITY);
}

static gboolean lower_abs(QfLower *lower, const QfNode *node, const Shape *s)
{
  return lower_slopes(lower, node, s, -1, -INFINITY, INFINITY);
}

static gboolean lower_relu(QfLower *lower, const QfNode *node, const Shape *s)
{
  return lower_slopes(lower, node, s, 1, 0, INFINITY);
}

static gboolean lower_relu6(QfLower *lower, const QfNode *node, const Shape *s)
{
  return lower_slopes(lower, node, s, 1, 0, 6);
}

static gboolean lower_clamp(QfLower *lower, const QfNode *node, const Shape *s)
{
  const QfUnaryAttrs *a = node->attrs;
  return lower_slopes(lower, node, s, 1, a->lo, a->hi);
}

typedef struct {
  QfkLitertSigmoid q;
  size_t n;
} Sigmoid;

static void run_sigmoid(const void *params, const void *const *in, void *const *out)
{
  const Sigmoid *p = params;
  qfk_litert_sigmoid_ref(&p->q, in[0], out[0], p->n);
}

/* The table's results are in 2^-15: other encodings compute as always. */
static gboolean lower_sigmoid(QfLower *lower, const QfNode *node, const Shape *s)
{
  if (s->x.type != QFK_S16 || s->x.zero || s->y.zero || s->y.scale != 1.0f / 32768)
    return FALSE;
  Sigmoid *p = qf_lower_alloc(lower, sizeof(*p));
  p->n = s->n;
  p->q.tanh = node->op == &qf_op_Tanh;
  qfk_litert_sigmoid_init(&p->q, s->x.scale);
  qf_ref_lower_plain(lower, node, "litert_sigmoid_ref", run_sigmoid, p);
  return TRUE;
}

typedef struct {
  QfkLitertSwish q;
  size_t n;
} Swish;

static void run_swish(const void *params, const void *const *in, void *const *out)
{
  const Swish *p = params;
  qfk_litert_swish_ref(&p->q, in[0], out[0], p->n);
}

/* The peer's products only shrink: an output finer than a 128th of the input computes as always. */
static gboolean lower_swish(QfLower *lower, const QfNode *node, const Shape *s)
{
  const double fine = (double)(1.0f / 128.0f * s->x.scale);
  const QfkFixed fy = qfk_fixed_from_real((double)((float)fine / s->y.scale));
  if (s->x.type > QFK_S8 || fy.shift > 0)
    return FALSE;
  Swish *p = qf_lower_alloc(lower, sizeof(*p));
  p->n = s->n;
  p->q = (QfkLitertSwish){.x_type = s->x.type,
                          .y_type = s->y.type,
                          .x_zero = s->x.zero,
                          .y_zero = s->y.zero,
                          .fy = fy,
                          .fr = qfk_fixed_from_real((double)((float)fine / (3.0f / 32768.0f)))};
  qf_ref_bounds(&s->y, QF_ACT_NONE, 0, 0, &p->q.lo, &p->q.hi);
  qf_ref_lower_plain(lower, node, "litert_swish_ref", run_swish, p);
  return TRUE;
}

typedef struct {
  uint8_t table[256];
  size_t n;
} Table;

static void run_table(const void *params, const void *const *in, void *const *out)
{
  const Table *p = params;
  qfk_lookup_u8_ref(p->table, in[0], out[0], p->n);
}

/* 8 bits by a table whose entries are rounded half away from zero, after a multiplication by the inverse scale. */
static gboolean lower_table(QfLower *lower, const QfNode *node, const Shape *s)
{
  const QfUnaryAttrs *a = node->attrs;
  QfkUnary unary = {.op = node->op == &qf_op_Elu ? QFK_UNARY_ELU
                          : a->approximate       ? QFK_UNARY_GELU_TANH
                                                 : QFK_UNARY_GELU,
                    .alpha = a->alpha};
  const int32_t low = s->x.type == QFK_S8 ? -128 : 0;
  const float inverse = 1 / s->y.scale;
  int32_t lo, hi;
  if (s->x.type > QFK_S8)
    return FALSE;
  Table *p = qf_lower_alloc(lower, sizeof(*p));
  p->n = s->n;
  qf_ref_bounds(&s->y, QF_ACT_NONE, 0, 0, &lo, &hi);
  for (int32_t q = low; q < low + 256; q++) {
    float x = s->x.scale * (float)(q - s->x.zero), y;
    qfk_unary_f32_ref(&unary, &x, &y, 1);
    const float v = roundf(y * inverse) + (float)s->y.zero;
    p->table[(uint8_t)q] = (uint8_t)(int32_t)fminf(fmaxf(v, (float)lo), (float)hi);
  }
  qf_ref_lower_plain(lower, node, "litert_table_ref", run_table, p);
  return TRUE;
}

static const struct {
  const QfOpDef *op;
  gboolean (*lower)(QfLower *lower, const QfNode *node, const Shape *s);
} rows[] = {
    {&qf_op_LeakyRelu, lower_leaky},  {&qf_op_ElementWiseAbs, lower_abs}, {&qf_op_Relu, lower_relu},
    {&qf_op_HardSwish, lower_swish},  {&qf_op_Sigmoid, lower_sigmoid},    {&qf_op_Tanh, lower_sigmoid},
    {&qf_op_Elu, lower_table},        {&qf_op_Gelu, lower_table},         {&qf_op_Relu6, lower_relu6},
    {&qf_op_ReluMinMax, lower_clamp},
};

gboolean qf_ref_litert_unary(QfLower *lower, const QfNode *node)
{
  Shape s = {.n = (size_t)qf_tensor_count(node->outputs[0])};
  if (lower->requant != QF_REQUANT_TFLITE || !qf_ref_is_encoded(node->inputs[0], &s.x) ||
      !qf_ref_is_encoded(node->outputs[0], &s.y) || s.x.type != s.y.type)
    return FALSE;
  for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
    if (rows[i].op == node->op)
      return rows[i].lower(lower, node, &s);
  return FALSE;
}
