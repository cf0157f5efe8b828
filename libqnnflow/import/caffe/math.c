/* SPDX-License-Identifier: MIT */
/*
 * math.c - layers that work element by element: activations, powers, sums and products of blobs. Each is a short chain of graph
 * operators; parameters that make a step an identity leave it out.
 */
#include "map.h"

#include <math.h>

static gboolean map_unary(QfCaffeLayer *l, GError **error)
{
  return qf_caffe_bind(l, 0, qf_build_apply1(&l->build, l->row->target, l->in[0], qf_caffe_out(l, 0), error));
}

static gboolean map_identity(QfCaffeLayer *l, GError **error)
{
  (void)error;
  for (uint32_t i = 0; i < l->n_out; i++)
    qf_caffe_bind(l, i, l->in[0]);
  return TRUE;
}

static gboolean map_relu(QfCaffeLayer *l, GError **error)
{
  QF_CAFFE_PARAM(a, l, Caffe__ReLUParameter, CAFFE__RE_LUPARAMETER__INIT, relu_param);
  if (a->negative_slope != 0)
    l->build.target = "LeakyRelu";
  QfTensor *y =
      a->negative_slope == 0
          ? qf_build_apply1(&l->build, "Relu", l->in[0], qf_caffe_out(l, 0), error)
          : qf_build_unary(&l->build, "LeakyRelu", l->in[0], a->negative_slope, 0, qf_caffe_out(l, 0), error);
  return qf_caffe_bind(l, 0, y);
}

static gboolean map_relu6(QfCaffeLayer *l, GError **error)
{
  QF_CAFFE_PARAM(a, l, Caffe__ReLU6Parameter, CAFFE__RE_LU6_PARAMETER__INIT, relu6_param);
  return qf_caffe_bind(l, 0, qf_build_clamp(&l->build, l->in[0], 0, a->threshold, qf_caffe_out(l, 0), error));
}

static gboolean map_prelu(QfCaffeLayer *l, GError **error)
{
  QF_CAFFE_PARAM(a, l, Caffe__PReLUParameter, CAFFE__PRE_LUPARAMETER__INIT, prelu_param);
  QfTensor *x = l->in[0];
  int64_t channels = a->channel_shared || x->rank < 2 ? 1 : x->dims[1];
  QfInts shape = {.n = MAX(x->rank - 1, 1)};
  for (int i = 0; i < shape.n; i++)
    shape.v[i] = i ? 1 : channels;
  QfTensor *slope = qf_caffe_weights(l, 0, "slope", &shape, (QfCaffeSeed){0, 0.5f}, error);
  return qf_caffe_bind(l, 0, qf_build_apply2(&l->build, "Prelu", x, slope, qf_caffe_out(l, 0), error));
}

static gboolean map_elu(QfCaffeLayer *l, GError **error)
{
  QF_CAFFE_PARAM(a, l, Caffe__ELUParameter, CAFFE__ELUPARAMETER__INIT, elu_param);
  return qf_caffe_bind(l, 0,
                       qf_build_unary(&l->build, "Elu", l->in[0], a->alpha, 0, qf_caffe_out(l, 0), error));
}

static gboolean map_hard_sigmoid(QfCaffeLayer *l, GError **error)
{
  QF_CAFFE_PARAM(a, l, Caffe__HardSigmoidParameter, CAFFE__HARD_SIGMOID_PARAMETER__INIT, hard_sigmoid_param);
  return qf_caffe_bind(l, 0,
                       qf_build_unary(&l->build, "HardSigmoid", l->in[0], a->alpha, a->beta,
                                      qf_caffe_out(l, 0), error));
}

/* x OP value, unless that changes nothing. */
static QfTensor *step(QfCaffeLayer *l, const char *op, QfTensor *x, double value, double identity,
                      GError **error)
{
  return value == identity ? x : qf_build_with(&l->build, op, x, value, NULL, error);
}

