/* SPDX-License-Identifier: MIT */
/*
 * check_dwconv.c - every depthwise kernel through whole layers: borders, strides, dilation, channel tails.
 */
#include "check.h"
#include "kernels/dwconv/dwtile.h"

#include <stdio.h>
#include <string.h>

/* A plan that uses @k for pixels with all taps; FALSE when @k is for another filter. */
static bool make_plan(QfkDwPlan *p, const QfkDwKernel *k, const QfkConvShape *s)
{
  const bool spread = s->dilation[0] > 1 || s->dilation[1] > 1;
  const bool square = s->kh == s->kw && (!spread || k->kind == QFK_TILE_F32);
  if (k->taps && (!square || (spread && s->stride[1] > 1) || k->taps != s->kh || k->stride != s->stride[1]))
    return false;
  if (!qfk_dw_plan(p, k->kind, k->isa ? chk_features() : 0, s))
    return false;
  p->special = k;
  return true;
}

static void run(const QfkDwPlan *p, const void *x, const void *res, void *y)
{
  void *scratch = chk_alloc(qfk_dw_scratch(p) + 1);
  uint32_t parts;
  for (uint32_t i = qfk_dw_items(p, (uint32_t)chk_range(1, 3), &parts); i--;)
    qfk_dw_run(p, parts, i, x, res, y, scratch);
}

static void report(const QfkDwKernel *k, const QfkConvShape *s, ChkFill fill, bool ok)
{
  ok &= chk_free_all();
  chk_result(ok, k->name, "%dx%dx%dx%d to %dx%d filter %dx%d stride %d,%d dilation %d,%d pad %d,%d%s", s->n,
             s->h, s->w, s->c, s->oh, s->ow, s->kh, s->kw, s->stride[0], s->stride[1], s->dilation[0],
             s->dilation[1], s->pad[0], s->pad[1], fill ? " edge" : "");
}

static void check_float(const QfkDwKernel *k, const QfkConvShape *s, ChkFill fill, int32_t act)
{
  QfkDwPlan p;
  if (!make_plan(&p, k, s))
    return;
  const size_t nx = (size_t)s->n * s->h * s->w * s->c, ny = (size_t)s->n * s->oh * s->ow * s->oc;
  const size_t taps = (size_t)s->kh * s->kw;
  float *x = chk_alloc(nx * 4), *y = chk_alloc(ny * 4), *want = chk_alloc_aligned(ny * 4),
        *res = chk_alloc(ny * 4);
  float *w = chk_alloc(taps * s->c * 4), *bias = chk_alloc(s->c * 4), *slope = chk_alloc(s->c * 4);
  chk_fill_f32(x, nx, fill);
  chk_fill_f32(res, ny, CHK_PLAIN);
  chk_fill_f32(w, taps * s->c, CHK_PLAIN);
  chk_fill_f32(bias, s->c, CHK_PLAIN);
  chk_fill_f32(slope, s->c, CHK_PLAIN);
  const QfkEpilogue e = {.act = act, .lo = -0.5f, .hi = 1, .alpha = 0.3f, .slope = slope};
  const float *r = act % 2 ? res : NULL;
  p.w = w;
  p.bias = bias;
  p.act = e;
  p.act_fn = act > QFK_ACT_CLAMP ? qfk_act_find(chk_features()) : NULL;
  p.lo = act == QFK_ACT_CLAMP ? e.lo : -INFINITY;
  p.hi = act == QFK_ACT_CLAMP ? e.hi : INFINITY;
  run(&p, x, r, y);
  qfk_dwconv_f32_ref(s, x, w, bias, r, &e, want);
  report(k, s, fill, chk_close(y, want, ny, 1e-5f, fill ? 1e-3f : 1e-5f));
}

