/* SPDX-License-Identifier: MIT */
/*
 * check_wino.c - every pair of Winograd transforms through whole layers: borders, partial tiles, residual, activations.
 */
#include "check.h"
#include "kernels/conv/wino.h"

#include <stdio.h>
#include <string.h>

static void pack(QfkWino *p, const float *w)
{
  const QfkConvShape *s = &p->s;
  const size_t n = (size_t)s->c * s->oc;
  float *planes = chk_alloc_aligned(36 * n * 4);
  qfk_wino_weights(s, w, planes);
  QfkPack m = {.w = planes, .row = s->oc, .col = 1, .n_seg = 1, .k = (uint32_t)s->c, .n = (uint32_t)s->oc};
  p->plane_bytes = qfk_pack_bytes(p->tile, &m);
  uint8_t *u = chk_alloc_aligned(36 * p->plane_bytes);
  for (size_t i = 0; i < 36; i++) {
    m.w = planes + i * n;
    qfk_pack_panels(p->tile, &m, u + i * p->plane_bytes);
  }
  p->u = u;
  p->zeros = chk_alloc_aligned(p->tile->nr * 4);
}

static bool make(QfkWino *p, const QfkWinoKernel *k, const QfkConvShape *s)
{
  if (s->c % k->lanes || s->oc % k->lanes || !qfk_wino_plan(p, chk_features(), s))
    return false;
  p->wino = k;
  return true;
}

static void check_layer(const QfkWinoKernel *k, const QfkConvShape *s, int32_t act)
{
  QfkWino p;
  if (!make(&p, k, s))
    return;
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
  pack(&p, w);
  const QfkEpilogue e = {.act = act, .lo = -1, .hi = 4, .alpha = 0.2f, .slope = slope};
  p.bias = bias;
  p.act = e;
  p.act_fn = act > QFK_ACT_CLAMP ? qfk_act_find(chk_features()) : NULL;
  p.lo = act == QFK_ACT_CLAMP ? e.lo : -INFINITY;
  p.hi = act == QFK_ACT_CLAMP ? e.hi : INFINITY;
  const float *r = act % 2 ? res : NULL;
  void *scratch = chk_alloc(qfk_wino_scratch(&p));
  uint32_t block;
  for (uint32_t i = qfk_wino_items(&p, (uint32_t)chk_range(1, 3), &block); i--;)
    qfk_wino_run(&p, block, i, x, r, y, scratch);
  qfk_conv2d_f32_ref(s, x, w, bias, r, &e, want);
  /* The sum of 9 c products of values with variance 1/3 has a deviation of sqrt(c). */
  bool ok = chk_close(y, want, ny, 1e-5f, 3e-5f * sqrtf((float)s->c));
  ok &= chk_free_all();
  chk_result(ok, k->name, "winograd %dx%dx%dx%d to %dx%dx%d pad %d,%d act %d", s->n, s->h, s->w, s->c, s->oh,
             s->ow, s->oc, s->pad[0], s->pad[1], act);
}

void chk_wino(void)
{
  static const QfkConvShape shapes[] = {
      {1, 8, 8, 32, 8, 8, 32, 3, 3, {1, 1}, {1, 1}, {1, 1}, 1},
      {2, 9, 11, 48, 9, 11, 64, 3, 3, {1, 1}, {1, 1}, {1, 1}, 1},
      {1, 14, 17, 64, 12, 15, 40, 3, 3, {1, 1}, {1, 1}, {0, 0}, 1},
      {1, 10, 8, 32, 12, 10, 36, 3, 3, {1, 1}, {1, 1}, {2, 2}, 1},
      {1, 15, 15, 128, 15, 15, 80, 3, 3, {1, 1}, {1, 1}, {1, 1}, 1},
  };
  for (uint32_t i = 0; i < qfk_n_wino_kernels; i++)
    if (chk_can_run(qfk_wino_kernels[i].name, qfk_wino_kernels[i].isa))
      for (size_t j = 0; j < sizeof(shapes) / sizeof(shapes[0]); j++)
        for (int32_t act = 0; act < QFK_N_ACTS; act += 1 + (j > 0))
          check_layer(&qfk_wino_kernels[i], &shapes[j], act);
}

typedef struct {
  QfkWino p;
  const float *x;
  float *y;
  void *scratch;
} Bench;

static void run_bench(void *arg)
{
  Bench *b = arg;
  uint32_t block;
  for (uint32_t i = qfk_wino_items(&b->p, 1, &block); i--;)
    qfk_wino_run(&b->p, block, i, b->x, NULL, b->y, b->scratch);
}

void chk_wino_bench(void)
{
  static const int32_t layers[][3] = {{56, 64, 64}, {28, 128, 128}, {14, 256, 256},
                                      {80, 32, 32}, {40, 80, 80},   {112, 32, 64}};
  for (uint32_t i = 0; i < qfk_n_wino_kernels; i++)
    for (size_t j = 0; j < sizeof(layers) / sizeof(layers[0]); j++) {
      const int32_t *l = layers[j];
      const QfkConvShape s = {1, l[0], l[0], l[1], l[0], l[0], l[2], 3, 3, {1, 1}, {1, 1}, {1, 1}, 1};
      Bench b;
      if ((qfk_wino_kernels[i].isa & ~chk_features()) || !make(&b.p, &qfk_wino_kernels[i], &s))
        continue;
      const size_t size = (size_t)l[0] * l[0];
      pack(&b.p, chk_alloc_aligned((size_t)9 * l[1] * l[2] * 4));
      b.p.bias = chk_alloc_aligned((size_t)l[2] * 4);
      b.x = chk_alloc_aligned(size * l[1] * 4);
      b.y = chk_alloc_aligned(size * l[2] * 4);
      b.scratch = chk_alloc_aligned(qfk_wino_scratch(&b.p));
      char shape[64];
      snprintf(shape, sizeof(shape), "3x3 %dx%dx%d to %d", l[0], l[0], l[1], l[2]);
      chk_bench_row(qfk_wino_kernels[i].name, shape, chk_time(run_bench, &b),
                    9.0 * (double)size * l[1] * l[2], chk_peak(qfk_wino_kernels[i].isa));
      chk_free_all();
    }
}
