/* SPDX-License-Identifier: MIT */
/*
 * gather.h - reading and writing at computed indices, for any element size in bytes.
 *
 * Indices are int32 or int64. A negative one counts from the end; one that is out of range is clamped to the nearest valid, so that no
 * data can make a kernel touch foreign memory.
 */
#ifndef QFK_GATHER_H
#define QFK_GATHER_H

#include "../common.h"

#define QFK_GATHER_MAX_RANK 8

typedef struct {
  const void *data;
  bool wide; /* int64, else int32 */
} QfkIndices;

/* x [batch][outer][axis][inner bytes], indices [batch][count] -> y [batch][outer][count][inner bytes]. */
typedef struct {
  size_t batch, outer, axis, count, inner_bytes;
} QfkGather;
void qfk_gather_ref(const QfkGather *g, const void *x, QfkIndices indices, void *y);

/* y[i] = x[i with the index at axis replaced]; indices and y have the shape @dims, x differs from it along all dimensions. */
typedef struct {
  int32_t rank, axis;
  int64_t x_dims[QFK_GATHER_MAX_RANK], dims[QFK_GATHER_MAX_RANK];
  size_t element_bytes;
} QfkElements;
void qfk_gather_elements_ref(const QfkElements *g, const void *x, QfkIndices indices, void *y);

/* x [batch][d0]..[dk-1][slice bytes], indices [batch][count][depth] -> y [batch][count][slice bytes]; depth k. */
typedef struct {
  size_t batch, count, depth, slice_bytes;
  int64_t dims[QFK_GATHER_MAX_RANK]; /* of the indexed dimensions */
} QfkGatherNd;
void qfk_gather_nd_ref(const QfkGatherNd *g, const void *x, QfkIndices indices, void *y);

/* Combines a value with what is there: NULL overwrites. */
typedef void (*QfkCombine)(void *there, const void *value, size_t count);

/* y holds a copy of the data already; updates have the shape of indices. */
void qfk_scatter_elements_ref(const QfkElements *g, QfkIndices indices, const void *updates,
                              QfkCombine combine, void *y);
void qfk_scatter_nd_ref(const QfkGatherNd *g, QfkIndices indices, const void *updates, QfkCombine combine,
                        size_t element_bytes, void *y);

/* x and y [outer, first, middle, second, inner bytes]: one of first and second is time, the other batch. The first @lengths[batch] times
 * come in reverse, the rest as they are. */
typedef struct {
  size_t outer, first, middle, second, inner_bytes;
  bool time_first;
} QfkReverse;
void qfk_reverse_sequence_ref(const QfkReverse *p, const void *x, QfkIndices lengths, void *y);

/* x [planes, block..., columns...] added up to y [planes, image...]: what a convolution's windows would have read. */
typedef struct {
  int32_t rank;
  int64_t planes;
  int64_t image[QFK_GATHER_MAX_RANK], block[QFK_GATHER_MAX_RANK], columns[QFK_GATHER_MAX_RANK];
  int64_t stride[QFK_GATHER_MAX_RANK], dilation[QFK_GATHER_MAX_RANK],
      pad[QFK_GATHER_MAX_RANK]; /* pad: before */
} QfkCol2Im;
void qfk_col2im_f32_ref(const QfkCol2Im *p, const float *x, float *y);

#endif
