/* SPDX-License-Identifier: MIT */
/*
 * unary.c - operators of one tensor, element by element, and the activations that other operators have built in.
 * Those that the graph has no operator for are written with the ones it has.
 */
#include "map.h"

#include <math.h>
#include <string.h>

static gboolean map_unary(QfOnnxNode *n, GError **error)
{
  return qf_onnx_bind(n, 0, qf_build_apply1(n->b, n->row->target, n->in[0], qf_onnx_output(n, 0), error));
}

/* Activations with parameters: ONNX's defaults. */
static const struct {
  const char *op, *target;
  float alpha, beta;
} parametric[] = {
    {"LeakyRelu", "LeakyRelu", 0.01f, 0},
    {"Elu", "Elu", 1, 0},
    {"HardSigmoid", "HardSigmoid", 0.2f, 0.5f},
};

static QfTensor *emit_parametric(QfOnnxNode *n, const char *target, float alpha, float beta, QfTensor *x,
                                 QfTensor *out, GError **error)
{
  if (!x)
    return NULL;
  QfNode *node = qf_build_begin(n->b, target, &x, 1, out);
  QfUnaryAttrs *a = node->attrs;
  a->alpha = alpha;
  a->beta = beta;
  return qf_build_end(n->b, node, error);
}

static gboolean map_parametric(QfOnnxNode *n, GError **error)
{
  guint i = 0;
  while (strcmp(parametric[i].target, n->row->target))
    i++;
  float alpha = qf_onnx_float(n, "alpha", parametric[i].alpha),
        beta = qf_onnx_float(n, "beta", parametric[i].beta);
  return qf_onnx_bind(n, 0,
                      emit_parametric(n, n->row->target, alpha, beta, n->in[0], qf_onnx_output(n, 0), error));
}

QfTensor *qf_onnx_activate(QfOnnxNode *n, const char *activation, const float *params, uint32_t n_params,
                           QfTensor *x, QfTensor *out, GError **error)
{
  static const char *const plain[] = {"Relu", "Sigmoid", "Tanh", "HardSwish", NULL};
  if (g_strv_contains(plain, activation))
    return qf_build_apply1(n->b, activation, x, out, error);
  if (!strcmp(activation, "Clip"))
    return qf_build_clamp(n->b, x, n_params > 0 ? params[0] : -INFINITY, n_params > 1 ? params[1] : INFINITY,
                          out, error);
  for (guint i = 0; i < G_N_ELEMENTS(parametric); i++)
    if (!strcmp(parametric[i].op, activation))
      return emit_parametric(n, parametric[i].target, n_params > 0 ? params[0] : parametric[i].alpha,
                             n_params > 1 ? params[1] : parametric[i].beta, x, out, error);
  qf_onnx_fail(n, error, QF_ERROR_UNSUPPORTED, "its built-in activation '%s' is not supported", activation);
  return NULL;
}

/* Bounds that are not known now, or integers: by Maximum and Minimum. */
static gboolean clip_by_nodes(QfOnnxNode *n, GError **error)
{
  QfTensor *x = n->in[0], *lo = qf_onnx_encoded_like(n, qf_onnx_input(n, 1), x);
  QfTensor *hi = qf_onnx_encoded_like(n, qf_onnx_input(n, 2), x);
  if (lo)
    x = qf_build_apply2(n->b, "ElementWiseMaximum", x, lo, hi ? NULL : qf_onnx_output(n, 0), error);
  if (x && hi)
    x = qf_build_apply2(n->b, "ElementWiseMinimum", x, hi, qf_onnx_output(n, 0), error);
  return qf_onnx_bind(n, 0, x);
}

static gboolean map_clip(QfOnnxNode *n, GError **error)
{
  double lo = qf_onnx_float(n, "min", -INFINITY), hi = qf_onnx_float(n, "max", INFINITY);
  QfTensor *x = n->in[0], *in1 = qf_onnx_input(n, 1), *in2 = qf_onnx_input(n, 2);
  if (!qf_dtype_is_float(x->dtype) || (in1 && !qf_onnx_is_constant(in1)) ||
      (in2 && !qf_onnx_is_constant(in2)))
    return clip_by_nodes(n, error);
  if (!qf_onnx_number(n, 1, &lo, error) || !qf_onnx_number(n, 2, &hi, error))
    return FALSE;
  return qf_onnx_bind(n, 0, qf_build_clamp(n->b, x, lo, hi, qf_onnx_output(n, 0), error));
}

