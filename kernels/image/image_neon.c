/* SPDX-License-Identifier: MIT */
/*
 * image_neon.c - the row functions in ARMv8-A Advanced SIMD. They use the shuffle tables of the plan as image_avx2.c does, one
 * lane of four outputs a register: table look-ups put the bytes of both taps in place and widen them.
 */
#include "image.h"

#include <arm_neon.h>

#define INLINE static inline __attribute__((always_inline))

/* Four outputs of one row: the taps that @masks picks from @blocks loads at @p, weighed. */
INLINE float32x4_t lane(const uint8_t *p, const uint8_t *masks, int16x8_t w, int32_t blocks)
{
  uint8x16_t v = vdupq_n_u8(0);
  for (int32_t k = 0; k < blocks; k++)
    v = vorrq_u8(v, vqtbl1q_u8(vld1q_u8(p + k * QFK_IMAGE_BLOCK), vld1q_u8(masks + k * 2 * QFK_IMAGE_BLOCK)));
  int16x8_t taps = vreinterpretq_s16_u8(v);
  int32x4_t low = vmull_s16(vget_low_s16(taps), vget_low_s16(w)), high = vmull_high_s16(taps, w);
  return vcvtq_f32_s32(vpaddq_s32(low, high));
}

INLINE void sample(const QfkImageTaps *t, const uint8_t *r0, const uint8_t *r1, float fy, int32_t n,
                   ptrdiff_t ahead, float *dst, int32_t blocks)
{
  const float fu = (1 - fy) / (1 << 14), fl = fy / (1 << 14);
  for (int32_t i = 0; i < n; i += QFK_IMAGE_LANE) {
    int32_t at = i / QFK_IMAGE_LANE, base = t->base[at];
    const uint8_t *masks = t->masks + ((size_t)(at / 2) * blocks * 2 + at % 2) * QFK_IMAGE_BLOCK;
    int16x8_t w = vld1q_s16(t->pairs + 2 * i);
    __builtin_prefetch(r0 + base + ahead);
    __builtin_prefetch(r1 + base + ahead);
    float32x4_t v = vmulq_n_f32(lane(r0 + base, masks, w, blocks), fu);
    vst1q_f32(dst + i, vfmaq_n_f32(v, lane(r1 + base, masks, w, blocks), fl));
  }
}

static void sample_neon(const QfkImageTaps *taps, int32_t count, const uint8_t *r0, const uint8_t *r1,
                        float fy, int32_t n, ptrdiff_t ahead, float *const *dst)
{
  int32_t blocks = taps[0].blocks;
  if (blocks == 0) {
    qfk_image_sample_c(taps, count, r0, r1, fy, n, ahead, dst);
    return;
  }
  for (int32_t c = 0; c < count; c++)
    if (blocks == 1)
      sample(&taps[c], r0, r1, fy, n, ahead, dst[c], 1);
    else if (blocks == 2)
      sample(&taps[c], r0, r1, fy, n, ahead, dst[c], 2);
    else
      sample(&taps[c], r0, r1, fy, n, ahead, dst[c], blocks);
}

static void sum_neon(float *sum, const uint8_t *row, ptrdiff_t stride, const float *weight, int32_t rows,
                     int32_t n)
{
  int32_t i = 0;
  for (; i + 8 <= n; i += 8) {
    float32x4_t low = vdupq_n_f32(0), high = low;
    const uint8_t *p = row + i;
    for (int32_t j = 0; j < rows; j++, p += stride) {
      uint16x8_t v = vmovl_u8(vld1_u8(p));
      low = vfmaq_n_f32(low, vcvtq_f32_u32(vmovl_u16(vget_low_u16(v))), weight[j]);
      high = vfmaq_n_f32(high, vcvtq_f32_u32(vmovl_high_u16(v)), weight[j]);
    }
    vst1q_f32(sum + i, low);
    vst1q_f32(sum + i + 4, high);
  }
  qfk_image_sum_c(sum + i, row + i, stride, weight, rows, n - i);
}

static void average_neon(const QfkImageTaps *t, const float *sum, int32_t n, float *dst)
{
  for (int32_t i = 0; i < n; i++) {
    const float *v = sum + t->start[i], *w = t->weight + t->first[i];
    float32x4_t total = vdupq_n_f32(0);
    for (int32_t k = 0; k < t->count[i]; k += 4)
      total = vfmaq_f32(total, vld1q_f32(v + k), vld1q_f32(w + k));
    dst[i] = vaddvq_f32(total);
  }
}

/* Eight pixels of a stored channel, before rounding. */
typedef struct {
  float32x4_t half[2];
} Eight;

INLINE Eight value_of(const QfkImagePlan *p, int32_t c, const float *const comp[3], int32_t i)
{
  const float *m = p->matrix[c];
  Eight e;
  for (int32_t h = 0; h < 2; h++) {
    float32x4_t v = vdupq_n_f32(m[3]);
    for (int32_t k = 0; k < 3; k++)
      v = vfmaq_n_f32(v, vld1q_f32(comp[k] + i + 4 * h), m[k]);
    e.half[h] = vminq_f32(vmaxq_f32(v, vdupq_n_f32(p->lo[c])), vdupq_n_f32(p->hi[c]));
  }
  return e;
}

