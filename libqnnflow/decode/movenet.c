/* SPDX-License-Identifier: MIT */
/*
 * movenet.c - one person's seventeen points as y, x and score, in fractions of the input. The box is that of the points
 * which reach the threshold; the person's score is the mean of all.
 */
#include "decoder.h"

#include <math.h>

static gboolean fits(QfDecoder *d)
{
  int64_t dims[2];
  return d->n_outputs == 1 && qf_decoder_dims(d, 0, 2, dims) && dims[0] == 17 && dims[1] == 3;
}

static gboolean prepare(QfDecoder *d, GError **error)
{
  return qf_decoder_want_floats(d, 0, error);
}

static void run(QfDecoder *d)
{
  const float *v = qf_decoder_floats(d, 0);
  float x0 = INFINITY, y0 = INFINITY, x1 = -INFINITY, y1 = -INFINITY, sum = 0, least = d->config.threshold;
  for (int k = 0; k < 17; k++) {
    float y = v[3 * k] * d->height, x = v[3 * k + 1] * d->width, score = v[3 * k + 2];
    sum += score;
    if (!(score >= least))
      continue;
    x0 = fminf(x0, x);
    y0 = fminf(y0, y);
    x1 = fmaxf(x1, x);
    y1 = fmaxf(y1, y);
  }
  QfCandidate *c = x1 > x0 ? qf_decoder_offer(d, x0, y0, x1, y1, sum / 17, 0) : NULL;
  for (int k = 0; c && k < 17; k++)
    qf_candidate_add_keypoint(c, v[3 * k + 1] * d->width, v[3 * k] * d->height, v[3 * k + 2]);
}

const QfDecoderType qf_decoder_movenet = {
    .info = {"movenet", "MoveNet, one person: seventeen points in the order of COCO", "label-offset=0"},
    .threshold = 0.2f,
    .label = "person",
    .expects = "one output [1,1,17,3]",
    .fits = fits,
    .prepare = prepare,
    .run = run,
};