static gboolean map_gelu(QfOnnxNode *n, GError **error)
{
  static const char *const kinds[] = {"none", "tanh", NULL};
  int32_t approximate;
  if (!qf_onnx_enum(n, "approximate", kinds, n->row->arg, &approximate, error))
    return FALSE;
  QfTensor *x = n->in[0];
  if (qf_onnx_input(n, 1)) /* BiasGelu, FastGelu */
    x = qf_build_apply2(n->b, "ElementWiseAdd", x, n->in[1], NULL, error);
  if (!x)
    return FALSE;
  QfNode *node = qf_build_begin(n->b, "Gelu", &x, 1, qf_onnx_output(n, 0));
  ((QfUnaryAttrs *)node->attrs)->approximate = approximate;
  return qf_onnx_bind(n, 0, qf_build_end(n->b, node, error));
}

/* gamma * elu(x, alpha) */
static gboolean map_selu(QfOnnxNode *n, GError **error)
{
  float alpha = qf_onnx_float(n, "alpha", 1.67326319217681884765625f);
  float gamma = qf_onnx_float(n, "gamma", 1.05070102214813232421875f);
  QfTensor *y = emit_parametric(n, "Elu", alpha, 0, n->in[0], NULL, error);
  return qf_onnx_bind(n, 0,
                      qf_build_with(n->b, "ElementWiseMultiply", y, gamma, qf_onnx_output(n, 0), error));
}

/* alpha * elu(x / alpha, 1) for alpha > 0 */
static gboolean map_celu(QfOnnxNode *n, GError **error)
{
  float alpha = qf_onnx_float(n, "alpha", 1);
  if (!(alpha > 0))
    return qf_onnx_fail(n, error, QF_ERROR_UNSUPPORTED, "alpha is %g, but must be above 0", alpha);
  QfTensor *y = qf_build_with(n->b, "ElementWiseMultiply", n->in[0], 1 / (double)alpha, NULL, error);
  y = y ? emit_parametric(n, "Elu", 1, 0, y, NULL, error) : NULL;
  return qf_onnx_bind(n, 0,
                      qf_build_with(n->b, "ElementWiseMultiply", y, alpha, qf_onnx_output(n, 0), error));
}

/* x * tanh(softplus(x)) */
static gboolean map_mish(QfOnnxNode *n, GError **error)
{
  QfTensor *y = qf_build_apply1(n->b, "Softplus", n->in[0], NULL, error);
  y = qf_build_apply1(n->b, "Tanh", y, NULL, error);
  return qf_onnx_bind(n, 0,
                      qf_build_apply2(n->b, "ElementWiseMultiply", n->in[0], y, qf_onnx_output(n, 0), error));
}

/* x / (1 + |x|) */
static gboolean map_softsign(QfOnnxNode *n, GError **error)
{
  QfTensor *y = qf_build_apply1(n->b, "ElementWiseAbs", n->in[0], NULL, error);
  y = qf_build_apply2(n->b, "ElementWiseAdd", y, qf_build_scalar(n->b, 1, QF_DTYPE_FLOAT32), NULL, error);
  return qf_onnx_bind(n, 0,
                      qf_build_apply2(n->b, "ElementWiseDivide", n->in[0], y, qf_onnx_output(n, 0), error));
}

/* x * sigmoid(alpha * x) */
static gboolean map_swish(QfOnnxNode *n, GError **error)
{
  float alpha = qf_onnx_float(n, "alpha", n->row->arg ? 1.702f : 1);
  if (alpha == 1)
    return qf_onnx_bind(n, 0, qf_build_apply1(n->b, "Silu", n->in[0], qf_onnx_output(n, 0), error));
  QfTensor *y = qf_build_with(n->b, "ElementWiseMultiply", n->in[0], alpha, NULL, error);
  y = qf_build_apply1(n->b, "Sigmoid", y, NULL, error);
  return qf_onnx_bind(n, 0,
                      qf_build_apply2(n->b, "ElementWiseMultiply", n->in[0], y, qf_onnx_output(n, 0), error));
}

/* alpha * x + beta */
static gboolean map_affine(QfOnnxNode *n, GError **error)
{
  QfTensor *y =
      qf_build_with(n->b, "ElementWiseMultiply", n->in[0], qf_onnx_float(n, "alpha", 1), NULL, error);
  QfTensor *beta = qf_build_scalar(n->b, qf_onnx_float(n, "beta", 0), QF_DTYPE_FLOAT32);
  return qf_onnx_bind(n, 0, qf_build_apply2(n->b, "ElementWiseAdd", y, beta, qf_onnx_output(n, 0), error));
}

