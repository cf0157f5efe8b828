/* SPDX-License-Identifier: MIT */
/*
 * signal.h - Fourier transforms of any length, and counts of n-grams.
 */
#ifndef QFK_SIGNAL_H
#define QFK_SIGNAL_H

#include "../common.h"

/*
 * x [outer, n_in, inner, in_parts] -> y [outer, n_out, inner, out_parts]; parts: 1 real, 2 real and imaginary. x is cut or filled with
 * zeros to @length. y[k] = sum x[i] e^(-+2 pi i k / length), the inverse with + and divided by length. In double.
 * n_out below length: the first ones. mirror: x is the first half of a spectrum whose other half is its conjugate.
 */
typedef struct {
  int64_t outer, n_in, n_out, inner, length;
  int32_t in_parts, out_parts;
  bool inverse, mirror;
} QfkDft;

#define QFK_DFT_MAX_LENGTH (1 << 20)
/* Bytes that the transform works in, aligned as doubles. */
size_t qfk_dft_scratch(const QfkDft *p);
void qfk_dft_f32_ref(const QfkDft *p, const float *x, float *y, void *scratch);

/*
 * x [rows, columns] -> y [rows, outputs]: how often each n-gram of the pool stands in a row with the same distance, 1 to skips + 1, between
 * its items. Sizes from @least to @most count. N-gram g of n items starts at first[n - 1] + (g - ids of shorter ones) * n in the pool.
 */
typedef struct {
  int64_t rows, columns, outputs, pool_size, n_sizes; /* n_sizes: entries of @first */
  int32_t least, most, skips;
  bool once;            /* 1 however often */
  const int64_t *first; /* [n_sizes] offsets into the pool */
  const int64_t *place; /* by n-gram: its output, checked */
  const float *weight;  /* by n-gram; NULL: 1 */
} QfkNgrams;
void qfk_ngrams_ref(const QfkNgrams *p, const int64_t *pool, const int64_t *x, float *y);

#endif
