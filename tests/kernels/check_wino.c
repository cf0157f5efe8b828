/* SPDX-License-Identifier: MIT */
/*
 * check_wino.c - every pair of Winograd transforms through whole layers: borders, partial tiles, residual, activations;
 * integers exactly.
 */
#include "check.h"
#include "kernels/conv/wino.h"

#include <stdio.h>
#include <string.h>

static void pack(QfkWino *p, const void *w, const int32_t *w_zero)
{
  uint8_t *u = chk_alloc_aligned(qfk_wino_pack_bytes(p));
  qfk_wino_pack(p, w, QFK_S8, w_zero, chk_alloc_aligned(qfk_wino_pack_scratch(p)), u);
  p->u = u;
  p->zeros = memset(chk_alloc_aligned(p->tile->nr * 4), 0, p->tile->nr * 4);
}

static void run_all(const QfkWino *p, const void *x, const void *res, void *y)
{
  void *scratch = chk_alloc(qfk_wino_scratch(p));
  QfkWinoGrid grid;
  qfk_wino_grid(p, (uint32_t)chk_range(1, 3), &grid);
  for (uint32_t i = grid.items; i--;)
    qfk_wino_run(p, &grid, i, x, res, y, scratch);
}

static void report(bool ok, const QfkWinoKernel *k, const QfkConvShape *s, const char *what, int32_t variant)
{
  ok &= chk_free_all();
  chk_result(ok, k->name, "winograd %dx%dx%dx%d to %dx%dx%d pad %d,%d %s %d", s->n, s->h, s->w, s->c, s->oh,
             s->ow, s->oc, s->pad[0], s->pad[1], what, variant);
}

/* Variants: signed or not, with zero points of the weights or not, edge values. */
static void check_int_layer(const QfkWinoKernel *k, const QfkConvShape *s, int32_t variant)
{
  const bool is_signed = variant & 1, edge = variant & 4;
  const size_t nx = (size_t)s->n * s->h * s->w * s->c, ny = (size_t)s->n * s->oh * s->ow * s->oc,
               nw = (size_t)9 * s->c * s->oc;
  uint8_t *x = chk_alloc(nx), *y = chk_alloc(ny), *w = chk_alloc_aligned(nw), *want = chk_alloc_aligned(ny);
  int32_t *bias = chk_alloc(s->oc * 4), *w_zero = chk_alloc_aligned(s->oc * 4);
  float *scale = chk_alloc(s->oc * 4);
  chk_fill_bytes(x, nx, edge ? CHK_EDGE : CHK_PLAIN);
  chk_fill_bytes(w, nw, edge ? CHK_EDGE : CHK_PLAIN);
  for (int32_t i = 0; i < s->oc; i++) {
    bias[i] = chk_range(-100000, 100000);
    w_zero[i] = chk_range(-128, 127);
    scale[i] = (1 + chk_float()) * (edge ? 1e-5f : 1e-4f);
  }
  const int32_t zero = is_signed ? -3 : 121, lo = is_signed ? -100 : 10, hi = is_signed ? 127 : 250;
  const int32_t *zeros = variant & 2 ? w_zero : NULL, x_zero = is_signed ? -7 : 130;
  const QfkPack all = {.w = w,
                       .row = s->oc,
                       .col = 1,
                       .n_seg = 1,
                       .k = 9u * (uint32_t)s->c,
                       .n = (uint32_t)s->oc,
                       .w_type = QFK_S8,
                       .w_zero = zeros};
  const QfkWinoRange range = {&all, is_signed ? 134 : 130};
  if (!qfk_wino_can(k, s, &range)) {
    chk_free_all();
    return;
  }
  QfkWino p;
  qfk_wino_init(&p, k, chk_features(), s);
  pack(&p, w, zeros);
  p.bias = bias;
  p.scale = scale;
  p.lo = (float)(lo - zero);
  p.hi = (float)(hi - zero);
  p.x_zero = x_zero;
  p.y_zero = zero;
  p.x_signed = is_signed;
  QfkAfter sum = {.kind = is_signed ? QFK_AFTER_SUM_S8 : QFK_AFTER_SUM_U8,
                  .y_scale = 0.5f,
                  .x_scale = 0.75f,
                  .constant = 1.5f,
                  .lo = -10,
                  .hi = 120};
  uint8_t *res = chk_alloc(ny);
  chk_fill_bytes(res, ny, CHK_PLAIN);
  sum.run = (QfkAfterFunc)qfk_kernel_find(qfk_after_kernels, chk_features(), (int32_t)sum.kind)->function;
  p.after = variant & 2 ? &sum : NULL;
  run_all(&p, x, p.after ? res : NULL, y);
  const QfkInt type = is_signed ? QFK_S8 : QFK_U8;
  const QfkIntArgs q = {type, QFK_S8, type, p.x_zero, zeros, bias, {scale, true, zero, lo, hi}};
  qfk_conv2d_int_ref(s, &q, x, w, want);
  if (p.after)
    qfk_after_run(&sum, res, want, ny);
  report(chk_same(y, want, ny), k, s, "variant", variant);
}

