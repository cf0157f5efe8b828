/* SPDX-License-Identifier: MIT */
/*
 * litert.h - integer operators as LiteRT's reference kernels compute them, for the `tflite` scheme: only the reference backend
 * uses them, to show that a model gives the peer's very numbers. Convolutions and products share the usual references, with
 * QfkRequant.fixed set.
 */
#ifndef QFK_LITERT_H
#define QFK_LITERT_H

#include "../epilogue.h"
#include "../nd.h"

/* y = clamp((a * fa + b * fb) * fy + y_zero), a and b shifted left first; b is negated for a difference. MUL: (a * b) * fy. */
typedef struct {
  QfkNd nd; /* y, a, b */
  QfkInt a_type, b_type, y_type;
  int32_t a_zero, b_zero, y_zero, lo, hi;
  int32_t left_shift;
  bool multiply, subtract;
  QfkFixed fa, fb, fy;
} QfkLitertBinary;

void qfk_litert_binary_ref(const QfkLitertBinary *p, const void *a, const void *b, void *y);

/* The mean of the stored values, rounded half away from zero; @sum of @count of them. */
static inline int32_t qfk_litert_mean(int64_t sum, int32_t count)
{
  return count ? (int32_t)((sum + (sum > 0 ? count / 2 : -(count / 2))) / count) : 0;
}

/* y = clamp((x - x_zero) * f + y_zero) */
typedef struct {
  QfkInt x_type, y_type;
  int32_t x_zero, y_zero, lo, hi;
  QfkFixed f;
} QfkLitertRequantize;

void qfk_litert_requantize_ref(const QfkLitertRequantize *p, const void *x, void *y, size_t n);

/* y = clamp((x - x_zero) * f + y_zero), f one of two by the sign of x - x_zero. */
typedef struct {
  QfkInt x_type, y_type;
  int32_t x_zero, y_zero, lo, hi;
  QfkFixed positive, negative;
} QfkLitertLeaky;

/* Bilinear: of 8 bits without a sign in float, of others in 2^-10 of a pixel. [n, ih, iw, c] to [n, oh, ow, c]. */
typedef struct {
  QfkInt type;
  int64_t n, ih, iw, c, oh, ow;
  bool align_corners, half_pixel;
} QfkLitertResize;

void qfk_litert_resize_ref(const QfkLitertResize *p, const void *x, void *y);

/* x * min(max(x + 3, 0), 6) / 6 of 8 bits, in products of 16 bits: fy is x to y, fr is x to 3 / 2^15. */
typedef struct {
  QfkInt x_type, y_type;
  int32_t x_zero, y_zero, lo, hi;
  QfkFixed fy, fr;
} QfkLitertSwish;

void qfk_litert_swish_ref(const QfkLitertSwish *p, const void *x, void *y, size_t n);

/* Sigmoid and tanh of int16 by a table of 65536 * sigmoid(i / 24), 24 entries a unit, and straight lines between them. */
typedef struct {
  bool tanh;
  int32_t multiplier, shift; /* x * multiplier >> shift, rounded: in 1 / (3 * 4096) */
  uint16_t table[257];
} QfkLitertSigmoid;

/* Fills in the table and how data of @scale is brought to its steps. */
void qfk_litert_sigmoid_init(QfkLitertSigmoid *p, float scale);
void qfk_litert_sigmoid_ref(const QfkLitertSigmoid *p, const int16_t *x, int16_t *y, size_t n);

void qfk_litert_leaky_ref(const QfkLitertLeaky *p, const void *x, void *y, size_t n);

/* Input [n, h, w, c], output [n, oh, ow, m]. */
typedef struct {
  int32_t n, h, w, c, oh, ow, kh, kw, m;
  int32_t stride[2], dilation[2], pad[2]; /* height, width; top, left */
  int32_t group;
} QfkLitertWindow;

/*
 * Convolution of float images by int8 weights [kh, kw, c / group, m] (depthwise: [kh, kw, 1, m]). Each image is quantized on its
 * own, with or without an offset, so that its range fills 8 bits.
 */
typedef struct {
  QfkLitertWindow shape;
  bool depthwise, asymmetric;
  bool bias_first; /* bias + sum * (scale * w_scale), else sum * w_scale * scale + bias */
  bool per_channel;
  const float *w_scale; /* [m], or one */
  QfkEpilogue act;
} QfkLitertHybrid;

/* @q: scratch for one image. @bias may be NULL. */
void qfk_litert_hybrid_ref(const QfkLitertHybrid *p, const float *x, const int8_t *w, const float *bias,
                           int8_t *q, float *y);

#endif
