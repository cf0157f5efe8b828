/* SPDX-License-Identifier: MIT */
/*
 * check_dwconv.c - depthwise convolutions for HVX against the reference, whole and in tiles of rows.
 */
#include "hvx_check.h"
#include "kernels/dwconv/dwconv16_hvx.h"
#include "kernels/dwconv/dwconv_hvx.h"

typedef struct {
  int32_t h, w, c, kh, kw, stride, dilation, pad, rows; /* dilation of rows; rows of a tile, 0: all */
} Case;

static const Case cases[] = {
    {8, 8, 8, 3, 3, 1, 1, 1, 0},   {14, 14, 16, 3, 3, 1, 1, 1, 5}, {7, 7, 12, 3, 3, 1, 1, 1, 0},
    {16, 16, 8, 3, 3, 2, 1, 1, 0}, {15, 17, 5, 3, 3, 2, 1, 1, 3},  {12, 12, 8, 5, 5, 1, 1, 2, 0},
    {13, 11, 4, 5, 5, 2, 1, 2, 4}, {20, 150, 4, 3, 3, 1, 1, 1, 7}, {9, 260, 4, 3, 3, 2, 1, 0, 0},
    {30, 5, 8, 3, 1, 1, 1, 0, 0},  {5, 30, 8, 1, 3, 1, 1, 0, 0},   {20, 20, 4, 7, 7, 1, 1, 3, 0},
    {16, 9, 8, 3, 3, 1, 2, 1, 4},  {12, 12, 3, 1, 1, 2, 1, 0, 0},  {10, 10, 4, 2, 4, 2, 1, 1, 0},
};

static void pack(QfkDwconvHvx *p, const QfkIntArgs *q, const void *w)
{
  const size_t n = qfk_dwconv_hvx_channels(p) * 4;
  int32_t *offsets = chk_alloc_aligned(qfk_dwconv_hvx_offsets(p) * 4), *bias = chk_alloc_aligned(n);
  int32_t *multiplier = chk_alloc_aligned(n), *shift = chk_alloc_aligned(n);
  int32_t *weights = chk_alloc_aligned(qfk_dwconv_hvx_weights(p) * 4);
  qfk_dwconv_hvx_pack(p, q, w, offsets, weights, bias, multiplier, shift);
  p->offsets = offsets;
  p->weights = weights;
  p->bias = bias;
  p->multiplier = multiplier;
  p->shift = shift;
}

static QfkConvShape shape_of(const Case *c)
{
  return (QfkConvShape){.n = 1,
                        .h = c->h,
                        .w = c->w,
                        .c = c->c,
                        .oh = (c->h + 2 * c->pad - (c->kh - 1) * c->dilation - 1) / c->stride + 1,
                        .ow = (c->w + 2 * c->pad - c->kw) / c->stride + 1,
                        .oc = c->c,
                        .kh = c->kh,
                        .kw = c->kw,
                        .stride = {c->stride, c->stride},
                        .dilation = {c->dilation, 1},
                        .pad = {c->pad, c->pad},
                        .group = c->c};
}

static void check(const Case *c, QfkInt type, ChkFill fill, int exponent)
{
  const QfkConvShape s = shape_of(c);
  const int32_t in = s.h * s.w, out = s.oh * s.ow, n_w = s.kh * s.kw * s.c;
  uint8_t *x = chk_alloc((size_t)in * s.c), *w = chk_alloc((size_t)n_w);
  uint8_t *want = chk_alloc((size_t)out * s.oc), *y = chk_alloc(qfk_d4_bytes(s.oc, s.oh, s.ow));
  int32_t *bias = chk_alloc_aligned((size_t)s.oc * 4), *zero = chk_alloc_aligned((size_t)s.oc * 4);
  const bool unsigned_weights = chk_random() % 2;
  chk_fill_bytes(x, (size_t)in * s.c, fill);
  chk_fill_bytes(w, (size_t)n_w, fill);
  for (int32_t i = 0; i < s.oc; i++) {
    bias[i] = chk_range(-10000, 10000);
    zero[i] = chk_random() % 4 ? chk_range(100, 156) : 255 * chk_range(0, 1);
  }
  QfkIntArgs q = {.x_type = type,
                  .w_type = unsigned_weights ? QFK_U8 : QFK_S8,
                  .w_zero = unsigned_weights ? zero : NULL,
                  .y_type = chk_random() % 4 ? type : (QfkInt)!type,
                  .x_zero = type == QFK_S8 ? chk_range(-128, 127) : chk_range(0, 255),
                  .bias = bias};
  q.requant = chk_requant(q.y_type, chk_multipliers(s.oc, exponent), true);
  if (chk_random() % 2) /* none, as uint8 has it */
    q.requant.zero_point = q.y_type == QFK_S8 ? -128 : 0;
  QfkDwconvHvx p;
  bool ok = qfk_dwconv_hvx_init(&p, &s, &q, w, c->rows ? c->rows : s.oh);
  if (ok) {
    pack(&p, &q, w);
    const uint8_t *planes = chk_d4_make(x, s.c, in);
    void *scratch = chk_alloc_aligned(qfk_dwconv_hvx_scratch(&p));
    for (int32_t row = 0; row < s.oh; row += p.rows)
      qfk_dwconv_s8_hvx(&p, planes, row, y, scratch);
    qfk_dwconv_int_ref(&s, &q, x, w, want);
    ok = chk_d4_same(y, want, s.oc, out);
  }
  ok &= chk_free_all();
  chk_result(ok, "dwconv_s8_hvx", "%dx%dx%d, %dx%d stride %d%s%s", (int)c->h, (int)c->w, (int)c->c,
             (int)c->kh, (int)c->kw, (int)c->stride, type == QFK_S8 ? " s8" : "", fill ? " edge" : "");
}

