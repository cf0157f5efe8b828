/* SPDX-License-Identifier: MIT */
/*
 * blockmm_vec.h - the loops of products with weights in blocks; included once an instruction set, which has defined before:
 *   QFK_ISA; HALF(p): the float of a 16-bit one in memory;
 *   W: the codes of 32 weights; unpack_<format>(block, g): those of group g;
 *   F: partial sums; zero(); dot(f, w, x, s): f + *s * (w * x); total(f).
 *   L: eight sums; nothing(); add8(l, a, b): l + a * b; total8(l); multiply8(y, a, b); floats8(y, d, b): d times eight bytes.
 * Four rows of x at a time share an unpacked group. PLANES: x->q holds high bytes, then low bytes.
 */
#include "blockmm_fast.h"
#include "load.h"

#include <float.h>
#include <math.h>

#define CAT2(a, b) a##_##b
#define CAT(a, b) CAT2(a, b)
#define NAME(f) CAT(f, QFK_ISA)
#define INLINE static inline __attribute__((always_inline))

/* How a block is laid out, whatever its size. */
enum { Q4_0, Q8_0, Q4_K, Q6_K, NB4, NB8 };

/* Scales of a block's groups, and what is subtracted for each unit of x; one of each but for Q4_K's. */
typedef struct {
  float scale[8], min[8];
} Scales;

INLINE Scales get_scales(const int layout, const uint8_t *b)
{
  Scales s;
  if (layout == Q4_K) {
    const uint32_t a = qfk_le32(b + 4), c = qfk_le32(b + 8), e = qfk_le32(b + 12);
    const uint32_t packed[4] = {a & 0x3f3f3f3f, (e & 0x0f0f0f0f) | (a >> 2 & 0x30303030), c & 0x3f3f3f3f,
                                (e >> 4 & 0x0f0f0f0f) | (c >> 2 & 0x30303030)};
    floats8(s.scale, HALF(b), (const uint8_t *)packed);
    floats8(s.min, HALF(b + 2), (const uint8_t *)(packed + 2));
  } else if (layout == NB4 || layout == NB8) {
    s.scale[0] = qfk_le_float(b);
    s.min[0] = s.scale[0] *
               (qfk_le_float(b + 4) - (layout == NB8 ? 128.0f : 0.0f)); /* codes of 8 bits are made signed */
  } else {
    s.scale[0] = HALF(layout == Q6_K ? b + 208 : b);
  }
  return s;
}

INLINE W unpack(const int layout, const uint8_t *b, int g)
{
  return layout == Q4_0   ? unpack_q4_0(b)
         : layout == Q8_0 ? unpack_q8_0(b)
         : layout == Q4_K ? unpack_q4_k(b, g)
         : layout == Q6_K ? unpack_q6_k(b, g)
         : layout == NB4  ? unpack_nb4(b + 8 + 16 * g)
                          : unpack_nb8(b + 8 + 32 * g);
}

/* One row of weights by @n rows of x, a constant; @groups of 32 in a block. */
INLINE void row(const int layout, const int groups, const int n, const QfkBlockMm *p, const QfkBlockRows *x,
                const uint8_t *w, size_t r0, float *y)
{
  const bool each = layout == Q4_K, has_min = layout == Q4_K || layout >= NB4;
  const size_t k32 = p->k / 32, block_bytes = p->format->bytes;
  const int16_t *q = x->q + r0 * p->k;
  const float *scale = x->scale + r0 * k32, *sum = x->sum + r0 * k32;
  L low[4];
  float low1[4] = {0};
  F acc[4][2];
  _Pragma("GCC unroll 4") for (int r = 0; r < n; r++)
  {
    acc[r][0] = acc[r][1] = zero();
    low[r] = nothing();
  }
  for (size_t i = 0; i < k32; i += (size_t)groups, w += block_bytes) {
    const Scales s = get_scales(layout, w);
    float both[4][8]; /* the scales of weights and of x */
    _Pragma("GCC unroll 4") for (int r = 0; r < n; r++)
    {
      const size_t at = (size_t)r * k32 + i;
      if (each) {
        multiply8(both[r], s.scale, scale + at);
        low[r] = add8(low[r], s.min, sum + at);
      }
      _Pragma("GCC unroll 8") for (int g = 0; !each && g < groups; g++)
      {
        both[r][g] = s.scale[0] * scale[at + (size_t)g];
        if (has_min)
          low1[r] += s.min[0] * sum[at + (size_t)g];
      }
    }
    _Pragma("GCC unroll 8") for (int g = 0; g < groups; g++)
    {
      const W v = unpack(layout, w, g);
      _Pragma("GCC unroll 4") for (int r = 0; r < n; r++) acc[r][g & 1] =
          dot(acc[r][g & 1], v, q + ((size_t)r * k32 + i + (size_t)g) * 32, &both[r][g]);
    }
  }
  _Pragma("GCC unroll 4") for (int r = 0; r < n; r++)
  {
    const float t = total(acc[r][0]) + total(acc[r][1]);
    y[(size_t)r * p->out] = each ? t - total8(low[r]) : t - low1[r];
  }
}

