/* SPDX-License-Identifier: MIT */
/*
 * softmax_hvx.h - Softmax of 8-bit data in the `fixed` scheme, for HVX: bit-exact with qfk_softmax_int_ref(). Rows, where inner is 1; columns,
 * where it is not, and the channels of planes of four (kernels/hvx/d4.h).
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

/* The same of up to 255 values that lie apart. */
typedef struct {
  int32_t outer, n, inner; /* over channels: n planes of inner bytes */
  int32_t units, vectors;  /* vectors: of inner */
  int32_t tail;            /* lanes of the last plane that count; 0: not over channels */
  int64_t inverse;
  uint8_t x_flip;
  QfkHvxOut out;
  const uint8_t *bytes; /* as above */
} QfkSoftmaxColumnsHvx;

/* @s: outer, n, inner of dense data; with @pixels above 0 instead n channels of an image in planes. @bytes [768] is filled and kept. FALSE: as
 * above, or too large. */
bool qfk_softmax_columns_hvx_init(QfkSoftmaxColumnsHvx *p, const QfkSoftmax *s, int32_t pixels,
                                  const QfkSoftmaxInt *q, uint8_t *bytes);

/* Units [@unit, @unit + @n) of p->units, in any order and at the same time, each with p->n * 384 bytes of scratch, 128-byte aligned. Reads up to 127
 * bytes beyond @x. */
void qfk_softmax_columns_u8_hvx(const QfkSoftmaxColumnsHvx *p, const uint8_t *x, uint8_t *y, int32_t unit,
                                int32_t n, void *scratch);

#endif
