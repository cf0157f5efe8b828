/* SPDX-License-Identifier: MIT */
/*
 * volume.c - Conv3d on floats with constant weights: a plane of the output is the sum of two-dimensional convolutions, one a tap of
 * the filter's depth, each an implicit GEMM that adds to what is there. Planes are shared out to threads.
 */
#include "weighted.h"

#include <string.h>

typedef struct {
  const QfkIgemm *plans; /* [taps] */
  const float *bias;     /* NULL: none */
  int32_t taps, stride, dilation, pad;
  int32_t depth, out_depth;
  size_t in_plane, out_pixels, oc; /* values of an input plane, pixels of an output plane */
  uint32_t n_planes;               /* of all images */
} Volume;

typedef struct {
  const Volume *v;
  const QfExec *exec;
  const float *x;
  float *y;
} Call;

static void run_plane(void *arg, uint32_t index, uint32_t thread)
{
  const Call *c = arg;
  const Volume *v = c->v;
  const int32_t o = (int32_t)(index % (uint32_t)v->out_depth);
  const float *image = c->x + index / (uint32_t)v->out_depth * (size_t)v->depth * v->in_plane;
  float *y = c->y + index * v->out_pixels * v->oc;
  uint8_t *scratch = c->exec->scratch + thread * c->exec->scratch_stride;
  for (size_t i = 0; i < v->out_pixels; i++) {
    if (v->bias)
      memcpy(y + i * v->oc, v->bias, v->oc * sizeof(*y));
    else
      memset(y + i * v->oc, 0, v->oc * sizeof(*y));
  }
  for (int32_t k = 0; k < v->taps; k++) {
    const int32_t at = o * v->stride - v->pad + k * v->dilation;
    QfkIgemmGrid grid;
    if (at < 0 || at >= v->depth)
      continue;
    qfk_igemm_grid(&v->plans[k], 1, &grid);
    for (uint32_t i = 0; i < grid.items; i++)
      qfk_igemm_run(&v->plans[k], &grid, i, image + (size_t)at * v->in_plane, y, y, scratch);
  }
}

static void run_volume(const QfStep *step, const QfExec *exec)
{
  const Volume *v = step->params;
  Call call = {v, exec, qf_step_in(step, exec, 0), qf_step_out(step, exec, 0)};
  qf_pool_run(exec->pool, v->n_planes, run_plane, &call);
}

static gboolean suits(const QfNode *node)
{
  const QfTensor *x = node->inputs[0], *w = node->inputs[1], *bias = qf_cpu_input(node, 2),
                 *y = node->outputs[0];
  const QfConv3dAttrs *a = node->attrs;
  if (x->dtype != QF_DTYPE_FLOAT32 || w->dtype != QF_DTYPE_FLOAT32 || y->dtype != QF_DTYPE_FLOAT32 ||
      !w->data || (bias && (!bias->data || bias->dtype != QF_DTYPE_FLOAT32)) || !qf_tensor_count(x) ||
      !qf_tensor_count(y) || !qf_tensor_count(w))
    return FALSE;
  for (int i = 0; i < 3; i++)
    if (a->stride[i] > 1 << 20 || a->dilation[i] > 1 << 20 || a->pad[2 * i] > 1 << 20)
      return FALSE;
  return MAX(MAX(qf_tensor_count(x), qf_tensor_count(w)), qf_tensor_count(y)) <= INT32_MAX / 4;
}

/* The plane's convolution by tap @k. */
static void fill_plan(QfLower *lower, const QfNode *node, const QfkTileKernel *kernel, int32_t k,
                      QfkIgemm *plan)
{
  const QfConv3dAttrs *a = node->attrs;
  const int64_t *x = node->inputs[0]->dims, *w = node->inputs[1]->dims, *y = node->outputs[0]->dims;
  const QfkConvShape s = {.n = 1,
                          .h = (int32_t)x[2],
                          .w = (int32_t)x[3],
                          .c = (int32_t)x[4],
                          .oh = (int32_t)y[2],
                          .ow = (int32_t)y[3],
                          .oc = (int32_t)y[4],
                          .kh = (int32_t)w[1],
                          .kw = (int32_t)w[2],
                          .stride = {a->stride[1], a->stride[2]},
                          .dilation = {a->dilation[1], a->dilation[2]},
                          .pad = {a->pad[2], a->pad[4]},
                          .group = a->group};
  const float *weights = (const float *)qf_tensor_data(node->inputs[1]) + k * w[1] * w[2] * w[3] * w[4];
  const QfCpuWeighted wt = {.x = node->inputs[0],
                            .w = node->inputs[1],
                            .y = node->outputs[0],
                            .oc = s.oc,
                            .weights = weights,
                            .lo = -INFINITY,
                            .hi = INFINITY};
  qfk_igemm_conv(plan, kernel, &s, qf_lower_alloc(lower, (size_t)(s.kh * s.kw) * sizeof(QfkSeg)));
  const QfkPack pack = {.w = weights,
                        .row = s.oc,
                        .col = 1,
                        .n_seg = plan->n_seg,
                        .k = (uint32_t)(s.c / s.group) * (uint32_t)plan->segs[0].nx,
                        .n = (uint32_t)(s.oc / s.group)};
  qf_cpu_igemm_fill(lower, plan, &wt, pack);
}

gboolean qf_cpu_lower_conv3d(QfLower *lower, QfNode *node)
{
  if (!suits(node))
    return FALSE;
  const QfConv3dAttrs *a = node->attrs;
  const int64_t *x = node->inputs[0]->dims, *w = node->inputs[1]->dims, *y = node->outputs[0]->dims;
  const QfTensor *bias = qf_cpu_input(node, 2);
  const QfkTileKernel *kernel = qfk_tile_find(QFK_TILE_F32, qfk_cpu_features());
  QfkIgemm *plans = qf_lower_alloc(lower, (size_t)w[0] * sizeof(*plans));
  size_t scratch = 0;
  for (int32_t k = 0; k < w[0]; k++) {
    fill_plan(lower, node, kernel, k, &plans[k]);
    scratch = MAX(scratch, qfk_igemm_scratch(&plans[k]));
  }
  Volume *v = qf_lower_alloc(lower, sizeof(*v));
  *v = (Volume){.plans = plans,
                .bias = bias ? qf_tensor_data(bias) : NULL,
                .taps = (int32_t)w[0],
                .stride = a->stride[0],
                .dilation = a->dilation[0],
                .pad = a->pad[0],
                .depth = (int32_t)x[1],
                .out_depth = (int32_t)y[1],
                .in_plane = (size_t)(x[2] * x[3] * x[4]),
                .out_pixels = (size_t)(y[2] * y[3]),
                .oc = (size_t)y[4],
                .n_planes = (uint32_t)(y[0] * y[1])};
  qf_lower_step(lower, node, QF_CPU_UNIT, kernel->name, run_volume, v, scratch);
  qf_lower_release(lower, node->inputs[1]);
  return TRUE;
}
