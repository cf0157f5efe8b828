/* SPDX-License-Identifier: MIT */
/*
 * suppress_ref.c - see suppress.h. Each round looks through all boxes for the best: lists are a few thousand long.
 */
#include "suppress.h"

#include <math.h>
#include <string.h>

static float overlap(const float *a, const float *b)
{
  const float a0 = fminf(a[0], a[2]), a1 = fminf(a[1], a[3]), a2 = fmaxf(a[0], a[2]), a3 = fmaxf(a[1], a[3]);
  const float b0 = fminf(b[0], b[2]), b1 = fminf(b[1], b[3]), b2 = fmaxf(b[0], b[2]), b3 = fmaxf(b[1], b[3]);
  const float area_a = (a2 - a0) * (a3 - a1), area_b = (b2 - b0) * (b3 - b1);
  if (!(area_a > 0) || !(area_b > 0))
    return 0;
  const float both = fmaxf(fminf(a2, b2) - fmaxf(a0, b0), 0) * fmaxf(fminf(a3, b3) - fmaxf(a1, b1), 0);
  return both / (area_a + area_b - both);
}

/* Weighs box @i against the chosen ones that it has not met; returns whether one of them drops it. */
static bool meets(const QfkSuppress *p, const float *boxes, int32_t i, const int32_t *chosen, int32_t n,
                  int32_t met, float *score)
{
  for (int32_t k = n - 1; k >= met; k--) {
    const float iou = overlap(boxes + 4 * (int64_t)i, boxes + 4 * (int64_t)chosen[k]);
    if (iou >= p->iou_threshold)
      return true;
    if (p->sigma > 0)
      *score *= expf(-0.5f / p->sigma * iou * iou);
    if (!(*score > p->score_threshold))
      return false;
  }
  return false;
}

void qfk_suppress_ref(const QfkSuppress *p, const float *boxes, const float *scores, void *work,
                      int32_t *index, float *score, int32_t *count)
{
  float *left = work; /* score that a box has left; -inf: it is out */
  int32_t *met = (int32_t *)work + p->boxes, *chosen = met + p->boxes, n = 0;
  memset(index, 0, (size_t)p->wanted * sizeof(*index));
  memset(score, 0, (size_t)p->wanted * sizeof(*score));
  for (int32_t i = 0; i < p->boxes; i++) {
    left[i] = scores[i] > p->score_threshold ? scores[i] : -INFINITY;
    met[i] = 0;
  }
  while (n < p->wanted) {
    int32_t best = -1;
    for (int32_t i = 0; i < p->boxes; i++)
      if (left[i] > -INFINITY && (best < 0 || left[i] > left[best]))
        best = i;
    if (best < 0)
      break;
    const float before = left[best];
    const bool dropped = meets(p, boxes, best, chosen, n, met[best], &left[best]);
    met[best] = n;
    if (!dropped && left[best] == before) {
      chosen[n] = index[n] = best;
      score[n++] = before;
    }
    if (dropped || left[best] == before || !(left[best] > p->score_threshold))
      left[best] = -INFINITY;
  }
  *count = n;
}