INLINE void product(const int layout, const int groups, const QfkBlockMm *p, const QfkBlockRows *x,
                    const uint8_t *w, uint32_t begin, uint32_t end, float *y)
{
  for (uint32_t o = begin; o < end; o++) {
    const uint8_t *wo = w + o * p->row_bytes;
    uint32_t r = 0;
    for (; r + 4 <= p->rows; r += 4)
      row(layout, groups, 4, p, x, wo, r, y + (size_t)r * p->out + o);
    for (; r < p->rows; r++)
      row(layout, groups, 1, p, x, wo, r, y + (size_t)r * p->out + o);
  }
}

#define PRODUCT(format, layout, groups)                                                                      \
  void NAME(qfk_blockmm_##format)(const QfkBlockMm *p, const QfkBlockRows *x, const uint8_t *w,              \
                                  uint32_t begin, uint32_t end, float *y)                                    \
  {                                                                                                          \
    product(layout, groups, p, x, w, begin, end, y);                                                         \
  }
PRODUCT(q4_0, Q4_0, 1)
PRODUCT(q8_0, Q8_0, 1)
PRODUCT(q4_k, Q4_K, 8)
PRODUCT(q6_k, Q6_K, 8)
PRODUCT(nb4_32, NB4, 1)
PRODUCT(nb4_64, NB4, 2)
PRODUCT(nb4_128, NB4, 4)
PRODUCT(nb8_32, NB8, 1)
PRODUCT(nb8_64, NB8, 2)
PRODUCT(nb8_128, NB8, 4)

/* 32 values; a scale of NaN where one is not finite. */
static void quantize_group(const float *x, int16_t *q, float *scale, float *sum)
{
  int32_t v[32], total_q = 0;
  float largest = 0;
  int bad = 0;
  for (int i = 0; i < 32; i++) {
    const float a = fabsf(x[i]);
    largest = a > largest ? a : largest;
    bad |= !(a <= FLT_MAX);
  }
  const bool tiny = bad || largest < 1e-30f;
  const float inverse = tiny ? 0 : QFK_BLOCKMM_MAX / largest;
  for (int i = 0; i < 32; i++) {
    v[i] = tiny ? 0 : (int32_t)rintf(x[i] * inverse);
    total_q += v[i];
  }
  *scale = bad ? NAN : tiny ? 0 : largest / QFK_BLOCKMM_MAX;
  *sum = *scale * (float)total_q;
#ifdef PLANES
  int8_t *bytes = (int8_t *)q;
  for (int i = 0; i < 32; i++) {
    bytes[i] = (int8_t)((v[i] + 128) >> 8);
    bytes[32 + i] = (int8_t)v[i];
  }
#else
  for (int i = 0; i < 32; i++)
    q[i] = (int16_t)v[i];
#endif
}

void NAME(qfk_blockmm_rows)(const float *x, size_t n, int16_t *q, float *scale, float *sum)
{
  for (size_t i = 0; i < n / 32; i++)
    quantize_group(x + 32 * i, q + 32 * i, scale + i, sum + i);
}

#ifndef PLANES
/* Decoded weights by rows of x as they are. */
#define LANES 16
void NAME(qfk_blockmm_any)(const QfkBlockMm *p, const QfkBlockRows *x, const uint8_t *w, uint32_t begin,
                           uint32_t end, float *y)
{
  const uint32_t values = p->format->values, chunk = values < 64 ? 64 / values * values : values;
  for (uint32_t o = begin; o < end; o++)
    for (uint32_t r0 = 0; r0 < p->rows; r0 += 4) {
      const uint8_t *block = w + o * p->row_bytes;
      const uint32_t rows = p->rows - r0 < 4 ? p->rows - r0 : 4;
      float part[4][LANES] = {{0}};
      for (uint32_t k = 0; k < p->k; k += chunk) {
        float v[QFK_BLOCK_MAX_VALUES];
        const uint32_t n = p->k - k < chunk ? p->k - k : chunk, blocks = (n + values - 1) / values;
        qfk_block_decode(p->format, block, blocks, v);
        block += blocks * p->format->bytes;
        for (uint32_t r = 0; r < rows; r++) {
          const float *xr = x->x + (size_t)(r0 + r) * p->k + k;
          uint32_t i = 0;
          for (; i + LANES <= n; i += LANES)
            for (int l = 0; l < LANES; l++)
              part[r][l] += v[i + (uint32_t)l] * xr[i + (uint32_t)l];
          for (; i < n; i++)
            part[r][i % LANES] += v[i] * xr[i];
        }
      }
      for (uint32_t r = 0; r < rows; r++) {
        float t = 0;
        for (int l = 0; l < LANES; l++)
          t += part[r][l];
        y[(size_t)(r0 + r) * p->out + o] = t;
      }
    }
}
#endif
