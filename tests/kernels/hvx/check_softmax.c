/* SPDX-License-Identifier: MIT */
/*
 * check_softmax.c - Softmax for HVX along rows, columns and channels against the reference.
 */
#include "hvx_check.h"
#include "kernels/softmax/softmax_hvx.h"

/* Any falling table does: the reference has the same. */
static QfkSoftmaxInt encoding(void)
{
  QfkSoftmaxInt q = {.x_type = (QfkInt)(chk_random() % 2),
                     .y_type = (QfkInt)(chk_random() % 2),
                     .y_zero = chk_range(-10, 10),
                     .inverse = ((int64_t)1 << chk_range(31, 40)) + chk_range(0, 1000)};
  const int32_t part = chk_range(32, 64);
  for (int32_t d = 0; d < 256; d++)
    q.e[d] = d ? (int32_t)((int64_t)q.e[d - 1] * part / 64) : 1 << 23;
  return q;
}

static void check_rows(int32_t rows, int32_t n, ChkFill fill)
{
  const QfkSoftmaxInt q = encoding();
  const size_t count = (size_t)rows * n;
  uint8_t *x = chk_alloc_aligned(count + 128), *y = chk_alloc(count), *want = chk_alloc(count);
  chk_fill_bytes(x, count, fill);
  QfkSoftmaxHvx p;
  bool ok = qfk_softmax_hvx_init(&p, &q, chk_alloc_aligned(768));
  if (ok) {
    qfk_softmax_u8_hvx(&p, x, rows, n, y, chk_alloc_aligned((size_t)(n + 127) / 128 * 384));
    qfk_softmax_int_ref(&(QfkSoftmax){.outer = rows, .n = n, .inner = 1, .beta = 1}, &q, x, want);
    ok = chk_same(y, want, count);
  }
  ok &= chk_free_all();
  chk_result(ok, "softmax_u8_hvx", "%d rows of %d%s", (int)rows, (int)n, fill ? " edge" : "");
}

/* @inner 0: @outer pixels of n channels in planes. */
static void check_columns(int32_t outer, int32_t n, int32_t inner, ChkFill fill)
{
  const QfkSoftmaxInt q = encoding();
  const QfkSoftmax s = {.outer = outer, .n = n, .inner = inner ? inner : 1, .beta = 1};
  const size_t count = (size_t)outer * n * (size_t)s.inner;
  uint8_t *x = chk_alloc_aligned(count + 128), *want = chk_alloc(count);
  uint8_t *y = chk_alloc(inner ? count : qfk_d4_bytes(n, 1, outer));
  chk_fill_bytes(x, count, fill);
  QfkSoftmaxColumnsHvx p;
  bool ok = qfk_softmax_columns_hvx_init(&p, &s, inner ? 0 : outer, &q, chk_alloc_aligned(768));
  if (ok) {
    const uint8_t *data = inner ? x : chk_d4_make(x, n, outer);
    void *scratch = chk_alloc_aligned((size_t)p.n * 384);
    for (int32_t u = p.units - 1; u >= 0; u -= 2)
      qfk_softmax_columns_u8_hvx(&p, data, y, u ? u - 1 : 0, u ? 2 : 1, scratch);
    qfk_softmax_int_ref(&s, &q, x, want);
    ok = inner ? chk_same(y, want, count) : chk_d4_same(y, want, n, outer);
  }
  ok &= chk_free_all();
  chk_result(ok, "softmax_columns_u8_hvx", "%d of %d by %d%s", (int)outer, (int)n, (int)inner,
             fill ? " edge" : "");
}

void chk_hvx_softmax(void)
{
  for (int32_t n = 1; n < 1200; n += n < 4 ? 1 : 63)
    check_rows(chk_range(1, 3), n, n % 2 ? CHK_PLAIN : CHK_EDGE);
  static const int32_t shapes[][3] = {{1, 21, 300}, {3, 255, 7}, {2, 1, 130},  {4, 2, 128}, {100, 21, 0},
                                      {33, 2, 0},   {9, 1, 0},   {64, 150, 0}, {5, 255, 0}, {200, 4, 0}};
  for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
    for (int v = 0; v < 3; v++)
      check_columns(shapes[i][0], shapes[i][1], shapes[i][2], v ? CHK_PLAIN : CHK_EDGE);
}
