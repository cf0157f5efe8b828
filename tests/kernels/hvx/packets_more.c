/* SPDX-License-Identifier: MIT */
/*
 * packets_more.c - packets of kernels beside those of the networks' layers: 16 bits, and what moves or gathers values. See packets.h.
 */
#include "packets.h"

#include "kernels/conv/conv16_hvx.h"
#include "kernels/dwconv/dwconv16_hvx.h"
#include "kernels/gemm/fc16_hvx.h"
#include "kernels/gemm/matmul_hvx.h"
#include "kernels/hvx/runtime/runtime.h"
#include "kernels/pool/pool_hvx.h"
#include "kernels/reduce/reduce_hvx.h"
#include "kernels/resize/resize_hvx.h"
#include "kernels/softmax/softmax_hvx.h"
#include "kernels/unary/lookup_hvx.h"

#include <stdlib.h>

static const QfkFixed one = {1 << 20, 0}, wide = {1 << 20, 34};
static const QfkIntArgs encoding16 = {.x_type = QFK_U16,
                                      .w_type = QFK_S8,
                                      .y_type = QFK_U16,
                                      .x_zero = 3,
                                      .requant = {.fixed = &wide, .once = true, .wide = true, .hi = 65535}};

static void need(bool ok)
{
  if (!ok)
    abort();
}

Count count_conv16(const Layer *l)
{
  const QfkConvShape s = shape_of(l, 1);
  QfkConv16Hvx p;
  const void *w = memory((size_t)l->k * l->k * l->c * l->oc);
  need(qfk_conv16_hvx_init(&p, &s, &encoding16, w, l->rows));
  const size_t n = qfk_conv_hvx_channels(&p.c) * 4;
  int32_t *offsets = memory(qfk_conv_hvx_offsets(&p.c) * 4), *low = memory(n), *high = memory(n),
          *m = memory(n), *shift = memory(n);
  int8_t *weights = memory(qfk_conv_hvx_weights(&p.c));
  qfk_conv16_hvx_pack(&p, &encoding16, w, NULL, offsets, weights, low, high, m, shift);
  p.c.offsets = offsets;
  p.c.weights = weights;
  p.c.multiplier = m;
  p.c.shift = shift;
  p.first_low = low;
  p.first_high = high;
  const uint8_t *x = memory(2 * qfk_d4_bytes(s.c, s.h, s.w));
  uint8_t *y = memory(2 * qfk_d4_bytes(s.oc, s.oh, s.ow));
  void *scratch = memory(qfk_conv16_hvx_scratch(&p));
  const uint32_t from = qfk_rt_packets();
  qfk_conv_s16_hvx(&p, x, 0, y, scratch);
  return (Count){(uint64_t)l->rows * s.ow * s.oc * s.c * l->k * l->k, qfk_rt_packets() - from};
}

Count count_dw16(const Layer *l)
{
  const QfkConvShape s = shape_of(l, l->c);
  QfkDwconv16Hvx p;
  const void *w = memory((size_t)l->k * l->k * l->c);
  need(qfk_dwconv16_hvx_init(&p, &s, &encoding16, w, l->rows));
  const size_t n = qfk_dwconv_hvx_channels(&p.d) * 4;
  int32_t *offsets = memory(qfk_dwconv_hvx_offsets(&p.d) * 4), *low = memory(n), *high = memory(n),
          *m = memory(n), *shift = memory(n);
  int32_t *weights = memory(qfk_dwconv_hvx_weights(&p.d) * 4);
  qfk_dwconv16_hvx_pack(&p, &encoding16, w, offsets, weights, low, high, m, shift);
  p.d.offsets = offsets;
  p.d.weights = weights;
  p.d.multiplier = m;
  p.d.shift = shift;
  p.first_low = low;
  p.first_high = high;
  const uint8_t *x = memory(2 * qfk_d4_bytes(s.c, s.h, s.w));
  uint8_t *y = memory(2 * qfk_d4_bytes(s.c, s.oh, s.ow));
  void *scratch = memory(qfk_dwconv16_hvx_scratch(&p));
  const uint32_t from = qfk_rt_packets();
  qfk_dwconv_s16_hvx(&p, x, 0, y, scratch);
  return (Count){(uint64_t)l->rows * s.ow * s.c * l->k * l->k, qfk_rt_packets() - from};
}

