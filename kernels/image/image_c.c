/* SPDX-License-Identifier: MIT */
/*
 * image_c.c - the row functions in portable C. They read exactly the bytes the taps name, so they suit frames of any size.
 */
#include "half.h"
#include "image.h"

#include <math.h>

static void sample_one(const QfkImageTaps *taps, const uint8_t *r0, const uint8_t *r1, float fy, int32_t n,
                       float *dst)
{
  for (int32_t i = 0; i < n; i++) {
    int32_t a = taps->off0[i], b = taps->off1[i];
    float left = (float)r0[a] + (float)(r1[a] - r0[a]) * fy;
    float right = (float)r0[b] + (float)(r1[b] - r0[b]) * fy;
    dst[i] = left + (right - left) * taps->frac[i];
  }
}

void qfk_image_sample_c(const QfkImageTaps *taps, int32_t count, const uint8_t *r0, const uint8_t *r1,
                        float fy, int32_t n, ptrdiff_t ahead, float *const *dst)
{
  for (int32_t k = 0; k < count; k++)
    sample_one(&taps[k], r0, r1, fy, n, dst[k]);
}

void qfk_image_sum_c(float *sum, const uint8_t *row, ptrdiff_t stride, const float *weight, int32_t rows,
                     int32_t n)
{
  for (int32_t i = 0; i < n; i++)
    sum[i] = weight[0] * (float)row[i];
  for (int32_t j = 1; j < rows; j++)
    for (int32_t i = 0; i < n; i++)
      sum[i] += weight[j] * (float)row[j * stride + i];
}

void qfk_image_average_c(const QfkImageTaps *t, const float *sum, int32_t n, float *dst)
{
  for (int32_t i = 0; i < n; i++) {
    const float *v = sum + t->start[i], *w = t->weight + t->first[i];
    float total = 0;
    for (int32_t k = 0; k < t->count[i]; k++)
      total += v[k] * w[k];
    dst[i] = total;
  }
}

static inline float value_of(const QfkImagePlan *p, int32_t c, float a, float b, float d)
{
  const float *m = p->matrix[c];
  float v = m[0] * a + m[1] * b + m[2] * d + m[3];
  return v < p->lo[c] ? p->lo[c] : v > p->hi[c] ? p->hi[c] : v;
}

static inline int32_t integer_of(const QfkImagePlan *p, float v)
{
  return (int32_t)lrintf(v) - p->spec.offset;
}

#define AS_FLOAT(p, v) (v)
#define AS_HALF(p, v) qfk_half_from_float(v)

#define STORE(name, type, convert)                                                                           \
  static void store_##name(const QfkImagePlan *p, const float *const comp[3], int32_t n, void *dst,          \
                           size_t plane)                                                                     \
  {                                                                                                          \
    size_t next = p->spec.planar ? 1 : (size_t)p->spec.channels, apart = p->spec.planar ? plane : 1;         \
    for (int32_t c = 0; c < p->spec.channels; c++) {                                                         \
      type *out = (type *)dst + c * apart;                                                                   \
      for (int32_t i = 0; i < n; i++)                                                                        \
        out[i * next] = (type)convert(p, value_of(p, c, comp[0][i], comp[1][i], comp[2][i]));                \
    }                                                                                                        \
  }

/* The tensor may be unaligned. */
typedef float __attribute__((aligned(1))) float_any;
typedef uint16_t __attribute__((aligned(1))) uint16_any;
typedef int16_t __attribute__((aligned(1))) int16_any;

STORE(f32, float_any, AS_FLOAT)
STORE(f16, uint16_any, AS_HALF)
STORE(u8, uint8_t, integer_of)
STORE(i8, int8_t, integer_of)
STORE(u16, uint16_any, integer_of)
STORE(i16, int16_any, integer_of)

const QfkImageRows qfk_image_rows_c = {
    .sample = qfk_image_sample_c,
    .sum = qfk_image_sum_c,
    .average = qfk_image_average_c,
    .store = {store_f32, store_f16, store_u8, store_i8, store_u16, store_i16},
};
