/* SPDX-License-Identifier: MIT */
/*
 * dwconv.h - depthwise convolution of NHWC images: weights [kh,kw,oc], output channel o reads input channel o / multiplier,
 * multiplier = oc / c. The shape is that of kernels/conv; its group is ignored.
 */
#ifndef QFK_DWCONV_H
#define QFK_DWCONV_H

#include "../conv/conv.h"

/* @bias [oc] and @res (as y) may be NULL. Sums in double. */
void qfk_dwconv_f32_ref(const QfkConvShape *s, const float *x, const float *w, const float *bias,
                        const float *res, const QfkEpilogue *e, float *y);
void qfk_dwconv_int_ref(const QfkConvShape *s, const QfkIntArgs *q, const void *x, const void *w, void *y);

#endif
