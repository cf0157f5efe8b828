/* SPDX-License-Identifier: MIT */
/*
 * nms.c - see nms.h.
 */
#include "nms.h"

#include <math.h>
#include <stdlib.h>

static float iou(const float *a, const float *b)
{
  float area_a = (a[2] - a[0]) * (a[3] - a[1]), area_b = (b[2] - b[0]) * (b[3] - b[1]);
  if (area_a <= 0 || area_b <= 0)
    return 0;
  float h = fmaxf(fminf(a[2], b[2]) - fmaxf(a[0], b[0]), 0),
        v = fmaxf(fminf(a[3], b[3]) - fmaxf(a[1], b[1]), 0);
  return h * v / (area_a + area_b - h * v);
}

int qfk_by_score(const void *a, const void *b)
{
  const QfkCandidate *x = a, *y = b;
  if (x->score > y->score)
    return -1;
  if (x->score < y->score)
    return 1;
  return x->box < y->box ? -1 : x->box > y->box;
}

int32_t qfk_nms(const float (*corners)[4], QfkCandidate *candidates, int32_t n, int32_t top, int32_t limit,
                float threshold, float eta, QfkCandidate *survivors)
{
  int32_t kept = 0;
  qsort(candidates, (size_t)n, sizeof(*candidates), qfk_by_score);
  n = n < top ? n : top;
  for (int i = 0; i < n && kept < limit; i++) {
    bool overlaps = false;
    for (int k = 0; k < kept && !overlaps; k++)
      overlaps = iou(corners[candidates[i].box], corners[survivors[k].box]) > threshold;
    if (overlaps)
      continue;
    survivors[kept++] = candidates[i];
    if (eta < 1 && threshold > 0.5f)
      threshold *= eta;
  }
  return kept;
}