INLINE int32x4_t integers(const QfkImagePlan *p, float32x4_t v)
{
  return vsubq_s32(vcvtnq_s32_f32(v), vdupq_n_s32(p->spec.offset));
}

INLINE uint16x8_t halves(const QfkImagePlan *p, Eight e)
{
  float16x4_t a = vcvt_f16_f32(e.half[0]), b = vcvt_f16_f32(e.half[1]);
  return vcombine_u16(vreinterpret_u16_f16(a), vreinterpret_u16_f16(b));
}

INLINE uint16x8_t signed_words(const QfkImagePlan *p, Eight e)
{
  int16x8_t v = vcombine_s16(vqmovn_s32(integers(p, e.half[0])), vqmovn_s32(integers(p, e.half[1])));
  return vreinterpretq_u16_s16(v);
}

INLINE uint16x8_t unsigned_words(const QfkImagePlan *p, Eight e)
{
  return vcombine_u16(vqmovun_s32(integers(p, e.half[0])), vqmovun_s32(integers(p, e.half[1])));
}

INLINE uint8x8_t signed_bytes(const QfkImagePlan *p, Eight e)
{
  return vreinterpret_u8_s8(vqmovn_s16(vreinterpretq_s16_u16(signed_words(p, e))));
}

INLINE uint8x8_t unsigned_bytes(const QfkImagePlan *p, Eight e)
{
  return vqmovun_s16(vreinterpretq_s16_u16(signed_words(p, e)));
}

/* Three channels interleaved, and one alone. */
#define PACK_8(dst, convert)                                                                                 \
  vst3_u8(dst, ((uint8x8x3_t){{convert(p, v[0]), convert(p, v[1]), convert(p, v[2])}}))
#define PACK_16(dst, convert)                                                                                \
  vst3q_u16((uint16_t *)(dst), ((uint16x8x3_t){{convert(p, v[0]), convert(p, v[1]), convert(p, v[2])}}))
#define PACK_32(dst, convert)                                                                                \
  for (int32_t h = 0; h < 2; h++)                                                                            \
  vst3q_f32((float *)(dst) + 12 * h, ((float32x4x3_t){{v[0].half[h], v[1].half[h], v[2].half[h]}}))
#define PLANE_8(dst, convert) vst1_u8(dst, convert(p, v[c]))
#define PLANE_16(dst, convert) vst1q_u16((uint16_t *)(dst), convert(p, v[c]))
#define PLANE_32(dst, convert)                                                                               \
  for (int32_t h = 0; h < 2; h++)                                                                            \
  vst1q_f32((float *)(dst) + 4 * h, v[c].half[h])

/* The last, partial group is the last eight pixels again; fewer than eight are left to plain C. */
#define STORE(name, NAME, bits, convert)                                                                     \
  static void store_##name(const QfkImagePlan *p, const float *const comp[3], int32_t n, void *dst,          \
                           size_t plane)                                                                     \
  {                                                                                                          \
    if (n < QFK_IMAGE_GROUP) {                                                                               \
      qfk_image_rows_c.store[QFK_IMAGE_##NAME](p, comp, n, dst, plane);                                      \
      return;                                                                                                \
    }                                                                                                        \
    const int32_t channels = p->spec.channels, size = bits / 8;                                              \
    uint8_t *out = dst;                                                                                      \
    for (int32_t at = 0; at < n; at += QFK_IMAGE_GROUP) {                                                    \
      size_t i = (size_t)(at + QFK_IMAGE_GROUP <= n ? at : n - QFK_IMAGE_GROUP);                             \
      Eight v[3];                                                                                            \
      for (int32_t c = 0; c < 3 && c < channels; c++)                                                        \
        v[c] = value_of(p, c, comp, (int32_t)i);                                                             \
      if (channels == 3 && !p->spec.planar) {                                                                \
        PACK_##bits(out + i * 3 * size, convert);                                                            \
        continue;                                                                                            \
      }                                                                                                      \
      for (int32_t c = 0; c < channels; c++)                                                                 \
        PLANE_##bits(out + ((size_t)c * plane + i) * size, convert);                                         \
    }                                                                                                        \
  }

STORE(f32, F32, 32, )
STORE(f16, F16, 16, halves)
STORE(u8, U8, 8, unsigned_bytes)
STORE(i8, I8, 8, signed_bytes)
STORE(u16, U16, 16, unsigned_words)
STORE(i16, I16, 16, signed_words)

const QfkImageRows qfk_image_rows_neon = {
    .shuffles = true,
    .sample = sample_neon,
    .sum = sum_neon,
    .average = average_neon,
    .store = {store_f32, store_f16, store_u8, store_i8, store_u16, store_i16},
};
