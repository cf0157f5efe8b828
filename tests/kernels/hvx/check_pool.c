/* SPDX-License-Identifier: MIT */
/*
 * check_pool.c - pooling for HVX against the reference, whole and in tiles of rows.
 */
#include "hvx_check.h"
#include "kernels/pool/pool16_hvx.h"
#include "kernels/pool/pool_hvx.h"

typedef struct {
  int32_t h, w, c, k, stride, pad, count_pad, rows; /* rows of a tile, 0: all */
} Case;

static const Case cases[] = {{8, 8, 8, 2, 2, 0, 0, 0},   {14, 14, 8, 3, 2, 1, 0, 3},
                             {7, 7, 20, 7, 1, 0, 0, 0},  {9, 40, 4, 3, 1, 1, 0, 4},
                             {9, 11, 5, 3, 1, 1, 1, 0},  {12, 12, 8, 3, 3, 0, 0, 0},
                             {16, 16, 3, 5, 2, 2, 0, 5}, {15, 15, 4, 15, 1, 0, 0, 0},
                             {20, 100, 4, 2, 2, 0, 0, 7}};

static QfkPoolShape shape_of(const Case *c)
{
  return (QfkPoolShape){.n = 1,
                        .h = c->h,
                        .w = c->w,
                        .c = c->c,
                        .oh = (c->h + 2 * c->pad - c->k) / c->stride + 1,
                        .ow = (c->w + 2 * c->pad - c->k) / c->stride + 1,
                        .kh = c->k,
                        .kw = c->k,
                        .stride = {c->stride, c->stride},
                        .dilation = {1, 1},
                        .pad = {c->pad, c->pad, c->pad, c->pad},
                        .count_pad = c->count_pad};
}

static void check(const Case *c, bool max, QfkInt type, ChkFill fill)
{
  const QfkPoolShape s = shape_of(c);
  const int32_t in = s.h * s.w, out = s.oh * s.ow, least = type == QFK_S8 ? -128 : 0;
  uint8_t *x = chk_alloc((size_t)in * s.c), *want = chk_alloc((size_t)out * s.c);
  uint8_t *y = chk_alloc(qfk_d4_bytes(s.c, s.oh, s.ow));
  QfkFixed *fixed = chk_alloc_aligned(((size_t)c->k * c->k + 1) * sizeof(*fixed));
  const int32_t scale = chk_range(1 << 29, 1 << 30);
  for (int32_t d = 1; d <= c->k * c->k; d++)
    fixed[d] = (QfkFixed){scale / d, 0};
  chk_fill_bytes(x, (size_t)in * s.c, fill);
  const QfkPoolInt q = {.type = type,
                        .y_type = max || chk_random() % 2 ? type : (QfkInt)!type,
                        .x_zero = least + chk_range(0, 255),
                        .y_zero = chk_range(0, 127),
                        .lo = chk_range(0, 20),
                        .hi = chk_range(100, 127),
                        .fixed = fixed};
  QfkPoolHvx p;
  bool ok = qfk_pool_hvx_init(&p, &s, &q, max, c->rows ? c->rows : s.oh);
  if (ok) {
    int32_t *offsets = chk_alloc_aligned((size_t)p.taps * 4);
    int32_t *multiplier = chk_alloc_aligned(qfk_pool_hvx_multipliers(&p) * 4);
    qfk_pool_hvx_pack(&p, &q, offsets, multiplier);
    p.offsets = offsets;
    p.multiplier = multiplier;
    const uint8_t *planes = chk_d4_make(x, s.c, in);
    void *scratch = chk_alloc_aligned(qfk_pool_hvx_scratch(&p));
    for (int32_t row = 0; row < s.oh; row += p.rows)
      qfk_pool_u8_hvx(&p, planes, row, y, scratch);
    (max ? qfk_pool_max_int_ref : qfk_pool_avg_int_ref)(&s, &q, x, want);
    ok = chk_d4_same(y, want, s.c, out);
  }
  ok &= chk_free_all();
  chk_result(ok, "pool_u8_hvx", "%s %dx%dx%d, %dx%d stride %d%s%s", max ? "max" : "average", (int)c->h,
             (int)c->w, (int)c->c, (int)c->k, (int)c->k, (int)c->stride, type == QFK_S8 ? " s8" : "",
             fill ? " edge" : "");
}

