/* SPDX-License-Identifier: MIT */
/*
 * classification.c - one score a class to the best classes. Scores outside 0..1 are taken as logits (softmax=auto).
 */
#include "decoder.h"

#include <math.h>

enum { SOFTMAX_AUTO, SOFTMAX_NO, SOFTMAX_YES };

typedef struct {
  int softmax;
} State;

static gboolean fits(QfDecoder *d)
{
  if (d->n_outputs != 1 || d->outputs[0].count < 2 || d->outputs[0].count > G_MAXINT32)
    return FALSE;
  int longer = 0;
  for (int i = 0; i < d->outputs[0].desc.rank; i++)
    longer += d->outputs[0].desc.dims[i] > 1;
  return longer == 1;
}

static gboolean prepare(QfDecoder *d, GError **error)
{
  static const char *const words[] = {"auto", "0", "1", NULL};
  State *s = d->state = g_new0(State, 1);
  d->config.max_results = d->config.max_results ? d->config.max_results : 5;
  d->classes = g_new0(QfClass, d->config.max_results + 1);
  return qf_decoder_param_word(d, "softmax", words, &s->softmax, error) &&
         qf_decoder_want_floats(d, 0, error);
}

/* Keeps the list sorted; one entry more than it may have is room for the last to fall off. */
static void insert(QfDecoder *d, int32_t class_id, float score)
{
  uint32_t i = d->n_classes;
  for (; i > 0 && d->classes[i - 1].score < score; i--)
    d->classes[i] = d->classes[i - 1];
  d->classes[i] = (QfClass){score, class_id, NULL};
  if (d->n_classes < d->config.max_results)
    d->n_classes++;
}

static void run(QfDecoder *d)
{
  const State *s = d->state;
  const float *v = qf_decoder_floats(d, 0);
  int32_t n = (int32_t)d->outputs[0].count;
  float top = -INFINITY;
  gboolean logits = s->softmax == SOFTMAX_YES;
  for (int32_t i = 0; i < n; i++) {
    top = v[i] > top ? v[i] : top;
    logits |= s->softmax == SOFTMAX_AUTO && (v[i] < -0.001f || v[i] > 1.001f);
  }
  double sum = 0;
  for (int32_t i = 0; logits && i < n; i++)
    sum += exp((double)v[i] - (double)top);
  for (int32_t i = 0; i < n; i++) {
    float score = logits ? (float)(exp((double)v[i] - (double)top) / sum) : v[i];
    if (score >= d->config.threshold &&
        (d->n_classes < d->config.max_results || score > d->classes[d->n_classes - 1].score))
      insert(d, i, score);
  }
  for (uint32_t i = 0; i < d->n_classes; i++)
    d->classes[i].label = d->labels ? qf_decoder_label(d, d->classes[i].class_id) : NULL;
}

const QfDecoderType qf_decoder_classification = {
    .info = {"classification",
             "the best classes of the whole frame, from one score a class, softmaxed or not",
             "softmax=auto,label-offset=0"},
    .threshold = 0,
    .expects = "one output with a score a class, [1,N]",
    .fits = fits,
    .prepare = prepare,
    .run = run,
};