static void check_layer(const QfkWinoKernel *k, const QfkConvShape *s, int32_t act)
{
  if (!qfk_wino_can(k, s, NULL))
    return;
  QfkWino p;
  qfk_wino_init(&p, k, chk_features(), s);
  const size_t nx = (size_t)s->n * s->h * s->w * s->c, ny = (size_t)s->n * s->oh * s->ow * s->oc,
               nw = (size_t)9 * s->c * s->oc;
  float *x = chk_alloc(nx * 4), *y = chk_alloc(ny * 4), *res = chk_alloc(ny * 4),
        *want = chk_alloc_aligned(ny * 4);
  float *w = chk_alloc_aligned(nw * 4), *bias = chk_alloc(s->oc * 4), *slope = chk_alloc(s->oc * 4);
  chk_fill_f32(x, nx, CHK_PLAIN);
  chk_fill_f32(w, nw, CHK_PLAIN);
  chk_fill_f32(res, ny, CHK_PLAIN);
  chk_fill_f32(bias, s->oc, CHK_PLAIN);
  chk_fill_f32(slope, s->oc, CHK_PLAIN);
  pack(&p, w, NULL);
  const QfkEpilogue e = {.act = act, .lo = -1, .hi = 4, .alpha = 0.2f, .slope = slope};
  p.bias = bias;
  p.act = e;
  p.act_fn = act > QFK_ACT_CLAMP ? qfk_act_find(chk_features()) : NULL;
  p.lo = act == QFK_ACT_CLAMP ? e.lo : -INFINITY;
  p.hi = act == QFK_ACT_CLAMP ? e.hi : INFINITY;
  const float *r = act % 2 ? res : NULL;
  run_all(&p, x, r, y);
  qfk_conv2d_f32_ref(s, x, w, bias, r, &e, want);
  /* The sum of 9 c products of values with variance 1/3 has a deviation of sqrt(c). In bfloat16 errors have one of 0.012, or of 0.004, of
   * that (wino.h). */
  const float error = k->kind == QFK_TILE_F32 ? 3e-5f : k->edge == 4 ? 0.1f : 0.035f;
  report(chk_close(y, want, ny, 1e-5f, error * sqrtf((float)s->c)), k, s, "act", act);
}

static void check_kernel(const QfkWinoKernel *k, const QfkConvShape *s, bool all)
{
  if (qfk_tile_is_float(k->kind))
    for (int32_t act = 0; act < QFK_N_ACTS; act += all ? 1 : 2)
      check_layer(k, s, act);
  else
    for (int32_t variant = 0; variant < 8; variant++)
      check_int_layer(k, s, variant);
}

