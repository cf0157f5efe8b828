/* SPDX-License-Identifier: MIT */
/*
 * recurrent.c - steps of Lstm, Gru and Rnn on floats: the input's part of all gates as one product over some steps, then step after
 * step the state's part, added to it in place, and the gates. An item is one direction of some rows of the batch.
 * Sequences of unlike lengths and layer normalisation are left to the reference.
 */
#include "cpu.h"
#include "../ref/recurrent.h"
#include "kernels/gemm/tile.h"
#include "kernels/recurrent/cell.h"

#include <string.h>

/* A packed matrix with its bias. */
typedef struct {
  const float *panels, *bias;
  uint32_t n, k;
} Matrix;

typedef struct {
  QfkRecurrent p;
  Matrix w, r, candidate, project; /* GRU: r is of the gates, candidate of the new state */
  const float *peephole;
} Direction;

typedef struct {
  const QfNode *node;
  const QfkTileKernel *tile;
  QfkCellFunc gates, state; /* state: of a GRU */
  uint32_t n_directions;
  Direction direction[2];
  size_t pre_rows; /* at most, for scratch */
} Layer;

enum { ROWS = 64 }; /* that the input's product takes at once, when the batch has fewer */

/* c[i] = bias + a[i] x m, or with @add on top of what is there. @stride: values between rows of c. */
static void multiply(const QfkTileKernel *kernel, const Matrix *m, const float *const *a, size_t rows,
                     float *c, size_t stride, gboolean add)
{
  void *at[16];
  QfkTile t = {.n_seg = 1, .steps = m->k, .c = at, .lo = -INFINITY, .hi = INFINITY};
  for (uint32_t n0 = 0; n0 < m->n; n0 += kernel->nr) {
    t.n = MIN(m->n - n0, kernel->nr);
    t.b = m->panels + (size_t)n0 * m->k;
    t.bias = m->bias + n0;
    for (size_t row = 0; row < rows; row += kernel->mr) {
      const uint32_t height = (uint32_t)MIN(rows - row, kernel->mr);
      for (uint32_t i = 0; i < height; i++)
        at[i] = c + (row + i) * stride + n0;
      t.a = (const void *const *)(a + row);
      t.res = add ? (const uint8_t *)c : NULL;
      t.c_base = (const uint8_t *)c;
      kernel->run(&t, height);
    }
  }
}

/* What one item works with. */
typedef struct {
  const Layer *layer;
  const Direction *d;
  QfkRecurrentData data; /* of its rows */
  size_t rows;
  float *pre, *spare;
  const float **at;
} Item;

static void point(const Item *w, const float *base, size_t stride)
{
  for (size_t i = 0; i < w->rows; i++)
    w->at[i] = base + i * stride;
}

static void run_gru(const Item *w, float *pre)
{
  const QfkRecurrent *p = &w->d->p;
  const size_t n = p->hidden;
  w->layer->gates(p, w->rows, pre, NULL, w->spare, w->data.h);
  if (p->linear_before_reset) {
    point(w, w->data.h, n);
    multiply(w->layer->tile, &w->d->candidate, w->at, w->rows, w->spare, n, FALSE);
  } else {
    point(w, w->spare, n);
    multiply(w->layer->tile, &w->d->candidate, w->at, w->rows, pre + 2 * n, 3 * n, TRUE);
  }
  w->layer->state(p, w->rows, pre, w->spare, NULL, w->data.h);
}

static void run_lstm(const Item *w, float *pre)
{
  const QfkRecurrent *p = &w->d->p;
  if (!w->d->project.panels) {
    w->layer->gates(p, w->rows, pre, w->d->peephole, w->data.c, w->data.h);
    return;
  }
  w->layer->gates(p, w->rows, pre, w->d->peephole, w->data.c, w->spare);
  point(w, w->spare, p->hidden);
  multiply(w->layer->tile, &w->d->project, w->at, w->rows, w->data.h, p->state, FALSE);
  for (size_t i = 0; i < w->rows * p->state && p->state_clip > 0; i++)
    w->data.h[i] = CLAMP(w->data.h[i], -p->state_clip, p->state_clip);
}

static void run_step(const Item *w, size_t t, float *pre)
{
  const QfkRecurrent *p = &w->d->p;
  const size_t columns = qfk_recurrent_gates(p->kind) * p->hidden;
  point(w, w->data.h, p->state);
  multiply(w->layer->tile, &w->d->r, w->at, w->rows, pre, columns, TRUE);
  if (p->kind == QFK_LSTM)
    run_lstm(w, pre);
  else if (p->kind == QFK_GRU)
    run_gru(w, pre);
  else
    w->layer->gates(p, w->rows, pre, NULL, NULL, w->data.h);
  for (size_t b = 0; b < w->rows; b++)
    memcpy(w->data.y + t * p->y_step + b * p->y_batch, w->data.h + b * p->state, p->state * sizeof(float));
}

