/* SPDX-License-Identifier: MIT */
/*
 * dot16_vec.h - blocks of two rows by four columns as sums the compiler vectorises; included once an instruction set with QFK_ISA
 * defined. Sums wrap around, so their order does not matter.
 */
#include "dot16.h"

#define CAT2(a, b) a##_##b
#define CAT(a, b) CAT2(a, b)
#define NAME(f) CAT(f, QFK_ISA)

static int32_t one(size_t k, const int16_t *a, const int16_t *b)
{
  uint32_t sum = 0;
  for (size_t i = 0; i < k; i++)
    sum += (uint32_t)(a[i] * b[i]);
  return (int32_t)sum;
}

/* Two rows of a, from @a on, by four of b. */
static void block(size_t k, const int16_t *a, const int16_t *b, int32_t *c, size_t n)
{
  const int16_t *a1 = a + k, *b1 = b + k, *b2 = b + 2 * k, *b3 = b + 3 * k;
  uint32_t s0 = 0, s1 = 0, s2 = 0, s3 = 0, t0 = 0, t1 = 0, t2 = 0, t3 = 0;
  for (size_t i = 0; i < k; i++) {
    s0 += (uint32_t)(a[i] * b[i]);
    s1 += (uint32_t)(a[i] * b1[i]);
    s2 += (uint32_t)(a[i] * b2[i]);
    s3 += (uint32_t)(a[i] * b3[i]);
    t0 += (uint32_t)(a1[i] * b[i]);
    t1 += (uint32_t)(a1[i] * b1[i]);
    t2 += (uint32_t)(a1[i] * b2[i]);
    t3 += (uint32_t)(a1[i] * b3[i]);
  }
  const uint32_t sums[2][4] = {{s0, s1, s2, s3}, {t0, t1, t2, t3}};
  for (size_t r = 0; r < 2; r++)
    for (size_t j = 0; j < 4; j++)
      c[r * n + j] = (int32_t)sums[r][j];
}

void NAME(qfk_dot16)(size_t m, size_t n, size_t k, const int16_t *a, const int16_t *b, int32_t *c)
{
  const size_t m2 = m / 2 * 2, n4 = n / 4 * 4;
  for (size_t j = 0; j < n4; j += 4)
    for (size_t i = 0; i < m2; i += 2)
      block(k, a + i * k, b + j * k, c + i * n + j, n);
  for (size_t i = 0; i < m; i++)
    for (size_t j = i < m2 ? n4 : 0; j < n; j++)
      c[i * n + j] = one(k, a + i * k, b + j * k);
}
