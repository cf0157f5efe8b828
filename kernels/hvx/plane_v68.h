/* SPDX-License-Identifier: MIT */
/*
 * plane_v68.h - images of half floats for HVX v68, planes of one channel [c][h][w], and windows over them.
 *
 * A window's plane is padded and parted by the stride's phases of columns, so that a tap at 64 neighbouring output pixels is a vector.
 * Its making is plain C.
 */
#ifndef QFK_PLANE_V68_H
#define QFK_PLANE_V68_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
  int32_t h, w, oh, ow, kh, kw;
  int32_t stride[2], dilation[2], pad[2];
} QfkPlaneV68;

/* Rows of a padded plane, and columns of one phase. */
static inline int32_t qfk_plane_v68_rows(const QfkPlaneV68 *p)
{
  return (p->oh - 1) * p->stride[0] + (p->kh - 1) * p->dilation[0] + 1;
}

static inline int32_t qfk_plane_v68_columns(const QfkPlaneV68 *p)
{
  return (p->ow + 63) / 64 * 64 + (p->kw - 1) * p->dilation[1] / p->stride[1];
}

/* Halves of a padded plane. */
static inline size_t qfk_plane_v68_size(const QfkPlaneV68 *p)
{
  return (size_t)p->stride[1] * (size_t)qfk_plane_v68_rows(p) * (size_t)qfk_plane_v68_columns(p);
}

static inline void qfk_plane_v68_pack(const QfkPlaneV68 *p, const uint16_t *x, uint16_t fill, uint16_t *to)
{
  const int32_t rows = qfk_plane_v68_rows(p), columns = qfk_plane_v68_columns(p);
  for (int32_t phase = 0; phase < p->stride[1]; phase++)
    for (int32_t r = 0; r < rows; r++)
      for (int32_t i = 0; i < columns; i++) {
        const int32_t iy = r - p->pad[0], ix = i * p->stride[1] + phase - p->pad[1];
        *to++ = iy >= 0 && iy < p->h && ix >= 0 && ix < p->w ? x[(ptrdiff_t)iy * p->w + ix] : fill;
      }
}

/* Where tap (@ky, @kx) of output row @oy's first pixel is. */
static inline const uint16_t *qfk_plane_v68_tap(const QfkPlaneV68 *p, const uint16_t *plane, int32_t oy,
                                                int32_t ky, int32_t kx)
{
  const int32_t at = kx * p->dilation[1], row = oy * p->stride[0] + ky * p->dilation[0];
  const ptrdiff_t rows = (ptrdiff_t)(at % p->stride[1]) * qfk_plane_v68_rows(p) + row;
  return plane + rows * qfk_plane_v68_columns(p) + at / p->stride[1];
}

#endif
