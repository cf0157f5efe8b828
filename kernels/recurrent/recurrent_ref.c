/* SPDX-License-Identifier: MIT */
/*
 * recurrent_ref.c - the truth about recurrent layers: one sequence of the batch after the other, step by step.
 */
#include "recurrent.h"

#include <math.h>
#include <string.h>

float qfk_cell_act(const QfkCellAct *act, float x)
{
  switch ((QfkCellActType)act->type) {
  case QFK_CELL_SIGMOID: return 1.0f / (1.0f + expf(-x));
  case QFK_CELL_TANH: return tanhf(x);
  case QFK_CELL_RELU: return x > 0 ? x : 0;
  case QFK_CELL_AFFINE: return act->a * x + act->b;
  case QFK_CELL_LEAKY_RELU: return x < 0 ? act->a * x : x;
  case QFK_CELL_THRESHOLDED_RELU: return x > act->a ? x : 0;
  case QFK_CELL_SCALED_TANH: return act->a * tanhf(act->b * x);
  case QFK_CELL_HARD_SIGMOID: return fminf(fmaxf(act->a * x + act->b, 0), 1);
  case QFK_CELL_ELU: return x < 0 ? act->a * expm1f(x) : x;
  case QFK_CELL_SOFTSIGN: return x / (1 + fabsf(x));
  case QFK_CELL_SOFTPLUS: return x > 0 ? x + log1pf(expf(-x)) : log1pf(expf(x));
  case QFK_CELL_CLIP: return fminf(fmaxf(x, act->a), act->b);
  default: return x;
  }
}

static float clamp(float x, float limit)
{
  return limit > 0 ? fminf(fmaxf(x, -limit), limit) : x;
}

static float gate(const QfkRecurrent *p, int act, float x)
{
  return qfk_cell_act(&p->act[act], clamp(x, p->clip));
}

/* In floats, which is the same: gcc 12 for aarch64 cannot compile the loop that widens each to a double (at -O3 it stops with an
 * internal error). */
static void extremes(size_t n, const float *x, double *low, double *high)
{
  float least = 0, most = 0;
  for (size_t i = 0; i < n; i++) {
    least = fminf(least, x[i]);
    most = fmaxf(most, x[i]);
  }
  *low = (double)least;
  *high = (double)most;
}

/* The zero point that makes the smaller error at its end of the range. */
static double zero_point(double low, double high, double scale)
{
  const double from_low = -128 - low / scale, from_high = 127 - high / scale;
  const double zero = 128 + fabs(low / scale) < 127 + fabs(high / scale) ? from_low : from_high;
  return fmin(fmax(round(zero), -128), 127);
}

void qfk_round_to_int8(size_t n, const float *x, bool asymmetric, float *y)
{
  double low, high;
  extremes(n, x, &low, &high);
  const float range = (float)fmax(-low, high);
  const float scale = asymmetric ? (float)((high - low) / 255) : range / 127;
  const float inverse = asymmetric ? 1.0f / scale : 127 / range;
  const float zero = asymmetric && scale > 0 ? (float)zero_point(low, high, (high - low) / 255) : 0;
  for (size_t i = 0; i < n; i++) {
    float q = scale > 0 ? roundf(zero + x[i] * inverse) : 0;
    q = fminf(fmaxf(q, asymmetric ? -128 : -127), 127);
    y[i] = scale > 0 ? (q - zero) * scale : 0;
  }
}

/* y[i] += sum of m[i][k] * v[k]. @spare holds k. */
static void add_product(const QfkRecurrent *p, size_t rows, size_t k, const float *m, const float *v,
                        float *y, float *spare)
{
  if (p->hybrid) {
    qfk_round_to_int8(k, v, p->hybrid == 2, spare);
    v = spare;
  }
  for (size_t i = 0; i < rows; i++) {
    double sum = 0;
    for (size_t j = 0; j < k; j++)
      sum += (double)m[i * k + j] * (double)v[j];
    y[i] = (float)((double)y[i] + sum);
  }
}

static void add_vector(size_t n, const float *v, float *y)
{
  for (size_t i = 0; v && i < n; i++)
    y[i] += v[i];
}

/* Mean 0 and deviation 1, times @scale. */
static void normalise(size_t n, const float *scale, float epsilon, float *y)
{
  double mean = 0, squares = 0;
  for (size_t i = 0; i < n; i++)
    mean += (double)y[i] / (double)n;
  for (size_t i = 0; i < n; i++)
    squares += ((double)y[i] - mean) * ((double)y[i] - mean);
  double factor = 1 / sqrt(squares / (double)n + (double)epsilon);
  for (size_t i = 0; i < n; i++)
    y[i] = (float)(((double)y[i] - mean) * factor * (double)scale[i]);
}

