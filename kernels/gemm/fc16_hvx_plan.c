/* SPDX-License-Identifier: MIT */
/*
 * fc16_hvx_plan.c - plans of fully connected layers of 16-bit data for HVX. Plain C, for any machine.
 *
 * As unsigned, x = 256 * h + l + 32896 with h and l int8; so (x - zero) * w summed is 256 * sum(h * w) + sum(l * w) and
 * (32896 - zero) * sum(w), which with the bias is what the two sums begin with.
 */
#include "fc16_hvx.h"

#include <string.h>

static int32_t weight_at(const QfkFc16Hvx *p, const QfkIntArgs *q, const void *w, int32_t n, int32_t k)
{
  return qfk_load_int(w, q->w_type, (size_t)n * p->f.k + k) - (q->w_zero ? q->w_zero[n] : 0);
}

static QfkIntArgs as_bytes(const QfkIntArgs *q, const QfkFixed *one)
{
  QfkIntArgs b = *q;
  b.x_type = b.y_type = QFK_S8;
  b.x_zero = 0;
  b.bias = NULL;
  b.requant = (QfkRequant){.fixed = one, .once = true, .hi = 127};
  return b;
}

bool qfk_fc16_hvx_init(QfkFc16Hvx *p, int32_t k, int32_t n, const QfkIntArgs *q, const void *w)
{
  static const QfkFixed one = {1 << 30, 0};
  const QfkIntArgs bytes = as_bytes(q, &one);
  const QfkRequant *r = &q->requant;
  *p = (QfkFc16Hvx){.x_flip = q->x_type == QFK_S16 ? 0x0080 : 0x8080, .out = {r->zero_point, r->lo, r->hi}};
  if (!qfk_hvx_wide_can(r, q->x_type, q->y_type, n) || !qfk_fc_hvx_init(&p->f, k, n, &bytes, w))
    return false;
  p->f.w_zero = 128; /* of weights as the kernel has them, whatever it was */
  for (int32_t i = 0; i < n && w; i++) {
    int64_t sum = 0;
    for (int32_t j = 0; j < k; j++) {
      const int32_t v = weight_at(p, q, w, i, j);
      if (v < INT8_MIN || v > INT8_MAX)
        return false;
      sum += v < 0 ? -v : v;
    }
    if (sum >= QFK_HVX_WIDE_WEIGHTS)
      return false;
  }
  return true;
}

size_t qfk_fc16_hvx_scratch(const QfkFc16Hvx *p)
{
  return 2 * ((qfk_fc_hvx_scratch(&p->f) + 127) / 128 * 128);
}

void qfk_fc16_hvx_pack(const QfkFc16Hvx *p, const QfkIntArgs *q, const void *w, uint8_t *weights,
                       int32_t *first_high, int32_t *first_low, int32_t *multiplier, int32_t *shift)
{
  static const QfkFixed one = {1 << 30, 0};
  const QfkIntArgs bytes = as_bytes(q, &one);
  const int32_t zero = qfk_hvx_wide_zero(q->x_type, q->x_zero);
  qfk_fc_hvx_pack(&p->f, &bytes, w, weights, first_high, multiplier, shift);
  memset(first_low, 0, qfk_fc_hvx_channels(&p->f) * sizeof(*first_low));
  for (int32_t n = 0; n < (int32_t)qfk_fc_hvx_channels(&p->f); n++) {
    first_high[n] = multiplier[n] = 0;
    shift[n] = QFK_HVX_WIDE_LEAST_SHIFT;
    if (n >= p->f.n)
      continue;
    const QfkFixed f = q->requant.fixed[q->requant.per_channel ? n : 0];
    int64_t sum = 0;
    for (int32_t k = 0; k < p->f.k; k++)
      sum += weight_at(p, q, w, n, k);
    const int64_t first = (q->bias ? q->bias[n] : 0) + (32896 - zero) * sum;
    first_high[n] = (int32_t)(first >> 8);
    first_low[n] = (int32_t)(first & 255);
    multiplier[n] = f.multiplier;
    shift[n] = f.shift;
  }
}
