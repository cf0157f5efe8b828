/* SPDX-License-Identifier: MIT */
/*
 * select.h - kernels whose number of results depends on the values: the caller gives buffers for the most there can be, and
 * gets the count. All sort by merging: n log n, stable.
 */
#ifndef QFK_SELECT_H
#define QFK_SELECT_H

#include "../common.h"

/* Elements of @bytes (1, 2, 4 or 8) that are not zero; of floats the sign does not count. */
size_t qfk_nonzero_count_ref(const void *x, size_t n, size_t bytes, bool is_float);
/* Their places: y[rank][count], in order. @count is what qfk_nonzero_count_ref() said. */
void qfk_nonzero_ref(const void *x, const int64_t *dims, int32_t rank, size_t bytes, bool is_float,
                     size_t count, int64_t *y);

/* x[outer][n][inner bytes] -> y[outer][kept][inner bytes]: those with keep[i], i < n_keep <= n. Returns kept. */
size_t qfk_compress_ref(const void *x, size_t outer, size_t n, size_t inner_bytes, const uint8_t *keep,
                        size_t n_keep, void *y);

typedef enum {
  QFK_ORDER_F32,
  QFK_ORDER_F64,
  QFK_ORDER_I8,
  QFK_ORDER_U8,
  QFK_ORDER_I16,
  QFK_ORDER_U16,
  QFK_ORDER_I32,
  QFK_ORDER_U32,
  QFK_ORDER_I64,
  QFK_ORDER_U64,
} QfkOrder;

/* Different ones of the n items of x[outer][n][inner elements]; an item is compared element by element. NaNs come last. */
typedef struct {
  const void *x;
  size_t outer, n, inner;
  QfkOrder order;
  bool sorted; /* ascending, else as they first appear */
} QfkUnique;

/* first[k]: where item k appears first; inverse[i]: which k item i is; counts[k]: how often. All of [n], @scratch of [3 n]. Returns
 * how many there are. */
size_t qfk_unique_ref(const QfkUnique *u, int64_t *first, int64_t *inverse, int64_t *counts,
                      int64_t *scratch);

/* Greedy choice of boxes by score. */
typedef struct {
  size_t n, most;        /* boxes; how many to choose */
  float iou_threshold;   /* a box that overlaps a chosen one by more is dropped */
  float score_threshold; /* only scores above it */
  bool centre;           /* a box is x, y, width, height; else two opposite corners y1, x1, y2, x2 */
} QfkChoice;

/* boxes[n][4], scores[n] -> chosen[<= min(n, most)], best first; equal scores keep their order. @scratch of [2 n]. */
size_t qfk_choose_boxes_ref(const QfkChoice *c, const float *boxes, const float *scores, int64_t *chosen,
                            int64_t *scratch);

#endif
