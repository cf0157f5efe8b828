/* SPDX-License-Identifier: MIT */
/*
 * softmax_hvx.h - Softmax of 8-bit rows in the `fixed` scheme, for HVX: bit-exact with qfk_softmax_int_ref() where inner is 1.
 */
#ifndef QFK_SOFTMAX_HVX_H
#define QFK_SOFTMAX_HVX_H

#include "../hvx/out.h"
#include "softmax.h"

typedef struct {
  const QfkSoftmaxInt *q;
  uint8_t x_flip;
  QfkHvxOut out;
  /* The table of exponentials by bytes, least first: [3][256], 128-byte aligned; filled by qfk_softmax_hvx_init(). */
  const uint8_t *bytes;
} QfkSoftmaxHvx;

/* @bytes [768] is kept. FALSE: not the `fixed` scheme, or not 8 bits. */
bool qfk_softmax_hvx_init(QfkSoftmaxHvx *p, const QfkSoftmaxInt *q, uint8_t *bytes);

/* @rows of @n values each. Reads up to 127 bytes beyond @x. Needs (n + 127) / 128 * 384 bytes of scratch, 128-byte aligned. */
void qfk_softmax_u8_hvx(const QfkSoftmaxHvx *p, const uint8_t *x, int32_t rows, int32_t n, uint8_t *y,
                        void *scratch);

#endif
