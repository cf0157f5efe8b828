/* SPDX-License-Identifier: MIT */
/*
 * image_avx2.c - the row functions in AVX2.
 *
 * A lane makes four outputs from eight bytes of each of two rows. Whole blocks of the row are loaded, a lane each, and the
 * plan's masks shuffle the wanted bytes into place and widen them, which reads the rows in order and needs no gather.
 * Horizontally the interpolation is in exact integers with 14-bit weights, vertically in float.
 */
#include "image.h"

#include <immintrin.h>

#define INLINE static inline __attribute__((always_inline))

/* A block of each lane. */
INLINE __m256i load(const uint8_t *low, const uint8_t *high)
{
  return _mm256_loadu2_m128i((const __m128i *)high, (const __m128i *)low);
}

/* Weighs the sixteen taps of eight outputs; @v are the bytes that the masks have put in place. */
INLINE __m256 weigh(__m256i upper, __m256i lower, const int16_t *pairs, __m256 fu, __m256 fl)
{
  __m256i w = _mm256_load_si256((const __m256i *)pairs);
  __m256 a = _mm256_cvtepi32_ps(_mm256_madd_epi16(upper, w)),
         b = _mm256_cvtepi32_ps(_mm256_madd_epi16(lower, w));
  return _mm256_fmadd_ps(b, fl, _mm256_mul_ps(a, fu));
}

/* @blocks and @count are constants where this is called, so that loads are shared and everything stays in registers. */
INLINE void sample_few(const QfkImageTaps *taps, int32_t count, const uint8_t *r0, const uint8_t *r1,
                       float fy, int32_t n, ptrdiff_t ahead, float *const *dst, int32_t blocks)
{
  const __m256 fu = _mm256_set1_ps((1 - fy) / (1 << 14)), fl = _mm256_set1_ps(fy / (1 << 14));
  const int32_t *base = taps[0].base;
  size_t mask = 0;
  for (int32_t i = 0; i < n; i += QFK_IMAGE_GROUP, base += 2, mask += (size_t)blocks * 2 * QFK_IMAGE_BLOCK) {
    __m256i upper[3], lower[3];
    for (int32_t k = 0; k < blocks; k++) {
      int32_t low = base[0] + k * QFK_IMAGE_BLOCK, high = base[1] + k * QFK_IMAGE_BLOCK;
      upper[k] = load(r0 + low, r0 + high);
      lower[k] = load(r1 + low, r1 + high);
    }
    for (int32_t h = 0; h < (blocks > 2 ? 2 : 1); h++) {
      _mm_prefetch((const char *)r0 + base[h] + ahead, _MM_HINT_T0);
      _mm_prefetch((const char *)r1 + base[h] + ahead, _MM_HINT_T0);
    }
    for (int32_t c = 0; c < count; c++) {
      __m256i u = _mm256_setzero_si256(), l = _mm256_setzero_si256();
      for (int32_t k = 0; k < blocks; k++) {
        __m256i m = _mm256_load_si256((const __m256i *)(taps[c].masks + mask + k * 2 * QFK_IMAGE_BLOCK));
        u = _mm256_or_si256(u, _mm256_shuffle_epi8(upper[k], m));
        l = _mm256_or_si256(l, _mm256_shuffle_epi8(lower[k], m));
      }
      _mm256_store_ps(dst[c] + i, weigh(u, l, taps[c].pairs + 2 * i, fu, fl));
    }
  }
}

/* The same for any number of blocks. */
static void sample_many(const QfkImageTaps *t, const uint8_t *r0, const uint8_t *r1, float fy, int32_t n,
                        float *dst)
{
  const __m256 fu = _mm256_set1_ps((1 - fy) / (1 << 14)), fl = _mm256_set1_ps(fy / (1 << 14));
  const int32_t *base = t->base;
  const uint8_t *mask = t->masks;
  for (int32_t i = 0; i < n; i += QFK_IMAGE_GROUP, base += 2) {
    __m256i u = _mm256_setzero_si256(), l = _mm256_setzero_si256();
    int32_t low = base[0], high = base[1];
    for (int32_t k = 0; k < t->blocks; k++, mask += 2 * QFK_IMAGE_BLOCK) {
      __m256i m = _mm256_load_si256((const __m256i *)mask);
      u = _mm256_or_si256(u, _mm256_shuffle_epi8(load(r0 + low, r0 + high), m));
      l = _mm256_or_si256(l, _mm256_shuffle_epi8(load(r1 + low, r1 + high), m));
      low += QFK_IMAGE_BLOCK;
      high += QFK_IMAGE_BLOCK;
    }
    _mm256_store_ps(dst + i, weigh(u, l, t->pairs + 2 * i, fu, fl));
  }
}