/* x * scale + bias[c] on [N,C,H,W] */
static gboolean map_image_scaler(QfOnnxNode *n, GError **error)
{
  const Onnx__AttributeProto *bias = qf_onnx_attr(n, "bias");
  QfTensor *x = n->in[0];
  if (x->rank != 4 || !bias || bias->n_floats != (size_t)x->dims[1])
    return qf_onnx_fail(n, error, QF_ERROR_SHAPE, "it needs an input [N,C,H,W] and a bias for each channel");
  QfInts shape = {4, {1, x->dims[1], 1, 1}};
  QfTensor *y = qf_build_with(n->b, "ElementWiseMultiply", x, qf_onnx_float(n, "scale", 1), NULL, error);
  return qf_onnx_bind(n, 0,
                      qf_build_apply2(n->b, "ElementWiseAdd", y, qf_build_floats(n->b, &shape, bias->floats),
                                      qf_onnx_output(n, 0), error));
}

static gboolean map_identity(QfOnnxNode *n, GError **error)
{
  return qf_onnx_bind(n, 0, n->in[0]);
}

#define UNARY(op, target)                                                                                    \
  {                                                                                                          \
    "", op, map_unary, 1, 1, target, 0                                                                       \
  }

const QfOnnxRow qf_onnx_unary_rows[] = {
    UNARY("Abs", "ElementWiseAbs"),
    UNARY("Neg", "ElementWiseNeg"),
    UNARY("Exp", "ElementWiseExp"),
    UNARY("Log", "ElementWiseLog"),
    UNARY("Sqrt", "ElementWiseSquareRoot"),
    UNARY("Reciprocal", "ElementWiseReciprocal"),
    UNARY("Floor", "ElementWiseFloor"),
    UNARY("Ceil", "ElementWiseCeil"),
    UNARY("Round", "ElementWiseRound"),
    UNARY("Sign", "ElementWiseSign"),
    UNARY("Sin", "ElementWiseSin"),
    UNARY("Cos", "ElementWiseCos"),
    UNARY("Not", "ElementWiseNot"),
    UNARY("BitwiseNot", "ElementWiseNot"),
    UNARY("Atanh", "Atanh"),
    UNARY("Acosh", "Acosh"),
    UNARY("Asinh", "Asinh"),
    UNARY("Cosh", "Cosh"),
    UNARY("Sinh", "Sinh"),
    UNARY("Atan", "ElementWiseAtan"),
    UNARY("Acos", "Acos"),
    UNARY("Asin", "ElementWiseAsin"),
    UNARY("Tan", "Tan"),
    UNARY("Erf", "Erf"),
    UNARY("Relu", "Relu"),
    UNARY("Sigmoid", "Sigmoid"),
    UNARY("Tanh", "Tanh"),
    UNARY("Softplus", "Softplus"),
    UNARY("HardSwish", "HardSwish"),
    {"", "LeakyRelu", map_parametric, 1, 1, "LeakyRelu", 0},
    {"", "Elu", map_parametric, 1, 1, "Elu", 0},
    {"", "HardSigmoid", map_parametric, 1, 1, "HardSigmoid", 0},
    {"", "Clip", map_clip, 1, 3, "ReluMinMax", 0},
    {"", "Gelu", map_gelu, 1, 1, "Gelu", 0},
    {"com.microsoft", "Gelu", map_gelu, 1, 1, "Gelu", 0},
    {"com.microsoft", "BiasGelu", map_gelu, 2, 2, "Gelu", 0},
    {"com.microsoft", "FastGelu", map_gelu, 1, 2, "Gelu", 1},
    {"com.microsoft", "QuickGelu", map_swish, 1, 1, NULL, 1},
    {"", "Swish", map_swish, 1, 1, NULL, 0},
    {"", "Selu", map_selu, 1, 1, "Elu", 0},
    {"", "Celu", map_celu, 1, 1, "Elu", 0},
    {"", "Mish", map_mish, 1, 1, NULL, 0},
    {"", "Softsign", map_softsign, 1, 1, NULL, 0},
    {"", "Affine", map_affine, 1, 1, NULL, 0},
    {"", "ImageScaler", map_image_scaler, 1, 1, NULL, 0},
    {"", "Identity", map_identity, 1, 1, NULL, 0},
    {NULL},
};
