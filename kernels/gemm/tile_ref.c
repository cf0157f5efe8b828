/* SPDX-License-Identifier: MIT */
/*
 * tile_ref.c - tile kernels in plain C, for machines without a better one and as the shape of all others.
 */
#include "bf16.h"
#include "tile.h"

#include <string.h>

#define MR 4
#define LANES 4

static void store_f32(const QfkTile *t, const float *acc, float *c)
{
  const float *res = t->res ? (const float *)(t->res + ((const uint8_t *)c - t->c_base)) : NULL;
  for (uint32_t i = 0; i < t->n; i++) {
    float y = res ? acc[i] + res[i] : acc[i];
    c[i] = y < t->lo ? t->lo : y > t->hi ? t->hi : y;
  }
}

void qfk_tile_f32_4x8_ref(const QfkTile *t, uint32_t m)
{
  const uint32_t width = (t->n + LANES - 1) / LANES * LANES;
  for (uint32_t r = 0; r < m; r++) {
    float acc[2 * LANES];
    const float *b = t->b;
    memcpy(acc, t->bias, width * sizeof(float));
    for (uint32_t s = 0; s < t->n_seg; s++) {
      const float *a = t->a[r * t->n_seg + s];
      for (uint32_t k = 0; k < t->steps; k++, b += width)
        for (uint32_t i = 0; i < width; i++)
          acc[i] += a[k] * b[i];
    }
    store_f32(t, acc, t->c[r]);
  }
}

static void store_ints(const QfkTile *t, const int32_t *acc, uint32_t width, uint8_t *c)
{
  const uint32_t vectors = width / LANES;
  for (uint32_t slot = 0; slot < width; slot++) {
    uint32_t column = 4 * vectors * (slot % LANES / 4) + 4 * (slot / LANES) + slot % 4;
    if (!t->scale) {
      memcpy(c + column * sizeof(*acc), &acc[slot], sizeof(*acc));
      continue;
    }
    float y = fminf(fmaxf((float)acc[slot] * t->scale[slot], t->lo), t->hi);
    if (column < t->n)
      c[column] = (uint8_t)((int32_t)lrintf(y) + t->zero_point);
  }
}

void qfk_tile_s16_4x8_ref(const QfkTile *t, uint32_t m)
{
  const uint32_t width = (t->n + LANES - 1) / LANES * LANES;
  for (uint32_t r = 0; r < m; r++) {
    int32_t acc[2 * LANES];
    const int16_t *b = t->b;
    memcpy(acc, t->bias, width * sizeof(int32_t));
    for (uint32_t s = 0; s < t->n_seg; s++) {
      const int16_t *a = t->a[r * t->n_seg + s];
      for (uint32_t k = 0; k < t->steps; k++, b += width)
        for (uint32_t i = 0; i < width; i++)
          acc[i] = (int32_t)((uint32_t)acc[i] + (uint32_t)(a[k] * b[i]));
    }
    store_ints(t, acc, width, t->c[r]);
  }
}

void qfk_tile_bf16_4x8_ref(const QfkTile *t, uint32_t m)
{
  const uint32_t width = (t->n + LANES - 1) / LANES * LANES;
  for (uint32_t r = 0; r < m; r++) {
    float acc[2 * LANES];
    const uint16_t *b = t->b;
    memcpy(acc, t->bias, width * sizeof(float));
    for (uint32_t s = 0; s < t->n_seg; s++) {
      const uint16_t *a = t->a[r * t->n_seg + s];
      for (uint32_t k = 0; k < t->steps; k++, b += 2 * width)
        for (uint32_t i = 0; i < width; i++)
          acc[i] = qfk_bf16_step(acc[i], a + 2 * k, b + 2 * i);
    }
    store_f32(t, acc, t->c[r]);
  }
}

void qfk_act_f32_ref(const QfkEpilogue *e, float *y, size_t n, size_t channel)
{
  for (size_t i = 0; i < n; i++)
    y[i] = qfk_act_scalar(e, y[i], channel + i);
}

void qfk_widen_ref(int16_t *dst, const uint8_t *src, size_t n, int32_t zero, bool is_signed)
{
  for (size_t i = 0; i < n; i++)
    dst[i] = (int16_t)((is_signed ? (int8_t)src[i] : src[i]) - zero);
}

void qfk_narrow_bf16_ref(int16_t *dst, const uint8_t *src, size_t n, int32_t zero, bool is_signed)
{
  for (size_t i = 0; i < n; i++) {
    float x;
    memcpy(&x, src + 4 * i, sizeof(x));
    dst[i] = (int16_t)qfk_bf16_from(x);
  }
}
