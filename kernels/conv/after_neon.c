/* SPDX-License-Identifier: MIT */
/*
 * after_neon.c - tables of 256 bytes as four of 64, of which tbx leaves alone what it does not hold; and sums.
 */
#include "after.h"

#include <arm_neon.h>

#define INLINE static inline __attribute__((always_inline))

void qfk_after_table_neon(const QfkAfter *p, const uint8_t *x, uint8_t *y, size_t n)
{
  const uint8x16x4_t a = vld1q_u8_x4(p->table), b = vld1q_u8_x4(p->table + 64);
  const uint8x16x4_t c = vld1q_u8_x4(p->table + 128), d = vld1q_u8_x4(p->table + 192);
  size_t i = 0;
  for (; i + 16 <= n; i += 16) {
    const uint8x16_t v = vld1q_u8(x + i);
    uint8x16_t r = vqtbl4q_u8(a, v);
    r = vqtbx4q_u8(r, b, vsubq_u8(v, vdupq_n_u8(64)));
    r = vqtbx4q_u8(r, c, vsubq_u8(v, vdupq_n_u8(128)));
    r = vqtbx4q_u8(r, d, vsubq_u8(v, vdupq_n_u8(192)));
    vst1q_u8(y + i, r);
  }
  qfk_after_table_ref(p, x + i, y + i, n - i);
}

/* Eight values as floats, four in each. */
typedef struct {
  float32x4_t low, high;
} Reals;

INLINE Reals real(const uint8_t *x, bool is_signed)
{
  const uint8x8_t v = vld1_u8(x);
  const int16x8_t wide = is_signed ? vmovl_s8(vreinterpret_s8_u8(v)) : vreinterpretq_s16_u16(vmovl_u8(v));
  return (Reals){vcvtq_f32_s32(vmovl_s16(vget_low_s16(wide))), vcvtq_f32_s32(vmovl_high_s16(wide))};
}

INLINE int16x4_t sum_4(const QfkAfter *p, float32x4_t x, float32x4_t y)
{
  float32x4_t f = vaddq_f32(vmulq_n_f32(y, p->y_scale), vmulq_n_f32(x, p->x_scale));
  f = vaddq_f32(f, vdupq_n_f32(p->constant));
  f = vminq_f32(vmaxq_f32(f, vdupq_n_f32(p->lo)), vdupq_n_f32(p->hi));
  return vqmovn_s32(vcvtnq_s32_f32(f));
}

INLINE size_t sum_8(const QfkAfter *after, const uint8_t *x, uint8_t *y, size_t n, bool is_signed)
{
  const QfkAfter p = {.y_scale = after->y_scale,
                      .x_scale = after->x_scale,
                      .constant = after->constant,
                      .lo = after->lo,
                      .hi = after->hi}; /* which no store can change */
  size_t i = 0;
  for (; i + 8 <= n; i += 8) {
    const Reals a = real(x + i, is_signed), b = real(y + i, is_signed);
    const int16x8_t q = vcombine_s16(sum_4(&p, a.low, b.low), sum_4(&p, a.high, b.high));
    vst1_u8(y + i, is_signed ? vreinterpret_u8_s8(vqmovn_s16(q)) : vqmovun_s16(q));
  }
  return i;
}

void qfk_after_sum_u8_neon(const QfkAfter *p, const uint8_t *x, uint8_t *y, size_t n)
{
  const size_t i = sum_8(p, x, y, n, false);
  qfk_after_sum_u8_ref(p, x + i, y + i, n - i);
}

void qfk_after_sum_s8_neon(const QfkAfter *p, const uint8_t *x, uint8_t *y, size_t n)
{
  const size_t i = sum_8(p, x, y, n, true);
  qfk_after_sum_s8_ref(p, x + i, y + i, n - i);
}
