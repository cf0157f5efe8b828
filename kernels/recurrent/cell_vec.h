/* SPDX-License-Identifier: MIT */
/*
 * cell_vec.h - the gates of recurrent layers; included once an instruction set with QFK_ISA defined. See cell.h.
 */
#include "cell.h"
#include "../vmath.h"

#define CAT2(a, b) a##_##b
#define CAT(a, b) CAT2(a, b)
#define NAME(f) CAT(f, QFK_ISA)

static void limit(float *x, size_t n, float bound)
{
  for (size_t i = 0; i < n; i++) {
    x[i] = x[i] > bound ? bound : x[i];
    x[i] = x[i] < -bound ? -bound : x[i];
  }
}

/* y = act(x); they may be the same. */
static void activate(const QfkCellAct *act, const float *x, float *y, size_t n)
{
  if (act->type == QFK_CELL_SIGMOID)
    for (size_t i = 0; i < n; i++)
      y[i] = qfk_sigmoid(x[i]);
  else if (act->type == QFK_CELL_TANH)
    for (size_t i = 0; i < n; i++)
      y[i] = qfk_tanh(x[i]);
  else
    for (size_t i = 0; i < n; i++)
      y[i] = qfk_cell_act(act, x[i]);
}

static void gate(const QfkRecurrent *p, int act, float *x, size_t n)
{
  if (p->clip > 0)
    limit(x, n, p->clip);
  activate(&p->act[act], x, x, n);
}

/* y += a * b */
static void add_weighted(const float *a, const float *b, float *restrict y, size_t n)
{
  for (size_t i = 0; i < n; i++)
    y[i] += a[i] * b[i];
}

void NAME(qfk_lstm_cell_f32)(const QfkRecurrent *p, size_t rows, float *pre, const float *look, float *c,
                             float *h)
{
  const size_t n = p->hidden;
  for (size_t r = 0; r < rows; r++, pre += 4 * n, c += n, h += n) {
    float *i = pre, *o = pre + n, *f = pre + 2 * n, *g = pre + 3 * n;
    if (look) {
      add_weighted(look, c, i, n);
      add_weighted(look + 2 * n, c, f, n);
    }
    gate(p, 0, i, n);
    gate(p, 0, f, n);
    gate(p, 1, g, n);
    for (size_t k = 0; k < n && p->coupled; k++) {
      f[k] = p->coupled == QFK_FORGET_IS_REST ? 1 - i[k] : f[k];
      i[k] = p->coupled == QFK_INPUT_IS_REST ? 1 - f[k] : i[k];
    }
    for (size_t k = 0; k < n; k++)
      c[k] = f[k] * c[k] + i[k] * g[k];
    if (p->cell_clip > 0)
      limit(c, n, p->cell_clip);
    if (look)
      add_weighted(look + n, c, o, n);
    gate(p, 0, o, n);
    activate(&p->act[2], c, g, n);
    for (size_t k = 0; k < n; k++)
      h[k] = o[k] * g[k];
  }
}

void NAME(qfk_gru_gates_cell_f32)(const QfkRecurrent *p, size_t rows, float *pre, const float *extra,
                                  float *c, float *h)
{
  const size_t n = p->hidden;
  for (size_t r = 0; r < rows; r++, pre += 3 * n, c += n, h += n) {
    gate(p, 0, pre, 2 * n);
    for (size_t k = 0; k < n && !p->linear_before_reset; k++)
      c[k] = pre[n + k] * h[k];
  }
}

void NAME(qfk_gru_state_cell_f32)(const QfkRecurrent *p, size_t rows, float *pre, const float *extra,
                                  float *c, float *h)
{
  const size_t n = p->hidden;
  for (size_t r = 0; r < rows; r++, pre += 3 * n, h += n) {
    const float *z = pre, *reset = pre + n;
    float *g = pre + 2 * n;
    if (p->linear_before_reset)
      add_weighted(reset, extra + r * n, g, n);
    gate(p, 1, g, n);
    for (size_t k = 0; k < n; k++)
      h[k] = (1 - z[k]) * g[k] + z[k] * h[k];
  }
}

void NAME(qfk_rnn_cell_f32)(const QfkRecurrent *p, size_t rows, float *pre, const float *extra, float *c,
                            float *h)
{
  const size_t n = rows * p->hidden;
  gate(p, 0, pre, n);
  for (size_t k = 0; k < n; k++)
    h[k] = pre[k];
}
