/* SPDX-License-Identifier: MIT */
/*
 * check_conv.c - convolutions for HVX against the reference: shapes by hand and by chance, whole and in tiles of rows.
 */
#include "hvx_check.h"
#include "kernels/conv/conv16_hvx.h"
#include "kernels/conv/conv_hvx.h"

#include <stdio.h>
#include <string.h>

/* Output sizes follow: as many as the padding, the same on all sides, allows. */
typedef struct {
  int32_t h, w, c, oc, kh, kw, stride, dilation, pad, group, rows; /* rows of a tile; 0: all */
} Case;

static const Case cases[] = {
    {8, 8, 16, 8, 1, 1, 1, 1, 0, 1, 0},    {9, 13, 32, 24, 1, 1, 1, 1, 0, 1, 4},
    {7, 7, 64, 20, 1, 1, 1, 1, 0, 1, 0},   {5, 3, 5, 3, 1, 1, 1, 1, 0, 1, 0},
    {14, 14, 16, 16, 3, 3, 1, 1, 1, 1, 5}, {1, 1, 40, 10, 1, 1, 1, 1, 0, 1, 0},
    {16, 16, 3, 16, 3, 3, 2, 1, 1, 1, 0},  {15, 17, 8, 8, 3, 3, 2, 1, 1, 1, 3},
    {12, 12, 8, 12, 1, 1, 2, 1, 0, 1, 0},  {13, 13, 4, 8, 5, 5, 1, 1, 2, 1, 6},
    {20, 20, 3, 8, 7, 7, 2, 1, 3, 1, 0},   {10, 10, 8, 8, 3, 3, 1, 2, 2, 1, 0},
    {12, 11, 16, 32, 3, 3, 1, 1, 1, 4, 0}, {9, 9, 8, 8, 3, 3, 3, 1, 1, 2, 2},
    {6, 70, 8, 4, 1, 3, 1, 1, 0, 1, 0},    {70, 2, 4, 8, 3, 1, 1, 1, 0, 1, 9},
    {11, 11, 8, 8, 3, 3, 2, 2, 2, 1, 0},   {4, 4, 256, 8, 3, 3, 1, 1, 1, 1, 0},
};

static QfkConvShape shape_of(const Case *c)
{
  const int32_t reach_y = (c->kh - 1) * c->dilation + 1, reach_x = (c->kw - 1) * c->dilation + 1;
  return (QfkConvShape){.n = 1,
                        .h = c->h,
                        .w = c->w,
                        .c = c->c,
                        .oh = (c->h + 2 * c->pad - reach_y) / c->stride + 1,
                        .ow = (c->w + 2 * c->pad - reach_x) / c->stride + 1,
                        .oc = c->oc,
                        .kh = c->kh,
                        .kw = c->kw,
                        .stride = {c->stride, c->stride},
                        .dilation = {c->dilation, c->dilation},
                        .pad = {c->pad, c->pad},
                        .group = c->group};
}

static void run(const QfkConvHvx *p, const uint8_t *x, uint8_t *y)
{
  void *scratch = chk_alloc_aligned(qfk_conv_hvx_scratch(p));
  for (int32_t row = 0; row < p->s.oh; row += p->rows)
    qfk_conv_s8_hvx(p, x, row, y, scratch);
}

/* Constants on the heap of the check. */
static void pack(QfkConvHvx *p, const QfkIntArgs *q, const void *w)
{
  const size_t n = qfk_conv_hvx_channels(p) * 4;
  int32_t *offsets = chk_alloc_aligned(qfk_conv_hvx_offsets(p) * 4), *bias = chk_alloc_aligned(n);
  int32_t *multiplier = chk_alloc_aligned(n), *shift = chk_alloc_aligned(n);
  int8_t *weights = chk_alloc_aligned(qfk_conv_hvx_weights(p));
  int32_t *rests = chk_alloc_aligned((size_t)p->rests * 4 + 4);
  qfk_conv_hvx_rests(p, q, w, rests);
  qfk_conv_hvx_pack(p, q, w, rests, offsets, weights, bias, multiplier, shift);
  p->offsets = offsets;
  p->weights = weights;
  p->bias = bias;
  p->multiplier = multiplier;
  p->shift = shift;
}

