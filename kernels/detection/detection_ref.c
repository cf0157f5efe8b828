/* SPDX-License-Identifier: MIT */
/*
 * detection_ref.c - SSD boxes and non-maximum suppression.
 */
#include "detection.h"
#include "nms.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  float (*corners)[4];      /* [boxes]: ymin, xmin, ymax, xmax */
  QfkCandidate *candidates; /* [boxes] to be sorted */
  QfkCandidate *survivors;  /* of one suppression, [boxes] */
  QfkCandidate *best;       /* [max_detections * max_classes + per_class] */
  int32_t *order;           /* [classes]: of one box, by score */
} Work;

/* Rows of the outputs. */
static int32_t rows(const QfkDetection *d)
{
  return d->regular ? d->max_detections : d->max_detections * d->max_classes;
}

static int32_t best_size(const QfkDetection *d)
{
  int32_t per_class = d->per_class < d->boxes ? d->per_class : d->boxes;
  return rows(d) + per_class;
}

size_t qfk_detection_scratch(const QfkDetection *d)
{
  return (size_t)d->boxes * (4 * sizeof(float) + 2 * sizeof(QfkCandidate)) +
         (size_t)best_size(d) * sizeof(QfkCandidate) + (size_t)d->classes * sizeof(int32_t);
}

static Work carve(const QfkDetection *d, void *scratch)
{
  Work w;
  w.corners = scratch;
  w.candidates = (QfkCandidate *)(w.corners + d->boxes);
  w.survivors = w.candidates + d->boxes;
  w.best = w.survivors + d->boxes;
  w.order = (int32_t *)(w.best + best_size(d));
  return w;
}

static void decode_boxes(const QfkDetection *d, const float *encodings, const float *anchors, Work *w)
{
  for (int i = 0; i < d->boxes; i++) {
    const float *e = encodings + (size_t)i * (size_t)d->box_width, *a = anchors + (size_t)i * 4;
    float cy = e[0] / d->scale_y * a[2] + a[0], cx = e[1] / d->scale_x * a[3] + a[1];
    float h = 0.5f * expf(e[2] / d->scale_h) * a[2], v = 0.5f * expf(e[3] / d->scale_w) * a[3];
    w->corners[i][0] = cy - h;
    w->corners[i][1] = cx - v;
    w->corners[i][2] = cy + h;
    w->corners[i][3] = cx + v;
  }
}

/* Sorts the candidates and keeps at most @limit that do not overlap a better one. */
static int32_t suppress(const QfkDetection *d, Work *w, int32_t n, int32_t limit)
{
  return qfk_nms((const float(*)[4])w->corners, w->candidates, n, n, limit, d->iou_threshold, 1,
                 w->survivors);
}

static const float *class_scores(const QfkDetection *d, const float *scores, int32_t box)
{
  return scores + (size_t)box * (size_t)d->score_width + (d->score_width - d->classes);
}

/* The @n best classes of a box, best first, into w->order. */
static void rank_classes(const QfkDetection *d, const float *scores, int32_t n, Work *w)
{
  for (int k = 0; k < n; k++) {
    int32_t best = -1;
    for (int c = 0; c < d->classes; c++) {
      bool taken = false;
      for (int j = 0; j < k; j++)
        taken |= w->order[j] == c;
      if (!taken && (best < 0 || scores[c] > scores[best]))
        best = c;
    }
    w->order[k] = best;
  }
}

static int32_t fast_nms(const QfkDetection *d, const float *scores, Work *w)
{
  int32_t n = 0, out = 0, classes = d->max_classes < d->classes ? d->max_classes : d->classes;
  for (int i = 0; i < d->boxes; i++) {
    const float *s = class_scores(d, scores, i);
    float best = s[0];
    for (int c = 1; c < d->classes; c++)
      best = s[c] > best ? s[c] : best;
    if (best >= d->score_threshold)
      w->candidates[n++] = (QfkCandidate){best, i, 0};
  }
  n = suppress(d, w, n, d->max_detections);
  for (int i = 0; i < n; i++) {
    const float *s = class_scores(d, scores, w->survivors[i].box);
    rank_classes(d, s, classes, w);
    for (int k = 0; k < classes; k++)
      w->best[out++] = (QfkCandidate){s[w->order[k]], w->survivors[i].box, w->order[k]};
  }
  return out;
}

static int32_t regular_nms(const QfkDetection *d, const float *scores, Work *w)
{
  int32_t out = 0;
  for (int c = 0; c < d->classes; c++) {
    int32_t n = 0, limit = d->per_class < d->boxes ? d->per_class : d->boxes;
    for (int i = 0; i < d->boxes; i++) {
      float s = class_scores(d, scores, i)[c];
      if (s >= d->score_threshold)
        w->candidates[n++] = (QfkCandidate){s, i, c};
    }
    n = suppress(d, w, n, limit);
    memcpy(w->best + out, w->survivors, (size_t)n * sizeof(*w->best));
    out += n;
    qsort(w->best, (size_t)out, sizeof(*w->best), qfk_by_score);
    out = out < d->max_detections ? out : d->max_detections;
  }
  return out;
}

void qfk_detection_ref(const QfkDetection *d, const float *encodings, const float *scores,
                       const float *anchors, void *scratch, float *out_boxes, float *out_classes,
                       float *out_scores, float *count)
{
  Work w = carve(d, scratch);
  decode_boxes(d, encodings, anchors, &w);
  int32_t n = d->regular ? regular_nms(d, scores, &w) : fast_nms(d, scores, &w);
  for (int i = 0; i < rows(d); i++) {
    const QfkCandidate *b = &w.best[i];
    for (int k = 0; k < 4; k++)
      out_boxes[i * 4 + k] = i < n ? w.corners[b->box][k] : 0;
    out_classes[i] = i < n ? (float)b->cls : 0;
    out_scores[i] = i < n ? b->score : 0;
  }
  /* Of boxes, however many classes of each are listed. */
  const int32_t each = d->regular ? 1 : d->max_classes < d->classes ? d->max_classes : d->classes;
  *count = (float)(n / each);
}