static void sample_avx2(const QfkImageTaps *taps, int32_t count, const uint8_t *r0, const uint8_t *r1,
                        float fy, int32_t n, ptrdiff_t ahead, float *const *dst)
{
  int32_t blocks = taps[0].blocks;
#define UNROLLED(c, b)                                                                                       \
  if (count == c && blocks == b) {                                                                           \
    sample_few(taps, c, r0, r1, fy, n, ahead, dst, b);                                                       \
    return;                                                                                                  \
  }
  UNROLLED(1, 1)
  UNROLLED(1, 2)
  UNROLLED(1, 3)
  UNROLLED(2, 1)
  UNROLLED(2, 2)
  UNROLLED(2, 3)
  UNROLLED(3, 1)
  UNROLLED(3, 2)
  UNROLLED(3, 3)
#undef UNROLLED
  if (blocks == 0)
    qfk_image_sample_c(taps, count, r0, r1, fy, n, ahead, dst);
  else
    for (int32_t c = 0; c < count; c++)
      sample_many(&taps[c], r0, r1, fy, n, dst[c]);
}

INLINE __m256 floats(const uint8_t *p)
{
  return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)p)));
}

static void sum_avx2(float *sum, const uint8_t *row, ptrdiff_t stride, const float *weight, int32_t rows,
                     int32_t n)
{
  int32_t i = 0;
  for (; i + 32 <= n; i += 32) {
    __m256 v[4] = {_mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps()};
    const uint8_t *p = row + i;
    for (int32_t j = 0; j < rows; j++, p += stride) {
      __m256 w = _mm256_set1_ps(weight[j]);
      for (int32_t k = 0; k < 4; k++)
        v[k] = _mm256_fmadd_ps(floats(p + 8 * k), w, v[k]);
    }
    for (int32_t k = 0; k < 4; k++)
      _mm256_storeu_ps(sum + i + 8 * k, v[k]);
  }
  qfk_image_sum_c(sum + i, row + i, stride, weight, rows, n - i);
}

INLINE __m256 weighted(const QfkImageTaps *t, const float *sum, int32_t i)
{
  const float *v = sum + t->start[i], *w = t->weight + t->first[i];
  __m256 total = _mm256_mul_ps(_mm256_loadu_ps(v), _mm256_loadu_ps(w));
  for (int32_t k = QFK_IMAGE_GROUP; k < t->count[i]; k += QFK_IMAGE_GROUP)
    total = _mm256_fmadd_ps(_mm256_loadu_ps(v + k), _mm256_loadu_ps(w + k), total);
  return total;
}

static void average_avx2(const QfkImageTaps *t, const float *sum, int32_t n, float *dst)
{
  int32_t i = 0;
  for (; i + 4 <= n; i += 4) {
    __m256 a = _mm256_hadd_ps(weighted(t, sum, i), weighted(t, sum, i + 1));
    __m256 b = _mm256_hadd_ps(weighted(t, sum, i + 2), weighted(t, sum, i + 3));
    __m256 all = _mm256_hadd_ps(a, b);
    _mm_storeu_ps(dst + i, _mm_add_ps(_mm256_castps256_ps128(all), _mm256_extractf128_ps(all, 1)));
  }
  QfkImageTaps rest = *t;
  rest.start += i;
  rest.count += i;
  rest.first += i;
  qfk_image_average_c(&rest, sum, n - i, dst + i);
}

/* The plan's numbers as vectors: the compiler cannot know that what is stored is not the plan. */
typedef struct {
  __m256 m[3][4], lo[3], hi[3];
  __m256i offset;
} Numbers;

static inline void load_numbers(const QfkImagePlan *p, Numbers *k)
{
  for (int32_t c = 0; c < 3; c++) {
    for (int32_t i = 0; i < 4; i++)
      k->m[c][i] = _mm256_set1_ps(p->matrix[c][i]);
    k->lo[c] = _mm256_set1_ps(p->lo[c]);
    k->hi[c] = _mm256_set1_ps(p->hi[c]);
  }
  k->offset = _mm256_set1_epi32(p->spec.offset);
}

/* Eight pixels of a stored channel, before rounding. */
INLINE __m256 value_of(const Numbers *k, int32_t c, __m256 a, __m256 b, __m256 d)
{
  __m256 v = _mm256_fmadd_ps(a, k->m[c][0], k->m[c][3]);
  v = _mm256_fmadd_ps(b, k->m[c][1], v);
  v = _mm256_fmadd_ps(d, k->m[c][2], v);
  return _mm256_min_ps(_mm256_max_ps(v, k->lo[c]), k->hi[c]);
}

static inline void planar_f32(float *dst, __m256 v)
{
  _mm256_storeu_ps(dst, v);
}

