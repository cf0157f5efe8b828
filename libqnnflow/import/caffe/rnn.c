/* SPDX-License-Identifier: MIT */
/*
 * rnn.c - LSTM and RNN, step by step: a sequence has a fixed length here. The second bottom says where a sequence goes on (1) or
 * starts anew (0); the state before the first step is zero. What the steps share, the product with the inputs, is one product.
 */
#include "map.h"

#include <string.h>

#define STEP_BYTES 16384 /* what the nodes of a step cost: a few bytes of the file can ask for many steps */

/* A recurrent layer while it is unrolled. */
typedef struct {
  QfCaffeLayer *l;
  int64_t steps, batch, size;             /* of the hidden state */
  QfTensor *gates;                        /* [steps, batch, n size]: of the inputs */
  QfTensor *hidden_weights;               /* [n size, size] */
  QfTensor *output_weights, *output_bias; /* RNN */
  QfTensor *h, *c;                        /* [batch, size]; NULL: zero */
} Recurrent;

static QfTensor *dense(QfCaffeLayer *l, QfTensor *x, QfTensor *w, QfTensor *b, GError **error)
{
  QfTensor *in[] = {x, w, b};
  return x && w ? qf_build_end(&l->build, qf_build_begin(&l->build, "FullyConnected", in, b ? 3 : 2, NULL),
                               error)
                : NULL;
}

/* Row @t of [steps, batch, n], as [batch, n]. */
static QfTensor *step_of(const Recurrent *r, QfTensor *x, int64_t t, GError **error)
{
  QfInts shape = {2, {r->batch, qf_tensor_count(x) / (r->steps * r->batch)}};
  return qf_build_reshape(&r->l->build, qf_build_slice(&r->l->build, x, 0, t, t + 1, NULL, error), &shape,
                          NULL, error);
}

/* The gates of step t; @go_on [batch, 1] keeps the state or clears it. */
static QfTensor *gates_of(const Recurrent *r, int64_t t, QfTensor *go_on, GError **error)
{
  QfBuild *b = &r->l->build;
  QfTensor *g = step_of(r, r->gates, t, error);
  if (!r->h)
    return g;
  QfTensor *kept = qf_build_apply2(b, "ElementWiseMultiply", r->h, go_on, NULL, error);
  return qf_build_apply2(b, "ElementWiseAdd", g, dense(r->l, kept, r->hidden_weights, NULL, error), NULL,
                         error);
}

/* i, f and o are sigmoids and g a tanh of the gates: c = f c + i g, h = o tanh(c). */
static QfTensor *lstm_step(Recurrent *r, int64_t t, QfTensor *go_on, GError **error)
{
  QfBuild *b = &r->l->build;
  int64_t n = r->size;
  QfTensor *gates = gates_of(r, t, go_on, error);
  QfTensor *s =
      qf_build_apply1(b, "Sigmoid", qf_build_slice(b, gates, 1, 0, 3 * n, NULL, error), NULL, error);
  QfTensor *g =
      qf_build_apply1(b, "Tanh", qf_build_slice(b, gates, 1, 3 * n, 4 * n, NULL, error), NULL, error);
  QfTensor *c =
      qf_build_apply2(b, "ElementWiseMultiply", qf_build_slice(b, s, 1, 0, n, NULL, error), g, NULL, error);
  if (r->c) {
    QfTensor *f = qf_build_slice(b, s, 1, n, 2 * n, NULL, error);
    f = qf_build_apply2(b, "ElementWiseMultiply", f, go_on, NULL, error);
    f = qf_build_apply2(b, "ElementWiseMultiply", f, r->c, NULL, error);
    c = qf_build_apply2(b, "ElementWiseAdd", f, c, NULL, error);
  }
  r->c = c;
  QfTensor *o = qf_build_slice(b, s, 1, 2 * n, 3 * n, NULL, error);
  r->h =
      qf_build_apply2(b, "ElementWiseMultiply", o, qf_build_apply1(b, "Tanh", c, NULL, error), NULL, error);
  return r->h;
}

/* h = tanh(gates), and the output is tanh(W h + b). */
static QfTensor *rnn_step(Recurrent *r, int64_t t, QfTensor *go_on, GError **error)
{
  QfBuild *b = &r->l->build;
  r->h = qf_build_apply1(b, "Tanh", gates_of(r, t, go_on, error), NULL, error);
  return qf_build_apply1(b, "Tanh", dense(r->l, r->h, r->output_weights, r->output_bias, error), NULL, error);
}

