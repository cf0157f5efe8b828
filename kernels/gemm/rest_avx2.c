/* SPDX-License-Identifier: MIT */
/*
 * rest_avx2.c - rows of bytes to columns, and sums of rests for 32 rows at once, which are then turned back to rows of 16 columns.
 */
#include "rest.h"

#include <immintrin.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

/* 16 x 16 bytes: interleaving rows i and i + 8 four times turns them. */
INLINE void turn_16(__m128i v[16])
{
  for (int step = 0; step < 4; step++) {
    __m128i t[16];
    _Pragma("GCC unroll 8") for (int i = 0; i < 8; i++)
    {
      t[2 * i] = _mm_unpacklo_epi8(v[i], v[i + 8]);
      t[2 * i + 1] = _mm_unpackhi_epi8(v[i], v[i + 8]);
    }
    memcpy(v, t, sizeof(t));
  }
}

/* The even ones of 32 values. */
INLINE __m128i load_even(const uint8_t *x)
{
  const __m256i v = _mm256_and_si256(_mm256_loadu_si256((const __m256i *)x), _mm256_set1_epi16(0xff));
  return _mm_packus_epi16(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
}

void qfk_rest_turn_avx2(const QfkRest *r, const void *const *a, uint32_t count, uint8_t *columns)
{
  const __m128i flip = _mm_set1_epi8((char)r->flip);
  const uint32_t n = r->k / 2;
  for (uint32_t i = 0; i < count; i += 16) {
    uint8_t *to = columns + i / QFK_REST_PIXELS * qfk_rest_block_bytes(r) + i % QFK_REST_PIXELS;
    uint32_t k = 0;
    for (; k + 16 <= n; k += 16) {
      __m128i v[16];
      for (uint32_t j = 0; j < 16; j++) {
        const uint8_t *row = a[i + j < count ? i + j : count - 1];
        v[j] = _mm_xor_si128(load_even(row + 2 * k), flip);
      }
      turn_16(v);
      for (uint32_t j = 0; j < 16; j++)
        _mm_storeu_si128((__m128i *)(to + (size_t)(k + j) * QFK_REST_PIXELS), v[j]);
    }
    for (; k < n; k++)
      for (uint32_t j = 0; j < 16; j++)
        to[(size_t)k * QFK_REST_PIXELS + j] =
            ((const uint8_t *)a[i + j < count ? i + j : count - 1])[2 * k] ^ r->flip;
  }
}

enum { BLOCKS = 4 }; /* of pixels whose sums are in registers */

/* Sums of a block of pixels, by slot: of pixels 0..7 and 16..23, and of the others. */
typedef struct {
  __m256i even[16], odd[16];
} Sums;

/* The pairs of one slot for @n blocks, which lie @pitch bytes apart. */
INLINE void sum_slot(const QfkRestPair *e, const QfkRestPair *end, const uint8_t *columns, size_t pitch,
                     const unsigned n, Sums *sums, uint32_t slot)
{
  __m256i even[BLOCKS], odd[BLOCKS];
  _Pragma("GCC unroll 4") for (unsigned i = 0; i < n; i++) even[i] = odd[i] = _mm256_setzero_si256();
  for (; e < end; e++) {
    const uint8_t *x = columns + (size_t)e->k[0] * QFK_REST_PIXELS,
                  *y = columns + (size_t)e->k[1] * QFK_REST_PIXELS;
    int16_t pair;
    memcpy(&pair, e->w, sizeof(pair));
    const __m256i w = _mm256_set1_epi16(pair);
    _Pragma("GCC unroll 4") for (unsigned i = 0; i < n; i++)
    {
      const __m256i u = _mm256_loadu_si256((const __m256i *)(x + i * pitch)),
                    v = _mm256_loadu_si256((const __m256i *)(y + i * pitch));
      even[i] = _mm256_add_epi16(even[i], _mm256_maddubs_epi16(_mm256_unpacklo_epi8(u, v), w));
      odd[i] = _mm256_add_epi16(odd[i], _mm256_maddubs_epi16(_mm256_unpackhi_epi8(u, v), w));
    }
  }
  _Pragma("GCC unroll 4") for (unsigned i = 0; i < n; i++)
  {
    sums[i].even[slot] = even[i];
    sums[i].odd[slot] = odd[i];
  }
}

/* All slots of a layer, from @start on. */
#define SUM_BLOCKS(n)                                                                                        \
  static void sum_##n(const QfkRest *r, const uint32_t *start, const uint8_t *columns, Sums *sums)           \
  {                                                                                                          \
    for (uint32_t slot = 0; slot < 16; slot++)                                                               \
      sum_slot(r->pairs + start[slot], r->pairs + start[slot + 1], columns, qfk_rest_block_bytes(r), n,      \
               sums, slot);                                                                                  \
  }
SUM_BLOCKS(1)
SUM_BLOCKS(2)
SUM_BLOCKS(3)
SUM_BLOCKS(4)

/* 8 x 8 numbers in each half: as turn_16(). */
INLINE void turn_8(__m256i v[8])
{
  for (int step = 0; step < 3; step++) {
    __m256i t[8];
    _Pragma("GCC unroll 4") for (int i = 0; i < 4; i++)
    {
      t[2 * i] = _mm256_unpacklo_epi16(v[i], v[i + 4]);
      t[2 * i + 1] = _mm256_unpackhi_epi16(v[i], v[i + 4]);
    }
    memcpy(v, t, sizeof(t));
  }
}

/* 16 slots of 16 pixels, of which half lie 16 further on, to rows. */
INLINE void store_turned(__m256i low[8], __m256i high[8], int16_t *sums)
{
  turn_8(low);
  turn_8(high);
  for (int i = 0; i < 8; i++) {
    _mm256_storeu_si256((__m256i *)(sums + 16 * i), _mm256_permute2x128_si256(low[i], high[i], 0x20));
    _mm256_storeu_si256((__m256i *)(sums + 16 * (i + 16)), _mm256_permute2x128_si256(low[i], high[i], 0x31));
  }
}

uint32_t qfk_rest_sum_avx2(const QfkRest *r, uint32_t panel, const uint8_t *columns, uint32_t count,
                           int16_t *sums, size_t pitch)
{
  static void (*const by_blocks[])(const QfkRest *, const uint32_t *, const uint8_t *,
                                   Sums *) = {sum_1, sum_2, sum_3, sum_4};
  Sums all[BLOCKS];
  const uint32_t layers = qfk_rest_layers(r, panel);
  const uint32_t blocks = (count + QFK_REST_PIXELS - 1) / QFK_REST_PIXELS;
  for (uint32_t i = 0; i < blocks; i += BLOCKS) {
    const uint32_t n = blocks - i < BLOCKS ? blocks - i : BLOCKS;
    for (uint32_t layer = 0; layer < layers; layer++) {
      by_blocks[n - 1](r, r->start + (panel * r->layers + layer) * 16, columns + i * qfk_rest_block_bytes(r),
                       all);
      for (uint32_t k = 0; k < n; k++) {
        int16_t *to = sums + (layer * pitch + (size_t)(i + k) * QFK_REST_PIXELS) * 16;
        store_turned(all[k].even, all[k].even + 8, to);
        store_turned(all[k].odd, all[k].odd + 8, to + 8 * 16);
      }
    }
  }
  return layers;
}
