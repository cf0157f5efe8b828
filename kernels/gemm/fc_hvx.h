/* SPDX-License-Identifier: MIT */
/*
 * fc_hvx.h - fully connected layers of 8-bit data by 8-bit weights, one row of input at a time, for HVX.
 *
 * Here weights are the vectors, 32 outputs by four inputs, for each is used once; inputs are the scalars. So a packet can take
 * no more than the one vector that it may load: 128 multiply-adds. Weights are kept as uint8, inputs are used as int8
 * (128 taken off), and what that adds to the sums is known from the sum of the inputs. Many rows are a 1x1 convolution. Bit-exact
 * with qfk_gemm_int_ref() in the `fixed` scheme.
 */
#ifndef QFK_FC_HVX_H
#define QFK_FC_HVX_H

#include "../hvx/out.h"

typedef struct {
  int32_t k, n;
  int32_t steps;  /* of four inputs */
  int32_t panels; /* of 32 outputs */
  int32_t w_zero; /* of the weights as uint8 */
  uint8_t x_flip; /* makes the input int8 */
  bool shifted;   /* a multiplier is 1 or more */
  QfkHvxOut out;
  const uint8_t *weights;                   /* [panels][steps][32][4], and a vector more; 128-byte aligned */
  const int32_t *bias, *multiplier, *shift; /* [panels * 32], 128-byte aligned */
} QfkFcHvx;

/* Sets all but the pointers. FALSE: the kernel does not do this one; see qfk_conv_hvx_init() for types. Weights are [n,k]. */
bool qfk_fc_hvx_init(QfkFcHvx *p, int32_t k, int32_t n, const QfkIntArgs *q, const void *w);

size_t qfk_fc_hvx_weights(const QfkFcHvx *p);  /* bytes */
size_t qfk_fc_hvx_channels(const QfkFcHvx *p); /* numbers of each of the others */
void qfk_fc_hvx_pack(const QfkFcHvx *p, const QfkIntArgs *q, const void *w, uint8_t *weights, int32_t *bias,
                     int32_t *multiplier, int32_t *shift);

/* Bytes a run needs, 128-byte aligned. */
size_t qfk_fc_hvx_scratch(const QfkFcHvx *p);

/* One row: @x [k] to @y [n]; no slack is needed. */
void qfk_fc_s8_hvx(const QfkFcHvx *p, const uint8_t *x, uint8_t *y, void *scratch);
/* The same in two: the row into @scratch, once; then any of the panels by what that gave, whose weights may have come in the meantime. */
int32_t qfk_fc_take_hvx(const QfkFcHvx *p, const uint8_t *x, void *scratch);
void qfk_fc_panels_hvx(const QfkFcHvx *p, int32_t taken, uint8_t *y, const void *scratch);

#endif
