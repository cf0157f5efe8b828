/* SPDX-License-Identifier: MIT */
/*
 * attention.h - y = softmax(scale * q k^T + mask) v for each head, by blocks of rows: the scores of a block are made, turned into
 * probabilities and used while they are in the cache.
 *
 * The products are those of gemm/product.h. Floats stay within the tolerance of the operators that this replaces. Integers give the
 * bytes of the chain MatMul, (map of bytes), Softmax, MatMul, each with its own encoding.
 */
#ifndef QFK_ATTENTION_H
#define QFK_ATTENTION_H

#include "../gemm/product.h"
#include "../list.h"
#include "../softmax/softmax.h"

/* Where a matrix of each head lies, in elements: from image to image, head to head, row to row, column to column. */
typedef struct {
  ptrdiff_t batch, head, row, col;
} QfkHeads;

typedef struct QfkAttention QfkAttention;

/*
 * Probabilities of @rows rows of scores, p->pitch apart.
 * F32: in place; scores are multiplied by scale and @mask is added (NULL: none; rows p->mask.row apart, columns 0 or 1).
 * INT: bytes to int16 in @out, without the zero point, zeros behind the last.
 */
typedef void (*QfkAttentionRows)(const QfkAttention *p, size_t rows, void *scores, const float *mask,
                                 int16_t *out);

struct QfkAttention {
  int32_t n_batch, n_heads, rows, keys, depth, width; /* q [rows][depth], k [keys][depth], v [keys][width] */
  QfkHeads q, k, v, y, mask;                          /* columns of q and y are dense */
  float scale;
  QfkProduct qk, pv; /* all but the shape is set by the caller */
  QfkAttentionRows softmax;
  /* INT: a score's byte goes through @map, or only ^ map[0], to what softmax takes, as uint8 in the order of the values. */
  bool mapped;
  uint8_t map[256];
  QfkSoftmaxInt integer;
  uint32_t block, pitch; /* set by init: rows of a block, elements from row to row */
};

typedef enum { QFK_ATTENTION_F32, QFK_ATTENTION_INT } QfkAttentionKind;

/* Shapes of the products, block and pitch. Dimensions and strides are set. */
void qfk_attention_init(QfkAttention *p);
/* Of one thread. */
size_t qfk_attention_scratch(const QfkAttention *p);
/* Rows [begin, end) of head @head, counted through all images. @mask NULL: none. */
void qfk_attention_run(const QfkAttention *p, uint32_t head, uint32_t begin, uint32_t end, const void *q,
                       const void *k, const void *v, const float *mask, void *y, void *scratch);

#define QFK_KERNEL(function, isa, kind)                                                                      \
  void function(const QfkAttention *p, size_t rows, void *scores, const float *mask, int16_t *out);
#include "attention.inc"
#undef QFK_KERNEL

/* Ends with a NULL name. */
extern const QfkKernel qfk_attention_kernels[];

#endif
