/* SPDX-License-Identifier: MIT */
/*
 * recurrent.c - rows of Lstm, Gru and Rnn, one direction after the other. The outputs of the last state are where it is kept
 * while the layer runs; when the node does not have them, scratch is.
 */
#include "recurrent.h"
#include "../../ops/list.h"

#include <string.h>

#define SAME(a, b) G_STATIC_ASSERT((int)(a) == (int)(b))
SAME(QFK_CELL_CLIP, QF_CELL_CLIP);
SAME(QFK_CELL_SOFTPLUS, QF_CELL_SOFTPLUS);
SAME(QFK_CELL_AFFINE, QF_CELL_AFFINE);
SAME(QFK_N_CELL_ACTS, QF_N_CELL_ACTIVATIONS);

void qf_ref_recurrent_describe(const QfNode *node, int32_t direction, QfkRecurrent *p)
{
  const QfRecurrentAttrs *a = node->attrs;
  const int64_t *x = node->inputs[0]->dims, *w = node->inputs[1]->dims, *r = node->inputs[2]->dims;
  const size_t directions = a->direction == 2 ? 2 : 1, batch_major = a->batch_major ? 1 : 0;
  *p = (QfkRecurrent){.kind = node->op == &qf_op_Lstm  ? QFK_LSTM
                              : node->op == &qf_op_Gru ? QFK_GRU
                                                       : QFK_RNN,
                      .steps = (size_t)x[batch_major],
                      .batch = (size_t)x[!batch_major],
                      .input = (size_t)x[2],
                      .state = (size_t)r[2],
                      .reverse = a->direction == 1 || direction == 1,
                      .linear_before_reset = a->linear_before_reset != 0,
                      .coupled = a->coupled,
                      .clip = a->clip,
                      .cell_clip = a->cell_clip,
                      .state_clip = a->state_clip};
  p->hidden = (size_t)w[1] / qfk_recurrent_gates(p->kind);
  p->x_step = p->input * (batch_major ? 1 : p->batch);
  p->x_batch = p->input * (batch_major ? p->steps : 1);
  p->y_step = p->state * directions * (batch_major ? 1 : p->batch);
  p->y_batch = p->state * (batch_major ? p->steps * directions : 1);
  for (int i = 0; i < 3; i++)
    p->act[i] =
        (QfkCellAct){a->act[3 * direction + i], a->alpha[3 * direction + i], a->beta[3 * direction + i]};
}

/* Elements of one direction in each input. */
static size_t share(const QfkRecurrent *p, uint32_t input)
{
  const size_t g = qfk_recurrent_gates(p->kind) * p->hidden;
  const size_t sizes[QF_RECURRENT_INPUTS] = {0,
                                             g * p->input,
                                             g * p->state,
                                             2 * g,
                                             0,
                                             p->batch * p->state,
                                             p->batch * p->hidden,
                                             3 * p->hidden,
                                             p->state * p->hidden,
                                             p->state,
                                             4 * p->hidden};
  return sizes[input];
}

void qf_ref_recurrent_data(const QfkRecurrent *p, const QfNode *node, int32_t direction,
                           const void *const *in, void *const *out, float *scratch, QfkRecurrentData *d)
{
  const float *at[QF_RECURRENT_INPUTS] = {NULL};
  const QfRecurrentAttrs *a = node->attrs;
  const size_t h = p->batch * p->state, c = p->batch * p->hidden, k = (size_t)direction;
  for (uint32_t i = 0; i < node->n_inputs && i < QF_RECURRENT_INPUTS; i++)
    at[i] = in[i] ? (const float *)in[i] + share(p, i) * k : NULL;
  *d = (QfkRecurrentData){.x = at[0],
                          .w = at[1],
                          .r = at[2],
                          .bias = at[3],
                          .lengths = (const void *)at[4],
                          .peephole = at[7],
                          .project = at[8],
                          .project_bias = at[9],
                          .norm = at[10],
                          .norm_epsilon = a->epsilon};
  d->y = (float *)out[0] + p->state * k * (a->batch_major ? 1 : p->batch);
  d->h = node->n_outputs > 1 ? (float *)out[1] + h * k : scratch;
  d->c = p->kind != QFK_LSTM ? NULL : node->n_outputs > 2 ? (float *)out[2] + c * k : scratch + h;
  if (!at[5])
    memset(d->h, 0, h * sizeof(float));
  else if (at[5] != d->h)
    memcpy(d->h, at[5], h * sizeof(float));
  if (d->c && !at[6])
    memset(d->c, 0, c * sizeof(float));
  else if (d->c && at[6] != d->c)
    memcpy(d->c, at[6], c * sizeof(float));
}

