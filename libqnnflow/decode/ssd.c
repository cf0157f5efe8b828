/* SPDX-License-Identifier: MIT */
/*
 * ssd.c - boxes, classes and scores that the model itself has already chosen: TFLite_Detection_PostProcess with its count,
 * and the ONNX exports of SSD networks. Which output is which follows from shapes, then names, types and order.
 */
#include "decoder.h"

#include <math.h>

typedef struct {
  int boxes, classes, scores, count; /* indices of outputs; count -1: all boxes count */
  int32_t n;
  gboolean xyxy, pixels;
} State;

static gboolean is_integer(const QfDecoder *d, int k)
{
  return !qf_dtype_is_float(d->outputs[k].desc.dtype) && d->outputs[k].desc.quant.count == 0;
}

/* Two outputs [N]: TRUE when @a has the classes. */
static gboolean first_is_classes(const QfDecoder *d, int a, int b, int boxes)
{
  if (is_integer(d, a) != is_integer(d, b))
    return is_integer(d, a);
  if (qf_decoder_named(d, a, "class") || qf_decoder_named(d, b, "score") || qf_decoder_named(d, a, "label"))
    return TRUE;
  if (qf_decoder_named(d, b, "class") || qf_decoder_named(d, a, "score") || qf_decoder_named(d, b, "label"))
    return FALSE;
  return boxes < a; /* boxes, classes, scores, count; or scores, boxes, count, classes */
}

static gboolean assign(QfDecoder *d, State *s)
{
  int lists[2], n_lists = 0;
  int64_t dims[2];
  *s = (State){.boxes = -1, .count = -1};
  if (d->n_outputs != 3 && d->n_outputs != 4)
    return FALSE;
  for (uint32_t k = 0; k < d->n_outputs; k++)
    if (s->boxes < 0 && d->outputs[k].desc.rank >= 2 && qf_decoder_dims(d, k, 2, dims) && dims[1] == 4 &&
        (d->outputs[k].desc.rank == 3 || dims[0] != 1))
      s->boxes = (int)k;
  if (s->boxes < 0 || !qf_decoder_dims(d, (uint32_t)s->boxes, 2, dims) || dims[0] > G_MAXINT32 / 4)
    return FALSE;
  s->n = (int32_t)dims[0];
  for (uint32_t k = 0; k < d->n_outputs; k++) {
    if ((int)k == s->boxes)
      continue;
    if (d->outputs[k].count == s->n && d->outputs[k].desc.rank >= 1 && n_lists < 2 &&
        !(s->n == 1 && d->outputs[k].desc.rank == 1))
      lists[n_lists++] = (int)k;
    else if (d->outputs[k].count == 1 && s->count < 0)
      s->count = (int)k;
    else
      return FALSE;
  }
  if (n_lists != 2)
    return FALSE;
  gboolean first = first_is_classes(d, lists[0], lists[1], s->boxes);
  s->classes = lists[first ? 0 : 1];
  s->scores = lists[first ? 1 : 0];
  return TRUE;
}

static gboolean fits(QfDecoder *d)
{
  State s;
  return assign(d, &s);
}

static gboolean prepare(QfDecoder *d, GError **error)
{
  static const char *const orders[] = {"auto", "yxyx", "xyxy", NULL};
  static const char *const units[] = {"fraction", "pixels", NULL};
  State *s = d->state = g_new0(State, 1);
  int order;
  assign(d, s);
  if (!qf_decoder_param_word(d, "order", orders, &order, error) ||
      !qf_decoder_param_word(d, "unit", units, &s->pixels, error))
    return FALSE;
  s->xyxy = order == 0 ? is_integer(d, s->classes) : order == 2;
  for (uint32_t k = 0; k < d->n_outputs; k++)
    if (!qf_decoder_want_floats(d, k, error))
      return FALSE;
  return TRUE;
}

static void run(QfDecoder *d)
{
  const State *s = d->state;
  const float *boxes = qf_decoder_floats(d, (uint32_t)s->boxes);
  const float *classes = qf_decoder_floats(d, (uint32_t)s->classes);
  const float *scores = qf_decoder_floats(d, (uint32_t)s->scores);
  float count = s->count >= 0 ? *qf_decoder_floats(d, (uint32_t)s->count) : (float)s->n;
  float w = s->pixels ? 1 : d->width, h = s->pixels ? 1 : d->height;
  for (int32_t i = 0; i < s->n && (float)i < count; i++, boxes += 4) {
    if (!(classes[i] >= 0 && classes[i] < 1e6f))
      continue;
    int32_t class_id = (int32_t)lrintf(classes[i]);
    if (s->xyxy)
      qf_decoder_offer(d, boxes[0] * w, boxes[1] * h, boxes[2] * w, boxes[3] * h, scores[i], class_id);
    else
      qf_decoder_offer(d, boxes[1] * w, boxes[0] * h, boxes[3] * w, boxes[2] * h, scores[i], class_id);
  }
}

const QfDecoderType qf_decoder_ssd = {
    .info =
        {"ssd",
         "SSD with its own post-processing: boxes, classes, scores and count (TFLite_Detection_PostProcess)",
         "order=auto,unit=fraction,label-offset=0"},
    .threshold = 0.5f,
    .expects = "boxes [1,N,4], classes [1,N], scores [1,N] and, if any, a count [1]",
    .fits = fits,
    .prepare = prepare,
    .run = run,
};
