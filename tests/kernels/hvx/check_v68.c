/* SPDX-License-Identifier: MIT */
/*
 * check_v68.c - float kernels for HVX v68 on the host, over what their intrinsics mean in float, against the float references on the same
 * half numbers: prints TAP. Errors are measured against the larger of the result and of 1; nothing here runs on Hexagon.
 */
#include "../check.h"
#include "kernels/binary/binary_hvx_v68.h"
#include "kernels/conv/conv.h"
#include "kernels/conv/conv_hvx_v68.h"
#include "kernels/hvx/hvx_v68.h"
#include "kernels/pool/pool_hvx_v68.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#define TOLERANCE 0x1p-10f

static unsigned n_tests, n_failed;

void chk_result(bool ok, const char *kernel, const char *format, ...)
{
  va_list args;
  printf("%s %u - %s ", ok ? "ok" : "not ok", ++n_tests, kernel);
  va_start(args, format);
  vprintf(format, args);
  va_end(args);
  putchar('\n');
  n_failed += !ok;
}

/* Halves, and the same numbers as floats. */
static uint16_t *numbers(size_t n, float *f)
{
  uint16_t *h = (uint16_t *)chk_alloc_aligned(2 * n + 256);
  for (size_t i = 0; i < n; i++) {
    h[i] = qfk_half_from_float(chk_float());
    f[i] = qfk_hvx_half(h[i]);
  }
  return h;
}

static float *floats(size_t n)
{
  return (float *)chk_alloc_aligned(4 * n + 4);
}

/* @y in planes of one channel, @want by pixels. */
static bool same(const uint16_t *y, const float *want, int32_t pixels, int32_t channels, float tolerance)
{
  for (int32_t p = 0; p < pixels; p++)
    for (int32_t c = 0; c < channels; c++) {
      const float a = qfk_hvx_half(y[c * pixels + p]), b = want[p * channels + c];
      if (!(fabsf(a - b) <= tolerance * fmaxf(1, fabsf(b)))) {
        printf("# pixel %d, channel %d: %g instead of %g\n", (int)p, (int)c, a, b);
        return false;
      }
    }
  return true;
}

/* Pixels of all channels from planes. */
static float *by_pixels(const float *planes, int32_t pixels, int32_t channels)
{
  float *x = floats((size_t)pixels * channels);
  for (int32_t p = 0; p < pixels; p++)
    for (int32_t c = 0; c < channels; c++)
      x[p * channels + c] = planes[c * pixels + p];
  return x;
}

static void check_conv(int32_t size, int32_t c, int32_t oc, int32_t k, int32_t stride, int32_t dilation,
                       int32_t group)
{
  const int32_t out = (size - 1) / stride + 1, cg = c / group, taps = k * k;
  const QfkConvShape s = {.n = 1,
                          .h = size,
                          .w = size,
                          .c = c,
                          .oh = out,
                          .ow = out,
                          .oc = oc,
                          .kh = k,
                          .kw = k,
                          .stride = {stride, stride},
                          .dilation = {dilation, dilation},
                          .pad = {k / 2 * dilation, k / 2 * dilation},
                          .group = group};
  float *xf = floats((size_t)size * size * c), *wf = floats((size_t)oc * cg * taps),
        *bias = floats((size_t)oc);
  float *hwio = floats((size_t)oc * cg * taps), *want = floats((size_t)out * out * oc);
  const uint16_t *x = numbers((size_t)size * size * c, xf), *w = numbers((size_t)oc * cg * taps, wf);
  uint16_t *y = (uint16_t *)(void *)chk_alloc((size_t)out * out * oc * 2);
  for (int32_t o = 0; o < oc; o++) {
    bias[o] = chk_float();
    for (int32_t i = 0; i < cg * taps; i++) /* [oc][ic][tap] to [tap][ic][oc] */
      hwio[(i % taps * cg + i / taps) * oc + o] = wf[o * cg * taps + i];
  }
  const QfkEpilogue clamp = {.act = QFK_ACT_CLAMP, .lo = -4, .hi = 5};
  const QfkConvHvxV68 p = {s, qfk_half_from_float(clamp.lo), qfk_half_from_float(clamp.hi), w, bias};
  qfk_conv_f16_hvx_v68(&p, x, y, chk_alloc_aligned(qfk_conv_hvx_v68_scratch(&p)));
  qfk_conv2d_f32_ref(&s, by_pixels(xf, size * size, c), hwio, bias, NULL, &clamp, want);
  bool ok = same(y, want, out * out, oc, TOLERANCE);
  ok &= chk_free_all();
  chk_result(ok, "conv_f16_hvx_v68", "%dx%dx%d to %d, %dx%d stride %d dilation %d group %d", (int)size,
             (int)size, (int)c, (int)oc, (int)k, (int)k, (int)stride, (int)dilation, (int)group);
}