typedef struct {
  const QfNode *node;
  int32_t hybrid;
  const float *bias, *project_bias; /* of encoded data: real numbers of the int32 ones */
} Params;

static const QfTensor *optional(const QfNode *node, uint32_t i)
{
  return i < node->n_inputs ? node->inputs[i] : NULL;
}

static gboolean is_plain_int32(const QfTensor *t)
{
  return t && t->data && t->dtype == QF_DTYPE_INT32 && !t->enc.count;
}

static double scale_of(const QfTensor *t, int64_t row)
{
  return t && t->enc.count ? (double)t->enc.entries[t->enc.count > 1 ? row : 0].scale : 1;
}

/* An int32 bias counts in steps of the products that it is added to, or of the normalisation's weight by 2^-10. */
static void fill_biases(QfLower *lower, const QfNode *node, const QfkRecurrent *p, Params *q)
{
  const QfRecurrentAttrs *a = node->attrs;
  const QfTensor *bias = optional(node, 3), *project_bias = optional(node, 9), *norm = optional(node, 10);
  const int64_t rows = (int64_t)(qfk_recurrent_gates(p->kind) * p->hidden);
  float *values = NULL;
  if (is_plain_int32(bias)) {
    const int64_t count = qf_tensor_count(bias);
    q->bias = values = qf_lower_alloc(lower, (size_t)count * sizeof(*values));
    for (int64_t i = 0; i < count; i++) {
      const QfTensor *left =
          node->inputs[i / rows % 2 ? 5 : 0] ? node->inputs[i / rows % 2 ? 5 : 0] : node->inputs[0];
      const double step = norm ? scale_of(norm, i % rows) / 1024
                               : scale_of(left, 0) * scale_of(node->inputs[i / rows % 2 ? 2 : 1], i % rows);
      values[i] = (float)((double)((const int32_t *)qf_tensor_data(bias))[i] * step);
    }
  }
  if (is_plain_int32(project_bias)) {
    const int64_t count = qf_tensor_count(project_bias);
    const double hidden = a->hidden_scale > 0 ? (double)a->hidden_scale : scale_of(node->outputs[0], 0);
    q->project_bias = values = qf_lower_alloc(lower, (size_t)count * sizeof(*values));
    for (int64_t i = 0; i < count; i++)
      values[i] = (float)((double)((const int32_t *)qf_tensor_data(project_bias))[i] * hidden *
                          scale_of(node->inputs[8], i));
  }
}

static void run(const void *params, const void *const *in, void *const *out)
{
  const Params *params_of = params;
  const QfNode *node = params_of->node;
  const QfRecurrentAttrs *a = node->attrs;
  for (int32_t k = 0; k < (a->direction == 2 ? 2 : 1); k++) {
    QfkRecurrent p;
    QfkRecurrentData d;
    qf_ref_recurrent_describe(node, k, &p);
    p.hybrid = params_of->hybrid;
    float *scratch = out[node->n_outputs];
    const void *ports[QF_RECURRENT_INPUTS];
    for (uint32_t i = 0; i < QF_RECURRENT_INPUTS; i++)
      ports[i] = i < node->n_inputs ? in[i] : NULL;
    ports[3] = params_of->bias ? params_of->bias : ports[3];
    ports[9] = params_of->project_bias ? params_of->project_bias : ports[9];
    qf_ref_recurrent_data(&p, node, k, ports, out, scratch, &d);
    qfk_recurrent_f32_ref(&p, &d, scratch + p.batch * (p.state + p.hidden));
  }
}

gboolean qf_ref_lower_recurrent(QfLower *lower, QfNode *node, GError **error)
{
  QfkRecurrent p;
  if (node->op == &qf_op_Lstm && qf_ref_lower_lstm_int(lower, node))
    return TRUE;
  qf_ref_recurrent_describe(node, 0, &p);
  const size_t floats = p.batch * (p.state + p.hidden) + qfk_recurrent_scratch(&p);
  /* The peer rounds data at run time only because its weights have 8 bits; that is no property of the model. */
  Params *params = qf_lower_alloc(lower, sizeof(*params));
  *params =
      (Params){node,
               lower->requant == QF_REQUANT_TFLITE ? ((const QfRecurrentAttrs *)node->attrs)->hybrid : 0};
  fill_biases(lower, node, &p, params);
  const uint32_t as_they_are = 1u << 4 | (params->bias ? 1u << 3 : 0) | (params->project_bias ? 1u << 9 : 0);
  qf_ref_lower_as(lower, node, "recurrent_f32_ref", run, params,
                  (QfRefPorts){.as = QF_DTYPE_FLOAT32,
                               .in = QF_REF_ALL_PORTS & ~as_they_are,
                               .out = QF_REF_ALL_PORTS,
                               .scratch = floats * sizeof(float)});
  return TRUE;
}
