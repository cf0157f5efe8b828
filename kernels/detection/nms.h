/* SPDX-License-Identifier: MIT */
/*
 * nms.h - greedy non-maximum suppression of boxes, shared by the kernels of this folder. Boxes are two corners, in either order
 * of axes. Equal scores keep the order of the boxes, so that the result does not depend on the sort.
 */
#ifndef QFK_DETECTION_NMS_H
#define QFK_DETECTION_NMS_H

#include "../common.h"

typedef struct {
  float score;
  int32_t box, cls;
} QfkCandidate;

/* For qsort(): highest score first, then by box; NaN last. */
int qfk_by_score(const void *a, const void *b);

/*
 * Sorts @n candidates, of which the first @top compete, and writes at most @limit that do not overlap a better one by more than
 * @threshold to @survivors. With @eta below 1 the threshold, while above 0.5, shrinks by it with each survivor. Returns how many.
 */
int32_t qfk_nms(const float (*corners)[4], QfkCandidate *candidates, int32_t n, int32_t top, int32_t limit,
                float threshold, float eta, QfkCandidate *survivors);

#endif
