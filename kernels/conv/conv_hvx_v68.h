/* SPDX-License-Identifier: MIT */
/*
 * conv_hvx_v68.h - 2-D convolution of half floats, any filter and groups (so depthwise too), for HVX v68 and later.
 *
 * A vector is 64 pixels of one channel (kernels/hvx/plane_v68.h), products are added up in qf32. Within 2^-10 of
 * qfk_conv2d_f32_ref() on the same halves, relative to the larger of the result and of 1.
 */
#ifndef QFK_CONV_HVX_V68_H
#define QFK_CONV_HVX_V68_H

#include "../hvx/plane_v68.h"
#include "conv.h"

typedef struct {
  QfkConvShape s;          /* n is 1 */
  uint16_t lo, hi;         /* bounds of results, halves; infinities: none */
  const uint16_t *weights; /* [oc][c / group][kh][kw] */
  const float *bias;       /* [oc] */
} QfkConvHvxV68;

static inline QfkPlaneV68 qfk_conv_hvx_v68_plane(const QfkConvShape *s)
{
  return (QfkPlaneV68){s->h,
                       s->w,
                       s->oh,
                       s->ow,
                       s->kh,
                       s->kw,
                       {s->stride[0], s->stride[1]},
                       {s->dilation[0], s->dilation[1]},
                       {s->pad[0], s->pad[1]}};
}

/* Bytes a run needs, 128-byte aligned. */
static inline size_t qfk_conv_hvx_v68_scratch(const QfkConvHvxV68 *p)
{
  const QfkPlaneV68 plane = qfk_conv_hvx_v68_plane(&p->s);
  return (size_t)(p->s.c / p->s.group) * qfk_plane_v68_size(&plane) * 2 + 128;
}

void qfk_conv_f16_hvx_v68(const QfkConvHvxV68 *p, const uint16_t *x, uint16_t *y, void *scratch);

#endif
