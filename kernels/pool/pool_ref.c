/* SPDX-License-Identifier: MIT */
/*
 * pool_ref.c - windows over images, in plain C: one walk, four ways to take a pixel in and give the result. See pool.h.
 */
#include "pool.h"
#include "../litert/litert.h"

/* What a window has gathered for one channel. */
typedef struct {
  double sum, max;
  int64_t int_sum, int_max;
  int32_t inside, padded; /* pixels; taps within the padded image */
} Gathered;

typedef struct {
  const QfkPoolShape *s;
  const QfkEpilogue *act;
  const QfkPoolInt *q;
  const void *x;
  void *y;
} Pool;

typedef void (*TakeFunc)(const Pool *p, Gathered *g, size_t at);
typedef void (*GiveFunc)(const Pool *p, const Gathered *g, size_t at);

static void walk_window(const Pool *p, TakeFunc take, Gathered *g, int32_t n, int32_t oy, int32_t ox,
                        int32_t c)
{
  const QfkPoolShape *s = p->s;
  QfkPoolWindow v = qfk_pool_window(oy, s->h, s->kh, s->stride[0], s->dilation[0], s->pad[0], s->pad[1]);
  QfkPoolWindow u = qfk_pool_window(ox, s->w, s->kw, s->stride[1], s->dilation[1], s->pad[2], s->pad[3]);
  for (int32_t ky = v.first; ky < v.last; ky++)
    for (int32_t kx = u.first; kx < u.last; kx++) {
      size_t row = (size_t)n * (size_t)s->h + (size_t)(v.start + ky * s->dilation[0]);
      take(p, g, (row * (size_t)s->w + (size_t)(u.start + kx * s->dilation[1])) * (size_t)s->c + (size_t)c);
      g->inside++;
    }
  g->padded = v.count_padded * u.count_padded;
}

static void walk(const Pool *p, TakeFunc take, GiveFunc give)
{
  const QfkPoolShape *s = p->s;
  size_t at = 0;
  for (int32_t n = 0; n < s->n; n++)
    for (int32_t oy = 0; oy < s->oh; oy++)
      for (int32_t ox = 0; ox < s->ow; ox++)
        for (int32_t c = 0; c < s->c; c++) {
          Gathered g = {.max = -INFINITY, .int_max = INT64_MIN};
          walk_window(p, take, &g, n, oy, ox, c);
          give(p, &g, at++);
        }
}

static int32_t divisor(const Pool *p, const Gathered *g)
{
  return p->s->count_pad ? g->padded : g->inside;
}

static void take_f32(const Pool *p, Gathered *g, size_t at)
{
  float v = ((const float *)p->x)[at];
  g->sum += v;
  if (v > g->max || v != v) /* a NaN wins and stays */
    g->max = v;
}

static void give_avg_f32(const Pool *p, const Gathered *g, size_t at)
{
  int32_t d = divisor(p, g);
  ((float *)p->y)[at] = qfk_act_scalar(p->act, d ? (float)(g->sum / d) : 0.0f, 0);
}

static void give_max_f32(const Pool *p, const Gathered *g, size_t at)
{
  ((float *)p->y)[at] = qfk_act_scalar(p->act, (float)g->max, 0);
}

static void take_int(const Pool *p, Gathered *g, size_t at)
{
  int32_t v = qfk_load_int(p->x, p->q->type, at);
  g->int_sum += v - p->q->x_zero;
  g->int_max = g->int_max > v ? g->int_max : v;
}

static void give_avg_int(const Pool *p, const Gathered *g, size_t at)
{
  const QfkPoolInt *q = p->q;
  if (q->litert) {
    const int32_t mean = qfk_litert_mean(g->int_sum + (int64_t)g->inside * q->x_zero, g->inside);
    qfk_store_int(p->y, q->y_type, at, mean < q->lo ? q->lo : mean > q->hi ? q->hi : mean);
    return;
  }
  const int32_t d = divisor(p, g);
  QfkRequant r = {.m = q->m ? &q->m[d] : NULL,
                  .zero_point = q->y_zero,
                  .lo = q->lo,
                  .hi = q->hi,
                  .fixed = q->fixed ? &q->fixed[d] : NULL,
                  .once = true,
                  .wide = q->type > QFK_S8};
  qfk_store_int(p->y, q->y_type, at, qfk_requant(&r, g->int_sum, 0));
}

static void give_max_int(const Pool *p, const Gathered *g, size_t at)
{
  const QfkPoolInt *q = p->q;
  int64_t v = g->int_max;
  qfk_store_int(p->y, q->y_type, at, (int32_t)(v < q->lo ? q->lo : v > q->hi ? q->hi : v));
}

void qfk_pool_avg_f32_ref(const QfkPoolShape *s, const QfkEpilogue *act, const float *x, float *y)
{
  walk(&(Pool){s, act, NULL, x, y}, take_f32, give_avg_f32);
}

void qfk_pool_max_f32_ref(const QfkPoolShape *s, const QfkEpilogue *act, const float *x, float *y)
{
  walk(&(Pool){s, act, NULL, x, y}, take_f32, give_max_f32);
}

void qfk_pool_avg_int_ref(const QfkPoolShape *s, const QfkPoolInt *q, const void *x, void *y)
{
  walk(&(Pool){s, NULL, q, x, y}, take_int, give_avg_int);
}

void qfk_pool_max_int_ref(const QfkPoolShape *s, const QfkPoolInt *q, const void *x, void *y)
{
  walk(&(Pool){s, NULL, q, x, y}, take_int, give_max_int);
}
