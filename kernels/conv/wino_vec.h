/* SPDX-License-Identifier: MIT */
/*
 * wino_vec.h - the transforms of floats for vectors of LANES channels, named by SUFFIX; included by one file an instruction set. One
 * body serves F(4x4, 3x3) and F(2x2, 3x3): its loops go to constants.
 */
#include "wino.h"

#include <string.h>

#define PASTE2(a, b) a##b
#define PASTE(a, b) PASTE2(a, b)

typedef float Vec __attribute__((vector_size(LANES * 4)));
typedef int32_t Mask __attribute__((vector_size(LANES * 4)));

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 6")
#define A 0.70710678118654752f /* the points: a = 1 / sqrt 2 and b = sqrt 2, so that a b = 1 */
#define B 1.41421356237309505f

INLINE Vec load(const float *p)
{
  Vec v;
  memcpy(&v, p, sizeof(v));
  return v;
}

INLINE void store(float *p, Vec v)
{
  memcpy(p, &v, sizeof(v));
}

/* Coefficients of the product of (x - point) over the other points, on one row or column. */
INLINE void in_6(Vec o[6], const Vec d[6])
{
  o[0] = d[4] - 2.5f * d[2] + d[0];
  const Vec e1 = d[4] - 2.0f * d[2], o1 = A * d[3] - B * d[1];
  o[1] = e1 + o1;
  o[2] = e1 - o1;
  const Vec e2 = d[4] - 0.5f * d[2], o2 = B * d[3] - A * d[1];
  o[3] = e2 + o2;
  o[4] = e2 - o2;
  o[5] = d[5] - 2.5f * d[3] + d[1];
}

/* The same for the points 0, +-1 and infinity. */
INLINE void in_4(Vec o[6], const Vec d[6])
{
  o[0] = d[0] - d[2];
  o[1] = d[1] + d[2];
  o[2] = d[2] - d[1];
  o[3] = d[3] - d[1];
}

/* Powers of the points. */
INLINE void out_2(Vec o[4], const Vec m[6])
{
  o[0] = m[0] + m[1] + m[2];
  o[1] = m[1] - m[2] + m[3];
}

INLINE void out_4(Vec o[4], const Vec m[6])
{
  const Vec s1 = m[1] + m[2], d1 = m[1] - m[2], s2 = m[3] + m[4], d2 = m[3] - m[4];
  o[0] = m[0] + s1 + s2;
  o[1] = A * d1 + B * d2;
  o[2] = 0.5f * s1 + 2.0f * s2;
  o[3] = (A / 2) * d1 + (B * 2) * d2 + m[5];
}

INLINE void transform_in(const QfkWinoSource *s, const int side)
{
  const float *x = s->x;
  const ptrdiff_t row = s->row, col = s->col;
  const size_t plane = s->plane;
  float *v = s->v;
  for (uint32_t i = 0; i < s->c; i += LANES, x += LANES, v += LANES) {
    Vec t[6][6], d[6], o[6];
    UNROLL for (int j = 0; j < side; j++)
    {
      UNROLL for (int k = 0; k < side; k++) d[k] = load(x + k * row + j * col);
      (side == 4 ? in_4 : in_6)(o, d);
      UNROLL for (int k = 0; k < side; k++) t[k][j] = o[k];
    }
    UNROLL for (int k = 0; k < side; k++)
    {
      (side == 4 ? in_4 : in_6)(o, t[k]);
      UNROLL for (int j = 0; j < side; j++) store(v + (size_t)(side * k + j) * plane, o[j]);
    }
  }
}

INLINE Vec clamp(Vec x, Vec lo, Vec hi)
{
  const Mask below = x<lo, above = x> hi; /* a NaN is neither */
  const Mask y = (below & (Mask)lo) | (~below & (Mask)x);
  return (Vec)((above & (Mask)hi) | (~above & y));
}

INLINE void transform_out(const QfkWinoTile *t, const int edge)
{
  const float *from = t->m, *biases = t->bias;
  const int side = edge + 2;
  float *to = t->y;
  const Vec lo = t->lo - (Vec){0}, hi = t->hi - (Vec){0};
  for (uint32_t i = 0; i < t->c; i += LANES) {
    Vec rows[4][6], m[6], o[4];
    const Vec bias = load(biases + i);
    UNROLL for (int j = 0; j < side; j++)
    {
      UNROLL for (int k = 0; k < side; k++) m[k] = load(from + (size_t)(side * k + j) * t->plane + i);
      (edge == 2 ? out_2 : out_4)(o, m);
      UNROLL for (int k = 0; k < edge; k++) rows[k][j] = o[k];
    }
    UNROLL for (int k = 0; k < edge; k++)
    {
      if (k >= (int)t->h)
        break;
      (edge == 2 ? out_2 : out_4)(o, rows[k]);
      const ptrdiff_t at = (ptrdiff_t)k * t->row + i;
      UNROLL for (int j = 0; j < edge; j++) if (j < (int)t->w)
      {
        const ptrdiff_t pixel = at + (ptrdiff_t)j * t->pixel;
        Vec y = o[j] + bias;
        if (t->res)
          y = y + load(t->res + pixel);
        store(to + pixel, clamp(y, lo, hi));
      }
    }
  }
}

#define TRANSFORMS(what, edge)                                                                               \
  void PASTE(qfk_wino_in_##what##_, SUFFIX)(const QfkWinoSource *t)                                          \
  {                                                                                                          \
    transform_in(t, (edge) + 2);                                                                             \
  }                                                                                                          \
  void PASTE(qfk_wino_out_##what##_, SUFFIX)(const QfkWinoTile *t)                                           \
  {                                                                                                          \
    transform_out(t, edge);                                                                                  \
  }
TRANSFORMS(f32, 4)
TRANSFORMS(f32e2, 2)
