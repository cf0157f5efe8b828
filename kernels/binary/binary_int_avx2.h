/* SPDX-License-Identifier: MIT */
/*
 * binary_int_avx2.h - rows of bytes for AVX2, sixteen at a time: the operations of the reference in its order, so the same bits. Included
 * by binary_vec.h.
 */
#include <immintrin.h>
#include <string.h>

typedef enum { SUM, PRODUCT, LARGER, SMALLER } IntOp;

/* Constants of a row, in every lane. */
typedef struct {
  __m256 ma, mb, ca, cb, za, zb, lo, hi, a1, b1;
  __m256i zero;
} IntLanes;

static inline __m256 int_real(const uint8_t *p, bool is_signed)
{
  const __m128i x = _mm_loadl_epi64((const __m128i *)p);
  return _mm256_cvtepi32_ps(is_signed ? _mm256_cvtepi8_epi32(x) : _mm256_cvtepu8_epi32(x));
}

static inline __attribute__((always_inline)) __m256i int_eight(const IntLanes *k, const IntOp op, __m256 a,
                                                               __m256 b)
{
  const __m256 x = _mm256_mul_ps(a, k->ma), y = _mm256_mul_ps(b, k->mb);
  __m256 f;
  if (op == SUM)
    f = _mm256_add_ps(_mm256_add_ps(x, y), k->ca);
  else if (op == PRODUCT)
    f = _mm256_mul_ps(_mm256_mul_ps(_mm256_sub_ps(a, k->za), _mm256_sub_ps(b, k->zb)), k->ma);
  else if (op == LARGER)
    f = _mm256_max_ps(_mm256_add_ps(x, k->ca), _mm256_add_ps(y, k->cb));
  else
    f = _mm256_min_ps(_mm256_add_ps(x, k->ca), _mm256_add_ps(y, k->cb));
  f = _mm256_min_ps(_mm256_max_ps(f, k->lo), k->hi);
  return _mm256_add_epi32(_mm256_cvtps_epi32(f), k->zero);
}

/* @sa, @sb: 1, or 0 where one value, a1 or b1, serves for all. */
static inline __attribute__((always_inline)) __m128i int_sixteen(const IntLanes *k, const IntOp op,
                                                                 const bool is_signed, const uint8_t *a,
                                                                 const int sa, const uint8_t *b, const int sb)
{
  const __m256i u =
      int_eight(k, op, sa ? int_real(a, is_signed) : k->a1, sb ? int_real(b, is_signed) : k->b1);
  const __m256i v =
      int_eight(k, op, sa ? int_real(a + 8, is_signed) : k->a1, sb ? int_real(b + 8, is_signed) : k->b1);
  const __m256i w = _mm256_permute4x64_epi64(_mm256_packs_epi32(u, v), 0xd8); /* in order */
  const __m128i low = _mm256_castsi256_si128(w), high = _mm256_extracti128_si256(w, 1);
  return is_signed ? _mm_packs_epi16(low, high) : _mm_packus_epi16(low, high);
}

static inline __attribute__((always_inline)) void int_row(const QfkBinary *p, size_t n, const uint8_t *a,
                                                          const int sa, const uint8_t *b, const int sb,
                                                          uint8_t *y, const IntOp op, const bool is_signed)
{
  const QfkBinaryInt *q = &p->q;
  const int32_t zero = op == PRODUCT ? q->y_zero : 0;
  const IntLanes k = {_mm256_set1_ps(q->ma),
                      _mm256_set1_ps(q->mb),
                      _mm256_set1_ps(q->ca),
                      _mm256_set1_ps(q->cb),
                      _mm256_set1_ps((float)q->a_zero),
                      _mm256_set1_ps((float)q->b_zero),
                      _mm256_set1_ps((float)(q->lo - zero)),
                      _mm256_set1_ps((float)(q->hi - zero)),
                      _mm256_set1_ps(is_signed ? (float)(int8_t)a[0] : (float)a[0]),
                      _mm256_set1_ps(is_signed ? (float)(int8_t)b[0] : (float)b[0]),
                      _mm256_set1_epi32(zero)};
  size_t i = 0;
  for (; i + 16 <= n; i += 16)
    _mm_storeu_si128((__m128i *)(y + i),
                     int_sixteen(&k, op, is_signed, a + i * (size_t)sa, sa, b + i * (size_t)sb, sb));
  if (i == n)
    return;
  uint8_t from[16] = {0}, with[16] = {0}, to[16];
  memcpy(from, a + i * (size_t)sa, sa ? n - i : 1);
  memcpy(with, b + i * (size_t)sb, sb ? n - i : 1);
  _mm_storeu_si128((__m128i *)to, int_sixteen(&k, op, is_signed, from, sa, with, sb));
  memcpy(y + i, to, n - i);
}

#define INT_ROW(T, t, name, op)                                                                              \
  static void name##_##t##_row(const QfkBinary *p, size_t n, const T *a, int sa, const T *b, int sb, T *y)   \
  {                                                                                                          \
    const bool is_signed = (T)-1 < 0;                                                                        \
    if (sa && sb)                                                                                            \
      int_row(p, n, (const uint8_t *)a, 1, (const uint8_t *)b, 1, (uint8_t *)y, op, is_signed);              \
    else if (sa)                                                                                             \
      int_row(p, n, (const uint8_t *)a, 1, (const uint8_t *)b, 0, (uint8_t *)y, op, is_signed);              \
    else if (sb)                                                                                             \
      int_row(p, n, (const uint8_t *)a, 0, (const uint8_t *)b, 1, (uint8_t *)y, op, is_signed);              \
    else                                                                                                     \
      int_row(p, n, (const uint8_t *)a, 0, (const uint8_t *)b, 0, (uint8_t *)y, op, is_signed);              \
  }

/* SUM serves differences too: the sign is in mb. */
#define INT_ROWS(T, t)                                                                                       \
  INT_ROW(T, t, add, SUM)                                                                                    \
  INT_ROW(T, t, mul, PRODUCT)                                                                                \
  INT_ROW(T, t, max, LARGER)                                                                                 \
  INT_ROW(T, t, min, SMALLER)                                                                                \
  static void (*const t##_rows[QFK_N_BINARY])(const QfkBinary *p, size_t n, const T *a, int sa, const T *b,  \
                                              int sb, T *y) = {                                              \
      [QFK_BINARY_ADD] = add_##t##_row, [QFK_BINARY_SUB] = add_##t##_row, [QFK_BINARY_MUL] = mul_##t##_row,  \
      [QFK_BINARY_MAX] = max_##t##_row, [QFK_BINARY_MIN] = min_##t##_row,                                    \
  };

INT_ROWS(uint8_t, u8)
INT_ROWS(int8_t, s8)
