/* SPDX-License-Identifier: MIT */
/*
 * winoi_vec.h - the transforms of 8-bit integers by F(2x2, 3x3) for LANES channels, named by SUFFIX; included by one file an
 * instruction set, which may give NARROW(ints), the low bytes of LANES / 2 of them. Every number is an integer, so the result is that of the convolution; sums wrap around on the way, which
 * the last one, 4 times the convolution's, undoes.
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

#ifndef NARROW
#define NARROW(ints) __builtin_convertvector(ints, Outs)
#endif
#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 4")

INLINE Shorts load_bytes(const uint8_t *p, bool is_signed, Shorts zero)
{
  Bytes b;
  memcpy(&b, p, sizeof(b));
  return (is_signed ? __builtin_convertvector((SBytes)b, Shorts) : __builtin_convertvector(b, Shorts)) - zero;
}

INLINE void in_4(Shorts o[4], const Shorts d[4])
{
  o[0] = d[0] - d[2];
  o[1] = d[1] + d[2];
  o[2] = d[2] - d[1];
  o[3] = d[1] - d[3];
}

INLINE void transform_in(const QfkWinoSource *s, const bool is_signed)
{
  const uint8_t *x = s->x;
  int16_t *v = s->v;
  const Shorts zero = (int16_t)s->zero - (Shorts){0};
  for (uint32_t i = 0; i < s->c; i += LANES, x += LANES, v += LANES) {
    Shorts t[4][4], d[4], o[4];
    UNROLL for (int j = 0; j < 4; j++)
    {
      UNROLL for (int k = 0; k < 4; k++) d[k] = load_bytes(x + k * s->row + j * s->col, is_signed, zero);
      in_4(o, d);
      UNROLL for (int k = 0; k < 4; k++) t[k][j] = o[k];
    }
    UNROLL for (int k = 0; k < 4; k++)
    {
      in_4(o, t[k]);
      UNROLL for (int j = 0; j < 4; j++) memcpy(v + (size_t)(4 * k + j) * s->plane, &o[j], sizeof(o[j]));
    }
  }
}

void PASTE(qfk_wino_in_s16_, SUFFIX)(const QfkWinoSource *s)
{
  if (s->is_signed)
    transform_in(s, true);
  else
    transform_in(s, false);
}

INLINE void out_2(Sums o[2], const Sums m[4])
{
  o[0] = m[0] + m[1] + m[2];
  o[1] = m[1] - m[2] - m[3];
}

/* The `float` requantisation. Bounds are below 2^9, so that adding 1.5 x 2^23 rounds to the nearest integer, halves to even. */
INLINE Outs requant(Sums sum, Ints bias, Reals scale, Reals lo, Reals hi, int32_t zero)
{
  const float magic = 12582912.0f;
  Reals y = __builtin_convertvector(((Ints)sum >> 2) + bias, Reals) * scale;
  const Ints below = y < lo;
  y = (Reals)((below & (Ints)lo) | (~below & (Ints)y));
  const Ints above = y > hi;
  y = (Reals)((above & (Ints)hi) | (~above & (Ints)y)) + magic;
  return NARROW((Ints)y + (zero - 0x4B400000));
}

void PASTE(qfk_wino_out_s16_, SUFFIX)(const QfkWinoTile *t)
{
  const int32_t *biases = t->bias;
  const uint32_t *from = t->m;
  uint8_t *to = t->y;
  const Reals lo = t->lo - (Reals){0}, hi = t->hi - (Reals){0};
  for (uint32_t i = 0; i < t->c; i += HALF) {
    Sums rows[2][4], m[4], o[2];
    Ints bias;
    Reals scale;
    memcpy(&bias, biases + i, sizeof(bias));
    memcpy(&scale, t->scale + i, sizeof(scale));
    UNROLL for (int j = 0; j < 4; j++)
    {
      UNROLL for (int k = 0; k < 4; k++)
          memcpy(&m[k], from + (size_t)(4 * k + j) * t->plane + i, sizeof(m[k]));
      out_2(o, m);
      rows[0][j] = o[0];
      rows[1][j] = o[1];
    }
    for (uint32_t k = 0; k < t->h; k++) {
      out_2(o, rows[k]);
      for (uint32_t j = 0; j < t->w; j++) {
        const Outs y = requant(o[j], bias, scale, lo, hi, t->zero_point);
        memcpy(to + (ptrdiff_t)k * t->row + (ptrdiff_t)(j * t->c) + i, &y, sizeof(y));
      }
    }
  }
}
