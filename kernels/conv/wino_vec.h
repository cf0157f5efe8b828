/* SPDX-License-Identifier: MIT */
/*
 * wino_vec.h - the transforms of floats for vectors of LANES channels, named by SUFFIX; included by one file an instruction set, which
 * says with TRANSFORMS() which it has. One body serves F(4x4, 3x3) and F(2x2, 3x3), transformed to floats or to bfloat16: its loops go
 * to constants.
 */
#include "../gemm/bf16.h"
#include "wino.h"

#include <string.h>

#define PASTE2(a, b) a##b
#define PASTE(a, b) PASTE2(a, b)

typedef float Vec __attribute__((vector_size(LANES * 4)));
typedef int32_t Mask __attribute__((vector_size(LANES * 4)));

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 6")
#define SPLAT(a) ((a) - (Vec){0})
/* An including file may know instructions for these. A NaN is clamped to itself. */
#ifndef FMA
#define FMA(a, b, c) ((a) * (b) + (c))
#endif
#ifndef NARROW
#define NARROW narrow
INLINE void narrow(uint16_t *to, Vec v)
{
  for (int i = 0; i < LANES; i++)
    to[i] = qfk_bf16_from(v[i]);
}
#endif
#ifndef CLAMP
#define CLAMP clamp
INLINE Vec clamp(Vec x, Vec lo, Vec hi)
{
  const Mask below = x<lo, above = x> hi; /* a NaN is neither */
  const Mask y = (below & (Mask)lo) | (~below & (Mask)x);
  return (Vec)((above & (Mask)hi) | (~above & y));
}
#endif
/* What gcc does not know it cannot compute ahead of a loop: it would make a pointer for each of the planes, and spill them. */
#define HOLD(x) __asm__("" : "+r"(x))
#define A 0.70710678118654752f /* the points: a = 1 / sqrt 2 and b = sqrt 2, so that a b = 1 and b = 2 a */
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

/* A transformed value, as bfloat16 where it has two bytes. */
INLINE void put(uint8_t *to, Vec v, const size_t size)
{
  if (size == 2)
    NARROW((uint16_t *)(void *)to, v);
  else
    store((float *)(void *)to, v);
}

/* Coefficients of the product of (x - point) over the other points, on one row or column. */
INLINE void in_6(Vec o[6], const Vec d[6])
{
  o[0] = FMA(-2.5f, d[2], d[4] + d[0]);
  const Vec e1 = FMA(-2.0f, d[2], d[4]), o1 = FMA(-2.0f, d[1], d[3]);
  o[1] = FMA(A, o1, e1);
  o[2] = FMA(-A, o1, e1);
  const Vec e2 = FMA(-0.5f, d[2], d[4]), o2 = FMA(-0.5f, d[1], d[3]);
  o[3] = FMA(B, o2, e2);
  o[4] = FMA(-B, o2, e2);
  o[5] = FMA(-2.5f, d[3], d[5] + d[1]);
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
  o[1] = A * FMA(2.0f, d2, d1);
  o[2] = 0.5f * FMA(4.0f, s2, s1);
  o[3] = FMA(A / 2, FMA(8.0f, d2, d1), m[5]);
}

INLINE void transform_in(const QfkWinoSource *s, const int side, const size_t size)
{
  const float *x = s->x;
  const ptrdiff_t row = s->row, col = s->col;
  const size_t plane = s->plane * size;
  uint8_t *v = s->v;
  for (uint32_t i = 0; i < s->c; i += LANES, x += LANES, v += LANES * size) {
    Vec t[6][6], d[6], o[6];
    const float *from = x;
    UNROLL for (int j = 0; j < side; j++, from += col)
    {
      HOLD(from);
      UNROLL for (int k = 0; k < side; k++) d[k] = load(from + k * row);
      (side == 4 ? in_4 : in_6)(o, d);
      UNROLL for (int k = 0; k < side; k++) t[k][j] = o[k];
    }
    uint8_t *to = v;
    UNROLL for (int k = 0; k < side; k++, to += (size_t)side * plane)
    {
      HOLD(to);
      (side == 4 ? in_4 : in_6)(o, t[k]);
      UNROLL for (int j = 0; j < side; j++) put(to + (size_t)j * plane, o[j], size);
    }
  }
}

/* The first @h rows of @w pixels of a tile of @edge. */
INLINE void transform_part(const QfkWinoTile *t, const int edge, const int h, const int w)
{
  const int side = edge + 2;
  const float *m = t->m, *bias = t->bias, *res = t->res;
  float *y = t->y;
  const size_t plane = t->plane, down = (size_t)side * plane;
  const Vec lo = SPLAT(t->lo), hi = SPLAT(t->hi);
  for (uint32_t i = 0; i < t->c; i += LANES, m += LANES, y += LANES) {
    Vec rows[4][6], d[6], o[4];
    const float *from = m;
    UNROLL for (int j = 0; j < side; j++, from += plane)
    {
      HOLD(from);
      UNROLL for (int k = 0; k < side; k++) d[k] = load(from + (size_t)k * down);
      (edge == 2 ? out_2 : out_4)(o, d);
      UNROLL for (int k = 0; k < edge; k++) rows[k][j] = o[k];
    }
    const Vec b = load(bias + i);
    float *to = y;
    UNROLL for (int k = 0; k < edge; k++, to += t->row)
    {
      if (k >= h)
        break;
      HOLD(to);
      (edge == 2 ? out_2 : out_4)(o, rows[k]);
      UNROLL for (int j = 0; j < edge; j++) if (j < w)
      {
        const ptrdiff_t pixel = (ptrdiff_t)j * t->pixel;
        o[j] = o[j] + b;
        if (res)
          o[j] = o[j] + load(res + (to - (float *)t->y) + pixel);
        store(to + pixel, CLAMP(o[j], lo, hi));
      }
    }
  }
}

INLINE void transform_out(const QfkWinoTile *t, const int edge)
{
  if (t->h == (uint32_t)edge && t->w == (uint32_t)edge)
    transform_part(t, edge, edge, edge);
  else
    transform_part(t, edge, (int)t->h, (int)t->w);
}

/* @size: bytes of a transformed value, 4 or 2. */
#define TRANSFORMS(what, edge, size)                                                                         \
  void PASTE(qfk_wino_in_##what##_, SUFFIX)(const QfkWinoSource *t)                                          \
  {                                                                                                          \
    transform_in(t, (edge) + 2, size);                                                                       \
  }                                                                                                          \
  void PASTE(qfk_wino_out_##what##_, SUFFIX)(const QfkWinoTile *t)                                           \
  {                                                                                                          \
    transform_out(t, edge);                                                                                  \
  }