/* x * sigmoid(beta x) */
static gboolean map_swish(QfCaffeLayer *l, GError **error)
{
  QF_CAFFE_PARAM(a, l, Caffe__SwishParameter, CAFFE__SWISH_PARAMETER__INIT, swish_param);
  if (a->beta == 1)
    return qf_caffe_bind(l, 0, qf_build_apply1(&l->build, "Silu", l->in[0], qf_caffe_out(l, 0), error));
  QfTensor *y = step(l, "ElementWiseMultiply", l->in[0], a->beta, 1, error);
  y = qf_build_apply1(&l->build, "Sigmoid", y, NULL, error);
  return qf_caffe_bind(l, 0,
                       qf_build_apply2(&l->build, "ElementWiseMultiply", l->in[0], y, qf_caffe_out(l, 0),
                                       error));
}

/* x * tanh(log(1 + e^x)) */
static gboolean map_mish(QfCaffeLayer *l, GError **error)
{
  QfTensor *y = qf_build_apply1(&l->build, "Softplus", l->in[0], NULL, error);
  y = qf_build_apply1(&l->build, "Tanh", y, NULL, error);
  return qf_caffe_bind(l, 0,
                       qf_build_apply2(&l->build, "ElementWiseMultiply", l->in[0], y, qf_caffe_out(l, 0),
                                       error));
}

/* scale * x + shift */
static QfTensor *affine(QfCaffeLayer *l, QfTensor *x, double scale, double shift, GError **error)
{
  x = step(l, "ElementWiseMultiply", x, scale, 1, error);
  return step(l, "ElementWiseAdd", x, shift, 0, error);
}

/* (scale * x + shift) ^ power */
static gboolean map_power(QfCaffeLayer *l, GError **error)
{
  QF_CAFFE_PARAM(a, l, Caffe__PowerParameter, CAFFE__POWER_PARAMETER__INIT, power_param);
  QfTensor *y = affine(l, l->in[0], a->scale, a->shift, error);
  return qf_caffe_bind(l, 0, step(l, "ElementWisePower", y, a->power, 1, error));
}

/* base ^ (scale * x + shift); base -1 is e */
static gboolean map_exp(QfCaffeLayer *l, GError **error)
{
  QF_CAFFE_PARAM(a, l, Caffe__ExpParameter, CAFFE__EXP_PARAMETER__INIT, exp_param);
  if (a->base_ != -1 && !(a->base_ > 0))
    return qf_build_fail(&l->build, error, QF_ERROR_FORMAT, "base %g must be above 0, or -1 for e", a->base_);
  double log_base = a->base_ == -1 ? 1 : log(a->base_);
  QfTensor *y = affine(l, l->in[0], a->scale * log_base, a->shift * log_base, error);
  return qf_caffe_bind(l, 0, qf_build_apply1(&l->build, "ElementWiseExp", y, qf_caffe_out(l, 0), error));
}

/* log(scale * x + shift) to the base */
static gboolean map_log(QfCaffeLayer *l, GError **error)
{
  QF_CAFFE_PARAM(a, l, Caffe__ExpParameter, CAFFE__EXP_PARAMETER__INIT, log_param);
  if (a->base_ != -1 && (!(a->base_ > 0) || a->base_ == 1))
    return qf_build_fail(&l->build, error, QF_ERROR_FORMAT, "base %g must be above 0 and not 1, or -1 for e",
                         a->base_);
  QfTensor *y = affine(l, l->in[0], a->scale, a->shift, error);
  y = qf_build_apply1(&l->build, "ElementWiseLog", y, NULL, error);
  return qf_caffe_bind(l, 0,
                       step(l, "ElementWiseMultiply", y, a->base_ == -1 ? 1 : 1 / log(a->base_), 1, error));
}

/* x > threshold ? 1 : 0 */
static gboolean map_threshold(QfCaffeLayer *l, GError **error)
{
  QF_CAFFE_PARAM(a, l, Caffe__ThresholdParameter, CAFFE__THRESHOLD_PARAMETER__INIT, threshold_param);
  QfTensor *y = qf_build_with(&l->build, "ElementWiseGreater", l->in[0], a->threshold, NULL, error);
  return qf_caffe_bind(l, 0, qf_build_cast(&l->build, y, QF_DTYPE_FLOAT32, qf_caffe_out(l, 0), error));
}

