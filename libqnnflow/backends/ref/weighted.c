/* SPDX-License-Identifier: MIT */
/*
 * weighted.c - types, encodings, bias and epilogue of weighted operators. See weighted.h.
 */
#include "weighted.h"
#include "fixed.h"
#include "litert.h"
#include "../../graph/numbers.h"

gboolean qf_ref_fits_int32(const QfTensor *t)
{
  for (int32_t i = 0; i < t->rank; i++)
    if (t->dims[i] > INT32_MAX / 2)
      return FALSE;
  return TRUE;
}

static const QfTensor *optional(const QfNode *node, uint32_t i)
{
  return i < node->n_inputs ? node->inputs[i] : NULL;
}

/* Zero points of the weights when one is not 0, and the multipliers. */
static void fill_scales(QfRefWeighted *w, QfLower *lower, const QfNode *node, int64_t channels)
{
  const QfEncoding *xe = &node->inputs[0]->enc, *we = &node->inputs[1]->enc, *ye = &node->outputs[0]->enc;
  float *m = qf_lower_alloc(lower, (size_t)channels * sizeof(*m));
  int32_t *zero = qf_lower_alloc(lower, (size_t)channels * sizeof(*zero));
  gboolean any = FALSE;
  for (int64_t c = 0; c < channels; c++) {
    const QfScaleOffset *e = &we->entries[we->count > 1 ? c : 0];
    m[c] = qfk_requant_scale(xe->entries[0].scale, e->scale, ye->entries[0].scale);
    zero[c] = -e->offset;
    any |= zero[c] != 0;
  }
  w->q.requant.m = m;
  w->q.requant.per_channel = TRUE;
  w->q.w_zero = any ? zero : NULL;
}

/* int32 biases: the constant's own, or narrowed from int64 when all fit. */
static gboolean fill_int_bias(QfRefWeighted *w, QfLower *lower, const QfTensor *b, int64_t channels)
{
  if (!b)
    return TRUE;
  const void *data = qf_tensor_data(b);
  if (!data)
    return FALSE;
  int32_t *bias = qf_lower_alloc(lower, (size_t)channels * sizeof(*bias));
  for (int64_t c = 0; c < channels; c++) {
    int64_t v = qf_number_int(b->dtype, data, c);
    if (v < INT32_MIN || v > INT32_MAX)
      return FALSE;
    bias[c] = (int32_t)v;
  }
  w->q.bias = bias;
  return TRUE;
}

/* The bias of encoded data as real numbers: its scale is that of the products. */
static gboolean fill_real_bias(QfRefWeighted *w, QfLower *lower, const QfNode *node, const QfTensor *b,
                               int64_t channels)
{
  const QfEncoding *xe = &node->inputs[0]->enc, *we = &node->inputs[1]->enc;
  if (!b || !xe->count || qf_dtype_is_float(b->dtype))
    return TRUE;
  if (!b->data || xe->count > 1)
    return FALSE;
  float *bias = qf_lower_alloc(lower, (size_t)channels * sizeof(*bias));
  for (int64_t c = 0; c < channels; c++)
    bias[c] = (float)((double)qf_number_int(b->dtype, qf_tensor_data(b), c) * (double)xe->entries[0].scale *
                      (double)we->entries[we->count > 1 ? c : 0].scale);
  w->bias = bias;
  w->real_in &= ~4u;
  return TRUE;
}

/* Weights have an encoding for the whole or for each output channel, in the dimension where the kernels want it. */
static gboolean usable_weights(const QfTensor *t, int64_t channels, QfkInt *type)
{
  return qf_ref_int_type(t->dtype, type) &&
         (t->enc.count == 1 || (t->enc.count == channels && t->enc.axis == (t->rank == 4 ? 3 : 0)));
}

gboolean qf_ref_weighted_init(QfRefWeighted *w, QfLower *lower, const QfNode *node, const QfEpilogue *epi,
                              int64_t channels, GError **error)
{
  const QfTensor *b = optional(node, 2);
  QfkEncoding x, y;
  QfkInt w_type;
  *w = (QfRefWeighted){.real_in = QF_REF_ALL_PORTS};
  w->act = (QfkEpilogue){.act = epi->act, .lo = epi->lo, .hi = epi->hi, .alpha = epi->alpha};
  w->residual = epi->residual ? 3 : 0;
  w->slope = epi->act == QF_ACT_PRELU ? (epi->residual ? 4 : 3) : 0;
  for (uint32_t i = 0; i < 2; i++)
    if (!qf_ref_fits_int32(node->inputs[i]) || !qf_ref_fits_int32(node->outputs[0]))
      return qf_ref_unsupported(node, error, "a dimension is beyond 2^30", "use a smaller one");
  if (epi->act <= QF_ACT_CLAMP && !epi->residual && qf_ref_is_encoded(node->inputs[0], &x) &&
      qf_ref_is_encoded(node->outputs[0], &y) && usable_weights(node->inputs[1], channels, &w_type) &&
      fill_int_bias(w, lower, b, channels)) {
    w->integer = TRUE;
    w->q.x_type = x.type;
    w->q.w_type = w_type;
    w->q.y_type = y.type;
    w->q.x_zero = x.zero;
    w->q.requant.zero_point = y.zero;
    qf_ref_bounds(&y, epi->act, epi->lo, epi->hi, &w->q.requant.lo, &w->q.requant.hi);
    fill_scales(w, lower, node, channels);
    if (lower->requant == QF_REQUANT_TFLITE) {
      w->q.requant.fixed = qf_ref_litert_multipliers(lower, node, channels);
      w->q.requant.wide = x.type > QFK_S8;
    }
    qf_ref_fixed_requant(lower, node, channels, x.type > QFK_S8, &w->q.requant);
    return TRUE;
  }
  return fill_real_bias(w, lower, node, b, channels) ||
         qf_ref_unsupported(node, error, "the bias of encoded data is not a constant", "make it one");
}

QfkEpilogue qf_ref_weighted_act(const QfRefWeighted *w, const void *const *in)
{
  QfkEpilogue act = w->act;
  act.slope = w->slope ? in[w->slope] : NULL;
  return act;
}

const float *qf_ref_weighted_bias(const QfRefWeighted *w, const void *const *in)
{
  return w->bias ? w->bias : in[2];
}

const float *qf_ref_weighted_residual(const QfRefWeighted *w, const void *const *in)
{
  return w->residual ? in[w->residual] : NULL;
}
