/* SPDX-License-Identifier: MIT */
/*
 * recurrent_int.c - Lstm on 8-bit data and weights with a 16-bit cell: its multipliers, and biases with zero points taken in.
 */
#include "recurrent.h"
#include "kernels/recurrent/lstm_int.h"

#include <string.h>

typedef struct {
  QfkLstmInt p;
  size_t bytes_h, bytes_c;
  int32_t h_zero;
} Params;

static void run(const void *params, const void *const *in, void *const *out)
{
  const Params *q = params;
  const QfkRecurrent *s = &q->p.shape;
  int8_t *scratch = out[3];
  if (!in[5])
    memset(out[1], q->h_zero, q->bytes_h);
  else if (in[5] != out[1])
    memcpy(out[1], in[5], q->bytes_h);
  if (!in[6])
    memset(out[2], 0, q->bytes_c);
  else if (in[6] != out[2])
    memcpy(out[2], in[6], q->bytes_c);
  qfk_lstm_s8_ref(&q->p, in[0], in[4], out[1], out[2], out[0], (int16_t *)scratch, scratch + 8 * s->hidden);
}

/* bias - zero * (sum of the row) */
static const int32_t *effective_bias(QfLower *lower, const int8_t *w, size_t rows, size_t columns,
                                     const int32_t *bias, int32_t zero)
{
  int32_t *out = qf_lower_alloc(lower, rows * sizeof(*out) + 1);
  for (size_t i = 0; i < rows; i++) {
    uint32_t sum = 0;
    for (size_t k = 0; k < columns; k++)
      sum += (uint32_t)w[i * columns + k];
    out[i] = (int32_t)((uint32_t)(bias ? bias[i] : 0) - (uint32_t)zero * sum);
  }
  return out;
}

static float scale_of(const QfTensor *t, size_t row)
{
  return t->enc.entries[t->enc.count > 1 ? row : 0].scale;
}

static int32_t zero_of(const QfTensor *t)
{
  return -t->enc.entries[0].offset;
}

static const QfTensor *optional(const QfNode *node, uint32_t i)
{
  return i < node->n_inputs ? node->inputs[i] : NULL;
}

static gboolean is_constant_of(const QfTensor *t, QfDType dtype)
{
  return !t || (t->data && t->dtype == dtype && (t->enc.count || dtype == QF_DTYPE_INT32));
}

/* The cell's scale is a power of two; its integer bits. -1: it is none. */
static int32_t cell_bits(const QfTensor *c)
{
  int exponent;
  if (c->enc.count != 1 || c->enc.entries[0].offset || frexpf(c->enc.entries[0].scale, &exponent) != 0.5f)
    return -1;
  return exponent - 1 + 15;
}

/* Gates that are normalised have scales of their own, and need their bias behind that. */
static gboolean has_gate_scales(const QfNode *node)
{
  const QfRecurrentAttrs *a = node->attrs;
  gboolean all = optional(node, 3) != NULL;
  for (int g = a->coupled == 2 ? 1 : 0; g < 4; g++)
    all = all && a->gate_scale[g] > 0;
  return all || !optional(node, 10);
}

static gboolean applies(const QfNode *node)
{
  const QfRecurrentAttrs *a = node->attrs;
  const QfTensor *x = node->inputs[0], *y = node->outputs[0];
  if (node->n_outputs != 3 || x->dtype != QF_DTYPE_INT8 || y->dtype != QF_DTYPE_INT8 || x->enc.count != 1 ||
      y->enc.count != 1 || a->direction == 2 || a->clip != 0 || a->coupled == 1)
    return FALSE;
  const QfTensor *h = node->outputs[1], *c = node->outputs[2];
  const int32_t bits = c->dtype == QF_DTYPE_INT16 ? cell_bits(c) : -1;
  for (int i = 1; i < 3; i++)
    if (a->act[i] != QF_CELL_TANH)
      return FALSE;
  return a->act[0] == QF_CELL_SIGMOID && h->dtype == QF_DTYPE_INT8 && h->enc.count == 1 && bits >= 0 &&
         bits <= 6 && is_constant_of(node->inputs[1], QF_DTYPE_INT8) &&
         is_constant_of(node->inputs[2], QF_DTYPE_INT8) &&
         is_constant_of(optional(node, 3), QF_DTYPE_INT32) &&
         is_constant_of(optional(node, 7), QF_DTYPE_INT16) &&
         is_constant_of(optional(node, 10), QF_DTYPE_INT16) && has_gate_scales(node) &&
         is_constant_of(optional(node, 8), QF_DTYPE_INT8) &&
         is_constant_of(optional(node, 9), QF_DTYPE_INT32);
}

