/* SPDX-License-Identifier: MIT */
/*
 * check_fc.c - fully connected layers for HVX against the reference.
 */
#include "hvx_check.h"
#include "kernels/gemm/fc16_hvx.h"
#include "kernels/gemm/fc_hvx.h"
#include "kernels/gemm/gemm.h"

static void check(int32_t k, int32_t n, QfkInt type, ChkFill fill, int exponent)
{
  uint8_t *x = chk_alloc((size_t)k), *w = chk_alloc((size_t)k * n), *y = chk_alloc((size_t)n);
  uint8_t *want = chk_alloc((size_t)n);
  int32_t *bias = chk_alloc_aligned((size_t)n * 4), *zero = chk_alloc_aligned((size_t)n * 4);
  const int32_t zero_of_all = chk_range(0, 255);
  const bool unsigned_weights = chk_random() % 2;
  chk_fill_bytes(x, (size_t)k, fill);
  chk_fill_bytes(w, (size_t)k * n, fill);
  for (int32_t i = 0; i < n; i++) {
    bias[i] = chk_range(-100000, 100000);
    zero[i] = zero_of_all;
  }
  QfkIntArgs q = {.x_type = type,
                  .w_type = unsigned_weights ? QFK_U8 : QFK_S8,
                  .w_zero = unsigned_weights ? zero : NULL,
                  .y_type = chk_random() % 4 ? type : (QfkInt)!type,
                  .x_zero = type == QFK_S8 ? chk_range(-128, 127) : chk_range(0, 255),
                  .bias = bias};
  q.requant = chk_requant(q.y_type, chk_multipliers(n, exponent), true);
  QfkFcHvx p;
  bool ok = qfk_fc_hvx_init(&p, k, n, &q, w);
  if (ok) {
    const size_t bytes = qfk_fc_hvx_channels(&p) * 4;
    uint8_t *weights = chk_alloc_aligned(qfk_fc_hvx_weights(&p));
    int32_t *sums = chk_alloc_aligned(bytes), *multiplier = chk_alloc_aligned(bytes);
    int32_t *shift = chk_alloc_aligned(bytes);
    qfk_fc_hvx_pack(&p, &q, w, weights, sums, multiplier, shift);
    p.weights = weights;
    p.bias = sums;
    p.multiplier = multiplier;
    p.shift = shift;
    qfk_fc_s8_hvx(&p, x, y, chk_alloc_aligned(qfk_fc_hvx_scratch(&p)));
    const QfkGemmShape s = {1, n, k, k, 1, 1, k, n};
    qfk_gemm_int_ref(&s, &q, x, w, want);
    ok = chk_same(y, want, (size_t)n);
  }
  ok &= chk_free_all();
  chk_result(ok, "fc_s8_hvx", "%d to %d%s%s", (int)k, (int)n, type == QFK_S8 ? " s8" : "",
             fill ? " edge" : "");
}

static void check16(int32_t k, int32_t n, QfkInt type, ChkFill fill, int exponent)
{
  uint16_t *x = (uint16_t *)(void *)chk_alloc((size_t)k * 2),
           *y = (uint16_t *)(void *)chk_alloc((size_t)n * 2);
  uint16_t *want = (uint16_t *)(void *)chk_alloc((size_t)n * 2);
  uint8_t *w = chk_alloc((size_t)k * n);
  int32_t *bias = chk_alloc_aligned((size_t)n * 4);
  chk_fill_bytes(x, (size_t)k * 2, fill);
  chk_fill_bytes(w, (size_t)k * n, fill);
  for (int32_t i = 0; i < n; i++)
    bias[i] = (int32_t)chk_random();
  QfkIntArgs q = {.x_type = type,
                  .w_type = QFK_S8,
                  .y_type = type,
                  .x_zero = (type == QFK_S16 ? -32768 : 0) + chk_range(0, 65535),
                  .bias = bias};
  q.requant = chk_requant16(q.y_type, n, exponent);
  QfkFc16Hvx p;
  bool ok = qfk_fc16_hvx_init(&p, k, n, &q, w);
  if (ok) {
    const size_t bytes = qfk_fc_hvx_channels(&p.f) * 4;
    uint8_t *weights = chk_alloc_aligned(qfk_fc_hvx_weights(&p.f));
    int32_t *high = chk_alloc_aligned(bytes), *low = chk_alloc_aligned(bytes);
    int32_t *multiplier = chk_alloc_aligned(bytes), *shift = chk_alloc_aligned(bytes);
    qfk_fc16_hvx_pack(&p, &q, w, weights, high, low, multiplier, shift);
    p.f.weights = weights;
    p.f.bias = high;
    p.first_low = low;
    p.f.multiplier = multiplier;
    p.f.shift = shift;
    qfk_fc_s16_hvx(&p, x, y, chk_alloc_aligned(qfk_fc16_hvx_scratch(&p)));
    const QfkGemmShape s = {1, n, k, k, 1, 1, k, n};
    qfk_gemm_int_ref(&s, &q, x, w, want);
    ok = chk_same(y, want, (size_t)n * 2);
  }
  ok &= chk_free_all();
  chk_result(ok, "fc_s16_hvx", "%d to %d, 2^%d%s%s", (int)k, (int)n, exponent, type == QFK_S16 ? " s16" : "",
             fill ? " edge" : "");
}

void chk_hvx_fc(void)
{
  static const int32_t sizes[][2] = {{4, 1},   {1, 3},     {7, 32},    {8, 33},   {128, 128},
                                     {130, 5}, {255, 129}, {256, 200}, {512, 10}, {64, 64}};
  for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
    check(sizes[i][0], sizes[i][1], QFK_U8, CHK_PLAIN, -8);
    check(sizes[i][0], sizes[i][1], QFK_S8, CHK_EDGE, -10);
  }
  for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
    check16(sizes[i][0], sizes[i][1], QFK_U16, CHK_PLAIN, -16);
    check16(sizes[i][0], sizes[i][1], QFK_S16, CHK_EDGE, chk_range(-30, 3));
  }
  check(20, 40, QFK_U8, CHK_PLAIN, 3); /* multipliers beyond 1 */
  for (int i = 0; i < 20; i++)
    check(chk_range(1, 300), chk_range(1, 200), i % 2 ? QFK_S8 : QFK_U8, i % 3 ? CHK_PLAIN : CHK_EDGE,
          chk_range(-12, -4));
}