static gboolean map_eltwise(QfCaffeLayer *l, GError **error)
{
  QF_CAFFE_PARAM(a, l, Caffe__EltwiseParameter, CAFFE__ELTWISE_PARAMETER__INIT, eltwise_param);
  static const char *const ops[] = {"ElementWiseMultiply", "ElementWiseAdd", "ElementWiseMaximum"};
  gboolean sum = a->operation == CAFFE__ELTWISE_PARAMETER__ELTWISE_OP__SUM;
  if (a->operation < 0 || a->operation >= (int)G_N_ELEMENTS(ops) || (a->n_coeff && a->n_coeff != l->n_in))
    return qf_build_fail(&l->build, error, QF_ERROR_FORMAT,
                         "operation %d with %zu coefficients for %u bottoms is not possible",
                         (int)a->operation, a->n_coeff, l->n_in);
  QfTensor *y = NULL;
  for (uint32_t i = 0; i < l->n_in; i++) {
    QfTensor *x = l->in[i];
    if (sum && a->n_coeff)
      x = step(l, "ElementWiseMultiply", x, a->coeff[i], 1, error);
    y = !i ? x
           : qf_build_apply2(&l->build, ops[a->operation], y, x, i + 1 == l->n_in ? qf_caffe_out(l, 0) : NULL,
                             error);
    if (!y)
      return FALSE;
  }
  return qf_caffe_bind(l, 0, y);
}

/* a[n,c] * x + y */
static gboolean map_axpy(QfCaffeLayer *l, GError **error)
{
  QfTensor *scale = l->in[0], *x = l->in[1];
  QfInts shape = {.n = x->rank};
  for (int i = 0; i < x->rank; i++)
    shape.v[i] = i < 2 ? x->dims[i] : 1;
  if (x->rank < 2 || qf_tensor_count(scale) != x->dims[0] * x->dims[1])
    return qf_build_fail(&l->build, error, QF_ERROR_SHAPE,
                         "its first bottom must have a number for each channel of its second");
  QfTensor *t = qf_build_reshape(&l->build, scale, &shape, NULL, error);
  t = qf_build_apply2(&l->build, "ElementWiseMultiply", x, t, NULL, error);
  return qf_caffe_bind(l, 0,
                       qf_build_apply2(&l->build, "ElementWiseAdd", t, l->in[2], qf_caffe_out(l, 0), error));
}

const QfCaffeRow qf_caffe_math_rows[] = {
    {"ReLU", map_relu, 1, 1, 1, "Relu"},
    {"ReLU6", map_relu6, 1, 1, 1, "ReluMinMax"},
    {"PReLU", map_prelu, 1, 1, 1, "Prelu"},
    {"ELU", map_elu, 1, 1, 1, "Elu"},
    {"Sigmoid", map_unary, 1, 1, 1, "Sigmoid"},
    {"TanH", map_unary, 1, 1, 1, "Tanh"},
    {"AbsVal", map_unary, 1, 1, 1, "ElementWiseAbs"},
    {"BNLL", map_unary, 1, 1, 1, "Softplus"},
    {"HardSwish", map_unary, 1, 1, 1, "HardSwish"},
    {"HSwish", map_unary, 1, 1, 1, "HardSwish"},
    {"HardSigmoid", map_hard_sigmoid, 1, 1, 1, "HardSigmoid"},
    {"Swish", map_swish, 1, 1, 1, NULL},
    {"Mish", map_mish, 1, 1, 1, NULL},
    {"Power", map_power, 1, 1, 1, NULL},
    {"Exp", map_exp, 1, 1, 1, "ElementWiseExp"},
    {"Log", map_log, 1, 1, 1, "ElementWiseLog"},
    {"Threshold", map_threshold, 1, 1, 1, NULL},
    {"Dropout", map_identity, 1, 1, 1, NULL},
    {"Split", map_identity, 1, 1, -1, NULL},
    {"Eltwise", map_eltwise, 1, -1, 1, NULL},
    {"Axpy", map_axpy, 3, 3, 1, NULL},
    {NULL},
};
