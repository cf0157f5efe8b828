/* SPDX-License-Identifier: MIT */
/*
 * segmentation.c - a class a pixel: the best of C scores, a map of class indices, or one foreground score. Only the part of
 * the map that shows the frame is given, so a letterbox does not appear in the mask.
 */
#include "decoder.h"

#include <string.h>

typedef struct {
  int32_t width, height, classes; /* classes 0: a map of indices; 1: one score */
  size_t channel, pixel;          /* elements from one to the next */
} State;

static gboolean is_map(const QfTensorDesc *o)
{
  return !qf_dtype_is_float(o->dtype) && o->quant.count == 0;
}

/* Which of the last three dimensions are the classes: by the layout, else the one that is least. */
static gboolean assign(QfDecoder *d, State *s)
{
  const QfTensorDesc *o = &d->outputs[0].desc;
  int64_t dims[3];
  gboolean last;
  if (d->n_outputs != 1 || o->rank < 2 || d->outputs[0].count > G_MAXINT32 ||
      !qf_decoder_dims(d, 0, MIN(o->rank, 3), dims))
    return FALSE;
  if (o->rank == 2 || (o->rank == 3 && is_map(o) && dims[0] == 1)) { /* no dimension for classes */
    int64_t two[2];
    qf_decoder_dims(d, 0, 2, two);
    dims[0] = 1;
    dims[1] = two[0];
    dims[2] = two[1];
    last = FALSE;
  } else if (dims[0] == 1 || dims[2] == 1) {
    last = dims[2] == 1;
  } else {
    last = o->layout != QF_LAYOUT_NCHW && (o->layout == QF_LAYOUT_NHWC || dims[2] <= dims[0]);
  }
  int64_t classes = last ? dims[2] : dims[0], height = last ? dims[0] : dims[1],
          width = last ? dims[1] : dims[2];
  if (classes > 256 || width < 2 || height < 2 || (is_map(o) && classes != 1))
    return FALSE;
  *s = (State){(int32_t)width, (int32_t)height, is_map(o) ? 0 : (int32_t)classes, 1, 1};
  if (last)
    s->pixel = (size_t)classes;
  else
    s->channel = (size_t)(width * height);
  return TRUE;
}

static gboolean fits(QfDecoder *d)
{
  State s;
  return assign(d, &s);
}

static gboolean prepare(QfDecoder *d, GError **error)
{
  State *s = d->state = g_new0(State, 1);
  assign(d, s);
  d->mask_memory = g_try_malloc((gsize)s->width * (gsize)s->height);
  if (!d->mask_memory) {
    g_set_error(error, QF_ERROR, QF_ERROR_LIMIT,
                "decoder segmentation: a mask of %dx%d does not fit into memory", s->width, s->height);
    return FALSE;
  }
  return qf_decoder_want_floats(d, 0, error);
}

/* The pixels of the map that the frame touches, and the region of the frame that they cover. */
static QfRect visible(const QfDecoder *d, const State *s, QfRect *region)
{
  const QfGeometry *g = d->geometry;
  if (!g) {
    *region = (QfRect){0, 0, (int32_t)d->width, (int32_t)d->height};
    return (QfRect){0, 0, s->width, s->height};
  }
  int64_t w = s->width, h = s->height;
  int32_t x0 = (int32_t)(g->fit.x * w / g->width), y0 = (int32_t)(g->fit.y * h / g->height);
  int32_t x1 = (int32_t)(((g->fit.x + g->fit.width) * w + g->width - 1) / g->width);
  int32_t y1 = (int32_t)(((g->fit.y + g->fit.height) * h + g->height - 1) / g->height);
  *region = g->crop;
  return (QfRect){x0, y0, x1 - x0, y1 - y0};
}

/* The best class of each of @n pixels. */
static void argmax_row(const State *s, const float *v, int32_t n, uint8_t *out)
{
  int32_t best[QF_BLOCK];
  float score[QF_BLOCK];
  for (int32_t at = 0; at < n; at += QF_BLOCK) {
    uint32_t items = (uint32_t)MIN(n - at, QF_BLOCK);
    qf_best_classes(v + (size_t)at * s->pixel, items, s->pixel, s->classes, s->channel, best, score);
    for (uint32_t i = 0; i < items; i++)
      out[at + (int32_t)i] = (uint8_t)best[i];
  }
}

static void map_row(const State *s, const float *v, int32_t n, float above, uint8_t *out)
{
  for (int32_t i = 0; i < n; i++)
    out[i] = s->classes ? v[i] >= above : v[i] > 0 ? (uint8_t)(v[i] < 255 ? v[i] : 255) : 0;
}

/* Where a single score becomes foreground: a logit of the threshold when scores are not within 0..1. */
static float foreground(const QfDecoder *d, const State *s, const float *v)
{
  float p = d->config.threshold;
  for (size_t i = 0; i < (size_t)s->width * (size_t)s->height; i++)
    if (v[i] < -0.001f || v[i] > 1.001f)
      return p < 1 ? __builtin_logf(p / (1 - p)) : __builtin_inff();
  return p;
}

static void run(QfDecoder *d)
{
  const State *s = d->state;
  const float *all = qf_decoder_floats(d, 0);
  QfRect region, r = visible(d, s, &region);
  float above = s->classes == 1 ? foreground(d, s, all) : 0;
  for (int32_t y = 0; y < r.height; y++) {
    const float *v = all + ((size_t)(r.y + y) * (size_t)s->width + (size_t)r.x) * s->pixel;
    uint8_t *out = d->mask_memory + (size_t)y * (size_t)r.width;
    if (s->classes > 1)
      argmax_row(s, v, r.width, out);
    else
      map_row(s, v, r.width, above, out);
  }
  uint32_t n = s->classes == 0   ? (d->n_labels ? MIN(d->n_labels, 256) : 256)
               : s->classes == 1 ? 2
                                 : (uint32_t)s->classes;
  d->mask = (QfMask){d->mask_memory, r.width, r.height, region, n};
}

const QfDecoderType qf_decoder_segmentation = {
    .info = {"segmentation", "a class a pixel, from scores, class indices or one foreground score",
             "label-offset=0"},
    .threshold = 0.5f,
    .expects = "one output [1,H,W,C], [1,C,H,W], or class indices [1,H,W]",
    .fits = fits,
    .prepare = prepare,
    .run = run,
};
