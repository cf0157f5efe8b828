/* SPDX-License-Identifier: MIT */
/*
 * check_matmul.c - products of two matrices of activations for HVX against the reference.
 */
#include "hvx_check.h"
#include "kernels/gemm/matmul_hvx.h"

typedef struct {
  int32_t m, n, k;
} Case;

static const Case cases[] = {{4, 128, 64},  {1, 1, 1},     {3, 5, 7},    {9, 33, 130}, {64, 64, 32},
                             {17, 197, 64}, {5, 300, 129}, {6, 31, 197}, {2, 129, 3}};

static void check(const Case *c, bool turned, int types, ChkFill fill)
{
  const QfkGemmShape s = {.m = c->m,
                          .n = c->n,
                          .k = c->k,
                          .a_row = c->k,
                          .a_col = 1,
                          .b_row = turned ? 1 : c->n,
                          .b_col = turned ? c->k : 1,
                          .c_row = c->n};
  const QfkInt y_type = (QfkInt)(chk_random() % 2);
  const int32_t a_least = types & 1 ? -128 : 0, b_least = types & 2 ? -128 : 0;
  const size_t a_size = (size_t)c->m * c->k, b_size = (size_t)c->n * c->k, size = (size_t)c->m * c->n;
  int32_t *zero = chk_alloc_aligned((size_t)c->n * 4), b_zero = b_least + chk_range(0, 255);
  for (int32_t i = 0; i < c->n; i++)
    zero[i] = b_zero;
  const QfkIntArgs q = {.x_type = types & 1 ? QFK_S8 : QFK_U8,
                        .w_type = types & 2 ? QFK_S8 : QFK_U8,
                        .y_type = y_type,
                        .x_zero = a_least + chk_range(0, 255),
                        .w_zero = zero,
                        .requant = chk_requant(y_type, chk_multipliers(1, c->k == 1 ? 2 : chk_range(-12, -4)),
                                               false)};
  uint8_t *a = chk_alloc_aligned(a_size + 128), *b = chk_alloc_aligned(b_size + 128);
  uint8_t *y = chk_alloc(size), *want = chk_alloc(size);
  chk_fill_bytes(a, a_size, fill);
  chk_fill_bytes(b, b_size, fill);
  QfkMatmulHvx p;
  bool ok = qfk_matmul_hvx_init(&p, &s, &q);
  if (ok) {
    uint8_t *packed = chk_alloc(qfk_matmul_hvx_packed(&p));
    int32_t *columns = chk_alloc_aligned(qfk_matmul_hvx_columns(&p));
    void *scratch = chk_alloc_aligned(qfk_matmul_hvx_scratch(&p));
    qfk_matmul_prepare_hvx(&p, b, packed, columns);
    for (int32_t row = 0; row < c->m; row += 6)
      qfk_matmul_u8_hvx(&p, a, packed, columns, row, 6, y, scratch);
    qfk_gemm_int_ref(&s, &q, a, b, want);
    ok = chk_same(y, want, size);
  }
  ok &= chk_free_all();
  chk_result(ok, "matmul_u8_hvx", "%dx%d by %d%s, types %d%s", (int)c->m, (int)c->n, (int)c->k,
             turned ? ", turned" : "", types, fill ? " edge" : "");
}

void chk_hvx_matmul(void)
{
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
    for (int v = 0; v < 8; v++)
      check(&cases[i], v & 4, v & 3, (i + v) % 3 ? CHK_PLAIN : CHK_EDGE);
}
