/* SPDX-License-Identifier: MIT */
/*
 * move_hvx.c - strided copies for HVX; see move_hvx.h. Rows and columns change places in registers: each round interleaves vector i with
 * vector i + half, which turns the number of an element (vector, lane) one bit to the left; parting them is the inverse.
 */
#include "move_hvx.h"
#include "../hvx/memory.h"

#include <stddef.h>

#define ROWS 32

/* v [2^rounds]; R of the shuffle is minus the element's bytes. */
static void weave(HVX_Vector *v, int32_t rounds, int32_t bytes)
{
  HVX_Vector other[ROWS] __attribute__((aligned(128)));
  HVX_Vector *from = v, *to = other;
  const int32_t half = rounds ? 1 << (rounds - 1) : 0;
  for (int32_t round = 0; round < rounds; round++) {
    for (int32_t i = 0; i < half; i++) {
      const HVX_VectorPair both = Q6_W_vshuff_VVR(from[i + half], from[i], -bytes);
      to[2 * i] = Q6_V_lo_W(both);
      to[2 * i + 1] = Q6_V_hi_W(both);
    }
    HVX_Vector *swap = from;
    from = to;
    to = swap;
  }
  for (int32_t i = 0; rounds % 2 && i < 2 * half; i++)
    v[i] = other[i];
}

static void part(HVX_Vector *v, int32_t rounds, int32_t bytes)
{
  HVX_Vector other[ROWS] __attribute__((aligned(128)));
  HVX_Vector *from = v, *to = other;
  const int32_t half = rounds ? 1 << (rounds - 1) : 0;
  for (int32_t round = 0; round < rounds; round++) {
    for (int32_t i = 0; i < half; i++) {
      const HVX_VectorPair both = Q6_W_vdeal_VVR(from[2 * i + 1], from[2 * i], -bytes);
      to[i] = Q6_V_lo_W(both);
      to[i + half] = Q6_V_hi_W(both);
    }
    HVX_Vector *swap = from;
    from = to;
    to = swap;
  }
  for (int32_t i = 0; rounds % 2 && i < 2 * half; i++)
    v[i] = other[i];
}

static int32_t rounds_of(int32_t rows)
{
  int32_t k = 0;
  while (1 << k < rows)
    k++;
  return k;
}

static inline void store_some(uint8_t *to, HVX_Vector v, int32_t n)
{
  if (n >= 128)
    qfk_hvx_store(to, v);
  else
    qfk_hvx_store_n(to, v, n);
}

static void do_weave(const QfkMoveHvx *p, const uint8_t *x, uint8_t *y, int32_t n)
{
  HVX_Vector v[ROWS] __attribute__((aligned(128)));
  for (int32_t i = 0; i < p->a; i++)
    v[i] = qfk_hvx_load(x + (ptrdiff_t)i * p->xa);
  weave(v, rounds_of(p->a), p->bytes);
  const int32_t bytes = n * p->a * p->bytes, whole = bytes / 128;
  for (int32_t i = 0; i < whole; i++)
    qfk_hvx_store(y + i * 128, v[i]);
  if (bytes % 128)
    qfk_hvx_store_n(y + whole * 128, v[whole], bytes % 128);
}

static void do_part(const QfkMoveHvx *p, const uint8_t *x, uint8_t *y, int32_t n)
{
  HVX_Vector v[ROWS] __attribute__((aligned(128)));
  const int32_t bytes = n * p->b * p->bytes;
  for (int32_t i = 0; i < p->b; i++)
    v[i] = i * 128 < bytes ? qfk_hvx_load(x + i * 128) : Q6_V_vzero();
  part(v, rounds_of(p->b), p->bytes);
  for (int32_t i = 0; i < p->b; i++)
    store_some(y + (ptrdiff_t)i * p->yb, v[i], n * p->bytes);
}

