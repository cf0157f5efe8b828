/* SPDX-License-Identifier: MIT */
/*
 * matmul_hvx.h - products of two matrices of 8-bit activations, [m][k] by [k][n] or [n][k], for HVX: what attention does.
 *
 * The right matrix is packed at run time into words of four k's, 32 columns a vector; the left one gives scalars, four rows at a time. What the
 * zero points add is in sums of rows and columns. Bit-exact with qfk_gemm_int_ref() in the `fixed` scheme. A batch is one product after
 * the other; a left matrix [k][m] is turned by copy/move_hvx.h.
 */
#ifndef QFK_MATMUL_HVX_H
#define QFK_MATMUL_HVX_H

#include "../hvx/out.h"
#include "gemm.h"

typedef struct {
  int32_t m, n, k;
  bool turned; /* the right matrix is [n][k] */
  uint8_t a_flip, b_flip;
  int32_t a_zero, b_zero; /* as uint8 */
  QfkFixed factor;
  QfkHvxOut out;
} QfkMatmulHvx;

/* FALSE: the kernel does not do this one: not 8 bits, another scheme, a bias, zero points that differ, other strides, k beyond 33025. */
bool qfk_matmul_hvx_init(QfkMatmulHvx *p, const QfkGemmShape *s, const QfkIntArgs *q);

/* Bytes of the packed matrix and of the columns' sums, 128-byte aligned, and of the scratch of a run. */
size_t qfk_matmul_hvx_packed(const QfkMatmulHvx *p);
size_t qfk_matmul_hvx_columns(const QfkMatmulHvx *p);
size_t qfk_matmul_hvx_scratch(const QfkMatmulHvx *p);

/* Packs the right matrix, before any run. Reads up to 128 bytes beyond @b. */
void qfk_matmul_prepare_hvx(const QfkMatmulHvx *p, const uint8_t *b, uint8_t *packed, int32_t *columns);

/* Rows [@row, @row + @rows) of the product; any at the same time, each with its own scratch. Reads up to 127 bytes beyond @a. */
void qfk_matmul_u8_hvx(const QfkMatmulHvx *p, const uint8_t *a, const uint8_t *packed, const int32_t *columns,
                       int32_t row, int32_t rows, uint8_t *y, void *scratch);

#endif
