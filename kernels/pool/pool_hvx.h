/* SPDX-License-Identifier: MIT */
/*
 * pool_hvx.h - average and maximum of windows over 8-bit images in planes of four channels (kernels/hvx/d4.h), for HVX.
 *
 * The grid is that of convolutions (kernels/conv/grid_hvx.h). Averages have a multiplier for each output pixel, for at the border fewer
 * pixels count. Bit-exact with qfk_pool_max_int_ref(), and with qfk_pool_avg_int_ref() in the `fixed` scheme.
 */
#ifndef QFK_POOL_HVX_H
#define QFK_POOL_HVX_H

#include "../conv/grid_hvx.h"
#include "../hvx/d4.h"
#include "../hvx/out.h"
#include "pool.h"

typedef struct {
  QfkPoolShape s; /* n is 1 */
  QfkGridHvx grid;
  int32_t rows; /* output rows of a run */
  int32_t taps;
  bool max;
  int32_t less; /* averages: what sums have too much for the zero point */
  QfkHvxOut out;
  const int32_t *offsets;    /* [taps], bytes */
  const int32_t *multiplier; /* averages: [oh][gw], and 32 more */
} QfkPoolHvx;

/* Sets all but the pointers; @rows of a run, at most oh. FALSE: the kernel does not do this one: it takes 8 bits, windows of up to 256
 * pixels, 16 phases of the stride, and for averages q->fixed, all of whose multipliers that are used are below 1. */
bool qfk_pool_hvx_init(QfkPoolHvx *p, const QfkPoolShape *s, const QfkPoolInt *q, bool max, int32_t rows);

/* Numbers of multipliers; offsets are taps. */
size_t qfk_pool_hvx_multipliers(const QfkPoolHvx *p);
/* @multiplier may be NULL for a maximum. */
void qfk_pool_hvx_pack(const QfkPoolHvx *p, const QfkPoolInt *q, int32_t *offsets, int32_t *multiplier);

/* Bytes a run needs, 128-byte aligned. */
size_t qfk_pool_hvx_scratch(const QfkPoolHvx *p);

/* Output rows [@y0, @y0 + rows) that exist. Any rows at the same time, each with its own scratch. */
void qfk_pool_u8_hvx(const QfkPoolHvx *p, const uint8_t *x, int32_t y0, uint8_t *y, void *scratch);

#endif
