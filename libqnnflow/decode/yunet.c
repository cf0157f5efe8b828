/* SPDX-License-Identifier: MIT */
/*
 * yunet.c - YuNet faces: for each of the strides 8, 16 and 32 a class and an object probability, a box and five points.
 */
#include "decoder.h"

#include <math.h>

#define LEVELS 3

typedef struct {
  struct {
    int cls, obj, box, points;
    int32_t n, cols;
  } level[LEVELS];
} State;

/* Outputs with @last as their last dimension, in order of falling size; the names decide between two of one size. */
static gboolean collect(QfDecoder *d, int64_t last, const char *name, int *found, int32_t *sizes)
{
  int n = 0;
  for (uint32_t k = 0; k < d->n_outputs; k++) {
    int64_t dims[2];
    if (!qf_decoder_dims(d, k, 2, dims) || dims[1] != last || dims[0] > 1 << 24 ||
        (name && !qf_decoder_named(d, k, name)))
      continue;
    if (n == LEVELS)
      return FALSE;
    int at = n++;
    for (; at > 0 && sizes[at - 1] < dims[0]; at--) {
      sizes[at] = sizes[at - 1];
      found[at] = found[at - 1];
    }
    sizes[at] = (int32_t)dims[0];
    found[at] = (int)k;
  }
  return n == LEVELS;
}

static gboolean assign(QfDecoder *d, State *s)
{
  int found[4][LEVELS];
  int32_t sizes[4][LEVELS];
  if (d->n_outputs != 4 * LEVELS || !collect(d, 1, "cls", found[0], sizes[0]) ||
      !collect(d, 1, "obj", found[1], sizes[1]) || !collect(d, 4, NULL, found[2], sizes[2]) ||
      !collect(d, 10, NULL, found[3], sizes[3]))
    return FALSE;
  for (int l = 0; l < LEVELS; l++) {
    for (int k = 1; k < 4; k++)
      if (sizes[k][l] != sizes[0][l])
        return FALSE;
    s->level[l].cls = found[0][l];
    s->level[l].obj = found[1][l];
    s->level[l].box = found[2][l];
    s->level[l].points = found[3][l];
    s->level[l].n = sizes[0][l];
  }
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
  if (!qf_decoder_need_input_size(d, error))
    return FALSE;
  for (int l = 0; l < LEVELS; l++) {
    int stride = 8 << l, rows = d->config.input_height / stride;
    s->level[l].cols = d->config.input_width / stride;
    if ((int64_t)rows * s->level[l].cols != s->level[l].n) {
      g_set_error(error, QF_ERROR, QF_ERROR_UNSUPPORTED,
                  "decoder yunet: at stride %d an input of %dx%d has %dx%d cells, the model gives %d", stride,
                  d->config.input_width, d->config.input_height, s->level[l].cols, rows, s->level[l].n);
      return FALSE;
    }
  }
  for (uint32_t k = 0; k < d->n_outputs; k++)
    if (!qf_decoder_want_floats(d, k, error))
      return FALSE;
  return TRUE;
}

static void run_level(QfDecoder *d, const State *s, int l)
{
  const float *cls = qf_decoder_floats(d, (uint32_t)s->level[l].cls);
  const float *obj = qf_decoder_floats(d, (uint32_t)s->level[l].obj);
  const float *box = qf_decoder_floats(d, (uint32_t)s->level[l].box);
  const float *points = qf_decoder_floats(d, (uint32_t)s->level[l].points);
  float stride = (float)(8 << l);
  for (int32_t i = 0; i < s->level[l].n; i++) {
    float score = sqrtf(CLAMP(cls[i], 0, 1) * CLAMP(obj[i], 0, 1));
    if (!(score >= d->config.threshold))
      continue;
    const float *b = box + 4 * (size_t)i, *p = points + 10 * (size_t)i;
    float x = (float)(i % s->level[l].cols), y = (float)(i / s->level[l].cols);
    QfCandidate *c = qf_decoder_offer_centre(d, (x + b[0]) * stride, (y + b[1]) * stride, expf(b[2]) * stride,
                                             expf(b[3]) * stride, score, 0);
    for (int k = 0; c && k < 10; k += 2)
      qf_candidate_add_keypoint(c, (x + p[k]) * stride, (y + p[k + 1]) * stride, 1);
  }
}

static void run(QfDecoder *d)
{
  for (int l = 0; l < LEVELS; l++)
    run_level(d, d->state, l);
}

const QfDecoderType qf_decoder_yunet = {
    .info = {"yunet", "YuNet faces with five points (right eye, left eye, nose, corners of the mouth)",
             "agnostic=0,label-offset=0"},
    .threshold = 0.6f,
    .overlap = TRUE,
    .label = "face",
    .expects = "twelve outputs: cls and obj [1,N,1], boxes [1,N,4], points [1,N,10] at strides 8, 16 and 32",
    .fits = fits,
    .prepare = prepare,
    .run = run,
};