/* R0..7, G0..7, B0..7 to R0 G0 B0 R1 ... */
static inline void packed_f32(float *dst, const __m256 v[3])
{
  const __m256i to[3][3] = {
      {_mm256_setr_epi32(0, 0, 0, 1, 1, 1, 2, 2), _mm256_setr_epi32(2, 3, 3, 3, 4, 4, 4, 5),
       _mm256_setr_epi32(5, 5, 6, 6, 6, 7, 7, 7)},
  };
  for (int32_t k = 0; k < 3; k++) {
    __m256 r = _mm256_permutevar8x32_ps(v[0], to[0][k]), g = _mm256_permutevar8x32_ps(v[1], to[0][k]);
    __m256 b = _mm256_permutevar8x32_ps(v[2], to[0][k]), out;
    if (k == 0) /* R G B R G B R G */
      out = _mm256_blend_ps(_mm256_blend_ps(r, g, 0x92), b, 0x24);
    else if (k == 1) /* B R G B R G B R */
      out = _mm256_blend_ps(_mm256_blend_ps(r, g, 0x24), b, 0x49);
    else /* G B R G B R G B */
      out = _mm256_blend_ps(_mm256_blend_ps(r, g, 0x49), b, 0x92);
    _mm256_storeu_ps(dst + 8 * k, out);
  }
}

static inline __m128i half_of(__m256 v)
{
  return _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT);
}

/* Eight 16-bit elements of each of three channels, interleaved: 48 bytes. */
static inline void packed_16(uint8_t *dst, __m128i r, __m128i g, __m128i b)
{
  __m128i rg0 = _mm_unpacklo_epi16(r, g),
          rg1 = _mm_unpackhi_epi16(r, g); /* R0 G0 R1 G1 R2 G2 R3 G3 | 4 to 7 */
  const __m128i x0 = _mm_setr_epi8(0, 1, 2, 3, -1, -1, 4, 5, 6, 7, -1, -1, 8, 9, 10, 11);
  const __m128i y0 = _mm_setr_epi8(-1, -1, -1, -1, 0, 1, -1, -1, -1, -1, 2, 3, -1, -1, -1, -1);
  const __m128i x1 = _mm_setr_epi8(-1, -1, 12, 13, 14, 15, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1);
  const __m128i z1 = _mm_setr_epi8(-1, -1, -1, -1, -1, -1, -1, -1, 0, 1, 2, 3, -1, -1, 4, 5);
  const __m128i y1 = _mm_setr_epi8(4, 5, -1, -1, -1, -1, 6, 7, -1, -1, -1, -1, 8, 9, -1, -1);
  const __m128i z2 = _mm_setr_epi8(6, 7, -1, -1, 8, 9, 10, 11, -1, -1, 12, 13, 14, 15, -1, -1);
  const __m128i y2 = _mm_setr_epi8(-1, -1, 10, 11, -1, -1, -1, -1, 12, 13, -1, -1, -1, -1, 14, 15);
  __m128i out0 = _mm_or_si128(_mm_shuffle_epi8(rg0, x0), _mm_shuffle_epi8(b, y0));
  __m128i out1 = _mm_or_si128(_mm_shuffle_epi8(rg0, x1), _mm_shuffle_epi8(rg1, z1));
  out1 = _mm_or_si128(out1, _mm_shuffle_epi8(b, y1));
  __m128i out2 = _mm_or_si128(_mm_shuffle_epi8(rg1, z2), _mm_shuffle_epi8(b, y2));
  _mm_storeu_si128((__m128i *)dst, out0);
  _mm_storeu_si128((__m128i *)(dst + 16), out1);
  _mm_storeu_si128((__m128i *)(dst + 32), out2);
}

/* Two vectors of eight int32 to bytes: x0..3 y0..3 ... in each half. */
static inline __m256i bytes_of(__m256i x, __m256i y, __m256i z, bool is_signed)
{
  __m256i xy = _mm256_packs_epi32(x, y), zz = _mm256_packs_epi32(z, z);
  return is_signed ? _mm256_packs_epi16(xy, zz) : _mm256_packus_epi16(xy, zz);
}

static inline void packed_8(uint8_t *dst, __m256i r, __m256i g, __m256i b, bool is_signed)
{
  const __m256i order = _mm256_setr_epi8(0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11, -1, -1, -1, -1, 0, 4, 8, 1, 5,
                                         9, 2, 6, 10, 3, 7, 11, -1, -1, -1, -1);
  __m256i v = _mm256_shuffle_epi8(bytes_of(r, g, b, is_signed), order);
  __m128i last = _mm256_extracti128_si256(v, 1);
  _mm_storeu_si128((__m128i *)dst, _mm256_castsi256_si128(v)); /* four bytes too many, written next */
  _mm_storel_epi64((__m128i *)(dst + 12), last);
  _mm_storeu_si32(dst + 20, _mm_srli_si128(last, 8));
}