Count count_fc16(const Layer *l)
{
  QfkFc16Hvx p;
  const void *w = memory((size_t)l->c * l->oc);
  need(qfk_fc16_hvx_init(&p, l->c, l->oc, &encoding16, w));
  const size_t n = qfk_fc_hvx_channels(&p.f) * 4;
  int32_t *high = memory(n), *low = memory(n), *m = memory(n), *shift = memory(n);
  uint8_t *weights = memory(qfk_fc_hvx_weights(&p.f));
  qfk_fc16_hvx_pack(&p, &encoding16, w, weights, high, low, m, shift);
  p.f.weights = weights;
  p.f.bias = high;
  p.first_low = low;
  p.f.multiplier = m;
  p.f.shift = shift;
  const uint16_t *x = memory((size_t)l->c * 2);
  uint16_t *y = memory((size_t)l->oc * 2);
  void *scratch = memory(qfk_fc16_hvx_scratch(&p));
  const uint32_t from = qfk_rt_packets();
  qfk_fc_s16_hvx(&p, x, y, scratch);
  return (Count){(uint64_t)l->c * l->oc, qfk_rt_packets() - from};
}

Count count_pool(const Layer *l)
{
  const QfkPoolShape s = {.n = 1,
                          .h = l->h,
                          .w = l->w,
                          .c = l->c,
                          .oh = (l->h - 1) / l->stride + 1,
                          .ow = (l->w - 1) / l->stride + 1,
                          .kh = l->k,
                          .kw = l->k,
                          .stride = {l->stride, l->stride},
                          .dilation = {1, 1},
                          .pad = {l->k / 2, l->k / 2, l->k / 2, l->k / 2}};
  const QfkPoolInt q = {.hi = 255};
  QfkPoolHvx p;
  need(qfk_pool_hvx_init(&p, &s, &q, true, l->rows));
  int32_t *offsets = memory((size_t)p.taps * 4);
  qfk_pool_hvx_pack(&p, &q, offsets, NULL);
  p.offsets = offsets;
  const uint8_t *x = memory(qfk_d4_bytes(s.c, s.h, s.w));
  uint8_t *y = memory(qfk_d4_bytes(s.c, s.oh, s.ow));
  void *scratch = memory(qfk_pool_hvx_scratch(&p));
  const uint32_t from = qfk_rt_packets();
  qfk_pool_u8_hvx(&p, x, 0, y, scratch);
  return (Count){(uint64_t)l->rows * s.ow * s.c, qfk_rt_packets() - from};
}

Count count_mean(const Layer *l)
{
  const QfkReduceInt q = {.requant = {.fixed = &one, .once = true, .hi = 255}};
  QfkReduceHvx p;
  need(qfk_reduce_hvx_init(&p, QFK_REDUCE_MEAN, &q, l->c / 4, l->h * l->w, 4));
  const uint8_t *x = memory(qfk_d4_bytes(l->c, l->h, l->w));
  uint8_t *y = memory((size_t)l->c);
  const uint32_t from = qfk_rt_packets();
  qfk_reduce_u8_hvx(&p, x, y, 0, p.units);
  return (Count){(uint64_t)l->c * l->h * l->w, qfk_rt_packets() - from};
}

