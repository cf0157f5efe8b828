/* SPDX-License-Identifier: MIT */
/*
 * dwconv_ref.c - the truth about depthwise convolution: a convolution in as many groups as input channels.
 */
#include "dwconv.h"

void qfk_dwconv_f32_ref(const QfkConvShape *s, const float *x, const float *w, const float *bias,
                        const float *res, const QfkEpilogue *e, float *y)
{
  QfkConvShape grouped = *s;
  grouped.group = s->c;
  qfk_conv2d_f32_ref(&grouped, x, w, bias, res, e, y);
}

void qfk_dwconv_int_ref(const QfkConvShape *s, const QfkIntArgs *q, const void *x, const void *w, void *y)
{
  QfkConvShape grouped = *s;
  grouped.group = s->c;
  qfk_conv2d_int_ref(&grouped, q, x, w, y);
}
