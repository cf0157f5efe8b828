/* SPDX-License-Identifier: MIT */
/*
 * winoi_vec.h - the transforms of 8-bit integers by F(2x2, 3x3) and F(4x4, 3x3) for LANES channels, named by SUFFIX; included
 * by one file an instruction set, which may give what it does better as NEAREST, CLAMP and STORE_ROW. Every number is an
 * integer, so the result is that of the convolution; sums wrap around on the way, which the last one undoes: it is 4 times
 * the convolution's, or 576 times, see wino.h.
 */
#include "wino.h"

#include <string.h>

#define PASTE2(a, b) a##b
#define PASTE(a, b) PASTE2(a, b)

/* The inputs are taken LANES at a time, the sums in halves of that. */
#define HALF (LANES / 2)
typedef uint8_t Bytes __attribute__((vector_size(LANES)));
typedef int8_t SBytes __attribute__((vector_size(LANES)));
typedef int16_t Shorts __attribute__((vector_size(LANES * 2)));
typedef uint32_t Sums __attribute__((vector_size(HALF * 4)));
typedef int32_t Ints __attribute__((vector_size(HALF * 4)));
typedef float Reals __attribute__((vector_size(HALF * 4)));
typedef uint8_t Outs __attribute__((vector_size(HALF)));

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 6")

#ifndef NEAREST
/* Bounds are below 2^9, so that adding 1.5 x 2^23 rounds to the nearest integer, halves to even. */
#define NEAREST(reals) ((Ints)((reals) + 12582912.0f) - 0x4B400000)
#endif
#ifndef CLAMP
#define CLAMP(y, lo, hi) clamp(y, lo, hi)
INLINE Reals clamp(Reals y, Reals lo, Reals hi)
{
  const Ints below = y < lo;
  y = (Reals)((below & (Ints)lo) | (~below & (Ints)y));
  const Ints above = y > hi;
  return (Reals)((above & (Ints)hi) | (~above & (Ints)y));
}
#endif
#ifndef STORE_ROW
#define STORE_ROW(to, pitch, w, y) store_row(to, pitch, w, y)
/* The low bytes of the first @w of four pixels, @pitch bytes apart. */
INLINE void store_row(uint8_t *to, size_t pitch, uint32_t w, const Ints y[4])
{
  for (uint32_t j = 0; j < w; j++) {
    const Outs bytes = __builtin_convertvector(y[j], Outs);
    memcpy(to + j * pitch, &bytes, sizeof(bytes));
  }
}
#endif

INLINE Shorts load_bytes(const uint8_t *p, bool is_signed, Shorts zero)
{
  Bytes b;
  memcpy(&b, p, sizeof(b));
  return (is_signed ? __builtin_convertvector((SBytes)b, Shorts) : __builtin_convertvector(b, Shorts)) - zero;
}

/* The float requantisation of the channels from @i on. */
typedef struct {
  Ints bias, zero;
  Reals scale, lo, hi;
} Requant;

INLINE Requant requant_of(const QfkWinoTile *t, uint32_t i)
{
  Requant r = {.zero = t->zero_point - (Ints){0}, .lo = t->lo - (Reals){0}, .hi = t->hi - (Reals){0}};
  memcpy(&r.bias, (const int32_t *)t->bias + i, sizeof(r.bias));
  memcpy(&r.scale, t->scale + i, sizeof(r.scale));
  return r;
}

INLINE Ints requant(const Requant *r, Ints sum)
{
  const Reals y = __builtin_convertvector(sum + r->bias, Reals) * r->scale;
  return NEAREST(CLAMP(y, r->lo, r->hi)) + r->zero;
}

INLINE void in_2(Shorts o[4], const Shorts d[4])
{
  o[0] = d[0] - d[2];
  o[1] = d[1] + d[2];
  o[2] = d[2] - d[1];
  o[3] = d[1] - d[3];
}

INLINE void in_4(Shorts o[6], const Shorts d[6])
{
  const Shorts c = d[4] - d[2], f = d[3] - d[1], f2 = f + f;
  const Shorts a = d[4] - (d[2] << 2), b = d[3] - (d[1] << 2);
  o[0] = ((d[0] - d[2]) << 2) + c;
  o[1] = a + b;
  o[2] = a - b;
  o[3] = c + f2;
  o[4] = c - f2;
  o[5] = (d[5] - d[3]) - (f2 + f2);
}

