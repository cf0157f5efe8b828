/* SPDX-License-Identifier: MIT */
/*
 * check_product.c - products of two run-time matrices through every tile kernel that can do them: transposed operands, tails, shares.
 */
#include "check.h"
#include "kernels/gemm/product.h"

#include <string.h>

typedef struct {
  int32_t m, n, k;
  bool ta, tb;
} Case;

static void shape(QfkGemmShape *s, const Case *c)
{
  *s = (QfkGemmShape){.m = c->m, .n = c->n, .k = c->k, .c_row = c->n};
  s->a_row = c->ta ? 1 : c->k;
  s->a_col = c->ta ? c->m : 1;
  s->b_row = c->tb ? 1 : c->n;
  s->b_col = c->tb ? c->k : 1;
}

static void run(const QfkProduct *p, const void *a, const void *b, void *y)
{
  const uint32_t panels = qfk_product_panels(p), half = panels / 2;
  void *scratch = chk_alloc(qfk_product_scratch(p));
  qfk_product_run(p, half, panels, a, b, y, scratch);
  qfk_product_run(p, 0, half, a, b, y, scratch);
}

static void check_case(const QfkTileKernel *k, const Case *c)
{
  const bool f32 = k->kind == QFK_TILE_F32;
  const size_t value = f32 ? 4 : 1, na = (size_t)(c->m * c->k), nb = (size_t)(c->k * c->n),
               ny = (size_t)(c->m * c->n);
  void *a = chk_alloc(na * value), *b = chk_alloc(nb * value), *y = chk_alloc(ny * value),
       *want = chk_alloc_aligned(ny * value);
  float *scale = chk_alloc_aligned(k->nr * 4);
  int32_t *zero = chk_alloc_aligned((size_t)c->n * 4);
  QfkProduct p = {.kernel = k, .bias = chk_alloc_aligned(k->nr * 4)};
  shape(&p.s, c);
  bool ok;
  if (f32) {
    chk_fill_f32(a, na, CHK_PLAIN);
    chk_fill_f32(b, nb, CHK_PLAIN);
    p.lo = -INFINITY;
    p.hi = INFINITY;
    run(&p, a, b, y);
    qfk_gemm_f32_ref(&p.s, a, b, NULL, NULL, &(QfkEpilogue){0}, want);
    ok = chk_close(y, want, ny, 1e-5f, 1e-5f * (float)c->k);
  } else {
    chk_fill_bytes(a, na, CHK_EDGE);
    chk_fill_bytes(b, nb, CHK_EDGE);
    for (uint32_t i = 0; i < k->nr; i++)
      scale[i] = 3e-4f;
    for (int32_t i = 0; i < c->n; i++)
      zero[i] = 77;
    p.widen = qfk_widen_find(chk_features());
    p.scale = scale;
    p.b_zero = zero;
    p.a_zero = -11;
    p.a_signed = true;
    p.c_zero = 99;
    p.lo = -99;
    p.hi = 156;
    run(&p, a, b, y);
    const QfkIntArgs q = {QFK_S8, QFK_U8, QFK_U8, -11, zero, NULL, {scale, false, 99, 0, 255}};
    qfk_gemm_int_ref(&p.s, &q, a, b, want);
    ok = chk_same(y, want, ny);
  }
  ok &= chk_free_all();
  chk_result(ok, k->name, "product m %d n %d k %d%s%s", c->m, c->n, c->k, c->ta ? " a transposed" : "",
             c->tb ? " b transposed" : "");
}

void chk_product(void)
{
  static const int32_t sizes[][3] = {{1, 1, 1}, {7, 33, 5}, {13, 70, 64}, {64, 16, 31}, {5, 130, 17}};
  for (uint32_t i = 0; i < qfk_n_tile_kernels; i++) {
    const QfkTileKernel *k = &qfk_tile_kernels[i];
    if ((k->kind != QFK_TILE_F32 && k->kind != QFK_TILE_S16) || !chk_can_run(k->name, k->isa))
      continue;
    for (size_t j = 0; j < sizeof(sizes) / sizeof(sizes[0]); j++)
      for (int v = 0; v < 4; v++)
        check_case(k, &(Case){sizes[j][0], sizes[j][1], sizes[j][2], v & 1, v >> 1});
  }
}
