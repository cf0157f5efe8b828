/* SPDX-License-Identifier: MIT */
/*
 * attention_avx2.c - softmax of rows of scores: two vectors at a time, so that neither waits for the other. Rows are padded to 16: the padding
 * is never the largest, and what it adds to a sum is taken off again.
 */
#include "attention.h"
#include "../vmath_avx2.h"

#include <math.h>

static float joined(__m256 a, bool max)
{
  __m128 x = _mm256_castps256_ps128(a), y = _mm256_extractf128_ps(a, 1);
  x = max ? _mm_max_ps(x, y) : _mm_add_ps(x, y);
  y = _mm_movehl_ps(x, x);
  x = max ? _mm_max_ps(x, y) : _mm_add_ps(x, y);
  y = _mm_shuffle_ps(x, x, 1);
  return _mm_cvtss_f32(max ? _mm_max_ss(x, y) : _mm_add_ss(x, y));
}

/* x = scale * x + mask, and the padding -infinity. */
static void scaled(float *x, size_t n, float scale, const float *mask, ptrdiff_t mask_col)
{
  const __m256 s = _mm256_set1_ps(scale);
  size_t i = 0;
  if (!mask)
    for (; i < n; i += 8) /* into the padding at most */
      _mm256_storeu_ps(x + i, _mm256_mul_ps(_mm256_loadu_ps(x + i), s));
  else if (mask_col == 1)
    for (; i + 8 <= n; i += 8)
      _mm256_storeu_ps(x + i, _mm256_fmadd_ps(_mm256_loadu_ps(x + i), s, _mm256_loadu_ps(mask + i)));
  for (; i < n; i++)
    x[i] = fmaf(x[i], scale, mask[(ptrdiff_t)i * mask_col]);
  for (i = n; i % 16; i++)
    x[i] = -INFINITY;
}

static float largest(const float *x, size_t n)
{
  __m256 a = _mm256_set1_ps(-INFINITY), b = a;
  for (size_t i = 0; i < n; i += 16) {
    a = _mm256_max_ps(a, _mm256_loadu_ps(x + i));
    b = _mm256_max_ps(b, _mm256_loadu_ps(x + i + 8));
  }
  return joined(_mm256_max_ps(a, b), true);
}

void qfk_attention_f32_avx2(const QfkAttention *p, size_t rows, void *scores, const float *mask, int16_t *out)
{
  const size_t n = (size_t)p->keys;
  for (size_t r = 0; r < rows; r++) {
    float *x = (float *)scores + r * p->pitch;
    scaled(x, n, p->scale, mask ? mask + (ptrdiff_t)r * p->mask.row : NULL, p->mask.col);
    const __m256 max = _mm256_set1_ps(largest(x, n));
    __m256 a = _mm256_setzero_ps(), b = a;
    for (size_t i = 0; i < n; i += 16) {
      const __m256 e = qfk_exp8(_mm256_sub_ps(_mm256_loadu_ps(x + i), max)),
                   f = qfk_exp8(_mm256_sub_ps(_mm256_loadu_ps(x + i + 8), max));
      _mm256_storeu_ps(x + i, e);
      _mm256_storeu_ps(x + i + 8, f);
      a = _mm256_add_ps(a, e);
      b = _mm256_add_ps(b, f);
    }
    float sum = joined(_mm256_add_ps(a, b), false);
    for (size_t i = n; i % 16; i++)
      sum -= x[i];
    const __m256 m = _mm256_set1_ps(1.0f / sum);
    for (size_t i = 0; i < n; i += 8)
      _mm256_storeu_ps(x + i, _mm256_mul_ps(_mm256_loadu_ps(x + i), m));
  }
}