Count count_softmax(const Layer *l)
{
  QfkSoftmaxInt *q = memory(sizeof(*q));
  QfkSoftmaxHvx p;
  *q = (QfkSoftmaxInt){.inverse = (int64_t)1 << 35};
  for (int32_t d = 0; d < 256; d++)
    q->e[d] = (1 << 23) >> (d / 8);
  need(qfk_softmax_hvx_init(&p, q, memory(768)));
  const uint8_t *x = memory((size_t)l->rows * l->c);
  uint8_t *y = memory((size_t)l->rows * l->c);
  void *scratch = memory((size_t)(l->c + 127) / 128 * 384);
  const uint32_t from = qfk_rt_packets();
  qfk_softmax_u8_hvx(&p, x, l->rows, l->c, y, scratch);
  return (Count){(uint64_t)l->rows * l->c, qfk_rt_packets() - from};
}

Count count_resize(const Layer *l)
{
  QfkResize r = {.rank = 4,
                 .in = {1, l->h, l->w, l->c},
                 .out = {1, l->oc, l->k, l->c},
                 .interpolation = QFK_RESIZE_LINEAR};
  const QfkResizeInt q = {.hi = 255, .m = {1 << 24, 0}};
  for (int d = 0; d < 4; d++)
    r.scale[d] = (float)r.out[d] / (float)r.in[d];
  QfkResizeHvx p;
  need(qfk_resize_hvx_init(&p, &r, &q, l->rows));
  const QfkResizeHvxSizes n = qfk_resize_hvx_sizes(&p);
  QfkResizeRow *row = memory(n.rows * sizeof(*row));
  int32_t *first = memory(n.firsts * 4), *weight = memory(n.weights * 4);
  QfkResizePiece *piece = memory(n.pieces * sizeof(*piece));
  uint8_t *network = memory(n.network);
  qfk_resize_hvx_pack(&p, &r, row, first, piece, network, weight);
  p.row = row;
  p.first = first;
  p.piece = piece;
  p.network = network;
  p.weight = weight;
  const uint8_t *x = memory(qfk_d4_bytes(l->c, l->h, l->w));
  uint8_t *y = memory(qfk_d4_bytes(l->c, l->oc, l->k));
  void *scratch = memory(qfk_resize_hvx_scratch(&p));
  const uint32_t from = qfk_rt_packets();
  qfk_resize_u8_hvx(&p, x, 0, y, scratch);
  return (Count){(uint64_t)l->rows * l->k * l->c, qfk_rt_packets() - from};
}

Count count_matmul(const Layer *l)
{
  const QfkGemmShape s = {.m = l->h,
                          .n = l->oc,
                          .k = l->c,
                          .a_row = l->c,
                          .a_col = 1,
                          .b_row = l->oc,
                          .b_col = 1,
                          .c_row = l->oc};
  const QfkIntArgs q = {.w_type = QFK_U8, .requant = {.fixed = &one, .once = true, .hi = 255}};
  QfkMatmulHvx p;
  need(qfk_matmul_hvx_init(&p, &s, &q));
  uint8_t *packed = memory(qfk_matmul_hvx_packed(&p)), *y = memory((size_t)l->h * l->oc);
  int32_t *columns = memory(qfk_matmul_hvx_columns(&p));
  void *scratch = memory(qfk_matmul_hvx_scratch(&p));
  const uint8_t *a = memory((size_t)l->h * l->c), *b = memory((size_t)l->c * l->oc);
  const uint32_t from = qfk_rt_packets();
  qfk_matmul_prepare_hvx(&p, b, packed, columns);
  qfk_matmul_u8_hvx(&p, a, packed, columns, 0, l->h, y, scratch);
  return (Count){(uint64_t)l->h * l->oc * l->c, qfk_rt_packets() - from};
}

Count count_lookup(const Layer *l)
{
  const size_t n = (size_t)l->h * l->w * l->c;
  const uint8_t *table = memory(256), *x = memory(n);
  uint8_t *y = memory(n);
  const uint32_t from = qfk_rt_packets();
  qfk_lookup_u8_hvx(table, x, y, n);
  return (Count){n, qfk_rt_packets() - from};
}