/* What goes into a gate has 3 integer bits. Scales are multiplied in float, as the peer does. */
static void fill_gates(QfkLstmInt *p, const QfNode *node)
{
  const QfRecurrentAttrs *a = node->attrs;
  const QfTensor *norm = optional(node, 10);
  const float x = node->inputs[0]->enc.entries[0].scale, h = node->outputs[1]->enc.entries[0].scale;
  const float cell = node->outputs[2]->enc.entries[0].scale;
  const QfTensor *look = optional(node, 7);
  for (size_t g = 0; g < 4; g++) {
    const size_t row = g * p->shape.hidden;
    const float gate = norm ? a->gate_scale[g] > 0 ? a->gate_scale[g] : 1 : 0x1p-12f;
    if (norm) {
      p->norm_scale[g] = qfk_fixed_from_real((double)scale_of(norm, row));
      p->norm_guard[g] = MAX(1, (int32_t)(10000 * scale_of(norm, row)));
    }
    p->w_scale[g] = qfk_fixed_from_real((double)(scale_of(node->inputs[1], row) * x / gate));
    p->r_scale[g] = qfk_fixed_from_real((double)(scale_of(node->inputs[2], row) * h / gate));
    if (look && g < 3)
      p->peephole_scale[g] =
          qfk_fixed_from_real((double)(float)((double)cell * (double)scale_of(look, row) / (double)gate));
  }
}

static int32_t clip_of(float clip, float scale, float limit)
{
  return clip > 0 ? (int32_t)MIN(MAX(clip / scale, -limit - 1), limit) : 0;
}

static void fill_output(QfLower *lower, QfkLstmInt *p, const QfNode *node)
{
  const QfRecurrentAttrs *a = node->attrs;
  const QfTensor *h = node->outputs[1], *project = optional(node, 8), *bias = optional(node, 9);
  const float h_scale = h->enc.entries[0].scale, hidden = a->hidden_scale > 0 ? a->hidden_scale : h_scale;
  p->hidden_zero = a->hidden_scale > 0 ? -a->hidden_offset : zero_of(h);
  p->hidden_scale = qfk_fixed_from_real((double)(0x1p-15f / hidden * 0x1p-15f));
  p->state_zero = zero_of(h);
  p->cell_clip = clip_of(a->cell_clip, node->outputs[2]->enc.entries[0].scale, INT16_MAX);
  p->state_clip = clip_of(a->state_clip, h_scale, INT8_MAX);
  if (!project)
    return;
  p->project = qf_tensor_data(project);
  p->project_scale = qfk_fixed_from_real((double)(scale_of(project, 0) * hidden / h_scale));
  p->project_bias = effective_bias(lower, p->project, p->shape.state, p->shape.hidden,
                                   bias ? qf_tensor_data(bias) : NULL, p->hidden_zero);
}

gboolean qf_ref_lower_lstm_int(QfLower *lower, QfNode *node)
{
  if (!applies(node))
    return FALSE;
  const QfTensor *bias = optional(node, 3), *look = optional(node, 7);
  Params *q = qf_lower_alloc(lower, sizeof(*q));
  QfkLstmInt *p = &q->p;
  qf_ref_recurrent_describe(node, 0, &p->shape);
  const size_t rows = 4 * p->shape.hidden;
  q->bytes_h = p->shape.batch * p->shape.state;
  q->bytes_c = p->shape.batch * p->shape.hidden * sizeof(int16_t);
  q->h_zero = zero_of(node->outputs[1]);
  p->w = qf_tensor_data(node->inputs[1]);
  p->r = qf_tensor_data(node->inputs[2]);
  p->peephole = look ? qf_tensor_data(look) : NULL;
  if (optional(node, 10)) {
    p->norm = qf_tensor_data(optional(node, 10));
    p->norm_bias = qf_tensor_data(bias);
    bias = NULL;
  }
  p->w_bias = effective_bias(lower, p->w, rows, p->shape.input, bias ? qf_tensor_data(bias) : NULL,
                             zero_of(node->inputs[0]));
  p->r_bias = effective_bias(lower, p->r, rows, p->shape.state, NULL, q->h_zero);
  p->cell_bits = cell_bits(node->outputs[2]);
  fill_gates(p, node);
  fill_output(lower, p, node);
  qf_ref_lower_as(lower, node, "lstm_s8_ref", run, q,
                  (QfRefPorts){.as = QF_DTYPE_FLOAT32, .scratch = 9 * p->shape.hidden});
  return TRUE;
}