static void check16(const Case *c, bool max, QfkInt type, ChkFill fill)
{
  const QfkPoolShape s = shape_of(c);
  const int32_t in = s.h * s.w, out = s.oh * s.ow, least = type == QFK_S16 ? -32768 : 0;
  uint16_t *x = (uint16_t *)chk_alloc_aligned((size_t)in * s.c * 2);
  uint16_t *want = (uint16_t *)chk_alloc_aligned((size_t)out * s.c * 2);
  uint8_t *y = chk_alloc(2 * qfk_d4_bytes(s.c, s.oh, s.ow));
  QfkFixed *fixed = chk_alloc_aligned(((size_t)c->k * c->k + 1) * sizeof(*fixed));
  const int32_t scale = chk_range(1 << 21, 1 << 22);
  for (int32_t d = 1; d <= c->k * c->k; d++)
    for (fixed[d] = (QfkFixed){scale / d, 21}; fixed[d].multiplier < 1 << 21; fixed[d].shift++)
      fixed[d].multiplier *= 2;
  chk_fill_bytes(x, (size_t)in * s.c * 2, fill);
  const QfkPoolInt q = {.type = type,
                        .y_type = max || chk_random() % 2 ? type : (QfkInt)(QFK_U16 + QFK_S16 - type),
                        .x_zero = least + chk_range(0, 65535),
                        .y_zero = chk_range(0, 32767),
                        .lo = chk_range(0, 2000),
                        .hi = chk_range(20000, 32767),
                        .fixed = fixed};
  QfkPool16Hvx p;
  bool ok = qfk_pool16_hvx_init(&p, &s, &q, max, c->rows ? c->rows : s.oh);
  if (ok) {
    const size_t n = qfk_pool_hvx_multipliers(&p.p) * 4;
    int32_t *offsets = chk_alloc_aligned((size_t)p.p.taps * 4);
    int32_t *multiplier = chk_alloc_aligned(n), *shift = chk_alloc_aligned(n);
    qfk_pool16_hvx_pack(&p, &q, offsets, multiplier, shift);
    p.p.offsets = offsets;
    p.p.multiplier = multiplier;
    p.shift = shift;
    const uint8_t *planes = chk_d4_make16(x, s.c, in);
    void *scratch = chk_alloc_aligned(qfk_pool16_hvx_scratch(&p));
    for (int32_t row = 0; row < s.oh; row += p.p.rows)
      qfk_pool_u16_hvx(&p, planes, row, y, scratch);
    (max ? qfk_pool_max_int_ref : qfk_pool_avg_int_ref)(&s, &q, x, want);
    ok = chk_d4_same16(y, want, s.c, out);
  }
  ok &= chk_free_all();
  chk_result(ok, "pool_u16_hvx", "%s %dx%dx%d, %dx%d stride %d%s%s", max ? "max" : "average", (int)c->h,
             (int)c->w, (int)c->c, (int)c->k, (int)c->k, (int)c->stride, type == QFK_S16 ? " s16" : "",
             fill ? " edge" : "");
}

void chk_hvx_pool(void)
{
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
    for (int v = 0; v < 4; v++)
      check16(&cases[i], v % 2, v / 2 ? QFK_S16 : QFK_U16, v % 3 ? CHK_PLAIN : CHK_EDGE);
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
    for (int v = 0; v < 4; v++)
      check(&cases[i], v % 2, v / 2 ? QFK_S8 : QFK_U8, v % 3 ? CHK_PLAIN : CHK_EDGE);
}
