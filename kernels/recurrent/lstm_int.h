/* SPDX-License-Identifier: MIT */
/*
 * lstm_int.h - the LSTM on integers as LiteRT defines it: 8-bit data, weights and state, 16-bit cell and gates, sigmoid and tanh in
 * fixed point. It has one arithmetic, whatever the requantisation scheme.
 */
#ifndef QFK_LSTM_INT_H
#define QFK_LSTM_INT_H

#include "../fixed.h"
#include "recurrent.h"

/* Gates are i, o, f, c. */
typedef struct {
  QfkRecurrent shape; /* of its numbers the sizes, strides, reverse and coupled */
  const int8_t *w, *r;
  const int32_t *w_bias, *r_bias; /* [4 x hidden], with the zero points of x and h taken in */
  QfkFixed w_scale[4], r_scale[4];
  const int16_t *peephole; /* [3 x hidden]: i, o, f; NULL: none */
  QfkFixed peephole_scale[3];
  const int16_t *
      norm; /* [4 x hidden]: gates are normalised and scaled by it before norm_bias is added; NULL: they are not */
  const int32_t *norm_bias;
  QfkFixed norm_scale[4];
  int32_t norm_guard[4]; /* variance of gates that are all alike */
  const int8_t *project; /* [state, hidden], NULL: none */
  const int32_t *project_bias;
  QfkFixed project_scale, hidden_scale;
  int32_t hidden_zero, state_zero;
  int32_t cell_bits;             /* integer bits of the cell: its scale is 2^(cell_bits - 15) */
  int32_t cell_clip, state_clip; /* 0: none */
} QfkLstmInt;

/* @lengths may be NULL. @h [batch, state] and @c [batch, hidden] are the state before and after. @gates: 4 x hidden, @out: hidden. */
void qfk_lstm_s8_ref(const QfkLstmInt *p, const int8_t *x, const int32_t *lengths, int8_t *h, int16_t *c,
                     int8_t *y, int16_t *gates, int8_t *out);

/* Of numbers with @bits integer bits, as a fraction of 2^15. */
int16_t qfk_sigmoid_s16(int16_t x, int bits);
int16_t qfk_tanh_s16(int16_t x, int bits);

#endif
