/* SPDX-License-Identifier: MIT */
/*
 * block.h - moves between space, depth and batch on NHWC images, for any element size in bytes.
 */
#ifndef QFK_BLOCK_H
#define QFK_BLOCK_H

#include "../common.h"

typedef struct {
  size_t n, h, w,
      c; /* of the image that has less depth and batch: the output of *_to_space, the input of space_to_* */
  size_t block_h, block_w;
  bool crd;                 /* depth is [c][block_h][block_w] (ONNX "CRD"); else [block_h][block_w][c] */
  size_t pad_top, pad_left; /* batch only: rows and columns of the blocked grid that lie outside the image */
  size_t grid_h, grid_w;    /* batch only: height and width of each small image */
  size_t element_bytes;
} QfkBlock;

/* y[n,h,w,c] = x[n, h / bh, w / bw, depth of (h % bh, w % bw, c)] */
void qfk_depth_to_space_ref(const QfkBlock *b, const void *x, void *y);
/* The inverse. */
void qfk_space_to_depth_ref(const QfkBlock *b, const void *x, void *y);

/* Small image (i, j) of block_h x block_w goes first in the batch: y[n,h,w,c] = x[(i * bw + j) * n + n, grid row, grid column, c], where
 * h + pad_top = grid row * bh + i. */
void qfk_batch_to_space_ref(const QfkBlock *b, const void *x, void *y);
/* The inverse; pixels outside hold @fill, one element. */
void qfk_space_to_batch_ref(const QfkBlock *b, const void *x, const void *fill, void *y);

#endif