static void check_int(const QfkDwKernel *k, const QfkConvShape *s, ChkFill fill, bool x_signed, bool y_signed)
{
  QfkDwPlan p;
  if (!make_plan(&p, k, s))
    return;
  const size_t nx = (size_t)s->n * s->h * s->w * s->c, ny = (size_t)s->n * s->oh * s->ow * s->oc;
  const size_t nw = (size_t)s->kh * s->kw * s->c;
  const uint32_t columns = qfk_dw_columns(k, (uint32_t)s->c);
  const bool dot = k->kind == QFK_TILE_DOT_U;
  const QfkInt w_type = dot ? QFK_S8 : QFK_U8;
  uint8_t *x = chk_alloc(nx), *y = chk_alloc(ny), *want = chk_alloc_aligned(ny), *w = chk_alloc_aligned(nw);
  int32_t *bias = chk_alloc_aligned(s->c * 4), *w_zero = chk_alloc_aligned(s->c * 4),
          *packed_bias = chk_alloc_aligned(columns * 4);
  float *scale = chk_alloc_aligned(s->c * 4), *packed_scale = chk_alloc_aligned(columns * 4);
  void *packed = chk_alloc_aligned(qfk_dw_pack_bytes(k, s));
  chk_fill_bytes(x, nx, fill);
  chk_fill_bytes(w, nw, fill);
  for (int32_t i = 0; i < s->c; i++) {
    bias[i] = chk_range(-9999, 9999);
    w_zero[i] = dot ? 0 : chk_range(0, 255); /* dot products need weights that fit int8 */
    scale[i] = (1.5f + chk_float()) * 2e-3f;
  }
  const int32_t x_zero = x_signed ? 5 : 100, y_zero = y_signed ? -20 : 140, lo = y_signed ? -120 : 3,
                hi = y_signed ? 127 : 251;
  qfk_dw_pack_weights(k, s, w, w_type, w_zero, packed);
  qfk_dw_pack_bias(k, s, w, w_type, w_zero, bias, x_zero, x_signed, packed_bias);
  qfk_dw_pack_vector(k, (uint32_t)s->c, scale, packed_scale);
  p.w = packed;
  p.bias = packed_bias;
  p.scale = packed_scale;
  p.widen = qfk_widen_find(chk_features());
  p.x_zero = x_zero;
  p.y_zero = y_zero;
  p.x_signed = x_signed;
  p.y_signed = y_signed;
  p.lo = (float)(lo - y_zero);
  p.hi = (float)(hi - y_zero);
  run(&p, x, NULL, y);
  const QfkIntArgs q = {
      x_signed ? QFK_S8 : QFK_U8,   w_type, y_signed ? QFK_S8 : QFK_U8, x_zero, w_zero, bias,
      {scale, true, y_zero, lo, hi}};
  qfk_dwconv_int_ref(s, &q, x, w, want);
  report(k, s, fill, chk_same(y, want, ny));
}

/* n, h, w, c, oh, ow, oc, kh, kw, stride, dilation, pad, group */
static const QfkConvShape shapes[] = {
    {1, 9, 11, 32, 9, 11, 32, 3, 3, {1, 1}, {1, 1}, {1, 1}, 1},
    {2, 5, 5, 13, 5, 5, 13, 3, 3, {1, 1}, {1, 1}, {1, 1}, 1},
    {1, 6, 9, 171, 6, 9, 171, 3, 3, {1, 1}, {1, 1}, {1, 1}, 1},
    {1, 8, 10, 96, 4, 5, 96, 3, 3, {2, 2}, {1, 1}, {1, 1}, 1},
    {1, 12, 13, 24, 6, 7, 24, 3, 3, {2, 2}, {1, 1}, {1, 1}, 1},
    {1, 12, 12, 17, 6, 6, 17, 3, 3, {2, 2}, {1, 1}, {0, 0}, 1},
    {1, 7, 7, 3, 7, 7, 3, 3, 3, {1, 1}, {1, 1}, {1, 1}, 1},
    {1, 1, 1, 20, 1, 1, 20, 3, 3, {1, 1}, {1, 1}, {1, 1}, 1},
    {1, 2, 2, 40, 2, 2, 40, 3, 3, {1, 1}, {1, 1}, {1, 1}, 1},
    {1, 11, 12, 19, 11, 12, 19, 5, 5, {1, 1}, {1, 1}, {2, 2}, 1},
    {1, 13, 14, 16, 7, 7, 16, 5, 5, {2, 2}, {1, 1}, {2, 2}, 1},
    {1, 15, 9, 9, 15, 9, 9, 3, 3, {1, 1}, {2, 2}, {2, 2}, 1},
    {1, 17, 13, 40, 17, 13, 40, 3, 3, {1, 1}, {4, 3}, {4, 3}, 1},
    {1, 9, 16, 35, 9, 16, 35, 5, 5, {1, 1}, {2, 2}, {4, 4}, 1},
    {1, 9, 9, 16, 4, 4, 16, 3, 3, {2, 2}, {2, 2}, {1, 1}, 1},
    {1, 49, 10, 8, 25, 5, 8, 10, 4, {2, 2}, {1, 1}, {4, 1}, 1},
    {2, 6, 6, 33, 6, 6, 33, 1, 1, {1, 1}, {1, 1}, {0, 0}, 1},
    {1, 8, 8, 16, 1, 1, 16, 8, 8, {1, 1}, {1, 1}, {0, 0}, 1},
    {1, 60, 64, 40, 60, 64, 40, 3, 3, {1, 1}, {1, 1}, {1, 1}, 1},
    {1, 4, 70, 64, 4, 70, 64, 3, 3, {1, 1}, {1, 1}, {1, 1}, 1},
    {1, 5, 75, 32, 3, 38, 32, 3, 3, {2, 2}, {1, 1}, {1, 1}, 1},
    {1, 6, 74, 24, 3, 37, 24, 3, 3, {2, 2}, {1, 1}, {0, 0}, 1},
};