static void check_pool(bool max, int32_t size, int32_t c, int32_t k, int32_t stride, int32_t pad,
                       int32_t count_pad)
{
  const int32_t out = (size + 2 * pad - k) / stride + 1;
  const QfkPoolShape s = {.n = 1,
                          .h = size,
                          .w = size,
                          .c = c,
                          .oh = out,
                          .ow = out,
                          .kh = k,
                          .kw = k,
                          .stride = {stride, stride},
                          .dilation = {1, 1},
                          .pad = {pad, pad, pad, pad},
                          .count_pad = count_pad};
  float *xf = floats((size_t)size * size * c), *want = floats((size_t)out * out * c);
  const uint16_t *x = numbers((size_t)size * size * c, xf);
  uint16_t *y = (uint16_t *)(void *)chk_alloc((size_t)out * out * c * 2);
  QfkPoolHvxV68 p = {.s = s, .max = max};
  float *inverse = floats(qfk_pool_hvx_v68_inverses(&p));
  qfk_pool_hvx_v68_pack(&p, inverse);
  p.inverse = inverse;
  qfk_pool_f16_hvx_v68(&p, x, y, chk_alloc_aligned(qfk_pool_hvx_v68_scratch(&p)));
  (max ? qfk_pool_max_f32_ref : qfk_pool_avg_f32_ref)(&s, &(QfkEpilogue){0}, by_pixels(xf, size * size, c),
                                                      want);
  bool ok = same(y, want, out * out, c, max ? 0 : TOLERANCE);
  ok &= chk_free_all();
  chk_result(ok, "pool_f16_hvx_v68", "%s %dx%dx%d, %dx%d stride %d", max ? "max" : "average", (int)size,
             (int)size, (int)c, (int)k, (int)k, (int)stride);
}

static void check_binary(QfkBinaryOp op, size_t n)
{
  float *af = floats(n), *bf = floats(n), *want = floats(n);
  const uint16_t *a = numbers(n, af), *b = numbers(n, bf);
  uint16_t *y = (uint16_t *)(void *)chk_alloc(2 * n);
  bool ok = qfk_binary_f16_hvx_v68(op, a, b, y, n);
  for (size_t i = 0; i < n; i++)
    want[i] = op == QFK_BINARY_ADD   ? af[i] + bf[i]
              : op == QFK_BINARY_SUB ? af[i] - bf[i]
              : op == QFK_BINARY_MUL ? af[i] * bf[i]
              : op == QFK_BINARY_MAX ? fmaxf(af[i], bf[i])
                                     : fminf(af[i], bf[i]);
  ok = ok && same(y, want, (int32_t)n, 1, op >= QFK_BINARY_MAX ? 0 : TOLERANCE);
  ok &= chk_free_all();
  chk_result(ok, "binary_f16_hvx_v68", "operation %d, n %u", (int)op, (unsigned)n);
}

int main(void)
{
  static const int32_t convs[][7] = {{8, 5, 7, 1, 1, 1, 1},    {70, 3, 4, 3, 1, 1, 1},
                                     {13, 8, 12, 3, 2, 1, 1},  {15, 4, 8, 3, 1, 2, 2},
                                     {20, 6, 6, 3, 1, 1, 6},   {17, 5, 5, 5, 2, 1, 5},
                                     {9, 100, 10, 1, 1, 1, 1}, {1, 64, 33, 1, 1, 1, 1}};
  static const int32_t pools[][5] = {{8, 3, 2, 2, 0}, {75, 2, 3, 2, 1}, {7, 5, 7, 1, 0}, {12, 3, 3, 1, 1}};
  static const QfkBinaryOp ops[] = {QFK_BINARY_ADD, QFK_BINARY_SUB, QFK_BINARY_MUL, QFK_BINARY_MAX,
                                    QFK_BINARY_MIN};
  for (size_t i = 0; i < sizeof(convs) / sizeof(convs[0]); i++) {
    const int32_t *c = convs[i];
    check_conv(c[0], c[1], c[2], c[3], c[4], c[5], c[6]);
  }
  for (size_t i = 0; i < sizeof(pools) / sizeof(pools[0]); i++)
    for (int v = 0; v < 3; v++)
      check_pool(v == 0, pools[i][0], pools[i][1], pools[i][2], pools[i][3], pools[i][4], v == 2);
  for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
    for (size_t n = 1; n < 300; n += 43)
      check_binary(ops[i], n);
  chk_result(!qfk_binary_f16_hvx_v68(QFK_BINARY_DIV, NULL, NULL, NULL, 0), "binary_f16_hvx_v68",
             "refuses a division");
  printf("1..%u\n# %u failed\n", n_tests, n_failed);
  return n_failed != 0;
}
