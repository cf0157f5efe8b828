/* SPDX-License-Identifier: MIT */
/*
 * blockquant.c - steps of BlockQuantMatMul: some rows of x are made ready, then threads share the rows of weights.
 */
#include "cpu.h"
#include "kernels/blockquant/blockmm_fast.h"
#include "kernels/gemm/tile.h"

/* Rows of x at a time: they and a row of weights stay in the cache. */
#define ROWS 64

typedef struct {
  QfkBlockMm mm;
  QfkBlockMmFunc run;
  QfkBlockRowsFunc rows; /* NULL: x as it is */
  QfkActFunc act;        /* NULL: no activation */
  QfkEpilogue epi;
  int32_t residual, slope; /* inputs, 0: none */
} Params;

typedef struct {
  const Params *p;
  QfkBlockMm mm; /* of these rows */
  QfkBlockRows rows;
  const uint8_t *w;
  const float *bias, *residual;
  QfkEpilogue epi;
  float *y;
} Call;

/* Bias, residual and activation of outputs [begin, end) of one row. */
static void finish(const Call *c, size_t row, size_t begin, size_t end)
{
  float *y = c->y + row * c->mm.out;
  for (size_t o = begin; c->bias && o < end; o++)
    y[o] += c->bias[o];
  for (size_t o = begin; c->residual && o < end; o++)
    y[o] += c->residual[row * c->mm.out + o];
  if (c->p->act)
    c->p->act(&c->epi, y + begin, end - begin, begin);
}

static void run_range(void *arg, size_t begin, size_t end, uint32_t thread)
{
  const Call *c = arg;
  c->p->run(&c->mm, &c->rows, c->w, (uint32_t)begin, (uint32_t)end, c->y);
  for (size_t r = 0; r < c->mm.rows; r++)
    finish(c, r, begin, end);
}

/* The scratch of the first thread holds what all of them read. */
static void make_rows(Call *c, const float *x, uint8_t *scratch)
{
  const size_t n = (size_t)c->mm.rows * c->mm.k;
  c->rows = (QfkBlockRows){.x = x};
  if (!c->p->rows)
    return;
  int16_t *q = (int16_t *)(void *)scratch;
  float *scale = (float *)(void *)(q + n), *sum = scale + n / QFK_BLOCKMM_GROUP;
  c->p->rows(x, n, q, scale, sum);
  c->rows.q = q;
  c->rows.scale = scale;
  c->rows.sum = sum;
}

static void run_step(const QfStep *step, const QfExec *exec)
{
  const Params *p = step->params;
  const float *x = qf_step_in(step, exec, 0), *residual = NULL;
  Call c = {
      .p = p, .mm = p->mm, .w = qf_step_in(step, exec, 1), .epi = p->epi, .y = qf_step_out(step, exec, 0)};
  c.bias = step->n_in > 2 ? qf_step_in(step, exec, 2) : NULL;
  if (p->residual)
    residual = qf_step_in(step, exec, (uint32_t)p->residual);
  if (p->slope)
    c.epi.slope = qf_step_in(step, exec, (uint32_t)p->slope);
  for (uint32_t r = 0; r < p->mm.rows; r += ROWS) {
    c.mm.rows = MIN(p->mm.rows - r, ROWS);
    c.residual = residual ? residual + (size_t)r * p->mm.out : NULL;
    make_rows(&c, x + (size_t)r * p->mm.k, exec->scratch);
    qf_cpu_parallel(exec, p->mm.out, 16, run_range, &c);
    c.y += (size_t)ROWS * p->mm.out;
  }
}

static gboolean suits(const QfNode *node)
{
  const QfTensor *w = node->inputs[1], *y = node->outputs[0];
  for (uint32_t i = 0; i < node->n_inputs; i++)
    if (i != 1 && node->inputs[i] && node->inputs[i]->dtype != QF_DTYPE_FLOAT32)
      return FALSE;
  return y->dtype == QF_DTYPE_FLOAT32 && w->dims[0] <= INT32_MAX / 2 && w->dims[1] <= INT32_MAX / 2 &&
         qf_tensor_count(node->inputs[0]) / w->dims[1] <= INT32_MAX / 2;
}

gboolean qf_cpu_lower_blockquant(QfLower *lower, QfNode *node)
{
  const QfBlockQuantMatMulAttrs *a = node->attrs;
  const QfTensor *w = node->inputs[1];
  const int64_t rows = qf_tensor_count(node->inputs[0]) / a->in_features;
  if (!suits(node) || rows > INT32_MAX / 2)
    return FALSE;
  const QfkBlockMm mm = {.format = &qfk_block_formats[a->format],
                         .rows = (uint32_t)rows,
                         .out = (uint32_t)w->dims[0],
                         .k = (uint32_t)a->in_features,
                         .row_bytes = (size_t)w->dims[1]};
  const QfkKernel *kernel = qfk_blockmm_find(&mm, qfk_cpu_features());
  if (!kernel)
    return FALSE;
  Params *p = qf_lower_alloc(lower, sizeof(*p));
  *p = (Params){.mm = mm, .run = (QfkBlockMmFunc)kernel->function};
  p->rows = kernel->kind == QFK_BLOCKMM_ANY ? NULL : qfk_blockmm_rows(kernel);
  p->epi = (QfkEpilogue){.act = a->epi.act, .lo = a->epi.lo, .hi = a->epi.hi, .alpha = a->epi.alpha};
  p->act = a->epi.act == QF_ACT_NONE ? NULL : qfk_act_find(qfk_cpu_features());
  p->residual = a->epi.residual ? 3 : 0;
  p->slope = a->epi.act == QF_ACT_PRELU ? (a->epi.residual ? 4 : 3) : 0;
  const size_t values = (size_t)MIN(rows, ROWS) * mm.k;
  const size_t scratch =
      p->rows ? values * sizeof(int16_t) + values / QFK_BLOCKMM_GROUP * 2 * sizeof(float) : 0;
  qf_lower_step(lower, node, QF_CPU_UNIT, kernel->name, run_step, p, scratch);
  return TRUE;
}