static void check16(const Case *c, QfkInt type, ChkFill fill, int exponent)
{
  const QfkConvShape s = shape_of(c);
  const int32_t in = s.h * s.w, out = s.oh * s.ow, n_w = s.kh * s.kw * s.c;
  uint16_t *x = (uint16_t *)chk_alloc_aligned((size_t)in * s.c * 2);
  uint16_t *want = (uint16_t *)chk_alloc_aligned((size_t)out * s.oc * 2);
  uint8_t *w = chk_alloc((size_t)n_w), *y = chk_alloc(2 * qfk_d4_bytes(s.oc, s.oh, s.ow));
  int32_t *bias = chk_alloc_aligned((size_t)s.oc * 4);
  chk_fill_bytes(x, (size_t)in * s.c * 2, fill);
  chk_fill_bytes(w, (size_t)n_w, fill);
  for (int32_t i = 0; i < s.oc; i++)
    bias[i] = chk_range(-1000000, 1000000);
  QfkIntArgs q = {.x_type = type,
                  .w_type = QFK_S8,
                  .y_type = type,
                  .x_zero = (type == QFK_S16 ? -32768 : 0) + chk_range(0, 65535),
                  .bias = bias};
  q.requant = chk_requant16(q.y_type, s.oc, exponent);
  QfkDwconv16Hvx p;
  bool ok = qfk_dwconv16_hvx_init(&p, &s, &q, w, c->rows ? c->rows : s.oh);
  if (ok) {
    const size_t n = qfk_dwconv_hvx_channels(&p.d) * 4;
    int32_t *offsets = chk_alloc_aligned(qfk_dwconv_hvx_offsets(&p.d) * 4), *low = chk_alloc_aligned(n);
    int32_t *high = chk_alloc_aligned(n), *multiplier = chk_alloc_aligned(n), *shift = chk_alloc_aligned(n);
    int32_t *weights = chk_alloc_aligned(qfk_dwconv_hvx_weights(&p.d) * 4);
    qfk_dwconv16_hvx_pack(&p, &q, w, offsets, weights, low, high, multiplier, shift);
    p.d.offsets = offsets;
    p.d.weights = weights;
    p.d.multiplier = multiplier;
    p.d.shift = shift;
    p.first_low = low;
    p.first_high = high;
    const uint8_t *planes = chk_d4_make16(x, s.c, in);
    void *scratch = chk_alloc_aligned(qfk_dwconv16_hvx_scratch(&p));
    for (int32_t row = 0; row < s.oh; row += p.d.rows)
      qfk_dwconv_s16_hvx(&p, planes, row, y, scratch);
    qfk_dwconv_int_ref(&s, &q, x, w, want);
    ok = chk_d4_same16(y, want, s.oc, out);
  }
  ok &= chk_free_all();
  chk_result(ok, "dwconv_s16_hvx", "%dx%dx%d, %dx%d stride %d%s%s", (int)c->h, (int)c->w, (int)c->c,
             (int)c->kh, (int)c->kw, (int)c->stride, type == QFK_S16 ? " s16" : "", fill ? " edge" : "");
}

void chk_hvx_dwconv(void)
{
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    check16(&cases[i], QFK_U16, CHK_PLAIN, -10);
    check16(&cases[i], QFK_S16, CHK_EDGE, chk_range(-16, -4));
  }
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    check(&cases[i], QFK_U8, CHK_PLAIN, -6);
    check(&cases[i], QFK_S8, CHK_EDGE, -8);
  }
  check(&cases[0], QFK_U8, CHK_PLAIN, 2); /* multipliers beyond 1 */
  for (int i = 0; i < 30; i++) {
    const int32_t kw = chk_range(1, 6);
    const Case c = {.h = chk_range(6, 20),
                    .w = chk_range(6, 70),
                    .c = chk_range(1, 9),
                    .kh = chk_range(1, 4),
                    .kw = kw,
                    .stride = chk_range(1, 2),
                    .dilation = 1,
                    .pad = chk_range(0, 2),
                    .rows = chk_range(0, 4)};
    check(&c, i % 2 ? QFK_S8 : QFK_U8, i % 3 ? CHK_PLAIN : CHK_EDGE, chk_range(-9, -3));
  }
}
