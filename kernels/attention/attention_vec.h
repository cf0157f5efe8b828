/* SPDX-License-Identifier: MIT */
/*
 * attention_vec.h - softmax of rows of scores as loops the compiler vectorises; included once an instruction set with QFK_ISA defined. Rows
 * are padded to whole sets of lanes, so that there are no tails; partial results are joined pair by pair.
 */
#include "attention.h"
#include "../vmath.h"

#define CAT2(a, b) a##_##b
#define CAT(a, b) CAT2(a, b)
#define NAME(f) CAT(f, QFK_ISA)

#define LANES 16

static inline float joined_max(float *part)
{
  for (int w = LANES / 2; w; w /= 2)
    for (int l = 0; l < w; l++)
      part[l] = part[l] > part[l + w] ? part[l] : part[l + w];
  return part[0];
}

static inline float joined_sum(float *part)
{
  for (int w = LANES / 2; w; w /= 2)
    for (int l = 0; l < w; l++)
      part[l] += part[l + w];
  return part[0];
}

/* x = scale * x + mask; the largest. */
static float scaled(float *x, size_t n, float scale, const float *mask, ptrdiff_t mask_col)
{
  float part[LANES];
  if (mask)
    for (size_t i = 0; i < n; i++)
      x[i] = scale * x[i] + mask[(ptrdiff_t)i * mask_col];
  for (int l = 0; l < LANES; l++)
    part[l] = -INFINITY;
  for (size_t i = n; i % LANES; i++)
    x[i] = mask || scale >= 0 ? -INFINITY : INFINITY; /* never the largest */
  const float s = mask ? 1 : scale;
  for (size_t i = 0; i < n; i += LANES)
    for (int l = 0; l < LANES; l++) {
      const float v = x[i + (size_t)l] * s;
      x[i + (size_t)l] = v;
      part[l] = part[l] > v ? part[l] : v;
    }
  return joined_max(part);
}

void NAME(qfk_attention_f32)(const QfkAttention *p, size_t rows, void *scores, const float *mask,
                             int16_t *out)
{
  const size_t n = (size_t)p->keys;
  for (size_t r = 0; r < rows; r++) {
    float *x = (float *)scores + r * p->pitch, part[LANES] = {0};
    const float max = scaled(x, n, p->scale, mask ? mask + (ptrdiff_t)r * p->mask.row : NULL, p->mask.col);
    for (size_t i = 0; i < n; i += LANES)
      for (int l = 0; l < LANES; l++) {
        const float e = qfk_exp(x[i + (size_t)l] - max);
        x[i + (size_t)l] = e;
        part[l] += e;
      }
    for (size_t i = n; i % LANES; i++) /* e of the padding, which is not quite zero */
      part[i % LANES] -= x[i];
    const float m = 1.0f / joined_sum(part);
    for (size_t i = 0; i < n; i += LANES)
      for (int l = 0; l < LANES; l++)
        x[i + (size_t)l] *= m;
  }
}

#define CHUNK 128 /* exponents of 2^23 each whose sum fits int32 */

void NAME(qfk_attention_int)(const QfkAttention *p, size_t rows, void *scores, const float *mask,
                             int16_t *out)
{
  const size_t n = (size_t)p->keys;
  const QfkSoftmaxInt *q = &p->integer;
  const int32_t min = q->y_type == QFK_S8 ? INT8_MIN : 0;
  const float lo = (float)(min - q->y_zero), hi = (float)(min + UINT8_MAX - q->y_zero);
  for (size_t r = 0; r < rows; r++) {
    uint8_t *x = (uint8_t *)scores + r * p->pitch, max = 0;
    int16_t *y = out + r * p->pitch;
    int64_t sum = 0;
    if (p->mapped)
      for (size_t i = 0; i < n; i++)
        x[i] = p->map[x[i]];
    else
      for (size_t i = 0; i < n; i++)
        x[i] ^= p->map[0];
    for (size_t i = 0; i < n; i++)
      max = max > x[i] ? max : x[i];
    for (size_t i0 = 0; i0 < n; i0 += CHUNK) {
      const size_t m = n - i0 < CHUNK ? n - i0 : CHUNK;
      int32_t part = 0;
      for (size_t i = 0; i < m; i++)
        part += q->e[max - x[i0 + i]];
      sum += part;
    }
    const float scale = (float)(1.0 / ((double)sum * (double)q->y_scale));
    for (size_t i0 = 0; i0 < n; i0 += CHUNK) {
      const size_t m = n - i0 < CHUNK ? n - i0 : CHUNK;
      int32_t e[CHUNK];
      for (size_t i = 0; i < m; i++)
        e[i] = q->e[max - x[i0 + i]];
      for (size_t i = 0; i < m; i++) {
        float f = (float)e[i] * scale;
        f = f < lo ? lo : f > hi ? hi : f;
        y[i0 + i] = (int16_t)(int32_t)rintf(f);
      }
    }
    for (size_t i = n; i < p->pitch; i++)
      y[i] = 0;
  }
}
