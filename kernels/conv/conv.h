/* SPDX-License-Identifier: MIT */
/*
 * conv.h - 2-D convolution and transposed convolution of NHWC images with HWIO weights: the references.
 *
 * The shape is that of the memory: input [n,h,w,c], weights [kh,kw,c/group,oc], output [n,oh,ow,oc]. Only the top and left
 * padding are given; the others follow from oh and ow. Depthwise convolution is in kernels/dwconv.
 */
#ifndef QFK_CONV_H
#define QFK_CONV_H

#include "../epilogue.h"

typedef struct {
  int32_t n, h, w, c; /* input */
  int32_t oh, ow, oc; /* output */
  int32_t kh, kw;     /* filter */
  int32_t stride[2];  /* height, width; as below */
  int32_t dilation[2];
  int32_t pad[2]; /* top, left; may not be negative */
  int32_t group;  /* divides c and oc */
} QfkConvShape;

/* @bias [oc] and @res (as y) may be NULL. Sums in double. */
void qfk_conv2d_f32_ref(const QfkConvShape *s, const float *x, const float *w, const float *bias,
                        const float *res, const QfkEpilogue *e, float *y);
void qfk_conv2d_int_ref(const QfkConvShape *s, const QfkIntArgs *q, const void *x, const void *w, void *y);

/* y[oy][ox] += x[iy][ix] * w[ky][kx] where oy = iy * stride + ky * dilation - pad. */
void qfk_deconv2d_f32_ref(const QfkConvShape *s, const float *x, const float *w, const float *bias,
                          const float *res, const QfkEpilogue *e, float *y);
void qfk_deconv2d_int_ref(const QfkConvShape *s, const QfkIntArgs *q, const void *x, const void *w, void *y);

#endif
