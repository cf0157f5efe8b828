/* SPDX-License-Identifier: MIT */
/*
 * conv_ref.c - the truth about convolutions and transposed convolutions.
 *
 * Both are the same sum over the taps of one output pixel; they differ in which input pixel a tap falls on, which tap_source()
 * says. Output channels are done in blocks so that the inner loop runs along them.
 */
#include "conv.h"

#define BLOCK 64

typedef struct {
  const QfkConvShape *s;
  bool transposed;
} Rule;

/* Input coordinate of tap @k for output coordinate @o along dimension @d; -1: none. */
static inline int32_t tap_source(const Rule *r, int d, int32_t o, int32_t k)
{
  const QfkConvShape *s = r->s;
  const int32_t size = d ? s->w : s->h;
  int32_t i;
  if (r->transposed) {
    int32_t t = o + s->pad[d] - k * s->dilation[d];
    if (t < 0 || t % s->stride[d])
      return -1;
    i = t / s->stride[d];
  } else {
    i = o * s->stride[d] + k * s->dilation[d] - s->pad[d];
  }
  return i >= 0 && i < size ? i : -1;
}

/* Calls @row(...) for every tap that falls inside, with the element offsets of its input pixel and its weights. */
typedef void (*TapFunc)(void *state, size_t x, size_t w, int32_t channels, int32_t n);

static void for_taps(const Rule *r, const int32_t pixel[3], int32_t oc0, int32_t n, TapFunc tap, void *state)
{
  const QfkConvShape *s = r->s;
  const int32_t cg = s->c / s->group, g = oc0 / (s->oc / s->group);
  for (int32_t ky = 0; ky < s->kh; ky++)
    for (int32_t kx = 0; kx < s->kw; kx++) {
      int32_t iy = tap_source(r, 0, pixel[1], ky), ix = tap_source(r, 1, pixel[2], kx);
      if (iy < 0 || ix < 0)
        continue;
      size_t x = ((size_t)((size_t)pixel[0] * s->h + iy) * s->w + ix) * s->c + (size_t)g * cg;
      size_t w = (size_t)(ky * s->kw + kx) * cg * s->oc + oc0;
      tap(state, x, w, cg, n);
    }
}

/* Calls @block(...) for every output pixel and block of channels within one group. */
typedef void (*BlockFunc)(void *state, const Rule *r, const int32_t pixel[3], int32_t oc0, int32_t n,
                          size_t out);

static void for_blocks(const Rule *r, BlockFunc block, void *state)
{
  const QfkConvShape *s = r->s;
  const int32_t og = s->oc / s->group;
  int32_t p[3];
  for (p[0] = 0; p[0] < s->n; p[0]++)
    for (p[1] = 0; p[1] < s->oh; p[1]++)
      for (p[2] = 0; p[2] < s->ow; p[2]++)
        for (int32_t g = 0; g < s->group; g++)
          for (int32_t o = 0; o < og; o += BLOCK) {
            int32_t oc0 = g * og + o, n = og - o < BLOCK ? og - o : BLOCK;
            block(state, r, p, oc0, n, ((size_t)((size_t)p[0] * s->oh + p[1]) * s->ow + p[2]) * s->oc + oc0);
          }
}

typedef struct {
  const float *x, *w, *bias, *res;
  const QfkEpilogue *e;
  float *y;
  int32_t oc;
  double acc[BLOCK];
} FloatState;

static void float_tap(void *state, size_t x, size_t w, int32_t channels, int32_t n)
{
  FloatState *f = state;
  for (int32_t c = 0; c < channels; c++) {
    const double v = f->x[x + c];
    const float *row = f->w + w + (size_t)c * f->oc;
    for (int32_t i = 0; i < n; i++)
      f->acc[i] += v * row[i];
  }
}

static void float_block(void *state, const Rule *r, const int32_t pixel[3], int32_t oc0, int32_t n,
                        size_t out)
{
  FloatState *f = state;
  for (int32_t i = 0; i < n; i++)
    f->acc[i] = f->bias ? f->bias[oc0 + i] : 0;
  for_taps(r, pixel, oc0, n, float_tap, f);
  for (int32_t i = 0; i < n; i++) {
    double v = f->acc[i] + (f->res ? f->res[out + i] : 0);
    f->y[out + i] = qfk_act_scalar(f->e, (float)v, (size_t)(oc0 + i));
  }
}

static void conv_float(const Rule *r, const float *x, const float *w, const float *bias, const float *res,
                       const QfkEpilogue *e, float *y)
{
  FloatState f = {x, w, bias, res, e, y, r->s->oc, {0}};
  for_blocks(r, float_block, &f);
}

typedef struct {
  const void *x, *w;
  const QfkIntArgs *q;
  void *y;
  int32_t oc;
  int32_t wz[BLOCK];
  int64_t acc[BLOCK];
} IntState;

static void int_tap(void *state, size_t x, size_t w, int32_t channels, int32_t n)
{
  IntState *f = state;
  const QfkInt w_type = f->q->w_type;
  for (int32_t c = 0; c < channels; c++) {
    const int64_t v = qfk_load_int(f->x, f->q->x_type, x + c) - f->q->x_zero;
    const size_t row = w + (size_t)c * f->oc;
    for (int32_t i = 0; i < n; i++)
      f->acc[i] += v * (qfk_load_int(f->w, w_type, row + i) - f->wz[i]);
  }
}

static void int_block(void *state, const Rule *r, const int32_t pixel[3], int32_t oc0, int32_t n, size_t out)
{
  IntState *f = state;
  for (int32_t i = 0; i < n; i++) {
    f->acc[i] = f->q->bias ? f->q->bias[oc0 + i] : 0;
    f->wz[i] = f->q->w_zero ? f->q->w_zero[oc0 + i] : 0;
  }
  for_taps(r, pixel, oc0, n, int_tap, f);
  for (int32_t i = 0; i < n; i++)
    qfk_store_int(f->y, f->q->y_type, out + i, qfk_requant(&f->q->requant, f->acc[i], (size_t)(oc0 + i)));
}

static void conv_int(const Rule *r, const QfkIntArgs *q, const void *x, const void *w, void *y)
{
  IntState f = {x, w, q, y, r->s->oc, {0}, {0}};
  for_blocks(r, int_block, &f);
}

void qfk_conv2d_f32_ref(const QfkConvShape *s, const float *x, const float *w, const float *bias,
                        const float *res, const QfkEpilogue *e, float *y)
{
  conv_float(&(Rule){s, false}, x, w, bias, res, e, y);
}

void qfk_deconv2d_f32_ref(const QfkConvShape *s, const float *x, const float *w, const float *bias,
                          const float *res, const QfkEpilogue *e, float *y)
{
  conv_float(&(Rule){s, true}, x, w, bias, res, e, y);
}

void qfk_conv2d_int_ref(const QfkConvShape *s, const QfkIntArgs *q, const void *x, const void *w, void *y)
{
  conv_int(&(Rule){s, false}, q, x, w, y);
}

void qfk_deconv2d_int_ref(const QfkConvShape *s, const QfkIntArgs *q, const void *x, const void *w, void *y)
{
  conv_int(&(Rule){s, true}, q, x, w, y);
}
