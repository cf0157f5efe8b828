/* SPDX-License-Identifier: MIT */
/*
 * matmul.c - steps of FullyConnected and MatMul.
 *
 * FullyConnected, and MatMul with a constant right matrix, are convolutions: their rows are the pixels of an image of one row and
 * the weights a 1x1 filter. MatMul of two run-time matrices packs its right one at each run.
 */
#include "product.h"
#include "weighted.h"

static gboolean lower_dense(QfLower *lower, const QfNode *node, const QfCpuWeighted *wt, int32_t rows,
                            QfkPack pack)
{
  const int32_t k = (int32_t)pack.k;
  QfkConvShape s = {.n = 1,
                    .h = 1,
                    .w = rows,
                    .c = k,
                    .oh = 1,
                    .ow = rows,
                    .oc = wt->oc,
                    .kh = 1,
                    .kw = 1,
                    .stride = {1, 1},
                    .dilation = {1, 1},
                    .group = 1};
  pack.w = wt->weights;
  pack.n_seg = 1;
  pack.n = (uint32_t)wt->oc;
  pack.w_type = wt->w_type;
  pack.w_zero = wt->w_zero;
  const QfkTileKernel *kernel = qf_cpu_tile_kernel(lower, wt, &pack);
  if (!kernel)
    return FALSE;
  const QfkTileKernel *bytes = qfk_tile_find(QFK_TILE_S16_S8, qfk_cpu_features());
  if (bytes && kernel->kind == QFK_TILE_S16 && rows <= bytes->mr &&
      qfk_pack_within(&pack, INT8_MIN, INT8_MAX))
    kernel = bytes;
  QfkIgemm *plan = qf_lower_alloc(lower, sizeof(*plan));
  qfk_igemm_conv(plan, kernel, &s, qf_lower_alloc(lower, sizeof(QfkSeg)));
  qf_cpu_igemm_fill(lower, plan, wt, pack);
  qf_cpu_igemm_step(lower, node, wt, plan, 1);
  return TRUE;
}

gboolean qf_cpu_fully_connected(QfLower *lower, QfNode *node)
{
  const QfFullyConnectedAttrs *a = node->attrs;
  const QfTensor *x = node->inputs[0], *w = node->inputs[1];
  g_auto(QfCpuWeighted) wt = {0};
  if (w->dims[0] > INT32_MAX / 2 || w->dims[1] > INT32_MAX / 2 || !w->dims[1] ||
      qf_tensor_count(x) > INT32_MAX)
    return FALSE;
  if (!qf_cpu_weighted_init(&wt, lower, node, &a->epi, (int32_t)w->dims[0]))
    return FALSE;
  const int32_t k = (int32_t)w->dims[1];
  return lower_dense(lower, node, &wt, (int32_t)(qf_tensor_count(x) / k),
                     (QfkPack){.row = 1, .col = k, .k = (uint32_t)k});
}

typedef struct {
  QfkProduct p;
  uint32_t n_batch;
  const size_t (*at)[3]; /* [n_batch]: byte offsets in a, b, c */
} StepParams;

typedef struct {
  const QfExec *exec;
  const StepParams *params;
  uint32_t splits;
  const uint8_t *a, *b;
  uint8_t *c;
} Run;

static void run_item(void *arg, uint32_t index, uint32_t thread)
{
  const Run *r = arg;
  const QfkProduct *p = &r->params->p;
  const uint32_t split = index % r->splits, panels = qfk_product_panels(p);
  const size_t *at = r->params->at[index / r->splits];
  qfk_product_run(p, panels * split / r->splits, panels * (split + 1) / r->splits, r->a + at[0], r->b + at[1],
                  r->c + at[2], r->exec->scratch + thread * r->exec->scratch_stride);
}

static void run_step(const QfStep *step, const QfExec *exec)
{
  const StepParams *params = step->params;
  Run r = {.exec = exec,
           .params = params,
           .splits = 1,
           .a = qf_step_in(step, exec, 0),
           .b = qf_step_in(step, exec, 1),
           .c = qf_step_out(step, exec, 0)};
  const uint32_t wanted = exec->n_threads > 1 ? 2 * exec->n_threads : 1;
  if (params->n_batch < wanted)
    r.splits = MIN(qfk_product_panels(&params->p), (wanted + params->n_batch - 1) / params->n_batch);
  qf_pool_run(exec->pool, params->n_batch * r.splits, run_item, &r);
}

/* Byte offsets of every product's matrices; leading dimensions broadcast. */
static void batch_offsets(const QfNode *node, const QfkGemmShape *s, uint32_t n_batch, size_t value,
                          size_t (*at)[3])
{
  const QfTensor *in[2] = {node->inputs[0], node->inputs[1]}, *y = node->outputs[0];
  const size_t matrix[2] = {(size_t)s->m * (size_t)s->k, (size_t)s->k * (size_t)s->n};
  for (uint32_t i = 0; i < n_batch; i++) {
    at[i][2] = i * (size_t)s->m * (size_t)s->n * value;
    for (int j = 0; j < 2; j++) {
      size_t rest = i, stride = matrix[j], offset = 0;
      for (int32_t d = y->rank - 3; d >= 0; d--) {
        const int32_t own = d - (y->rank - in[j]->rank);
        const size_t size = own >= 0 ? (size_t)in[j]->dims[own] : 1, index = rest % (size_t)y->dims[d];
        rest /= (size_t)y->dims[d];
        offset += size > 1 ? index * stride : 0;
        stride *= size;
      }
      at[i][j] = offset * value;
    }
  }
}

