/* SPDX-License-Identifier: MIT */
/*
 * dwdot_vec.h - 3x3 depthwise convolution of bytes by dot products of four, for vectors V of BYTES channels; included with NAME(f), V
 * and the operations below defined, once for each width.
 *
 * Four neighbouring pixels are interleaved, so that 32 bits hold a channel's; weights (w0, w1, w2, 0) and (0, w0, w1, w2) then give
 * two outputs of stride 1. Interleaving goes in two stages; with KEEP, where there are registers for it, pairs of pixels are kept from
 * one step of two pixels to the next.
 * It leaves the channels of a block of 64 as packing to bytes wants them: element 4 l + d of vector v is channel 16 l + 4 v + d.
 *
 * LOAD(p), STORE(p, v), LO8, HI8, LO16, HI16 (unpack), DOT(acc, bytes, weights), FLOAT, INTEGER (conversions), LOADF(p), SETF(x),
 * MUL, SMALLER (floats), SET16(x), ADD16, LARGER16, PACK32, PACK16S, PACK16U; REG(v): a constraint for asm.
 */

/* Two pixels: the bytes of each channel side by side. */
INLINE void NAME(pair)(const uint8_t *x, ptrdiff_t col, V p[2])
{
  const V a = LOAD(x), b = LOAD(x + col);
  p[0] = LO8(a, b);
  p[1] = HI8(a, b);
}

/* Upper bound before the conversion, which it keeps in range; the lower one after it. */
INLINE void NAME(finish)(const QfkDwTile *t, const float *scale, uint8_t *y, const V acc[4], const bool full,
                         uint32_t n)
{
  V q[4];
  UNROLL for (unsigned v = 0; v < 4; v++) q[v] =
      INTEGER(SMALLER(MUL(FLOAT(acc[v]), LOADF(scale + 16 * v)), SETF(t->hi)));
  const V zero = SET16((int16_t)t->zero_point), low = SET16((int16_t)t->lo);
  const V a = ADD16(LARGER16(PACK32(q[0], q[1]), low), zero);
  const V b = ADD16(LARGER16(PACK32(q[2], q[3]), low), zero);
  const V bytes = t->y_signed ? PACK16S(a, b) : PACK16U(a, b);
  if (full) {
    STORE(y, bytes);
  } else {
    uint8_t tmp[BYTES];
    STORE(tmp, bytes);
    memcpy(y, tmp, n);
  }
}

/* A row of outputs, the channels from @c on; @full: there are BYTES of them. */
INLINE void NAME(row)(const QfkDwTile *t, const unsigned stride, const bool full, uint32_t c)
{
  const uint8_t *x = (const uint8_t *)t->x + c;
  const int8_t *w = (const int8_t *)t->w + (size_t)(c / 64) * QFK_DW_DOT_BLOCK + c % 64;
  const size_t vectors = c / 64 * 64 + c % 64 / 4; /* a half block is half of each vector */
  const int32_t *bias = (const int32_t *)t->bias + vectors;
  const uint32_t left_over = t->c - c;
  uint8_t *y = (uint8_t *)t->y + c;
  V left[3][2];
  UNROLL for (unsigned r = 0; KEEP && r < 3; r++) NAME(pair)(x + (ptrdiff_t)r * t->row, t->col, left[r]);
  for (uint32_t i = 0; i < t->n; i += 3 - stride) {
    V acc[2][4];
    x += 2 * t->col;
    UNROLL for (unsigned v = 0; v < 4; v++) acc[0][v] = acc[1][v] = LOAD(bias + 16 * v);
    UNROLL for (unsigned r = 0; r < 3; r++)
    {
      V right[2];
      if (!KEEP)
        NAME(pair)(x + (ptrdiff_t)r * t->row - 2 * t->col, t->col, left[r]);
      NAME(pair)(x + (ptrdiff_t)r * t->row, t->col, right);
      const V q[4] = {LO16(left[r][0], right[0]), HI16(left[r][0], right[0]), LO16(left[r][1], right[1]),
                      HI16(left[r][1], right[1])};
      UNROLL for (unsigned v = 0; v < 4; v++)
      {
        acc[0][v] = DOT(acc[0][v], q[v], LOAD(w + 256 * r + 64 * v));
        if (stride == 1)
          acc[1][v] = DOT(acc[1][v], q[v], LOAD(w + 768 + 256 * r + 64 * v));
      }
      left[r][0] = right[0];
      left[r][1] = right[1];
    }
#ifndef QFK_EMULATED
    /* Without this gcc spills sums to have registers for the epilogue. */
    UNROLL for (unsigned o = 0; o < 3 - stride; o++)
        UNROLL for (unsigned v = 0; v < 4; v++) __asm__ volatile("" : "+" REG(acc[o][v]));
#endif
    NAME(finish)(t, t->scale + vectors, y, acc[0], full, left_over);
    y += t->c;
    if (stride == 1 && i + 1 < t->n) {
      NAME(finish)(t, t->scale + vectors, y, acc[1], full, left_over);
      y += t->c;
    }
  }
}
