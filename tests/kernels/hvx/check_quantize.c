/* SPDX-License-Identifier: MIT */
/*
 * check_quantize.c - encodings for HVX against the references: floats of all kinds, at and beside the borders of steps.
 */
#include "hvx_check.h"
#include "kernels/quantize/quantize_hvx.h"

#include <string.h>

/* A power of two by its exponent. */
static float power(int exponent)
{
  const int32_t bits = (exponent + 127) << 23;
  float f;
  memcpy(&f, &bits, sizeof(f));
  return f;
}

/* Halves of steps and what lies around them, far values, infinities, NaN, zeros, denormals, any bits. */
static float value(float scale, int32_t zero, int32_t least)
{
  static const uint32_t special[] = {0x7f800000, 0xff800000, 0x7fc00000, 0xffc00000, 0,          0x80000000,
                                     1,          0x80000001, 0x7f7fffff, 0xff7fffff, 0x00800000, 0x7f800001};
  uint32_t bits = chk_random();
  const int kind = (int)(chk_random() % 8);
  float f = ((float)(chk_range(least - 3, least + 258) - zero) + (kind & 1 ? 0.5f : 0)) * scale;
  if (kind == 0)
    bits = special[chk_random() % 12];
  if (kind > 1) {
    if (kind == 7)
      f = chk_float() * 300 * scale;
    memcpy(&bits, &f, sizeof(bits));
    bits += (uint32_t)chk_range(-2, 2);
  }
  memcpy(&f, &bits, sizeof(f));
  return f;
}

static void check_quantize(QfkInt type, float scale, int32_t above, size_t n)
{
  const int32_t least = type == QFK_S8 ? -128 : 0, zero = least + above;
  const QfkScales s = {.outer = 1, .n = 1, .inner = (int64_t)n, .scale = &scale, .zero = &zero};
  float *x = chk_alloc_aligned(n * sizeof(*x) + 128);
  uint8_t *y = chk_alloc(n), *want = chk_alloc(n);
  for (size_t i = 0; i < n; i++)
    x[i] = value(scale, zero, least);
  QfkQuantizeHvx p;
  bool ok = qfk_quantize_hvx_init(&p, scale, zero, type, chk_alloc_aligned(1024));
  if (ok) {
    qfk_quantize_f32_hvx(&p, x, y, n);
    qfk_quantize_f32_ref(&s, type, x, want);
    ok = chk_same(y, want, n);
  }
  uint8_t *bytes = chk_alloc_aligned(1024), *q = chk_alloc_aligned(n + 128);
  float *real = chk_alloc(n * sizeof(*real)), *want_real = chk_alloc_aligned(n * sizeof(*want_real));
  chk_fill_bytes(q, n, CHK_PLAIN);
  ok &= qfk_dequantize_hvx_init(scale, zero, type, bytes);
  qfk_dequantize_u8_hvx(bytes, q, real, n);
  qfk_dequantize_f32_ref(&s, type, q, want_real);
  ok &= chk_same(real, want_real, n * sizeof(*real));
  ok &= chk_free_all();
  chk_result(ok, "quantize_f32_hvx", "and back, %s, zero %d, n %u", type == QFK_S8 ? "s8" : "u8", (int)zero,
             (unsigned)n);
}

static void check_requantize(QfkInt x_type, QfkInt y_type, size_t n, ChkFill fill)
{
  static const int32_t middle[] = {128, 0, 32768, 0};
  const size_t x_bytes = n * qfk_int_size(x_type), y_bytes = n * qfk_int_size(y_type);
  const int exponent = (y_type > QFK_S8 ? 8 : 0) - (x_type > QFK_S8 ? 8 : 0);
  const QfkRequantize q = {.x_type = x_type,
                           .y_type = y_type,
                           .x_zero = middle[x_type] + chk_range(-100, 100),
                           .y_zero = middle[y_type] + chk_range(-100, 100),
                           .fixed = chk_multipliers(1, exponent)};
  uint8_t *x = chk_alloc_aligned(x_bytes + 128), *y = chk_alloc(y_bytes), *want = chk_alloc(y_bytes);
  uint8_t *bytes = chk_alloc_aligned(512);
  chk_fill_bytes(x, x_bytes, fill);
  QfkRequantizeHvx p;
  const bool narrow = x_type <= QFK_S8;
  bool ok = narrow ? qfk_widen_hvx_init(&q, bytes) : qfk_requantize_hvx_init(&p, &q);
  if (ok) {
    uint16_t *to = chk_alloc_aligned(n * 2);
    if (narrow) {
      qfk_widen_u8_hvx(bytes, x, to, n);
      memcpy(y, to, y_bytes);
    } else {
      qfk_requantize_u16_hvx(&p, (const uint16_t *)x, y, n);
    }
    qfk_requantize_ref(&q, x, want, n);
    ok = chk_same(y, want, y_bytes);
  }
  ok &= chk_free_all();
  chk_result(ok, "requantize_hvx", "type %d to %d, n %u%s", (int)x_type, (int)y_type, (unsigned)n,
             fill ? " edge" : "");
}

void chk_hvx_quantize(void)
{
  for (int i = 0; i < 24; i++) {
    const float scale = (1.5f + 0.5f * chk_float()) * power(i < 12 ? chk_range(-10, 2) : chk_range(-80, 80));
    const int32_t above = i % 6 == 0 ? 0 : i % 6 == 1 ? 255 : chk_range(0, 255);
    check_quantize(i % 2 ? QFK_S8 : QFK_U8, i % 5 ? scale : power(chk_range(-9, 0)), above,
                   i < 4 ? (size_t)i * 43 + 1 : 3000);
  }
  for (int x = 0; x < 4; x++)
    for (int y = 0; y < 4; y++)
      for (size_t n = 1; (x > 1 || y > 1) && n < 500; n += 83)
        check_requantize((QfkInt)x, (QfkInt)y, n, n % 2 ? CHK_PLAIN : CHK_EDGE);
}