static gboolean product_integers(QfLower *lower, QfkProduct *p, const QfTensor *a, const QfTensor *b,
                                 const QfTensor *y)
{
  QfkInt a_type, y_type;
  if (a->enc.count != 1 || b->enc.count != 1 || y->enc.count != 1 || !qf_cpu_int_type(a->dtype, &a_type) ||
      !qf_cpu_int_type(b->dtype, &p->b_type) || !qf_cpu_int_type(y->dtype, &y_type) || a_type > QFK_S8 ||
      p->b_type > QFK_S8 || y_type > QFK_S8 || p->s.k > INT32_MAX / (255 * 255))
    return FALSE;
  const QfScaleOffset *ea = a->enc.entries, *eb = b->enc.entries, *ey = y->enc.entries;
  if (ABS(ea->offset) > 255 || ABS(eb->offset) > 255 || ABS(ey->offset) > 255)
    return FALSE;
  p->kernel = qfk_tile_find(QFK_TILE_S16, qfk_cpu_features());
  p->widen = qfk_widen_find(qfk_cpu_features());
  float *scale = qf_lower_alloc(lower, p->kernel->nr * sizeof(*scale));
  int32_t *zero = qf_lower_alloc(lower, (size_t)p->s.n * sizeof(*zero));
  for (uint32_t i = 0; i < p->kernel->nr; i++)
    scale[i] = qfk_requant_scale(ea->scale, eb->scale, ey->scale);
  for (int32_t i = 0; i < p->s.n; i++)
    zero[i] = -eb->offset;
  p->scale = scale;
  p->b_zero = zero;
  p->a_zero = -ea->offset;
  p->c_zero = -ey->offset;
  p->a_signed = a_type == QFK_S8;
  p->c_signed = y_type == QFK_S8;
  p->lo = (float)((p->c_signed ? INT8_MIN : 0) - p->c_zero);
  p->hi = (float)((p->c_signed ? INT8_MAX : UINT8_MAX) - p->c_zero);
  return TRUE;
}

static gboolean product_floats(QfkProduct *p, const QfTensor *a, const QfTensor *b)
{
  if (a->dtype != QF_DTYPE_FLOAT32 || b->dtype != QF_DTYPE_FLOAT32)
    return FALSE;
  p->kernel = qfk_tile_find(QFK_TILE_F32, qfk_cpu_features());
  p->lo = -INFINITY;
  p->hi = INFINITY;
  return TRUE;
}

gboolean qf_cpu_product(QfLower *lower, QfkProduct *p, const QfTensor *a, const QfTensor *b,
                        const QfTensor *y)
{
  if (!(a->enc.count ? product_integers(lower, p, a, b, y) : product_floats(p, a, b)))
    return FALSE;
  p->bias = qf_lower_alloc(lower, p->kernel->nr * sizeof(*p->bias));
  return TRUE;
}

gboolean qf_cpu_matmul(QfLower *lower, QfNode *node)
{
  const QfMatMulAttrs *attrs = node->attrs;
  const QfTensor *a = node->inputs[0], *b = node->inputs[1], *y = node->outputs[0];
  if (a->rank < 2 || b->rank < 2 || !qf_tensor_count(y) || !qf_tensor_count(a) ||
      MAX(MAX(qf_tensor_count(a), qf_tensor_count(b)), qf_tensor_count(y)) > INT32_MAX / 4)
    return FALSE;
  if (a->dtype == QF_DTYPE_INT32 && !a->enc.count)
    return qf_cpu_matmul_integers(lower, node);
  const int64_t *da = a->dims + a->rank - 2, *db = b->dims + b->rank - 2, *dy = y->dims + y->rank - 2;
  QfkProduct p = {.s = {.m = (int32_t)dy[0], .n = (int32_t)dy[1], .c_row = dy[1]}};
  p.s.k = (int32_t)da[!attrs->transpose_in0];
  p.s.a_row = attrs->transpose_in0 ? 1 : da[1];
  p.s.a_col = attrs->transpose_in0 ? da[1] : 1;
  p.s.b_row = attrs->transpose_in1 ? 1 : db[1];
  p.s.b_col = attrs->transpose_in1 ? db[1] : 1;
  if (b->data && b->rank == 2 && !attrs->transpose_in0) {
    g_auto(QfCpuWeighted) wt = {0};
    const QfkPack pack = {.row = p.s.b_row, .col = p.s.b_col, .k = (uint32_t)p.s.k};
    if (qf_cpu_weighted_init(&wt, lower, node, &(QfEpilogue){0}, p.s.n) &&
        lower_dense(lower, node, &wt, (int32_t)(qf_tensor_count(a) / p.s.k), pack))
      return TRUE;
  }
  if (!qf_cpu_product(lower, &p, a, b, y))
    return FALSE;
  StepParams *params = qf_lower_alloc(lower, sizeof(*params));
  params->p = p;
  params->n_batch = (uint32_t)(qf_tensor_count(y) / ((int64_t)p.s.m * p.s.n));
  size_t(*at)[3] = qf_lower_alloc(lower, params->n_batch * sizeof(*at));
  batch_offsets(node, &p.s, params->n_batch, qf_dtype_size(a->dtype), at);
  params->at = at;
  qf_lower_step(lower, node, QF_CPU_UNIT, p.kernel->name, run_step, params, qfk_product_scratch(&p));
  return TRUE;
}
