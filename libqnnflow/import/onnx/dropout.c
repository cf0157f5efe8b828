/* SPDX-License-Identifier: MIT */
/*
 * dropout.c - Dropout. For inference it passes its input through; in training mode, which an input may ask for at run time, it
 * drops by a fixed draw of uniform numbers made from its seed here: those of the Mersenne Twister (MT19937) with 53 bits, as
 * the operator's specification computes its examples. A run is repeatable.
 */
#include "map.h"

enum { WORDS = 624, FAR = 397 };

typedef struct {
  uint32_t word[WORDS];
  int used;
} Twister;

static void twister_seed(Twister *t, uint32_t seed)
{
  for (uint32_t i = 0; i < WORDS; i++) {
    t->word[i] = seed;
    seed = 1812433253u * (seed ^ seed >> 30) + i + 1;
  }
  t->used = WORDS;
}

static uint32_t twister_next(Twister *t)
{
  for (int i = 0; t->used == WORDS && i < WORDS; i++) {
    uint32_t mixed = (t->word[i] & 0x80000000u) | (t->word[(i + 1) % WORDS] & 0x7fffffffu);
    t->word[i] = t->word[(i + FAR) % WORDS] ^ mixed >> 1 ^ (mixed & 1 ? 0x9908b0dfu : 0);
  }
  uint32_t y = t->word[t->used %= WORDS];
  t->used++;
  y ^= y >> 11;
  y ^= y << 7 & 0x9d2c5680u;
  y ^= y << 15 & 0xefc60000u;
  return y ^ y >> 18;
}

/* One number in [0, 1) for each element of @x. */
static QfTensor *uniform(QfOnnxNode *n, const QfTensor *x, GError **error)
{
  int64_t count = qf_tensor_count(x);
  if (count > 1 << 24) {
    qf_onnx_fail(n, error, QF_ERROR_LIMIT,
                 "it may train, but its input of %" G_GINT64_FORMAT
                 " numbers is too large for that; export the model for inference",
                 count);
    return NULL;
  }
  Twister t;
  float *values = g_new(float, count + 1);
  twister_seed(&t, (uint32_t)qf_onnx_int(n, "seed", 0));
  for (int64_t i = 0; i < count; i++) {
    double high = twister_next(&t) >> 5, low = twister_next(&t) >> 6;
    values[i] = (float)((high * 67108864.0 + low) / 9007199254740992.0);
  }
  return qf_graph_add_constant(n->onnx->graph, NULL, QF_DTYPE_FLOAT32, x->dims, x->rank,
                               g_bytes_new_take(values, (gsize)count * sizeof(*values)));
}

/* All true, without a constant of the size of @x. */
static QfTensor *all_true(QfOnnxNode *n, QfTensor *x, QfTensor *out, GError **error)
{
  QfTensor *none = qf_build_apply2(n->b, "ElementWiseLess", x, x, NULL, error);
  return qf_build_apply1(n->b, "ElementWiseNot", none, out, error);
}

static QfTensor *scalar_of(QfOnnxNode *n, QfTensor *t, QfDType dtype, double def, GError **error)
{
  QfInts shape = {0};
  if (!t)
    return qf_build_scalar(n->b, def, dtype);
  return qf_build_cast(n->b, qf_build_reshape(n->b, t, &shape, NULL, error), dtype, NULL, error);
}

/* keep = uniform >= ratio or not training; y = keep ? x * (training ? 1 / (1 - ratio) : 1) : 0 */
static gboolean train(QfOnnxNode *n, GError **error)
{
  QfTensor *x = n->in[0], *one = qf_build_scalar(n->b, 1, QF_DTYPE_FLOAT32);
  QfTensor *ratio = scalar_of(n, qf_onnx_input(n, 1), QF_DTYPE_FLOAT32, 0.5, error);
  QfTensor *training = scalar_of(n, n->in[2], QF_DTYPE_BOOL, 0, error);
  QfTensor *draw = uniform(n, x, error);
  gboolean wanted = n->n_out > 1 && n->out_names[1];
  if (!draw || !ratio || !training)
    return FALSE;
  QfTensor *keep = qf_build_apply2(n->b, "ElementWiseGreaterEqual", draw, ratio, NULL, error);
  QfTensor *idle = qf_build_apply1(n->b, "ElementWiseNot", training, NULL, error);
  keep = qf_build_apply2(n->b, "ElementWiseOr", keep, idle, wanted ? qf_onnx_output(n, 1) : NULL, error);
  QfTensor *scale = qf_build_apply2(n->b, "ElementWiseSubtract", one, ratio, NULL, error);
  scale = qf_build_apply1(n->b, "ElementWiseReciprocal", scale, NULL, error);
  scale = qf_onnx_select(n, training, scale, one, NULL, error);
  QfTensor *y = qf_build_apply2(n->b, "ElementWiseMultiply", x, scale, NULL, error);
  y = qf_onnx_select(n, keep, y, qf_build_scalar(n->b, 0, QF_DTYPE_FLOAT32), qf_onnx_output(n, 0), error);
  if (wanted)
    n->out[1] = keep;
  return qf_onnx_bind(n, 0, y);
}

static gboolean map_dropout(QfOnnxNode *n, GError **error)
{
  double training = 0;
  QfTensor *t = qf_onnx_input(n, 2);
  if (qf_onnx_is_constant(t) && !qf_onnx_number(n, 2, &training, error))
    return FALSE;
  if (t && (training || !qf_onnx_is_constant(t)))
    return train(n, error);
  if (n->n_out > 1 && n->out_names[1] &&
      !qf_onnx_bind(n, 1, all_true(n, n->in[0], qf_onnx_output(n, 1), error)))
    return FALSE;
  return qf_onnx_bind(n, 0, n->in[0]);
}

const QfOnnxRow qf_onnx_dropout_rows[] = {
    {"", "Dropout", map_dropout, 1, 3, NULL, 0},
    {NULL},
};
