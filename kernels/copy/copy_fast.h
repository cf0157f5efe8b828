/* SPDX-License-Identifier: MIT */
/*
 * copy_fast.h - transpositions in tiles that fit the L1 cache, and short rows with a border. Plain C: the loads and stores are the
 * limit, not the arithmetic.
 */
#ifndef QFK_COPY_FAST_H
#define QFK_COPY_FAST_H

#include "copy.h"

/* qfk_copy_ref() with the same result. Fast when some dimension of x is dense that is not the last of y. */
void qfk_copy_tiled(const QfkNd *nd, uint32_t element_bytes, const void *x, void *y);

/* Squares of 16 by 16 bytes, of 4 by 4 words: y[to[i] + j] = x[i + j * x_column]. @x may lie anywhere. */
void qfk_turn_16x16(const void *x, ptrdiff_t x_column, uint8_t *y, const int64_t *to);
void qfk_turn_4x4(const void *x, ptrdiff_t x_column, uint32_t *y, const int64_t *to);

/* Each of @rows rows of @n words in place of one that has @before words of @value before it and @after behind it. */
void qfk_pad_rows(size_t rows, size_t before, size_t n, size_t after, uint32_t value, const uint32_t *x,
                  uint32_t *y);

#endif
