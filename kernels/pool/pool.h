/* SPDX-License-Identifier: MIT */
/*
 * pool.h - windows over NHWC images: average and maximum.
 *
 * Average of encoded integers: the sum of (q - x_zero) over the pixels inside is exact (int32 for 8 bits), then
 * y = requant(sum) with one multiplier for each divisor, see qfk_pool_avg_scales(). Maximum of integers
 * compares the stored values and clamps them to [lo, hi]; input and output share one encoding.
 */
#ifndef QFK_POOL_H
#define QFK_POOL_H

#include "../epilogue.h"

typedef struct {
  int32_t n, h, w, c; /* input */
  int32_t oh, ow;     /* output */
  int32_t kh, kw;     /* filter */
  int32_t stride[2];  /* height, width; as below */
  int32_t dilation[2];
  int32_t pad[4];    /* top, bottom, left, right, each smaller than the filter's reach */
  int32_t count_pad; /* average: 1: padding within pad counts as zeros, 0: only pixels count */
} QfkPoolShape;

typedef struct {
  QfkInt type; /* of x and y */
  QfkInt y_type;
  int32_t x_zero; /* average */
  const float *m; /* average: [kh * kw + 1], by divisor */
  int32_t y_zero;
  int32_t lo, hi; /* inclusive */
  const QfkFixed
      *fixed;  /* the `fixed` scheme: in place of m, see qfk_pool_avg_fixed(); references and HVX only */
  bool litert; /* average, x and y encoded alike: stored values' mean, half away from zero; references only */
} QfkPoolInt;

/* Along one dimension of @in pixels, output pixel @o: taps [first, last) of @k lie inside, [pad_first, pad_last) lie within the padding. */
typedef struct {
  int32_t start; /* input pixel of tap 0; may be negative */
  int32_t first, last;
  int32_t count_padded;
} QfkPoolWindow;

static inline QfkPoolWindow qfk_pool_window(int32_t o, int32_t in, int32_t k, int32_t stride,
                                            int32_t dilation, int32_t before, int32_t after)
{
  QfkPoolWindow win = {.start = o * stride - before, .first = k, .last = 0};
  for (int32_t t = 0; t < k; t++) {
    int32_t at = win.start + t * dilation;
    win.count_padded += at < in + after;
    if (at < 0 || at >= in)
      continue;
    win.first = t < win.first ? t : win.first;
    win.last = t + 1;
  }
  return win;
}

/*
 * Fills @m [kh * kw + 1] with (float)(x_scale / y_scale / d), evaluated in double, and links it to @q, whose other fields are set.
 * When 8-bit input and output share one encoding and no padding counts, the mean is that of the stored values and halves, which are
 * frequent then, go away from zero, as in LiteRT: zero points become 0, and multipliers a trifle larger.
 */
static inline void qfk_pool_avg_scales(QfkPoolInt *q, const QfkPoolShape *s, float x_scale, float y_scale,
                                       float *m)
{
  const bool stored = q->type == q->y_type && q->type <= QFK_S8 && x_scale == y_scale &&
                      q->x_zero == q->y_zero && !s->count_pad;
  const double ratio = stored ? 1.0 + 0x1p-21 : (double)x_scale / (double)y_scale;
  for (int32_t d = 1; d <= s->kh * s->kw; d++)
    m[d] = (float)(ratio / d);
  if (stored)
    q->x_zero = q->y_zero = 0;
  q->m = m;
}

/* The `fixed` scheme: after qfk_pool_avg_scales() with the same arguments, fills @fixed [kh * kw + 1] and links it. */
static inline void qfk_pool_avg_fixed(QfkPoolInt *q, const QfkPoolShape *s, float x_scale, float y_scale,
                                      QfkFixed *fixed)
{
  const bool stored = q->m[1] > 1.0f && x_scale == y_scale;
  for (int32_t d = 1; d <= s->kh * s->kw; d++)
    fixed[d] = qfk_once((stored ? 1.0 + 0x1p-21 : (double)x_scale / (double)y_scale) / d, q->type > QFK_S8);
  q->fixed = fixed;
}

/* @act is none or a clamp. Sums in double. */
void qfk_pool_avg_f32_ref(const QfkPoolShape *s, const QfkEpilogue *act, const float *x, float *y);
void qfk_pool_max_f32_ref(const QfkPoolShape *s, const QfkEpilogue *act, const float *x, float *y);
void qfk_pool_avg_int_ref(const QfkPoolShape *s, const QfkPoolInt *q, const void *x, void *y);
void qfk_pool_max_int_ref(const QfkPoolShape *s, const QfkPoolInt *q, const void *x, void *y);

#endif
