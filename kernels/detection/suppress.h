/* SPDX-License-Identifier: MIT */
/*
 * suppress.h - non-maximum suppression of one list of boxes, hard or soft. Detection heads are in detection.h.
 */
#ifndef QFK_SUPPRESS_H
#define QFK_SUPPRESS_H

#include "../common.h"

typedef struct {
  int32_t boxes, wanted; /* of the input; at most, of the output */
  float iou_threshold, score_threshold;
  float
      sigma; /* above 0: boxes that overlap lose score by exp(-iou^2 / (2 sigma)) in place of being dropped */
} QfkSuppress;

/* Bytes of @work. */
static inline size_t qfk_suppress_scratch(int32_t boxes, int32_t wanted)
{
  return ((size_t)boxes * 2 + (size_t)wanted) * 4;
}

/*
 * @boxes [n][4]: two corners, y and x; @scores [n]. Takes the best score (of equal ones the first) again and again; writes the
 * chosen boxes' indices and scores, zeros behind them, and their number.
 */
void qfk_suppress_ref(const QfkSuppress *p, const float *boxes, const float *scores, void *work,
                      int32_t *index, float *score, int32_t *count);

#endif