static inline void planar_8(uint8_t *dst, __m256i v, bool is_signed)
{
  __m256i q = bytes_of(v, v, v, is_signed);
  _mm_storeu_si32(dst, _mm256_castsi256_si128(q));
  _mm_storeu_si32(dst + 4, _mm256_extracti128_si256(q, 1));
}

static inline __m128i words_of(__m256i v, bool is_signed)
{
  __m256i q = is_signed ? _mm256_packs_epi32(v, v) : _mm256_packus_epi32(v, v);
  return _mm256_castsi256_si128(_mm256_permute4x64_epi64(q, 0x08));
}

#define EMIT_F32_PLANAR(d, v) planar_f32((float *)(d), v)
#define EMIT_F32_PACKED(d, v) packed_f32((float *)(d), v)
#define EMIT_F16_PLANAR(d, v) _mm_storeu_si128((__m128i *)(d), half_of(v))
#define EMIT_F16_PACKED(d, v) packed_16(d, half_of(v[0]), half_of(v[1]), half_of(v[2]))
#define Q(v) _mm256_sub_epi32(_mm256_cvtps_epi32(v), numbers.offset)
#define EMIT_U8_PLANAR(d, v) planar_8(d, Q(v), false)
#define EMIT_U8_PACKED(d, v) packed_8(d, Q(v[0]), Q(v[1]), Q(v[2]), false)
#define EMIT_I8_PLANAR(d, v) planar_8(d, Q(v), true)
#define EMIT_I8_PACKED(d, v) packed_8(d, Q(v[0]), Q(v[1]), Q(v[2]), true)
#define WORDS(v, s) words_of(Q(v), s)
#define EMIT_U16_PLANAR(d, v) _mm_storeu_si128((__m128i *)(d), WORDS(v, false))
#define EMIT_U16_PACKED(d, v) packed_16(d, WORDS(v[0], false), WORDS(v[1], false), WORDS(v[2], false))
#define EMIT_I16_PLANAR(d, v) _mm_storeu_si128((__m128i *)(d), WORDS(v, true))
#define EMIT_I16_PACKED(d, v) packed_16(d, WORDS(v[0], true), WORDS(v[1], true), WORDS(v[2], true))

/* The last, partial group is the last eight pixels again; fewer than eight are left to plain C. */
#define EACH_GROUP(n, i)                                                                                     \
  for (int32_t at = 0, i = 0; at < (n);                                                                      \
       at += QFK_IMAGE_GROUP, i = at + QFK_IMAGE_GROUP <= (n) ? at : (n)-QFK_IMAGE_GROUP)

#define STORE(name, NAME, size)                                                                              \
  static void store_##name(const QfkImagePlan *p, const float *const comp[3], int32_t n, void *dst,          \
                           size_t plane)                                                                     \
  {                                                                                                          \
    if (n < QFK_IMAGE_GROUP) {                                                                               \
      qfk_image_rows_c.store[QFK_IMAGE_##NAME](p, comp, n, dst, plane);                                      \
      return;                                                                                                \
    }                                                                                                        \
    Numbers numbers;                                                                                         \
    load_numbers(p, &numbers);                                                                               \
    const float *ca = comp[0], *cb = comp[1], *cd = comp[2];                                                 \
    uint8_t *out = dst;                                                                                      \
    if (p->spec.channels == 3 && !p->spec.planar) {                                                          \
      EACH_GROUP(n, i)                                                                                       \
      {                                                                                                      \
        __m256 a = _mm256_loadu_ps(ca + i), b = _mm256_loadu_ps(cb + i), d = _mm256_loadu_ps(cd + i), v[3];  \
        for (int32_t c = 0; c < 3; c++)                                                                      \
          v[c] = value_of(&numbers, c, a, b, d);                                                             \
        EMIT_##NAME##_PACKED(out + (size_t)i * 3 * size, v);                                                 \
      }                                                                                                      \
      return;                                                                                                \
    }                                                                                                        \
    for (int32_t c = 0; c < p->spec.channels; c++, out += plane * size) {                                    \
      EACH_GROUP(n, i)                                                                                       \
      {                                                                                                      \
        __m256 a = _mm256_loadu_ps(ca + i), b = _mm256_loadu_ps(cb + i), d = _mm256_loadu_ps(cd + i);        \
        EMIT_##NAME##_PLANAR(out + (size_t)i * size, value_of(&numbers, c, a, b, d));                        \
      }                                                                                                      \
    }                                                                                                        \
  }

STORE(f32, F32, 4)
STORE(f16, F16, 2)
STORE(u8, U8, 1)
STORE(i8, I8, 1)
STORE(u16, U16, 2)
STORE(i16, I16, 2)

const QfkImageRows qfk_image_rows_avx2 = {
    .shuffles = true,
    .sample = sample_avx2,
    .sum = sum_avx2,
    .average = average_avx2,
    .store = {store_f32, store_f16, store_u8, store_i8, store_u16, store_i16},
};