void chk_wino(void)
{
  static const QfkConvShape shapes[] = {
      {1, 8, 8, 32, 8, 8, 32, 3, 3, {1, 1}, {1, 1}, {1, 1}, 1},
      {2, 9, 11, 48, 9, 11, 64, 3, 3, {1, 1}, {1, 1}, {1, 1}, 1},
      {1, 14, 17, 64, 12, 15, 40, 3, 3, {1, 1}, {1, 1}, {0, 0}, 1},
      {1, 10, 8, 32, 12, 10, 36, 3, 3, {1, 1}, {1, 1}, {2, 2}, 1},
      {1, 15, 15, 128, 15, 15, 80, 3, 3, {1, 1}, {1, 1}, {1, 1}, 1},
      {1, 7, 7, 64, 7, 7, 112, 3, 3, {1, 1}, {1, 1}, {1, 1}, 1},
      {1, 5, 4, 32, 5, 4, 48, 3, 3, {1, 1}, {1, 1}, {1, 1}, 1},
  };
  for (uint32_t i = 0; i < qfk_n_wino_kernels; i++)
    if (chk_can_run(qfk_wino_kernels[i].name, qfk_wino_kernels[i].isa))
      for (size_t j = 0; j < sizeof(shapes) / sizeof(shapes[0]); j++)
        check_kernel(&qfk_wino_kernels[i], &shapes[j], j == 0);
}

typedef struct {
  QfkWino p;
  const void *x;
  void *y;
  void *scratch;
} Bench;

static void run_bench(void *arg)
{
  Bench *b = arg;
  QfkWinoGrid grid;
  qfk_wino_grid(&b->p, 1, &grid);
  for (uint32_t i = grid.items; i--;)
    qfk_wino_run(&b->p, &grid, i, b->x, NULL, b->y, b->scratch);
}

void chk_wino_bench(void)
{
  static const int32_t layers[][3] = {{56, 64, 64}, {28, 128, 128}, {14, 256, 256}, {80, 32, 32},
                                      {40, 80, 80}, {112, 32, 64},  {224, 32, 64},  {7, 512, 512}};
  for (uint32_t i = 0; i < qfk_n_wino_kernels; i++)
    for (size_t j = 0; j < sizeof(layers) / sizeof(layers[0]); j++) {
      const int32_t *l = layers[j];
      const QfkConvShape s = {1, l[0], l[0], l[1], l[0], l[0], l[2], 3, 3, {1, 1}, {1, 1}, {1, 1}, 1};
      const QfkPack none = {.n_seg = 0};
      const QfkWinoRange range = {&none, 255};
      if ((qfk_wino_kernels[i].isa & ~chk_features()) || !qfk_wino_can(&qfk_wino_kernels[i], &s, &range))
        continue;
      Bench b;
      qfk_wino_init(&b.p, &qfk_wino_kernels[i], chk_features(), &s);
      const size_t size = (size_t)l[0] * l[0];
      pack(&b.p, chk_alloc_aligned((size_t)9 * l[1] * l[2] * 4), NULL);
      b.p.scale = chk_alloc_aligned((size_t)l[2] * 4);
      b.p.bias = chk_alloc_aligned((size_t)l[2] * 4);
      b.x = chk_alloc_aligned(size * l[1] * 4);
      b.y = chk_alloc_aligned(size * l[2] * 4);
      b.scratch = chk_alloc_aligned(qfk_wino_scratch(&b.p));
      char shape[64];
      snprintf(shape, sizeof(shape), "3x3 %dx%dx%d to %d", l[0], l[0], l[1], l[2]);
      const ChkBenchRow row = {.kernel = qfk_wino_kernels[i].name,
                               .shape = shape,
                               .macs = 9.0 * (double)size * l[1] * l[2],
                               .unit = chk_unit(qfk_wino_kernels[i].kind),
                               .isa = qfk_wino_kernels[i].isa};
      chk_bench(&row, run_bench, &b);
      chk_free_all();
    }
}
