/* SPDX-License-Identifier: MIT */
/*
 * quantize_hvx_plan.c - tables and constants of encodings for HVX. Plain C, for any machine.
 *
 * Where one value of the encoding begins is searched for by asking the reference, so nothing is left to the arithmetic of the kernel but to
 * come within one step.
 */
#include "quantize_hvx.h"

#include <string.h>

#define INFINITE 0x7f800000
#define FINER                                                                                                \
  64 /* of 2^16 to a step: the kernel's error is below, so it never is above the step it looks for */

static int32_t encode(const QfkScales *s, QfkInt type, int32_t key)
{
  const int32_t bits = qfk_float_key(key);
  float x;
  uint8_t y = 0;
  memcpy(&x, &bits, sizeof(x));
  qfk_quantize_f32_ref(s, type, &x, &y);
  return type == QFK_S8 ? (int8_t)y + 128 : y;
}

/* The least key of all that are at least @step; @from has less. */
static int32_t first_key(const QfkScales *s, QfkInt type, int32_t step, int32_t from)
{
  int64_t below = from, at = INFINITE;
  while (at - below > 1) {
    const int64_t middle = below + (at - below) / 2;
    if (encode(s, type, (int32_t)middle) >= step)
      at = middle;
    else
      below = middle;
  }
  return (int32_t)at;
}

static int32_t exponent_of(int32_t key)
{
  return qfk_float_key(key) >> 23 & 255;
}

bool qfk_quantize_hvx_init(QfkQuantizeHvx *p, float scale, int32_t zero, QfkInt type, uint8_t *bytes)
{
  const QfkScales s = {.outer = 1, .n = 1, .inner = 1, .scale = &scale, .zero = &zero};
  const int32_t least = type == QFK_S8 ? -128 : 0;
  if (type > QFK_S8 || !(scale >= 1e-25f && scale <= 1e25f) || zero < least || zero > least + 255)
    return false;
  *p = (QfkQuantizeHvx){.flip = qfk_hvx_flip(type), .bytes = bytes};
  int32_t key = qfk_float_key((int32_t)0xff800000u); /* minus infinity */
  for (int32_t step = 1; step < 256; step++) {
    key = first_key(&s, type, step, step == 1 ? key : key - 1);
    for (int k = 0; k < 4; k++)
      bytes[k * 256 + step - 1] = (uint8_t)((uint32_t)key >> (8 * k));
    if (step == 1)
      p->low = key - 1;
  }
  for (int k = 0; k < 4; k++)
    bytes[k * 256 + 255] = 0;
  p->high = key;
  p->top = exponent_of(p->low) > exponent_of(p->high) ? exponent_of(p->low) : exponent_of(p->high);
  uint32_t bits;
  memcpy(&bits, &scale, sizeof(bits));
  const int32_t at = 40 + p->top - (int32_t)(bits >> 23);
  p->m = (int32_t)(((int64_t)1 << at) / ((bits & 0x7fffff) | 0x800000));
  p->base = (zero - least) * 65536 + 32768 - FINER;
  return true;
}

bool qfk_dequantize_hvx_init(float scale, int32_t zero, QfkInt type, uint8_t *bytes)
{
  const QfkScales s = {.outer = 1, .n = 1, .inner = 256, .scale = &scale, .zero = &zero};
  uint8_t x[256];
  float y[256];
  if (type > QFK_S8)
    return false;
  for (int i = 0; i < 256; i++)
    x[i] = (uint8_t)i;
  qfk_dequantize_f32_ref(&s, type, x, y);
  for (int i = 0; i < 256; i++)
    for (int k = 0; k < 4; k++) {
      uint32_t bits;
      memcpy(&bits, &y[i], sizeof(bits));
      bytes[k * 256 + i] = (uint8_t)(bits >> (8 * k));
    }
  return true;
}

bool qfk_widen_hvx_init(const QfkRequantize *q, uint8_t *bytes)
{
  uint8_t x[256];
  uint16_t y[256];
  if (q->x_type > QFK_S8 || q->y_type <= QFK_S8)
    return false;
  for (int i = 0; i < 256; i++)
    x[i] = (uint8_t)i;
  qfk_requantize_ref(q, x, y, 256);
  for (int i = 0; i < 256; i++) {
    bytes[i] = (uint8_t)y[i];
    bytes[256 + i] = (uint8_t)(y[i] >> 8);
  }
  return true;
}

bool qfk_requantize_hvx_init(QfkRequantizeHvx *p, const QfkRequantize *q)
{
  if (q->x_type <= QFK_S8 || !q->fixed)
    return false;
  *p = (QfkRequantizeHvx){q->x_type, q->y_type, q->x_zero, q->y_zero, *q->fixed};
  return true;
}