/* Up to 32 rows at a time; 2^rounds of them to each column. */
static void do_turn(const QfkMoveHvx *p, const uint8_t *x, uint8_t *y, int32_t n)
{
  HVX_Vector v[ROWS] __attribute__((aligned(128)));
  const int32_t lanes = rounds_of(p->piece); /* a piece is a vector */
  for (int32_t at = 0; at < p->a; at += ROWS) {
    const int32_t rows = p->a - at < ROWS ? p->a - at : ROWS, k = rounds_of(rows);
    const int32_t shift = lanes - k, in_vector = 1 << shift, column = p->bytes << k;
    for (int32_t i = 0; i < 1 << k; i++)
      v[i] = qfk_hvx_load(x + (ptrdiff_t)(at + (i < rows ? i : rows - 1)) * p->xa);
    weave(v, k, p->bytes);
    for (int32_t c = 0; c < n; c++) {
      const HVX_Vector one = Q6_V_vror_VR(v[c >> shift], (c & (in_vector - 1)) * column);
      qfk_hvx_store_n(y + (ptrdiff_t)c * p->yb + at * p->bytes, one, rows * p->bytes);
    }
  }
}

static void do_fill(const QfkMoveHvx *p, const uint8_t *x, uint8_t *y, int32_t n)
{
  uint32_t value = 0;
  memcpy(&value, x, (size_t)p->bytes);
  const HVX_Vector v = p->bytes == 1   ? Q6_Vb_vsplat_R((int32_t)value)
                       : p->bytes == 2 ? Q6_Vh_vsplat_R((int32_t)value)
                                       : Q6_V_vsplat_R((int32_t)value);
  const int32_t bytes = n * p->bytes, whole = bytes / 128;
  for (int32_t i = 0; i < whole; i++)
    qfk_hvx_store(y + i * 128, v);
  if (bytes % 128)
    qfk_hvx_store_n(y + whole * 128, v, bytes % 128);
}

#define SINGLE(T)                                                                                            \
  static void single_##T(uint8_t *y, ptrdiff_t sy, const uint8_t *x, ptrdiff_t sx, int32_t n)                \
  {                                                                                                          \
    for (int32_t i = 0; i < n; i++)                                                                          \
      memcpy(y + i * sy, x + i * sx, sizeof(T));                                                             \
  }
SINGLE(uint8_t)
SINGLE(uint16_t)
SINGLE(uint32_t)

static void do_single(const QfkMoveHvx *p, const uint8_t *x, uint8_t *y, int32_t n)
{
  if (p->bytes == 1)
    single_uint8_t(y, p->yb, x, p->xb, n);
  else if (p->bytes == 2)
    single_uint16_t(y, p->yb, x, p->xb, n);
  else
    single_uint32_t(y, p->yb, x, p->xb, n);
}

static void do_run(const QfkMoveHvx *p, const uint8_t *x, uint8_t *y, int32_t n)
{
  qfk_hvx_copy(y, x, n * p->bytes);
}

void qfk_move_hvx(const QfkMoveHvx *p, const void *x, void *y, int32_t unit, int32_t n)
{
  static void (*const kinds[])(const QfkMoveHvx *, const uint8_t *, uint8_t *, int32_t) = {
      [QFK_MOVE_RUN] = do_run,     [QFK_MOVE_FILL] = do_fill, [QFK_MOVE_TURN] = do_turn,
      [QFK_MOVE_WEAVE] = do_weave, [QFK_MOVE_PART] = do_part, [QFK_MOVE_SINGLE] = do_single};
  const bool along_a = p->kind == QFK_MOVE_PART;
  const int32_t along = along_a ? p->a : p->b;
  const int32_t end = p->units - unit < n ? p->units : unit + n;
  for (int32_t u = unit; u < end; u++) {
    const int32_t first = u % p->pieces * p->piece;
    ptrdiff_t from = (ptrdiff_t)first * (along_a ? p->xa : p->xb);
    ptrdiff_t to = (ptrdiff_t)first * (along_a ? p->ya : p->yb);
    int32_t outer = u / p->pieces;
    for (int32_t d = p->rank - 1; d >= 0; d--) {
      const int32_t at = p->rank > 1 ? outer % p->dims[d] : outer;
      outer = p->rank > 1 ? outer / p->dims[d] : 0;
      from += (ptrdiff_t)at * p->x[d];
      to += (ptrdiff_t)at * p->y[d];
    }
    kinds[p->kind](p, (const uint8_t *)x + from, (uint8_t *)y + to,
                   along - first < p->piece ? along - first : p->piece);
  }
}