static void run_sequence(const Item *w)
{
  const QfkRecurrent *p = &w->d->p;
  const size_t columns = qfk_recurrent_gates(p->kind) * p->hidden, chunk = MAX(ROWS / w->rows, 1);
  for (size_t s = 0; s < p->steps; s += chunk) {
    const size_t n = MIN(chunk, p->steps - s);
    for (size_t i = 0; i < n * w->rows; i++) {
      const size_t t = p->reverse ? p->steps - 1 - s - i / w->rows : s + i / w->rows;
      w->at[i] = w->data.x + t * p->x_step + i % w->rows * p->x_batch;
    }
    multiply(w->layer->tile, &w->d->w, w->at, n * w->rows, w->pre, columns, FALSE);
    for (size_t i = 0; i < n; i++)
      run_step(w, p->reverse ? p->steps - 1 - s - i : s + i, w->pre + i * w->rows * columns);
  }
}

typedef struct {
  const Layer *layer;
  const QfExec *exec;
  QfkRecurrentData data[2];
  uint32_t blocks; /* of the batch */
} Run;

static void run_item(void *arg, uint32_t index, uint32_t thread)
{
  const Run *r = arg;
  const Layer *l = r->layer;
  const uint32_t block = index % r->blocks;
  const Direction *d = &l->direction[index / r->blocks];
  const size_t begin = d->p.batch * block / r->blocks, end = d->p.batch * (block + 1) / r->blocks;
  const size_t columns = qfk_recurrent_gates(d->p.kind) * d->p.hidden;
  uint8_t *scratch = r->exec->scratch + thread * r->exec->scratch_stride;
  Item w = {
      .layer = l, .d = d, .data = r->data[index / r->blocks], .rows = end - begin, .pre = (float *)scratch};
  w.spare = w.pre + l->pre_rows * columns;
  w.at = (const float **)(scratch +
                          (l->pre_rows * columns + d->p.batch * d->p.hidden + 1) / 2 * 2 * sizeof(float));
  w.data.x += begin * d->p.x_batch;
  w.data.y += begin * d->p.y_batch;
  w.data.h += begin * d->p.state;
  w.data.c = w.data.c ? w.data.c + begin * d->p.hidden : NULL;
  if (w.rows)
    run_sequence(&w);
}

static void run_layer(const QfStep *step, const QfExec *exec)
{
  const Layer *l = step->params;
  const size_t batch = l->direction[0].p.batch;
  const void *in[QF_RECURRENT_INPUTS];
  void *out[3] = {NULL};
  Run r = {.layer = l, .exec = exec, .blocks = 1};
  for (uint32_t i = 0; i < QF_RECURRENT_INPUTS; i++)
    in[i] = i < step->n_in ? qf_step_in(step, exec, i) : NULL;
  for (uint32_t i = 0; i < step->n_out; i++)
    out[i] = qf_step_out(step, exec, i);
  for (uint32_t i = 0; i < l->n_directions; i++)
    qf_ref_recurrent_data(&l->direction[i].p, l->node, (int32_t)i, in, out, NULL, &r.data[i]);
  if (exec->n_threads > l->n_directions && batch > 1)
    r.blocks = (uint32_t)MIN(batch, exec->n_threads / l->n_directions);
  qf_pool_run(exec->pool, l->n_directions * r.blocks, run_item, &r);
}

/* Rows [first, first + n) of @w [D, rows, k], as floats, packed with the sum of two parts of the bias. */
static Matrix pack(QfLower *lower, const QfkTileKernel *kernel, const QfTensor *w, size_t first, size_t n,
                   const float *bias)
{
  const size_t k = (size_t)w->dims[2];
  QfkPack p = {.row = 1, .col = (ptrdiff_t)k, .n_seg = 1, .k = (uint32_t)k, .n = (uint32_t)n};
  void *fill;
  const void *panels = qf_lower_packed(lower, kernel->name, qfk_pack_bytes(kernel, &p), &fill);
  float *packed = qf_lower_alloc(lower, qfk_pack_columns(kernel, (uint32_t)n) * sizeof(*packed));
  if (fill) {
    g_autofree float *values = w->dtype == QF_DTYPE_FLOAT32 ? NULL : g_new(float, n *k + 1);
    for (size_t i = 0; values && i < n * k; i++)
      values[i] = (float)qf_tensor_get_real(w, (int64_t)(first * k + i));
    p.w = values ? values : (const float *)qf_tensor_data(w) + first * k;
    qfk_pack_panels(kernel, &p, fill);
  }
  qfk_pack_vector(kernel, (uint32_t)n, bias, packed);
  return (Matrix){panels, packed, (uint32_t)n, (uint32_t)k};
}

