/* SPDX-License-Identifier: MIT */
/*
 * random.c - operators that draw random numbers. With a seed each run gives the same ones; the generator is our own, so the numbers are not
 * those of another engine.
 */
#include "map.h"

#include <string.h>

static void read_seed(const QfOnnxNode *n, QfRandomAttrs *a)
{
  float seed = qf_onnx_float(n, "seed", 0);
  a->seeded = qf_onnx_attr(n, "seed") != NULL;
  memcpy(&a->seed, &seed, sizeof(seed));
}

/* The type of the attribute dtype, or @def. */
static gboolean read_type(const QfOnnxNode *n, QfDType def, QfDType *dtype, GError **error)
{
  const Onnx__AttributeProto *to = qf_onnx_attr(n, "dtype");
  const char *name = "";
  *dtype = to ? qf_onnx_dtype(qf_build_i32(to->i), &name) : def;
  if (*dtype == QF_DTYPE_INVALID)
    return qf_onnx_fail(n, error, QF_ERROR_UNSUPPORTED,
                        "its type %s is not supported: use a float or integer type", name);
  if (qf_dtype_is_float(*dtype))
    *dtype = QF_DTYPE_FLOAT32; /* floats are float32 inside the graph */
  return TRUE;
}

/* Uniform from low to high, or normal by mean and scale; arg 1: of the shape of the input. */
static gboolean map_noise(QfOnnxNode *n, GError **error)
{
  const gboolean normal = !strcmp(n->row->target, "RandomNormal");
  QfRandomAttrs a = {.dtype = QF_DTYPE_FLOAT32,
                     .a = qf_onnx_float(n, normal ? "mean" : "low", 0),
                     .b = qf_onnx_float(n, normal ? "scale" : "high", 1)};
  QfDType dtype;
  if (!qf_onnx_ints(n, "shape", &a.shape, error) || !read_type(n, QF_DTYPE_FLOAT32, &dtype, error))
    return FALSE;
  read_seed(n, &a);
  a.fixed = !n->row->arg;
  QfTensor *like = a.fixed ? qf_build_scalar(n->b, 0, QF_DTYPE_FLOAT32) : n->in[0];
  QfNode *node = qf_build_begin(n->b, n->row->target, &like, 1, qf_onnx_output(n, 0));
  *(QfRandomAttrs *)node->attrs = a;
  return qf_onnx_bind(n, 0, qf_build_end(n->b, node, error));
}

/* 1 with the probability that the input says. */
static gboolean map_bernoulli(QfOnnxNode *n, GError **error)
{
  QfRandomAttrs a = {.dtype = QF_DTYPE_FLOAT32, .b = 1};
  QfDType dtype;
  if (!read_type(n, n->in[0]->dtype, &dtype, error))
    return FALSE;
  read_seed(n, &a);
  QfNode *node = qf_build_begin(n->b, "RandomUniform", n->in, 1, NULL);
  *(QfRandomAttrs *)node->attrs = a;
  QfTensor *hit =
      qf_build_apply2(n->b, "ElementWiseLess", qf_build_end(n->b, node, error), n->in[0], NULL, error);
  return qf_onnx_bind(n, 0, qf_build_cast(n->b, hit, dtype, qf_onnx_output(n, 0), error));
}

static gboolean map_multinomial(QfOnnxNode *n, GError **error)
{
  QfRandomAttrs a = {.samples = qf_onnx_int(n, "sample_size", 1)};
  QfDType dtype;
  if (!read_type(n, QF_DTYPE_INT32, &dtype, error))
    return FALSE;
  a.dtype = (int32_t)dtype;
  read_seed(n, &a);
  QfNode *node = qf_build_begin(n->b, "Multinomial", n->in, 1, qf_onnx_output(n, 0));
  *(QfRandomAttrs *)node->attrs = a;
  return qf_onnx_bind(n, 0, qf_build_end(n->b, node, error));
}

const QfOnnxRow qf_onnx_random_rows[] = {
    {"", "RandomUniform", map_noise, 0, 0, "RandomUniform", 0},
    {"", "RandomNormal", map_noise, 0, 0, "RandomNormal", 0},
    {"", "RandomUniformLike", map_noise, 1, 1, "RandomUniform", 1},
    {"", "RandomNormalLike", map_noise, 1, 1, "RandomNormal", 1},
    {"", "Bernoulli", map_bernoulli, 1, 1, "RandomUniform", 0},
    {"", "Multinomial", map_multinomial, 1, 1, "Multinomial", 0},
    {NULL},
};