/* A tile of LANES channels at a time, @in of SIDE values along each column and then each row. */
#define TRANSFORM_IN(name, in, SIDE)                                                                         \
  INLINE void name(const QfkWinoSource *s, const bool is_signed)                                             \
  {                                                                                                          \
    const uint8_t *x = s->x;                                                                                 \
    int16_t *v = s->v;                                                                                       \
    const Shorts zero = (int16_t)s->zero - (Shorts){0};                                                      \
    for (uint32_t i = 0; i < s->c; i += LANES, x += LANES, v += LANES) {                                     \
      Shorts t[SIDE][SIDE], d[SIDE], o[SIDE];                                                                \
      UNROLL for (int j = 0; j < SIDE; j++)                                                                  \
      {                                                                                                      \
        UNROLL for (int k = 0; k < SIDE; k++) d[k] =                                                         \
            load_bytes(x + k * s->row + j * s->col, is_signed, zero);                                        \
        in(o, d);                                                                                            \
        UNROLL for (int k = 0; k < SIDE; k++) t[k][j] = o[k];                                                \
      }                                                                                                      \
      UNROLL for (int k = 0; k < SIDE; k++)                                                                  \
      {                                                                                                      \
        in(o, t[k]);                                                                                         \
        UNROLL for (int j = 0; j < SIDE; j++)                                                                \
            memcpy(v + (size_t)(SIDE * k + j) * s->plane, &o[j], sizeof(o[j]));                              \
      }                                                                                                      \
    }                                                                                                        \
  }

TRANSFORM_IN(transform_in_2, in_2, 4)
TRANSFORM_IN(transform_in_4, in_4, 6)

void PASTE(qfk_wino_in_s16e2_, SUFFIX)(const QfkWinoSource *s)
{
  if (s->is_signed)
    transform_in_2(s, true);
  else
    transform_in_2(s, false);
}

void PASTE(qfk_wino_in_s16e4_, SUFFIX)(const QfkWinoSource *s)
{
  if (s->is_signed)
    transform_in_4(s, true);
  else
    transform_in_4(s, false);
}

INLINE Sums load_sums(const uint32_t *m)
{
  Sums v;
  memcpy(&v, m, sizeof(v));
  return v;
}

INLINE void out_2(Sums o[2], const Sums m[4])
{
  o[0] = m[0] + m[1] + m[2];
  o[1] = m[1] - m[2] - m[3];
}

/* 24 times what the tile's values are. */
INLINE void out_4(Sums o[4], const Sums m[6])
{
  const Sums s = m[1] + m[2], d = m[1] - m[2], t = m[3] + m[4], u = m[3] - m[4];
  o[0] = ((m[0] - (s + s)) << 1) + t;
  o[1] = (u - (d + d)) << 1;
  o[2] = (t - s) << 2;
  o[3] = (((u + m[5]) << 1) - d) << 2;
}

void PASTE(qfk_wino_out_s16e2_, SUFFIX)(const QfkWinoTile *t)
{
  const uint32_t *from = t->m;
  uint8_t *to = t->y;
  for (uint32_t i = 0; i < t->c; i += HALF) {
    const Requant r = requant_of(t, i);
    Sums rows[2][4], m[4], o[2];
    UNROLL for (int j = 0; j < 4; j++)
    {
      UNROLL for (int k = 0; k < 4; k++) m[k] = load_sums(from + (size_t)(4 * k + j) * t->plane + i);
      out_2(o, m);
      rows[0][j] = o[0];
      rows[1][j] = o[1];
    }
    for (uint32_t k = 0; k < t->h; k++) {
      Ints y[4] = {{0}};
      out_2(o, rows[k]);
      UNROLL for (int j = 0; j < 2; j++) y[j] = requant(&r, (Ints)o[j] >> 2);
      STORE_ROW(to + (ptrdiff_t)k * t->row + i, t->pixel, t->w, y);
    }
  }
}

void PASTE(qfk_wino_out_s16e4_, SUFFIX)(const QfkWinoTile *t)
{
  const uint32_t *from = t->m;
  uint8_t *to = t->y;
  for (uint32_t i = 0; i < t->c; i += HALF) {
    const Requant r = requant_of(t, i);
    Sums rows[4][6], m[6], o[4];
    UNROLL for (int j = 0; j < 6; j++)
    {
      UNROLL for (int k = 0; k < 6; k++) m[k] = load_sums(from + (size_t)(6 * k + j) * t->plane + i);
      out_4(o, m);
      UNROLL for (int k = 0; k < 4; k++) rows[k][j] = o[k];
    }
    for (uint32_t k = 0; k < t->h; k++) {
      Ints y[4];
      out_4(o, rows[k]);
      UNROLL for (int j = 0; j < 4; j++) y[j] =
          requant(&r, (Ints)(o[j] * 0x38E38E39u) >> 6); /* that is 1/9 modulo 2^32 */
      STORE_ROW(to + (ptrdiff_t)k * t->row + i, t->pixel, t->w, y);
    }
  }
}