static void check(const Case *c, QfkInt type, ChkFill fill, int exponent)
{
  const QfkConvShape s = shape_of(c);
  const int32_t in = s.h * s.w, out = s.oh * s.ow, n_w = s.kh * s.kw * s.c / s.group * s.oc;
  uint8_t *x = chk_alloc((size_t)in * s.c), *w = chk_alloc((size_t)n_w);
  uint8_t *want = chk_alloc((size_t)out * s.oc), *y = chk_alloc(qfk_d4_bytes(s.oc, s.oh, s.ow));
  int32_t *bias = chk_alloc_aligned((size_t)s.oc * 4), *zero = chk_alloc_aligned((size_t)s.oc * 4);
  chk_fill_bytes(x, (size_t)in * s.c, fill);
  chk_fill_bytes(w, (size_t)n_w, fill);
  const bool unsigned_weights = fill == CHK_PLAIN && chk_random() % 4 == 0;
  for (int32_t i = 0; i < s.oc; i++) {
    bias[i] = chk_range(-100000, 100000);
    zero[i] = chk_random() % 4 ? chk_range(100, 156) : 255 * chk_range(0, 1);
  }
  QfkIntArgs q = {.x_type = type,
                  .w_type = unsigned_weights ? QFK_U8 : QFK_S8,
                  .y_type = chk_random() % 4 ? type : (QfkInt)!type,
                  .x_zero = type == QFK_S8 ? chk_range(-128, 127) : chk_range(0, 255),
                  .w_zero = unsigned_weights ? zero : NULL,
                  .bias = bias};
  q.requant = chk_requant(q.y_type, chk_multipliers(s.oc, exponent), true);
  QfkConvHvx p;
  bool ok = qfk_conv_hvx_init(&p, &s, &q, w, c->rows ? c->rows : s.oh);
  if (ok) {
    pack(&p, &q, w);
    run(&p, chk_d4_make(x, s.c, in), y);
    qfk_conv2d_int_ref(&s, &q, x, w, want);
    ok = chk_d4_same(y, want, s.oc, out);
  }
  ok &= chk_free_all();
  chk_result(ok, "conv_s8_hvx", "%dx%dx%d to %d, %dx%d stride %d dilation %d group %d%s%s", (int)c->h,
             (int)c->w, (int)c->c, (int)c->oc, (int)c->kh, (int)c->kw, (int)c->stride, (int)c->dilation,
             (int)c->group, type == QFK_S8 ? " s8" : "", fill ? " edge" : "");
}

