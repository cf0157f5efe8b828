/* SPDX-License-Identifier: MIT */
/*
 * dwconv16_hvx.h - depthwise convolution of 16-bit images (kernels/hvx/d4.h) by int8 weights, for HVX: the way of dwconv_hvx.h for other
 * than small filters, once for the low and once for the high bytes. Bit-exact with qfk_dwconv_int_ref() in the `fixed` scheme.
 */
#ifndef QFK_DWCONV16_HVX_H
#define QFK_DWCONV16_HVX_H

#include "../hvx/wide_out.h"
#include "dwconv_hvx.h"

typedef struct {
  QfkDwconvHvx d;  /* as of bytes; its grid is that of low ones; bias and shift of the sums are not its own */
  QfkGridHvx high; /* that of high bytes */
  int32_t zero;    /* of the input, as unsigned */
  QfkHvxWideOut out;
  const int32_t *first_low, *first_high; /* [channels], what is added to sums */
} QfkDwconv16Hvx;

/* Sets all but the pointers; @rows of a run, at most oh. FALSE: the kernel does not do this one: see qfk_dwconv_hvx_init() for shapes and
 * qfk_conv16_hvx_init() for types. Weights are [kh,kw,c]. */
bool qfk_dwconv16_hvx_init(QfkDwconv16Hvx *p, const QfkConvShape *s, const QfkIntArgs *q, const void *w,
                           int32_t rows);

/* Numbers of all are those of qfk_dwconv_hvx_...(&p->d). */
void qfk_dwconv16_hvx_pack(const QfkDwconv16Hvx *p, const QfkIntArgs *q, const void *w, int32_t *offsets,
                           int32_t *weights, int32_t *first_low, int32_t *first_high, int32_t *multiplier,
                           int32_t *shift);

/* Bytes a run needs, 128-byte aligned. */
size_t qfk_dwconv16_hvx_scratch(const QfkDwconv16Hvx *p);

/* Output rows [@y0, @y0 + rows) that exist. Any rows at the same time, each with its own scratch. */
void qfk_dwconv_s16_hvx(const QfkDwconv16Hvx *p, const uint8_t *x, int32_t y0, uint8_t *y, void *scratch);

#endif
