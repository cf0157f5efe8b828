/* SPDX-License-Identifier: MIT */
/*
 * reduce_hvx.h - sums, means and extremes of 8-bit data along an axis, and where the extreme is, for HVX.
 *
 * Data are [outer][n][inner], dense; planes of four channels (kernels/hvx/d4.h) are that too: over height and width [planes][h * w][4], over
 * height [planes][h][w * 4], over width [planes * h][w][4]. Over channels they have a form of their own. Bit-exact with
 * qfk_reduce_int_ref() in the `fixed` scheme and with qfk_arg_i64_ref().
 */
#ifndef QFK_REDUCE_HVX_H
#define QFK_REDUCE_HVX_H

#include "../hvx/out.h"
#include "reduce.h"

typedef enum {
  QFK_REDUCE_HVX_ROWS = 0, /* inner is 1 */
  QFK_REDUCE_HVX_LANES,    /* inner is 4 */
  QFK_REDUCE_HVX_COLUMNS,
  QFK_REDUCE_HVX_CHANNELS /* n planes; the four lanes come together */
} QfkReduceHvxKind;

typedef struct {
  QfkReduceHvxKind kind;
  QfkReduceOp op; /* SUM, MEAN, MAX, MIN */
  int32_t outer, n, inner;
  int32_t units, vectors; /* vectors: of inner, of a step of outer */
  int32_t tail;           /* CHANNELS: lanes of the last plane that count */
  uint8_t flip;
  int32_t less; /* off the sum, for the zero point */
  QfkFixed m;
  QfkHvxOut out;
} QfkReduceHvx;

/* FALSE: the kernel does not do this one: not 8 bits, another operation, another scheme, more than 2^22 values to one, or too large. */
bool qfk_reduce_hvx_init(QfkReduceHvx *p, QfkReduceOp op, const QfkReduceInt *q, int32_t outer, int32_t n,
                         int32_t inner);
/* Over the @channels of an image in planes; its output has one channel. */
bool qfk_reduce_hvx_init_channels(QfkReduceHvx *p, QfkReduceOp op, const QfkReduceInt *q, int32_t channels,
                                  int32_t pixels);

/* Units [@unit, @unit + @n) of p->units, in any order and at the same time. Reads up to 127 bytes beyond @x. */
void qfk_reduce_u8_hvx(const QfkReduceHvx *p, const uint8_t *x, uint8_t *y, int32_t unit, int32_t n);

/* Index of the extreme; indices are int32, dense [outer][inner], over channels [pixels]. */
typedef struct {
  QfkReduceHvxKind kind; /* no LANES */
  int32_t outer, n, inner;
  int32_t units, vectors, tail;
  uint8_t flip; /* what makes the best the largest byte */
  bool last;
} QfkArgHvx;

/* FALSE: more than 2^22 values, too large, or 16 bits. Of @a: outer, n, inner, min, last. */
bool qfk_arg_hvx_init(QfkArgHvx *p, const QfkAxis *a, QfkInt type);
bool qfk_arg_hvx_init_channels(QfkArgHvx *p, const QfkAxis *a, QfkInt type, int32_t channels, int32_t pixels);

/* As above. */
void qfk_arg_u8_hvx(const QfkArgHvx *p, const uint8_t *x, int32_t *y, int32_t unit, int32_t n);

#endif