void chk_dwconv(void)
{
  for (uint32_t i = 0; i < qfk_n_dw_kernels; i++) {
    const QfkDwKernel *k = &qfk_dw_kernels[i];
    if (!chk_can_run(k->name, k->isa))
      continue;
    for (size_t j = 0; j < sizeof(shapes) / sizeof(shapes[0]); j++)
      for (int32_t v = 0; v < 4; v++)
        if (k->kind == QFK_TILE_F32)
          check_float(k, &shapes[j], v == 3 ? CHK_EDGE : CHK_PLAIN,
                      (int32_t)((j + (size_t)v * 2) % QFK_N_ACTS));
        else
          check_int(k, &shapes[j], v == 3 ? CHK_EDGE : CHK_PLAIN, v & 1, v >> 1);
  }
}

typedef struct {
  QfkDwPlan p;
  const void *x;
  void *y, *scratch;
} Bench;

static void run_bench(void *arg)
{
  Bench *b = arg;
  uint32_t parts;
  for (uint32_t i = qfk_dw_items(&b->p, 1, &parts); i--;)
    qfk_dw_run(&b->p, parts, i, b->x, NULL, b->y, b->scratch);
}

typedef struct {
  const char *net;
  int32_t size, channels, stride;
} Layer;

static const Layer layers[] = {
#define DEPTHWISE(...) {__VA_ARGS__},
#include "layers.inc"
#undef DEPTHWISE
};

/* The walk over the layer's own memory: all taps of a pixel of a row that is not at the border, for as many pixels as the layer has.
 * Integers are loaded as int16, which is what their kernels read. */
static ChkWalk walk_of(const Bench *b, const Layer *l, uint32_t isa, size_t *at)
{
  const size_t value = b->p.any->kind == QFK_TILE_F32 ? 4 : 2, pixel = (size_t)l->channels * value;
  const size_t row = (size_t)l->size * pixel, o = (size_t)(l->size / l->stride);
  for (size_t t = 0; t < 9; t++)
    at[t] = t / 3 * row + t % 3 * pixel;
  return (ChkWalk){.x = b->x,
                   .y = b->y,
                   .pixels = o * (o - 2),
                   .bytes = pixel,
                   .taps = 9,
                   .step = pixel * (size_t)l->stride * (size_t)l->stride,
                   .at = at,
                   .isa = isa};
}

static void bench_layer(const QfkDwKernel *k, const Layer *l)
{
  const int32_t o = (l->size + l->stride - 1) / l->stride, c = l->channels;
  const QfkConvShape s = {1, l->size, l->size, c, o, o, c, 3, 3, {l->stride, l->stride}, {1, 1}, {1, 1}, 1};
  Bench b = {0};
  size_t at[9];
  if (!k->taps || (k->isa & ~chk_features()) || !make_plan(&b.p, k, &s))
    return;
  const size_t size = (size_t)s.h * s.w * s.c;
  b.x = chk_alloc_aligned(size * 4);
  b.y = chk_alloc_aligned(size * 4);
  b.p.w = chk_alloc_aligned((size_t)s.c * 9 * 8);
  b.p.bias = b.p.scale = chk_alloc_aligned((size_t)s.c * 8);
  b.p.widen = qfk_widen_find(chk_features());
  b.scratch = chk_alloc_aligned(qfk_dw_scratch(&b.p) + 1);
  char shape[64];
  snprintf(shape, sizeof(shape), "%dx%dx%d, stride %d, %s", l->size, l->size, c, l->stride, l->net);
  const ChkWalk walk = walk_of(&b, l, k->isa, at);
  const ChkBenchRow row = {.kernel = k->name,
                           .shape = shape,
                           .macs = (double)o * o * c * 9,
                           .isa = k->isa,
                           .limit = CHK_LIMIT_DEPTHWISE,
                           .walk = &walk};
  chk_bench(&row, run_bench, &b);
  chk_free_all();
}

void chk_dwconv_bench(void)
{
  for (uint32_t i = 0; i < qfk_n_dw_kernels; i++)
    for (size_t j = 0; j < sizeof(layers) / sizeof(layers[0]) && qfk_dw_kernels[i].isa; j++)
      bench_layer(&qfk_dw_kernels[i], &layers[j]);
}