/* 16-bit data. */
static void check16(const Case *c, QfkInt type, ChkFill fill, int exponent)
{
  const QfkConvShape s = shape_of(c);
  const int32_t in = s.h * s.w, out = s.oh * s.ow, n_w = s.kh * s.kw * s.c / s.group * s.oc;
  uint16_t *x = (uint16_t *)chk_alloc_aligned((size_t)in * s.c * 2);
  uint16_t *want = (uint16_t *)chk_alloc_aligned((size_t)out * s.oc * 2);
  uint8_t *w = chk_alloc((size_t)n_w), *y = chk_alloc(2 * qfk_d4_bytes(s.oc, s.oh, s.ow));
  int32_t *bias = chk_alloc_aligned((size_t)s.oc * 4);
  chk_fill_bytes(x, (size_t)in * s.c * 2, fill);
  chk_fill_bytes(w, (size_t)n_w, fill);
  for (int32_t i = 0; i < s.oc; i++)
    bias[i] = (int32_t)chk_random();
  QfkIntArgs q = {.x_type = type,
                  .w_type = QFK_S8,
                  .y_type = chk_random() % 4 ? type : (QfkInt)(QFK_U16 + QFK_S16 - type),
                  .x_zero = (type == QFK_S16 ? -32768 : 0) + chk_range(0, 65535),
                  .bias = bias};
  q.requant = chk_requant16(q.y_type, s.oc, exponent);
  QfkConv16Hvx p;
  bool ok = qfk_conv16_hvx_init(&p, &s, &q, w, c->rows ? c->rows : s.oh);
  if (ok) {
    const size_t n = qfk_conv_hvx_channels(&p.c) * 4;
    int32_t *offsets = chk_alloc_aligned(qfk_conv_hvx_offsets(&p.c) * 4), *low = chk_alloc_aligned(n);
    int32_t *high = chk_alloc_aligned(n), *multiplier = chk_alloc_aligned(n), *shift = chk_alloc_aligned(n);
    int8_t *weights = chk_alloc_aligned(qfk_conv_hvx_weights(&p.c));
    int32_t *rests = chk_alloc_aligned((size_t)p.c.rests * 4 + 4);
    qfk_conv_hvx_rests(&p.c, &q, w, rests);
    qfk_conv16_hvx_pack(&p, &q, w, rests, offsets, weights, low, high, multiplier, shift);
    p.c.offsets = offsets;
    p.c.weights = weights;
    p.c.multiplier = multiplier;
    p.c.shift = shift;
    p.first_low = low;
    p.first_high = high;
    const uint8_t *planes = chk_d4_make16(x, s.c, in);
    void *scratch = chk_alloc_aligned(qfk_conv16_hvx_scratch(&p));
    for (int32_t row = 0; row < s.oh; row += p.c.rows)
      qfk_conv_s16_hvx(&p, planes, row, y, scratch);
    qfk_conv2d_int_ref(&s, &q, x, w, want);
    ok = chk_d4_same16(y, want, s.oc, out);
  }
  ok &= chk_free_all();
  chk_result(ok, "conv_s16_hvx", "%dx%dx%d to %d, %dx%d stride %d group %d, 2^%d%s%s", (int)c->h, (int)c->w,
             (int)c->c, (int)c->oc, (int)c->kh, (int)c->kw, (int)c->stride, (int)c->group, exponent,
             type == QFK_S16 ? " s16" : "", fill ? " edge" : "");
}

static Case any(void)
{
  const int32_t group = chk_random() % 4 ? 1 : 2;
  Case c = {.h = chk_range(1, 20),
            .w = chk_range(1, 40),
            .c = group > 1 ? 8 * chk_range(1, 2) : chk_range(1, 20),
            .oc = group > 1 ? 8 * chk_range(1, 2) : chk_range(1, 20),
            .kh = chk_range(1, 4),
            .kw = chk_range(1, 4),
            .stride = chk_range(1, 3),
            .dilation = chk_range(1, 2),
            .pad = chk_range(0, 2),
            .group = group,
            .rows = chk_range(0, 3)};
  const int32_t reach = 3 * c.dilation + 1;
  c.h = c.h < reach ? reach : c.h;
  c.w = c.w < reach ? reach : c.w;
  return c;
}

void chk_hvx_conv(void)
{
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    check(&cases[i], QFK_U8, CHK_PLAIN, -8);
    check(&cases[i], QFK_S8, CHK_EDGE, -10);
  }
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    check16(&cases[i], QFK_U16, CHK_PLAIN, -14);
    check16(&cases[i], QFK_S16, CHK_EDGE, -18);
  }
  for (int i = 0; i < 30; i++) {
    const Case c = any();
    check16(&c, i % 2 ? QFK_S16 : QFK_U16, i % 3 ? CHK_PLAIN : CHK_EDGE, chk_range(-30, 3));
  }
  check(&cases[1], QFK_U8, CHK_PLAIN, 2); /* multipliers beyond 1 */
  check(&cases[4], QFK_S8, CHK_EDGE, 20);
  for (int i = 0; i < 60; i++) {
    const Case c = any();
    check(&c, i % 2 ? QFK_S8 : QFK_U8, i % 3 ? CHK_PLAIN : CHK_EDGE, chk_range(-12, -4));
  }
}