static void fill_direction(QfLower *lower, Layer *l, const QfNode *node, size_t index)
{
  Direction *d = &l->direction[index];
  qf_ref_recurrent_describe(node, (int32_t)index, &d->p);
  const size_t n = d->p.hidden, gates = qfk_recurrent_gates(d->p.kind), rows = gates * n;
  const QfTensor *bias = qf_cpu_input(node, 3), *look = qf_cpu_input(node, 7),
                 *project = qf_cpu_input(node, 8);
  const QfTensor *project_bias = qf_cpu_input(node, 9);
  g_autofree float *sum = g_new0(float, rows), *apart = g_new0(float, MAX(n, d->p.state));
  for (size_t i = 0; bias && i < rows; i++) {
    const float of_r = (float)qf_tensor_get_real(bias, (int64_t)((2 * index + 1) * rows + i));
    const gboolean behind = d->p.kind == QFK_GRU && d->p.linear_before_reset && i >= 2 * n;
    sum[i] = (float)qf_tensor_get_real(bias, (int64_t)(2 * index * rows + i)) + (behind ? 0 : of_r);
    if (behind)
      apart[i - 2 * n] = of_r;
  }
  d->w = pack(lower, l->tile, node->inputs[1], index * rows, rows, sum);
  d->r = pack(lower, l->tile, node->inputs[2], index * rows, d->p.kind == QFK_GRU ? 2 * n : rows, NULL);
  if (d->p.kind == QFK_GRU)
    d->candidate = pack(lower, l->tile, node->inputs[2], index * rows + 2 * n, n, apart);
  for (size_t i = 0; project_bias && i < d->p.state; i++)
    apart[i] = (float)qf_tensor_get_real(project_bias, (int64_t)(index * d->p.state + i));
  if (project)
    d->project = pack(lower, l->tile, project, index * d->p.state, d->p.state, apart);
  if (look) {
    float *values = qf_lower_alloc(lower, 3 * n * sizeof(*values));
    for (size_t i = 0; i < 3 * n; i++)
      values[i] = (float)qf_tensor_get_real(look, (int64_t)(3 * index * n + i));
    d->peephole = values;
  }
}

/* Float data and states, constant weights, all outputs there. */
static gboolean suits(const QfNode *node, const QfkRecurrent *p)
{
  static const uint32_t constants[] = {1, 2, 3, 7, 8, 9}, data[] = {0, 5, 6};
  if (qf_cpu_input(node, 4) || qf_cpu_input(node, 10) || node->n_outputs < (p->kind == QFK_LSTM ? 3u : 2u) ||
      !p->batch || !p->steps || !p->input || p->batch * 4 * p->hidden > 1 << 24)
    return FALSE;
  for (size_t i = 0; i < G_N_ELEMENTS(constants); i++) {
    const QfTensor *t = qf_cpu_input(node, constants[i]);
    if (t && (!t->data || (!t->enc.count && t->dtype != QF_DTYPE_FLOAT32)))
      return FALSE;
  }
  for (size_t i = 0; i < G_N_ELEMENTS(data); i++) {
    const QfTensor *t = qf_cpu_input(node, data[i]);
    if (t && t->dtype != QF_DTYPE_FLOAT32)
      return FALSE;
  }
  for (uint32_t i = 0; i < node->n_outputs; i++)
    if (node->outputs[i]->dtype != QF_DTYPE_FLOAT32)
      return FALSE;
  return TRUE;
}

gboolean qf_cpu_lower_recurrent(QfLower *lower, QfNode *node)
{
  static const QfkCellKind first[] = {QFK_CELL_LSTM, QFK_CELL_GRU_GATES, QFK_CELL_RNN};
  QfkRecurrent p;
  qf_ref_recurrent_describe(node, 0, &p);
  if (!suits(node, &p))
    return FALSE;
  const QfkKernel *kernel = qfk_kernel_find(qfk_cell_kernels, qfk_cpu_features(), first[p.kind]);
  Layer *l = qf_lower_alloc(lower, sizeof(*l));
  l->node = node;
  l->tile = qfk_tile_find(QFK_TILE_F32, qfk_cpu_features());
  l->gates = (QfkCellFunc)kernel->function;
  l->state = (QfkCellFunc)qfk_kernel_find(qfk_cell_kernels, qfk_cpu_features(), QFK_CELL_GRU_STATE)->function;
  l->n_directions = ((const QfRecurrentAttrs *)node->attrs)->direction == 2 ? 2 : 1;
  l->pre_rows = MAX(p.batch, ROWS);
  for (size_t i = 0; i < l->n_directions; i++)
    fill_direction(lower, l, node, i);
  const size_t floats = l->pre_rows * qfk_recurrent_gates(p.kind) * p.hidden + p.batch * p.hidden + 2;
  qf_lower_step(lower, node, QF_CPU_UNIT, kernel->name, run_layer, l,
                floats * sizeof(float) + l->pre_rows * sizeof(float *));
  return TRUE;
}
