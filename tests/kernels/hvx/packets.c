/* SPDX-License-Identifier: MIT */
/*
 * packets.c - how many packets layers take on Hexagon: packets KIND,H,W,C,OC,K,STRIDE,ROWS... prints "SPEC MACS PACKETS" for each.
 *
 * KIND: conv, dw, fc (C inputs, OC outputs), add (H * W * C values, MACS counts these), or one of packets.h. ROWS of output are run, from the top: the share of
 * one thread. Padding is K / 2. The counter is qemu-hexagon's, exact and the same each time; data do not matter to it.
 */
#include "packets.h"

#include "kernels/binary/binary_hvx.h"
#include "kernels/conv/conv_hvx.h"
#include "kernels/dwconv/dwconv_hvx.h"
#include "kernels/gemm/fc_hvx.h"
#include "kernels/hvx/runtime/runtime.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const QfkFixed one = {1 << 20, 0};
static const QfkIntArgs encoding = {.w_type = QFK_S8,
                                    .x_zero = 3,
                                    .requant = {.fixed = &one, .once = true, .hi = 255}};

void *memory(size_t size)
{
  void *p = NULL;
  if (posix_memalign(&p, 128, size + QFK_D4_SLACK))
    abort();
  return memset(p, 3, size);
}

QfkConvShape shape_of(const Layer *l, int32_t group)
{
  return (QfkConvShape){.n = 1,
                        .h = l->h,
                        .w = l->w,
                        .c = l->c,
                        .oh = (l->h - 1) / l->stride + 1,
                        .ow = (l->w - 1) / l->stride + 1,
                        .oc = l->oc,
                        .kh = l->k,
                        .kw = l->k,
                        .stride = {l->stride, l->stride},
                        .dilation = {1, 1},
                        .pad = {l->k / 2, l->k / 2},
                        .group = group};
}

static Count count_conv(const Layer *l)
{
  const QfkConvShape s = shape_of(l, 1);
  QfkConvHvx p;
  const void *w = memory((size_t)l->k * l->k * l->c * l->oc);
  if (!qfk_conv_hvx_init(&p, &s, &encoding, w, l->rows))
    abort();
  const size_t n = qfk_conv_hvx_channels(&p) * 4;
  int32_t *offsets = memory(qfk_conv_hvx_offsets(&p) * 4), *bias = memory(n), *m = memory(n),
          *shift = memory(n);
  int8_t *weights = memory(qfk_conv_hvx_weights(&p));
  qfk_conv_hvx_pack(&p, &encoding, w, NULL, offsets, weights, bias, m, shift);
  p.offsets = offsets;
  p.weights = weights;
  p.bias = bias;
  p.multiplier = m;
  p.shift = shift;
  const uint8_t *x = memory(qfk_d4_bytes(s.c, s.h, s.w));
  uint8_t *y = memory(qfk_d4_bytes(s.oc, s.oh, s.ow));
  void *scratch = memory(qfk_conv_hvx_scratch(&p));
  const uint32_t from = qfk_rt_packets();
  qfk_conv_s8_hvx(&p, x, 0, y, scratch);
  return (Count){(uint64_t)l->rows * s.ow * s.oc * s.c * l->k * l->k, qfk_rt_packets() - from};
}

static Count count_dw(const Layer *l)
{
  const QfkConvShape s = shape_of(l, l->c);
  QfkDwconvHvx p;
  const void *w = memory((size_t)l->k * l->k * l->c);
  if (!qfk_dwconv_hvx_init(&p, &s, &encoding, w, l->rows))
    abort();
  const size_t n = qfk_dwconv_hvx_channels(&p) * 4;
  int32_t *offsets = memory(qfk_dwconv_hvx_offsets(&p) * 4), *bias = memory(n), *m = memory(n),
          *shift = memory(n);
  int32_t *weights = memory(qfk_dwconv_hvx_weights(&p) * 4);
  qfk_dwconv_hvx_pack(&p, &encoding, w, offsets, weights, bias, m, shift);
  p.offsets = offsets;
  p.weights = weights;
  p.bias = bias;
  p.multiplier = m;
  p.shift = shift;
  const uint8_t *x = memory(qfk_d4_bytes(s.c, s.h, s.w));
  uint8_t *y = memory(qfk_d4_bytes(s.c, s.oh, s.ow));
  void *scratch = memory(qfk_dwconv_hvx_scratch(&p));
  const uint32_t from = qfk_rt_packets();
  qfk_dwconv_s8_hvx(&p, x, 0, y, scratch);
  return (Count){(uint64_t)l->rows * s.ow * s.c * l->k * l->k, qfk_rt_packets() - from};
}

static Count count_fc(const Layer *l)
{
  QfkFcHvx p;
  const void *w = memory((size_t)l->c * l->oc);
  if (!qfk_fc_hvx_init(&p, l->c, l->oc, &encoding, w))
    abort();
  const size_t n = qfk_fc_hvx_channels(&p) * 4;
  int32_t *bias = memory(n), *m = memory(n), *shift = memory(n);
  uint8_t *weights = memory(qfk_fc_hvx_weights(&p)), *y = memory((size_t)l->oc);
  qfk_fc_hvx_pack(&p, &encoding, w, weights, bias, m, shift);
  p.weights = weights;
  p.bias = bias;
  p.multiplier = m;
  p.shift = shift;
  const uint8_t *x = memory((size_t)l->c);
  void *scratch = memory(qfk_fc_hvx_scratch(&p));
  const uint32_t from = qfk_rt_packets();
  qfk_fc_s8_hvx(&p, x, y, scratch);
  return (Count){(uint64_t)l->c * l->oc, qfk_rt_packets() - from};
}

static Count count_add(const Layer *l)
{
  const size_t n = (size_t)l->rows * l->w * l->c;
  const QfkBinaryHvx p = {.op = QFK_BINARY_ADD, .a = 1 << 13, .b = 1 << 13, .shift = 14, .out = {.hi = 255}};
  const uint8_t *a = memory(n), *b = memory(n);
  uint8_t *y = memory(n);
  const uint32_t from = qfk_rt_packets();
  qfk_binary_u8_hvx(&p, a, b, y, n);
  return (Count){n, qfk_rt_packets() - from};
}

static const struct {
  const char *name;
  Count (*count)(const Layer *l);
} kinds[] = {{"conv", count_conv},       {"dw", count_dw},         {"fc", count_fc},
             {"add", count_add},         {"conv16", count_conv16}, {"dw16", count_dw16},
             {"fc16", count_fc16},       {"pool", count_pool},     {"mean", count_mean},
             {"softmax", count_softmax}, {"resize", count_resize}, {"matmul", count_matmul},
             {"lookup", count_lookup}};

static bool is_kind(const char *spec, const char *name)
{
  const size_t n = strlen(name);
  return !memcmp(spec, name, n) && spec[n] == ',';
}

int main(int argc, char **argv)
{
  for (int i = 1; i < argc; i++) {
    Layer l;
    int32_t *const fields[] = {&l.h, &l.w, &l.c, &l.oc, &l.k, &l.stride, &l.rows};
    const char *at = argv[i];
    for (size_t f = 0; f < sizeof(fields) / sizeof(fields[0]); f++) {
      while (*at && *at++ != ',')
        ;
      *fields[f] = atoi(at);
    }
    for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
      if (is_kind(argv[i], kinds[k].name)) {
        const Count c = kinds[k].count(&l);
        printf("%s %llu %u\n", argv[i], (unsigned long long)c.macs, (unsigned)c.packets);
      }
  }
  return 0;
}
