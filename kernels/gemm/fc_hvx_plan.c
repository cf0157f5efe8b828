/* SPDX-License-Identifier: MIT */
/*
 * fc_hvx_plan.c - packs the weights of a fully connected layer for HVX. Plain C, for any machine.
 *
 * With x' = x - 128 as int8 and weights w' as uint8 of zero point z': sum w (x - zero) = sum w' x' - z' sum x' + (128 - zero) sum w, the
 * last of which is in the bias. Where zero points differ from output to output, z' is 128 and weights without theirs must fit int8.
 */
#include "fc_hvx.h"

#include <string.h>

static int32_t weight_at(const QfkFcHvx *p, const QfkIntArgs *q, const void *w, int32_t n, int32_t k)
{
  return qfk_load_int(w, q->w_type, (size_t)n * p->k + k) - (q->w_zero ? q->w_zero[n] : 0);
}

/* The zero point of all weights as uint8, 128 where they have several. */
static int32_t zero_of_all(const QfkFcHvx *p, const QfkIntArgs *q)
{
  const int32_t more = q->w_type == QFK_S8 ? 128 : 0;
  for (int32_t i = 1; i < p->n && q->w_zero; i++)
    if (q->w_zero[i] != q->w_zero[0])
      return 128;
  return more + (q->w_zero ? q->w_zero[0] : 0);
}

bool qfk_fc_hvx_init(QfkFcHvx *p, int32_t k, int32_t n, const QfkIntArgs *q, const void *w)
{
  const QfkRequant *r = &q->requant;
  if (q->x_type > QFK_S8 || q->y_type > QFK_S8 || q->w_type > QFK_S8 || !r->fixed || !r->once || r->wide ||
      !qfk_hvx_zeros_fit(q, n))
    return false;
  *p = (QfkFcHvx){.k = k,
                  .n = n,
                  .steps = (k + 3) / 4,
                  .panels = (n + 31) / 32,
                  .x_flip = q->x_type == QFK_S8 ? 0 : 0x80,
                  .out = qfk_hvx_out(q->y_type, r->zero_point, r->lo, r->hi)};
  p->w_zero = zero_of_all(p, q);
  for (int32_t i = 0; i < n; i++) {
    p->shifted |= r->fixed[r->per_channel ? i : 0].shift != 0;
    for (int32_t j = 0; j < k && (q->w_zero || q->w_type != QFK_S8); j++) {
      const int32_t v = weight_at(p, q, w, i, j) + p->w_zero;
      if (v < 0 || v > UINT8_MAX)
        return false;
    }
  }
  return true;
}

size_t qfk_fc_hvx_weights(const QfkFcHvx *p)
{
  return ((size_t)p->panels * p->steps + 1) * 128;
}

size_t qfk_fc_hvx_channels(const QfkFcHvx *p)
{
  return (size_t)p->panels * 32;
}

size_t qfk_fc_hvx_scratch(const QfkFcHvx *p)
{
  return (size_t)p->steps * 4 + 256;
}

void qfk_fc_hvx_pack(const QfkFcHvx *p, const QfkIntArgs *q, const void *w, uint8_t *weights, int32_t *bias,
                     int32_t *multiplier, int32_t *shift)
{
  const size_t bytes = qfk_fc_hvx_channels(p) * sizeof(int32_t);
  const int32_t zero = q->x_zero + (q->x_type == QFK_S8 ? 128 : 0); /* as of uint8 */
  memset(weights, 0x80, qfk_fc_hvx_weights(p));
  memset(bias, 0, bytes);
  memset(multiplier, 0, bytes);
  memset(shift, 0, bytes);
  for (int32_t n = 0; n < p->n; n++) {
    const QfkFixed f = q->requant.fixed[q->requant.per_channel ? n : 0];
    uint8_t *to = weights + ((size_t)(n / 32) * p->steps * 32 + n % 32) * 4;
    int32_t sum = 0;
    for (int32_t k = 0; k < p->k; k++) {
      const int32_t v = weight_at(p, q, w, n, k);
      to[(size_t)(k / 4) * 128 + k % 4] = (uint8_t)(v + p->w_zero);
      sum += v;
    }
    bias[n] = (int32_t)((uint32_t)(q->bias ? q->bias[n] : 0) + (uint32_t)(128 - zero) * (uint32_t)sum);
    multiplier[n] = f.multiplier;
    shift[n] = f.shift;
  }
}
