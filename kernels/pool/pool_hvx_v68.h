/* SPDX-License-Identifier: MIT */
/*
 * pool_hvx_v68.h - maximum and average of windows over half floats (kernels/hvx/plane_v68.h), for HVX v68 and later. The maximum is exact,
 * the average within 2^-10 of qfk_pool_avg_f32_ref() on the same halves, relative to the larger of the result and of 1.
 */
#ifndef QFK_POOL_HVX_V68_H
#define QFK_POOL_HVX_V68_H

#include "../hvx/plane_v68.h"
#include "pool.h"

typedef struct {
  QfkPoolShape s; /* n is 1 */
  bool max;
  const float
      *inverse; /* averages: [oh][(ow + 63) / 64][2][32], what even and odd pixels' sums are multiplied by */
} QfkPoolHvxV68;

static inline QfkPlaneV68 qfk_pool_hvx_v68_plane(const QfkPoolShape *s)
{
  return (QfkPlaneV68){s->h,
                       s->w,
                       s->oh,
                       s->ow,
                       s->kh,
                       s->kw,
                       {s->stride[0], s->stride[1]},
                       {s->dilation[0], s->dilation[1]},
                       {s->pad[0], s->pad[2]}};
}

static inline size_t qfk_pool_hvx_v68_inverses(const QfkPoolHvxV68 *p)
{
  return (size_t)p->s.oh * (size_t)((p->s.ow + 63) / 64) * 64;
}

/* Fills them: of windows without a pixel 0. For any machine. */
static inline void qfk_pool_hvx_v68_pack(const QfkPoolHvxV68 *p, float *inverse)
{
  const QfkPoolShape *s = &p->s;
  const size_t columns = qfk_pool_hvx_v68_inverses(p) / (size_t)s->oh;
  for (size_t i = 0; i < qfk_pool_hvx_v68_inverses(p); i++) {
    const int32_t y = (int32_t)(i / columns), at = (int32_t)(i % columns);
    const int32_t x = at / 64 * 64 + at % 32 * 2 + at % 64 / 32;
    const QfkPoolWindow wy =
        qfk_pool_window(y, s->h, s->kh, s->stride[0], s->dilation[0], s->pad[0], s->pad[1]);
    const QfkPoolWindow wx =
        qfk_pool_window(x, s->w, s->kw, s->stride[1], s->dilation[1], s->pad[2], s->pad[3]);
    const int32_t inside =
        wy.last > wy.first && wx.last > wx.first ? (wy.last - wy.first) * (wx.last - wx.first) : 0;
    const int32_t count = s->count_pad ? wy.count_padded * wx.count_padded : inside;
    inverse[i] = count && x < s->ow ? 1.0f / (float)count : 0;
  }
}

/* Bytes a run needs, 128-byte aligned. */
static inline size_t qfk_pool_hvx_v68_scratch(const QfkPoolHvxV68 *p)
{
  const QfkPlaneV68 plane = qfk_pool_hvx_v68_plane(&p->s);
  return qfk_plane_v68_size(&plane) * 2 + 128;
}

void qfk_pool_f16_hvx_v68(const QfkPoolHvxV68 *p, const uint16_t *x, uint16_t *y, void *scratch);

#endif