/* What softmax takes, in place; zeros, the least, behind it. Returns the largest. */
static uint8_t in_order(const QfkAttention *p, uint8_t *x)
{
  const size_t n = (size_t)p->keys;
  const __m128i flip = _mm_set1_epi8((char)p->map[0]);
  __m128i max = _mm_setzero_si128();
  if (p->mapped)
    for (size_t i = 0; i < n; i++)
      x[i] = p->map[x[i]];
  else
    for (size_t i = 0; i < n; i += 16)
      _mm_storeu_si128((__m128i *)(x + i), _mm_xor_si128(_mm_loadu_si128((const __m128i *)(x + i)), flip));
  for (size_t i = n; i % 16; i++)
    x[i] = 0;
  for (size_t i = 0; i < n; i += 16)
    max = _mm_max_epu8(max, _mm_loadu_si128((const __m128i *)(x + i)));
  max = _mm_max_epu8(max, _mm_srli_si128(max, 8));
  max = _mm_max_epu8(max, _mm_srli_si128(max, 4));
  max = _mm_max_epu8(max, _mm_srli_si128(max, 2));
  max = _mm_max_epu8(max, _mm_srli_si128(max, 1));
  return (uint8_t)_mm_cvtsi128_si32(max);
}

/* e of 8 values. */
static inline __m256i lookup(const int32_t *e, const uint8_t *x, __m256i max)
{
  const __m256i d = _mm256_sub_epi32(max, _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)x)));
  return _mm256_i32gather_epi32(e, d, 4);
}

static int64_t sum_of(__m256i a)
{
  int32_t lanes[8];
  int64_t sum = 0;
  _mm256_storeu_si256((__m256i *)lanes, a);
  for (int i = 0; i < 8; i++)
    sum += lanes[i];
  return sum;
}

enum { KEPT = 1024, RUN = 8 * 128 }; /* values that are looked up once; 128 of 2^23 fit int32 */

void qfk_attention_int_avx2(const QfkAttention *p, size_t rows, void *scores, const float *mask, int16_t *out)
{
  const size_t n = (size_t)p->keys, padded = (n + 15) / 16 * 16;
  const QfkSoftmaxInt *q = &p->integer;
  const int32_t min = q->y_type == QFK_S8 ? INT8_MIN : 0;
  const __m256 lo = _mm256_set1_ps((float)(min - q->y_zero)),
               hi = _mm256_set1_ps((float)(min + UINT8_MAX - q->y_zero));
  int32_t e[KEPT];
  for (size_t r = 0; r < rows; r++) {
    uint8_t *x = (uint8_t *)scores + r * p->pitch;
    int16_t *y = out + r * p->pitch;
    const uint8_t max = in_order(p, x);
    const __m256i top = _mm256_set1_epi32(max);
    int64_t sum = -(int64_t)(padded - n) * q->e[max];
    for (size_t i0 = 0; i0 < padded; i0 += RUN) {
      __m256i acc = _mm256_setzero_si256();
      for (size_t i = i0; i < padded && i < i0 + RUN; i += 8) {
        const __m256i v = lookup(q->e, x + i, top);
        if (i < KEPT)
          _mm256_storeu_si256((__m256i *)(e + i), v);
        acc = _mm256_add_epi32(acc, v);
      }
      sum += sum_of(acc);
    }
    const __m256 m = _mm256_set1_ps((float)(1.0 / ((double)sum * (double)q->y_scale)));
    for (size_t i = 0; i < padded; i += 8) {
      const __m256i v = i < KEPT ? _mm256_loadu_si256((const __m256i *)(e + i)) : lookup(q->e, x + i, top);
      const __m256 f = _mm256_min_ps(hi, _mm256_max_ps(lo, _mm256_mul_ps(_mm256_cvtepi32_ps(v), m)));
      const __m256i w = _mm256_cvtps_epi32(f);
      _mm_storeu_si128((__m128i *)(y + i),
                       _mm_packs_epi32(_mm256_castsi256_si128(w), _mm256_extracti128_si256(w, 1)));
    }
    for (size_t i = n; i < padded; i++)
      y[i] = 0;
  }
}
