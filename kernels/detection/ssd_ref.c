/* SPDX-License-Identifier: MIT */
/*
 * ssd_ref.c - see ssd.h.
 */
#include "ssd.h"
#include "nms.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  float (*corners)[4];      /* [priors], of one class */
  QfkCandidate *candidates; /* [priors] */
  QfkCandidate *found;      /* [classes * most] of one image */
  float (*found_box)[4];    /* their corners, by `box` of a found one */
} Work;

/* Survivors that a class can have. */
static int32_t most(const QfkSsd *d)
{
  return d->top_k >= 0 && d->top_k < d->priors ? d->top_k : d->priors;
}

static size_t round_up(size_t bytes)
{
  return (bytes + 63) / 64 * 64;
}

size_t qfk_ssd_scratch(const QfkSsd *d)
{
  size_t found = (size_t)most(d) * (size_t)d->classes, priors = (size_t)d->priors;
  return round_up(priors * 4 * sizeof(float)) + round_up(priors * sizeof(QfkCandidate)) +
         round_up(found * sizeof(QfkCandidate)) + round_up(found * 4 * sizeof(float));
}

static Work carve(const QfkSsd *d, void *scratch)
{
  size_t found = (size_t)most(d) * (size_t)d->classes, priors = (size_t)d->priors;
  uint8_t *at = scratch;
  Work w;
  w.corners = (float(*)[4])(void *)at;
  at += round_up(priors * 4 * sizeof(float));
  w.candidates = (QfkCandidate *)(void *)at;
  at += round_up(priors * sizeof(QfkCandidate));
  w.found = (QfkCandidate *)(void *)at;
  at += round_up(found * sizeof(QfkCandidate));
  w.found_box = (float(*)[4])(void *)at;
  return w;
}

/* One box: @p the prior's corners, @v its variances (all 1 when they are in the target), @e the encoded box. */
static void decode(int32_t code, const float *p, const float *v, const float *e, float *out)
{
  float w = p[2] - p[0], h = p[3] - p[1];
  const float size[4] = {w, h, w, h};
  if (code != 1) {
    for (int i = 0; i < 4; i++)
      out[i] = p[i] + v[i] * e[i] * (code ? size[i] : 1);
    return;
  }
  float cx = v[0] * e[0] * w + (p[0] + p[2]) / 2, cy = v[1] * e[1] * h + (p[1] + p[3]) / 2;
  float half_w = expf(v[2] * e[2]) * w / 2, half_h = expf(v[3] * e[3]) * h / 2;
  out[0] = cx - half_w;
  out[1] = cy - half_h;
  out[2] = cx + half_w;
  out[3] = cy + half_h;
}

static void decode_class(const QfkSsd *d, const float *locations, const float *boxes, int32_t place,
                         const Work *w)
{
  static const float ones[4] = {1, 1, 1, 1};
  for (int32_t i = 0; i < d->priors; i++) {
    const float *prior = boxes + (size_t)i * 4, *variance = boxes + ((size_t)d->priors + (size_t)i) * 4;
    const float *code = locations + ((size_t)i * (size_t)d->places + (size_t)place) * 4;
    decode(d->code, prior, d->variance_in_target ? ones : variance, code, w->corners[i]);
  }
}

/* The detections of one class, behind the @n that are there; returns their number. */
static int32_t detect_class(const QfkSsd *d, const float *scores, int32_t cls, const Work *w, int32_t n)
{
  int32_t count = 0;
  for (int32_t i = 0; i < d->priors; i++) {
    float score = scores[(size_t)i * (size_t)d->classes + (size_t)cls];
    if (score > d->confidence_threshold)
      w->candidates[count++] = (QfkCandidate){score, i, cls};
  }
  int32_t kept = qfk_nms((const float(*)[4])w->corners, w->candidates, count, most(d), most(d),
                         d->nms_threshold, d->nms_eta, w->found + n);
  for (int32_t k = 0; k < kept; k++) {
    QfkCandidate *c = &w->found[n + k];
    memcpy(w->found_box[n + k], w->corners[c->box], sizeof(w->corners[0]));
    c->box = n + k; /* found boxes stand by class and score */
  }
  return kept;
}

static int by_box(const void *a, const void *b)
{
  const QfkCandidate *x = a, *y = b;
  return x->box < y->box ? -1 : x->box > y->box;
}

static int32_t detect_image(const QfkSsd *d, const float *locations, const float *scores, const float *boxes,
                            const Work *w)
{
  int32_t n = 0, decoded = -1;
  for (int32_t c = 0; c < d->classes; c++) {
    int32_t place = d->places > 1 ? c : 0;
    if (c == d->background)
      continue;
    if (decoded != place)
      decode_class(d, locations, boxes, place, w);
    decoded = place;
    n += detect_class(d, scores, c, w, n);
  }
  if (d->keep_top_k < 0 || n <= d->keep_top_k)
    return n;
  qsort(w->found, (size_t)n, sizeof(*w->found), qfk_by_score);
  qsort(w->found, (size_t)d->keep_top_k, sizeof(*w->found), by_box);
  return d->keep_top_k;
}

void qfk_ssd_ref(const QfkSsd *d, const float *locations, const float *scores, const float *boxes,
                 void *scratch, float *out)
{
  Work w = carve(d, scratch);
  int32_t row = 0;
  for (int32_t i = 0; i < d->images; i++) {
    size_t priors = (size_t)i * (size_t)d->priors;
    int32_t n = detect_image(d, locations + priors * (size_t)d->places * 4,
                             scores + priors * (size_t)d->classes, boxes, &w);
    for (int32_t k = 0; k < n && row < d->rows; k++, row++) {
      const float head[] = {(float)i, (float)w.found[k].cls, w.found[k].score};
      memcpy(out + (size_t)row * 7, head, sizeof(head));
      memcpy(out + (size_t)row * 7 + 3, w.found_box[w.found[k].box], 4 * sizeof(float));
    }
  }
  for (; row < d->rows; row++)
    for (int k = 0; k < 7; k++)
      out[(size_t)row * 7 + (size_t)k] = k ? 0 : -1;
}
