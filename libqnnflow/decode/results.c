/* SPDX-License-Identifier: MIT */
/*
 * results.c - from candidates to detections: the best ones, overlap, labels, and the way back to frame pixels.
 *
 * The best candidates are kept in a heap with the least score on top, whose in-place sort leaves them best first; nothing
 * is allocated. A letterbox is inverted exactly: the rectangles of QfGeometry are integers.
 */
#include "decoder.h"

#include <math.h>
#include <string.h>

/* TRUE when candidate @a is worse than @b: lower score, or later. */
static gboolean worse(const QfDecoder *d, uint32_t a, uint32_t b)
{
  const QfCandidate *x = &d->candidates[a], *y = &d->candidates[b];
  return x->score != y->score ? x->score < y->score : x->order > y->order;
}

/* Lets heap[i] sink until no child is worse. */
static void sink(QfDecoder *d, uint32_t i, uint32_t n)
{
  for (;;) {
    uint32_t child = 2 * i + 1;
    if (child >= n)
      return;
    if (child + 1 < n && worse(d, d->heap[child + 1], d->heap[child]))
      child++;
    if (!worse(d, d->heap[child], d->heap[i]))
      return;
    uint32_t t = d->heap[i];
    d->heap[i] = d->heap[child];
    d->heap[child] = t;
    i = child;
  }
}

QfCandidate *qf_decoder_offer(QfDecoder *d, float x0, float y0, float x1, float y1, float score,
                              int32_t class_id)
{
  if (!(score >= d->config.threshold) || !isfinite(x0 + y0 + x1 + y1) || !isfinite(score))
    return NULL;
  QfCandidate c = {
      .x0 = x0, .y0 = y0, .x1 = x1, .y1 = y1, .score = score, .class_id = class_id, .order = d->n_seen++};
  uint32_t slot = d->n_candidates;
  if (slot == QF_MAX_CANDIDATES) {
    slot = d->heap[0];
    if (c.score <= d->candidates[slot].score)
      return NULL;
    memcpy(&d->candidates[slot], &c, G_STRUCT_OFFSET(QfCandidate, keypoints));
    sink(d, 0, QF_MAX_CANDIDATES);
    return &d->candidates[slot];
  }
  memcpy(&d->candidates[slot], &c, G_STRUCT_OFFSET(QfCandidate, keypoints));
  d->heap[d->n_candidates++] = slot;
  if (d->n_candidates == QF_MAX_CANDIDATES)
    for (uint32_t i = QF_MAX_CANDIDATES / 2; i-- > 0;)
      sink(d, i, QF_MAX_CANDIDATES);
  return &d->candidates[slot];
}

QfCandidate *qf_decoder_offer_centre(QfDecoder *d, float cx, float cy, float w, float h, float score,
                                     int32_t class_id)
{
  return qf_decoder_offer(d, cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2, score, class_id);
}

void qf_candidate_add_keypoint(QfCandidate *c, float x, float y, float score)
{
  if (c->n_keypoints < QF_MAX_KEYPOINTS)
    c->keypoints[c->n_keypoints++] = (QfKeypoint){x, y, score};
}

/* A whole block whose items lie side by side: of constant length, so that compilers make vectors of it. */
static void best_block(const float *restrict v, int32_t n_classes, size_t channel, int32_t *restrict best,
                       float *restrict score)
{
  for (int i = 0; i < QF_BLOCK; i++) {
    best[i] = 0;
    score[i] = v[i];
  }
  for (int32_t c = 1; c < n_classes; c++) {
    v += channel;
    for (int i = 0; i < QF_BLOCK; i++) {
      int32_t better = -(v[i] > score[i]);
      best[i] = (best[i] & ~better) | (c & better);
      score[i] = v[i] > score[i] ? v[i] : score[i];
    }
  }
}

/* One item: the largest score without branches, then the first class that has it. */
static int32_t best_of(const float *v, int32_t n_classes, size_t channel, float *score)
{
  float top[4] = {v[0], v[0], v[0], v[0]};
  int32_t c = 1;
  for (; c + 4 <= n_classes; c += 4)
    for (int k = 0; k < 4; k++) {
      float x = v[(size_t)(c + k) * channel];
      top[k] = x > top[k] ? x : top[k];
    }
  for (; c < n_classes; c++)
    top[0] = v[(size_t)c * channel] > top[0] ? v[(size_t)c * channel] : top[0];
  for (int k = 1; k < 4; k++)
    top[0] = top[k] > top[0] ? top[k] : top[0];
  *score = top[0];
  for (c = 0; c < n_classes; c++)
    if (v[(size_t)c * channel] == top[0])
      return c;
  return 0; /* the first is NaN, and so is the score */
}

