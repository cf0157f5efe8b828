/* SPDX-License-Identifier: MIT */
/*
 * copy.h - moving values without looking at them: Transpose, Concat, Split, StridedSlice, Pad, Tile, blocks, select.
 *
 * Elements are 1, 2, 4 or 8 bytes; results are exact copies. All operators that move values are this loop nest with other strides.
 */
#ifndef QFK_COPY_H
#define QFK_COPY_H

#include "../nd.h"

/* y[..] = x[..]; operands y, x. A transposition has one output dimension with x stride 1 that is not the last. */
void qfk_copy_ref(const QfkNd *nd, uint32_t element_bytes, const void *x, void *y);

/* y[..] = *value; operand y. */
void qfk_fill_ref(const QfkNd *nd, uint32_t element_bytes, const void *value, void *y);

/* y[..] = c[..] ? a[..] : b[..]; operands y, c (one byte each), a, b. */
void qfk_select_ref(const QfkNd *nd, uint32_t element_bytes, const uint8_t *c, const void *a, const void *b,
                    void *y);

/* y[i, j, ..] = x[map0[i], map1[j], ..], y dense: Resize by nearest neighbour, and mirrored padding. */
typedef struct {
  int32_t rank;
  int64_t dims[QFK_MAX_RANK];       /* of y */
  int64_t stride[QFK_MAX_RANK];     /* of x, in elements */
  const int32_t *map[QFK_MAX_RANK]; /* [dims[i]] indices into x; NULL: identity */
} QfkCopyMap;

void qfk_copy_map_ref(const QfkCopyMap *p, uint32_t element_bytes, const void *x, void *y);

#endif