static gboolean begin(Recurrent *r, int64_t gates, GError **error)
{
  QF_CAFFE_PARAM(a, r->l, Caffe__RecurrentParameter, CAFFE__RECURRENT_PARAMETER__INIT, recurrent_param);
  QfCaffeLayer *l = r->l;
  QfTensor *x = l->in[0], *go_on = l->in[1];
  if (a->expose_hidden || l->n_in > 2)
    return qf_build_fail(&l->build, error, QF_ERROR_UNSUPPORTED,
                         "a state from outside (expose_hidden) and a static input are not supported");
  if (x->rank < 2 || go_on->rank != 2 || x->dims[0] != go_on->dims[0] || x->dims[1] != go_on->dims[1] ||
      !a->num_output || a->num_output > 1 << 20 || x->dims[0] < 1 || x->dims[1] < 1)
    return qf_build_fail(&l->build, error, QF_ERROR_SHAPE,
                         "it needs bottoms of [steps, batch, ...] and [steps, batch], and a num_output");
  r->steps = x->dims[0];
  r->batch = x->dims[1];
  r->size = a->num_output;
  if (!qf_build_charge(&l->build, (uint64_t)r->steps * STEP_BYTES, error))
    return FALSE;
  int64_t inputs = qf_dims_count(x->dims + 2, x->rank - 2), all = gates * r->size;
  QfInts flat = {2, {r->steps * r->batch, inputs}}, shape = {3, {r->steps, r->batch, all}};
  QfCaffeSeed seed = qf_caffe_seed_for(inputs + r->size), small = {-0.1f, 0.1f};
  QfTensor *w = qf_caffe_weights(l, 0, "input_weights", &(QfInts){2, {all, inputs}}, seed, error);
  QfTensor *b = w ? qf_caffe_weights(l, 1, "bias", &(QfInts){1, {all}}, small, error) : NULL;
  r->hidden_weights =
      b ? qf_caffe_weights(l, 2, "hidden_weights", &(QfInts){2, {all, r->size}}, seed, error) : NULL;
  if (!r->hidden_weights)
    return FALSE;
  QfTensor *y = dense(l, qf_build_reshape(&l->build, x, &flat, NULL, error), w, b, error);
  r->gates = qf_build_reshape(&l->build, y, &shape, NULL, error);
  return r->gates != NULL;
}

static gboolean map_recurrent(QfCaffeLayer *l, GError **error)
{
  Recurrent r = {.l = l};
  gboolean lstm = !strcmp(l->row->type, "LSTM");
  if (!begin(&r, lstm ? 4 : 1, error))
    return FALSE;
  if (!lstm) {
    QfCaffeSeed seed = qf_caffe_seed_for(r.size), small = {-0.1f, 0.1f};
    r.output_weights = qf_caffe_weights(l, 3, "output_weights", &(QfInts){2, {r.size, r.size}}, seed, error);
    r.output_bias =
        r.output_weights ? qf_caffe_weights(l, 4, "output_bias", &(QfInts){1, {r.size}}, small, error) : NULL;
    if (!r.output_bias)
      return FALSE;
  }
  QfInts row = {3, {1, r.batch, r.size}};
  g_autofree QfTensor **out = g_new0(QfTensor *, r.steps);
  for (int64_t t = 0; t < r.steps; t++) {
    QfTensor *go_on = t ? step_of(&r, l->in[1], t, error) : NULL; /* the first step starts anew in any case */
    QfTensor *y = lstm ? lstm_step(&r, t, go_on, error) : rnn_step(&r, t, go_on, error);
    out[t] = qf_build_reshape(&l->build, y, &row, NULL, error);
    if (!out[t])
      return FALSE;
  }
  return qf_caffe_bind(l, 0,
                       r.steps == 1 ? out[0]
                                    : qf_build_concat(&l->build, out, (uint32_t)r.steps, 0,
                                                      qf_caffe_out(l, 0), error));
}

const QfCaffeRow qf_caffe_rnn_rows[] = {
    {"LSTM", map_recurrent, 2, 5, 1, NULL},
    {"RNN", map_recurrent, 2, 4, 1, NULL},
    {NULL},
};