void qf_best_classes(const float *v, uint32_t n_items, size_t item, int32_t n_classes, size_t channel,
                     int32_t *best, float *score)
{
  if (item == 1 && n_items == QF_BLOCK) {
    best_block(v, n_classes, channel, best, score);
    return;
  }
  for (uint32_t i = 0; i < n_items; i++)
    best[i] = best_of(v + i * item, n_classes, channel, &score[i]);
}

/* heap becomes a list, best first. */
static void sort_candidates(QfDecoder *d)
{
  for (uint32_t i = d->n_candidates / 2; i-- > 0;)
    sink(d, i, d->n_candidates);
  for (uint32_t n = d->n_candidates; n > 1;) {
    uint32_t t = d->heap[0];
    d->heap[0] = d->heap[--n];
    d->heap[n] = t;
    sink(d, 0, n);
  }
}

static float overlap(const QfCandidate *a, const QfCandidate *b)
{
  float w = fminf(a->x1, b->x1) - fmaxf(a->x0, b->x0), h = fminf(a->y1, b->y1) - fmaxf(a->y0, b->y0);
  if (w <= 0 || h <= 0)
    return 0;
  float both = w * h;
  return both / ((a->x1 - a->x0) * (a->y1 - a->y0) + (b->x1 - b->x0) * (b->y1 - b->y0) - both);
}

const char *qf_decoder_label(const QfDecoder *d, int32_t class_id)
{
  int64_t i = (int64_t)class_id + d->label_offset;
  if (!d->labels)
    return class_id == 0 ? d->type->label : NULL;
  return i >= 0 && i < d->n_labels ? d->labels[i] : NULL;
}

void qf_decoder_to_frame(const QfDecoder *d, float x, float y, float *fx, float *fy)
{
  const QfGeometry *g = d->geometry;
  *fx = g ? (float)(g->crop.x + ((double)x - g->fit.x) * g->crop.width / g->fit.width) : x;
  *fy = g ? (float)(g->crop.y + ((double)y - g->fit.y) * g->crop.height / g->fit.height) : y;
}

/* FALSE when nothing of the box is inside the frame. */
static gboolean to_detection(const QfDecoder *d, const QfCandidate *c, QfDetection *out)
{
  const QfGeometry *g = d->geometry;
  float width = g ? (float)g->frame_width : d->width, height = g ? (float)g->frame_height : d->height;
  float x0, y0, x1, y1;
  qf_decoder_to_frame(d, c->x0, c->y0, &x0, &y0);
  qf_decoder_to_frame(d, c->x1, c->y1, &x1, &y1);
  x0 = CLAMP(x0, 0, width);
  x1 = CLAMP(x1, 0, width);
  y0 = CLAMP(y0, 0, height);
  y1 = CLAMP(y1, 0, height);
  if (x1 <= x0 || y1 <= y0)
    return FALSE;
  *out = (QfDetection){.x = x0,
                       .y = y0,
                       .width = x1 - x0,
                       .height = y1 - y0,
                       .score = c->score,
                       .class_id = c->class_id,
                       .label = qf_decoder_label(d, c->class_id),
                       .n_keypoints = c->n_keypoints};
  for (uint32_t k = 0; k < c->n_keypoints; k++) {
    out->keypoints[k].score = c->keypoints[k].score;
    qf_decoder_to_frame(d, c->keypoints[k].x, c->keypoints[k].y, &out->keypoints[k].x, &out->keypoints[k].y);
  }
  return TRUE;
}

void qf_decoder_finish_boxes(QfDecoder *d)
{
  uint32_t most = d->config.max_results ? d->config.max_results : 100, kept = 0;
  sort_candidates(d);
  for (uint32_t i = 0; i < d->n_candidates && d->n_detections < most; i++) {
    uint32_t slot = d->heap[i];
    const QfCandidate *c = &d->candidates[slot];
    gboolean covered = FALSE;
    for (uint32_t k = 0; k < kept && d->type->overlap && !covered; k++) {
      const QfCandidate *better = &d->candidates[d->heap[k]];
      covered =
          (d->agnostic || better->class_id == c->class_id) && overlap(better, c) > d->config.iou_threshold;
    }
    if (covered || !to_detection(d, c, &d->detections[d->n_detections]))
      continue;
    d->heap[kept++] = slot;
    d->n_detections++;
  }
}
