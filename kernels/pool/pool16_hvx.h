/* SPDX-License-Identifier: MIT */
/*
 * pool16_hvx.h - average and maximum of windows over 16-bit images (kernels/hvx/d4.h), for HVX: as pool_hvx.h, over the grids of low and
 * of high bytes. Bit-exact with qfk_pool_max_int_ref(), and with qfk_pool_avg_int_ref() in the `fixed` scheme.
 */
#ifndef QFK_POOL16_HVX_H
#define QFK_POOL16_HVX_H

#include "../hvx/wide_out.h"
#include "pool_hvx.h"

typedef struct {
  QfkPoolHvx p;    /* as of bytes; its grid is that of low ones, its multipliers are wide */
  QfkGridHvx high; /* that of high bytes */
  int32_t less;    /* averages: what sums have too much for the zero point */
  uint8_t flip;    /* maximum: turns results' high bytes back */
  QfkHvxWideOut out;
  const int32_t *shift; /* averages: as the multipliers */
} QfkPool16Hvx;

/* Sets all but the pointers; @rows of a run, at most oh. FALSE: the kernel does not do this one: it takes 16 bits, what
 * qfk_pool_hvx_init() says of windows, and for averages q->fixed, multipliers below 32. */
bool qfk_pool16_hvx_init(QfkPool16Hvx *p, const QfkPoolShape *s, const QfkPoolInt *q, bool max, int32_t rows);

/* Numbers are those of qfk_pool_hvx_...(&p->p). @multiplier and @shift may be NULL for a maximum. */
void qfk_pool16_hvx_pack(const QfkPool16Hvx *p, const QfkPoolInt *q, int32_t *offsets, int32_t *multiplier,
                         int32_t *shift);

/* Bytes a run needs, 128-byte aligned. */
size_t qfk_pool16_hvx_scratch(const QfkPool16Hvx *p);

/* Output rows [@y0, @y0 + rows) that exist. Any rows at the same time, each with its own scratch. */
void qfk_pool_u16_hvx(const QfkPool16Hvx *p, const uint8_t *x, int32_t y0, uint8_t *y, void *scratch);

#endif
