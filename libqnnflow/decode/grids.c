/* SPDX-License-Identifier: MIT */
/*
 * grids.c - anchor-free heads on one grid: the detector of models/ ("grid") and FastestDet. One tensor, [1, 5+C, H, W] or
 * [1, H, W, 5+C], with one candidate a cell. They differ in how a cell's numbers become a score and a box.
 */
#include "decoder.h"

#include <math.h>

typedef struct {
  int32_t rows, cols, classes;
  size_t channel, cell; /* elements from one to the next */
  gboolean softmax;     /* grid: classes exclude each other */
} State;

/* Which of the last three dimensions are the channels. */
static gboolean assign(QfDecoder *d, State *s)
{
  const QfTensorDesc *o = &d->outputs[0].desc;
  int64_t dims[3];
  if (d->n_outputs != 1 || o->rank < 3 || o->rank > 4 || !qf_decoder_dims(d, 0, 3, dims))
    return FALSE;
  int64_t w = d->config.input_width, h = d->config.input_height;
  gboolean last = o->layout == QF_LAYOUT_NHWC;
  if (o->layout == QF_LAYOUT_ANY && w > 0 && h > 0)
    last = dims[0] * w == dims[1] * h; /* rows : cols as h : w */
  int64_t channels = last ? dims[2] : dims[0], rows = last ? dims[0] : dims[1],
          cols = last ? dims[1] : dims[2];
  if (channels < 6 || channels > 4096 || rows * cols < 1 || d->outputs[0].count > G_MAXINT32)
    return FALSE;
  s->rows = (int32_t)rows;
  s->cols = (int32_t)cols;
  s->classes = (int32_t)channels - 5;
  s->channel = last ? 1 : (size_t)(rows * cols);
  s->cell = last ? (size_t)channels : 1;
  return TRUE;
}

static gboolean grid_fits(QfDecoder *d)
{
  State s;
  return assign(d, &s) && (d->outputs[0].desc.rank == 4 || d->outputs[0].desc.rank == 3);
}

/* By shape it could be a segmentation or FastestDet, so a name decides for "auto". */
static gboolean grid_named(QfDecoder *d)
{
  State s;
  return assign(d, &s) && qf_decoder_named(d, 0, "grid");
}

static gboolean prepare_state(QfDecoder *d, GError **error)
{
  State *s = d->state = g_new0(State, 1);
  assign(d, s);
  return qf_decoder_want_floats(d, 0, error);
}

static gboolean grid_prepare(QfDecoder *d, GError **error)
{
  static const char *const words[] = {"sigmoid", "softmax", NULL};
  if (!prepare_state(d, error))
    return FALSE;
  return qf_decoder_param_word(d, "classes", words, &((State *)d->state)->softmax, error);
}

/* The best class of a cell. */
static int32_t best_class(const State *s, const float *v)
{
  int32_t best = 0;
  for (int32_t c = 1; c < s->classes; c++)
    if (v[(5 + (size_t)c) * s->channel] > v[(5 + (size_t)best) * s->channel])
      best = c;
  return best;
}

static float class_score(const State *s, const float *v, int32_t best)
{
  float top = v[(5 + (size_t)best) * s->channel], sum = 0;
  if (!s->softmax)
    return qf_sigmoid(top);
  for (int32_t c = 0; c < s->classes; c++)
    sum += expf(v[(5 + (size_t)c) * s->channel] - top);
  return 1 / sum;
}

static void grid_run(QfDecoder *d)
{
  const State *s = d->state;
  const float *all = qf_decoder_floats(d, 0);
  float sx = d->width / (float)s->cols, sy = d->height / (float)s->rows;
  for (int32_t i = 0; i < s->rows * s->cols; i++) {
    const float *v = all + (size_t)i * s->cell;
    float object = qf_sigmoid(v[0]);
    if (!(object >= d->config.threshold)) /* the class only makes it less */
      continue;
    int32_t best = best_class(s, v);
    float cx = ((float)(i % s->cols) + qf_sigmoid(v[s->channel])) * sx;
    float cy = ((float)(i / s->cols) + qf_sigmoid(v[2 * s->channel])) * sy;
    qf_decoder_offer_centre(d, cx, cy, expf(v[3 * s->channel]) * sx, expf(v[4 * s->channel]) * sy,
                            object * class_score(s, v, best), best);
  }
}

const QfDecoderType qf_decoder_grid = {
    .info = {"grid",
             "the detector of models/: a cell has logits of object, x, y, log width, log height and classes",
             "classes=sigmoid,agnostic=0,label-offset=0"},
    .threshold = 0.5f,
    .overlap = TRUE,
    .expects = "one output [1,5+C,H,W] or [1,H,W,5+C], named \"grid\" to be taken by auto",
    .fits = grid_fits,
    .fits_auto = grid_named,
    .prepare = grid_prepare,
    .run = grid_run,
};

/* 80 classes of COCO on a square grid is what is published. */
static gboolean fastestdet_auto(QfDecoder *d)
{
  State s;
  return assign(d, &s) && s.classes == 80 && s.rows == s.cols;
}

/* Objectness is a probability already; classes are softmaxed. Boxes are fractions of the input. */
static void fastestdet_run(QfDecoder *d)
{
  const State *s = d->state;
  const float *all = qf_decoder_floats(d, 0);
  for (int32_t i = 0; i < s->rows * s->cols; i++) {
    const float *v = all + (size_t)i * s->cell;
    if (!(powf(v[0], 0.6f) >= d->config.threshold))
      continue;
    int32_t best = best_class(s, v);
    float score = powf(v[0], 0.6f) * powf(v[(5 + (size_t)best) * s->channel], 0.4f);
    float cx = ((float)(i % s->cols) + tanhf(v[s->channel])) / (float)s->cols;
    float cy = ((float)(i / s->cols) + tanhf(v[2 * s->channel])) / (float)s->rows;
    qf_decoder_offer_centre(d, cx * d->width, cy * d->height, qf_sigmoid(v[3 * s->channel]) * d->width,
                            qf_sigmoid(v[4 * s->channel]) * d->height, score, best);
  }
}

const QfDecoderType qf_decoder_fastestdet = {
    .info = {"fastestdet", "FastestDet: a cell has objectness, offsets, size and class probabilities",
             "agnostic=0,label-offset=0"},
    .threshold = 0.65f,
    .overlap = TRUE,
    .expects = "one output [1,5+C,H,W] (C = 80 to be taken by auto)",
    .fits = grid_fits,
    .fits_auto = fastestdet_auto,
    .prepare = prepare_state,
    .run = fastestdet_run,
};