static void lstm_step(const QfkRecurrent *p, const QfkRecurrentData *d, float *h, float *c, float *pre)
{
  const size_t n = p->hidden;
  float *i = pre, *o = pre + n, *f = pre + 2 * n, *g = pre + 3 * n, *out = d->project ? pre + 4 * n : h;
  float *spare = pre + 5 * n;
  const float *bias = d->bias, *look = d->peephole;
  add_product(p, 4 * n, p->state, d->r, h, pre, spare);
  for (size_t k = 0; look && k < n; k++) {
    i[k] += look[k] * c[k];
    f[k] += look[2 * n + k] * c[k];
  }
  for (size_t k = 0; d->norm && k < 4; k++)
    if (k != 1)
      normalise(n, d->norm + k * n, d->norm_epsilon, pre + k * n);
  for (size_t k = 0; d->norm && bias && k < 4 * n; k++)
    if (k < n || k >= 2 * n)
      pre[k] += bias[k] + bias[4 * n + k];
  for (size_t k = 0; k < n; k++) {
    float in = gate(p, 0, i[k]), keep = gate(p, 0, f[k]);
    keep = p->coupled == QFK_FORGET_IS_REST ? 1 - in : keep;
    in = p->coupled == QFK_INPUT_IS_REST ? 1 - keep : in;
    c[k] = clamp(keep * c[k] + in * gate(p, 1, g[k]), p->cell_clip);
    o[k] += look ? look[n + k] * c[k] : 0;
  }
  if (d->norm)
    normalise(n, d->norm + n, d->norm_epsilon, o);
  for (size_t k = 0; d->norm && bias && k < n; k++)
    o[k] += bias[n + k] + bias[5 * n + k];
  for (size_t k = 0; k < n; k++)
    out[k] = gate(p, 0, o[k]) * qfk_cell_act(&p->act[2], c[k]);
  if (!d->project)
    return;
  memset(h, 0, p->state * sizeof(*h));
  add_vector(p->state, d->project_bias, h);
  add_product(p, p->state, n, d->project, out, h, spare);
  for (size_t k = 0; k < p->state; k++)
    h[k] = clamp(h[k], p->state_clip);
}

static void gru_step(const QfkRecurrent *p, const QfkRecurrentData *d, float *h, float *pre)
{
  const size_t n = p->hidden;
  float *z = pre, *r = pre + n, *g = pre + 2 * n, *more = pre + 3 * n, *spare = pre + 4 * n;
  const float *bias = d->bias ? d->bias + 5 * n : NULL; /* of the recurrent product of g */
  add_product(p, 2 * n, n, d->r, h, pre, spare);
  for (size_t k = 0; k < n; k++) {
    z[k] = gate(p, 0, z[k]);
    r[k] = gate(p, 0, r[k]);
    more[k] = p->linear_before_reset ? (bias ? bias[k] : 0) : r[k] * h[k];
  }
  if (p->linear_before_reset)
    add_product(p, n, n, d->r + 2 * n * n, h, more, spare);
  else
    add_product(p, n, n, d->r + 2 * n * n, more, g, spare);
  for (size_t k = 0; k < n; k++) {
    float sum = p->linear_before_reset ? g[k] + r[k] * more[k] : g[k] + (bias ? bias[k] : 0);
    h[k] = (1 - z[k]) * gate(p, 1, sum) + z[k] * h[k];
  }
}

static void rnn_step(const QfkRecurrent *p, const QfkRecurrentData *d, float *h, float *pre)
{
  add_product(p, p->hidden, p->hidden, d->r, h, pre, pre + 2 * p->hidden);
  for (size_t k = 0; k < p->hidden; k++)
    h[k] = gate(p, 0, pre[k]);
}

/* The input's part of all gates, and the biases but those that are added behind a product or a normalisation. */
static void begin_step(const QfkRecurrent *p, const QfkRecurrentData *d, const float *x, float *pre)
{
  const size_t n = qfk_recurrent_gates(p->kind) * p->hidden;
  memset(pre, 0, n * sizeof(*pre));
  if (d->bias && !d->norm) {
    add_vector(n, d->bias, pre);
    add_vector(p->kind == QFK_GRU ? 2 * p->hidden : n, d->bias + n, pre);
  }
  add_product(p, n, p->input, d->w, x, pre, pre + n + p->hidden);
}

size_t qfk_recurrent_scratch(const QfkRecurrent *p)
{
  const size_t spare = p->input > p->state ? p->input : p->state;
  return (qfk_recurrent_gates(p->kind) + 1) * p->hidden + (spare > p->hidden ? spare : p->hidden);
}

void qfk_recurrent_f32_ref(const QfkRecurrent *p, const QfkRecurrentData *d, float *scratch)
{
  for (size_t b = 0; b < p->batch; b++) {
    float *h = d->h + b * p->state, *c = d->c ? d->c + b * p->hidden : NULL;
    size_t length = p->steps;
    if (d->lengths)
      length = d->lengths[b] < 0 ? 0 : (size_t)d->lengths[b] < length ? (size_t)d->lengths[b] : length;
    for (size_t s = 0; s < p->steps; s++) {
      const size_t t = p->reverse && s < length ? length - 1 - s : s;
      float *y = d->y ? d->y + t * p->y_step + b * p->y_batch : NULL;
      if (s < length) {
        begin_step(p, d, d->x + t * p->x_step + b * p->x_batch, scratch);
        if (p->kind == QFK_LSTM)
          lstm_step(p, d, h, c, scratch);
        else if (p->kind == QFK_GRU)
          gru_step(p, d, h, scratch);
        else
          rnn_step(p, d, h, scratch);
      }
      for (size_t k = 0; y && k < p->state; k++)
        y[k] = s < length ? h[k] : 0;
    }
  }
}
