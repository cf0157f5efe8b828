/* SPDX-License-Identifier: MIT */
/*
 * gemm.h - matrix products: the references for FullyConnected and MatMul.
 *
 * C[m][n] = epilogue(sum over k of A[m][k] * B[k][n]). Strides are in elements and may be anything, so a transposed operand is
 * only another pair of strides: a FullyConnected weight [N,K] is b_row 1, b_col K.
 */
#ifndef QFK_GEMM_H
#define QFK_GEMM_H

#include "../epilogue.h"

typedef struct {
  int32_t m, n, k;
  ptrdiff_t a_row, a_col; /* from A[m][k] to A[m+1][k], to A[m][k+1] */
  ptrdiff_t b_row, b_col; /* from B[k][n] to B[k+1][n], to B[k][n+1] */
  ptrdiff_t c_row;        /* from C[m][n] to C[m+1][n]; columns are dense; of the residual too */
} QfkGemmShape;

/* @bias [n] and @res (as C) may be NULL. Sums in double. */
void qfk_gemm_f32_ref(const QfkGemmShape *s, const float *a, const float *b, const float *bias,
                      const float *res, const QfkEpilogue *e, float *c);

/* All combinations of the types in @q; A is the input, B the weights. */
void qfk_gemm_int_ref(const QfkGemmShape *s, const QfkIntArgs *q, const void *a, const void *b, void *c);

/* Plain integers, modulo 2^64: no bias, no epilogue. */
void qfk_gemm_i64_ref(const QfkGemmShape *s, const int64_t *a, const int64_t *b, int64_t *c);

#endif
