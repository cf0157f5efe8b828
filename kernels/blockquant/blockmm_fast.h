/* SPDX-License-Identifier: MIT */
/*
 * blockmm_fast.h - products with weights in blocks, fast: x is turned into int16 first, with a scale for each 32 values, and
 * multiplied with the codes as integers; so a product costs no decoding to float.
 *
 * q = rint(x / scale), scale = max |x| / 32639 of the 32 values. Against the reference a result is off by at most
 * sum over blocks of scale / 2 * sum |w|, that is by 1/65278 of the block's largest |x| a weight, and by the rounding of
 * float32 sums. A block with an infinity or a NaN gives NaN.
 */
#ifndef QFK_BLOCKQUANT_BLOCKMM_FAST_H
#define QFK_BLOCKQUANT_BLOCKMM_FAST_H

#include "../list.h"
#include "blockmm.h"

/* Values of x that share a scale, and the largest of their integers: 127 * 256 + 127, so that both bytes are signed. */
#define QFK_BLOCKMM_GROUP 32
#define QFK_BLOCKMM_MAX 32639

/* Kinds of lines: a QfkBlockFormat, which x->q is used with, and these. */
enum {
  QFK_BLOCKMM_ANY = QFK_N_BLOCK_FORMATS, /* any format, x as float32: exact but for the rounding of sums */
  QFK_BLOCKMM_ROWS,                      /* a QfkBlockRowsFunc, for the lines of the same instruction set */
};

/* Rows of x. */
typedef struct {
  const float *x;     /* [rows][k] */
  const int16_t *q;   /* [rows][k]; order within 32 values as the instruction set's kernels want it */
  const float *scale; /* [rows][k / 32] */
  const float *sum;   /* [rows][k / 32]: scale * sum of q */
} QfkBlockRows;

/* y[r][o] = sum over k of x[r][k] * w[o][k] for o in [begin, end); only that. With formats, k is a multiple of 32 and of a block. */
typedef void (*QfkBlockMmFunc)(const QfkBlockMm *p, const QfkBlockRows *x, const uint8_t *w, uint32_t begin,
                               uint32_t end, float *y);

/* Fills q, scale and sum from @n values, a multiple of 32. */
typedef void (*QfkBlockRowsFunc)(const float *x, size_t n, int16_t *q, float *scale, float *sum);

extern const QfkKernel qfk_blockmm_kernels[];

/* The kernel of a product: for the format, else for any; NULL: none. */
const QfkKernel *qfk_blockmm_find(const QfkBlockMm *p, uint32_t features);
/* The line that makes the rows for @kernel. */
QfkBlockRowsFunc qfk_blockmm_rows(const QfkKernel *kernel);

#define QFK_KERNEL(function, isa, kind)                                                                      \
  void function(const QfkBlockMm *p, const QfkBlockRows *x, const uint8_t *w, uint32_t begin, uint32_t end,  \
                float *y);
#define QFK_ROWS(function, isa) void function(const float *x, size_t n, int16_t *q, float *scale, float *sum);
#include "blockmm.inc"
#undef QFK_KERNEL
#undef QFK_ROWS

#endif
