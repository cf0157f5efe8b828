/* SPDX-License-Identifier: MIT */
/*
 * dwconv.c - steps of DepthWiseConv2d. With a channel multiplier it is a convolution in groups and goes to conv.c.
 */
#include "weighted.h"
#include "kernels/dwconv/dwtile.h"

#include <string.h>

typedef struct {
  QfkDwPlan plan;
  gboolean residual;
} StepParams;

typedef struct {
  const QfExec *exec;
  const QfkDwPlan *plan;
  uint32_t parts; /* of an image */
  const void *x, *res;
  void *y;
} Run;

static void run_item(void *arg, uint32_t index, uint32_t thread)
{
  const Run *r = arg;
  qfk_dw_run(r->plan, r->parts, index, r->x, r->res, r->y,
             r->exec->scratch + thread * r->exec->scratch_stride);
}

static void run_step(const QfStep *step, const QfExec *exec)
{
  const StepParams *params = step->params;
  Run r = {.exec = exec,
           .plan = &params->plan,
           .x = qf_step_in(step, exec, 0),
           .y = qf_step_out(step, exec, 0)};
  r.res = params->residual ? qf_step_in(step, exec, 3) : NULL;
  qf_pool_run(exec->pool, qfk_dw_items(r.plan, exec->n_threads, &r.parts), run_item, &r);
}

static void pack_float(QfLower *lower, QfkDwPlan *p, const QfCpuWeighted *wt)
{
  const size_t taps = (size_t)p->s.kh * (size_t)p->s.kw, c = (size_t)p->s.c;
  void *w, *bias;
  p->w = qf_lower_packed(lower, p->any->name, taps * c * sizeof(float), &w);
  p->bias = qf_lower_packed(lower, p->any->name, c * sizeof(float), &bias);
  if (w)
    memcpy(w, wt->weights, taps * c * sizeof(float));
  if (bias && wt->bias)
    memcpy(bias, wt->bias, c * sizeof(float));
  p->act = wt->epi;
  if (wt->epi.act > QF_ACT_CLAMP)
    p->act_fn = qfk_act_find(qfk_cpu_features());
}

static void pack_integer(QfLower *lower, QfkDwPlan *p, const QfCpuWeighted *wt)
{
  const uint32_t c = (uint32_t)p->s.c, columns = qfk_dw_columns(p->any, c);
  void *w, *bias;
  p->w = qf_lower_packed(lower, p->any->name, qfk_dw_pack_bytes(p->any, &p->s), &w);
  p->bias = qf_lower_packed(lower, p->any->name, columns * sizeof(int32_t), &bias);
  float *scale = qf_lower_alloc(lower, columns * sizeof(*scale));
  if (w)
    qfk_dw_pack_weights(p->any, &p->s, wt->weights, wt->w_type, wt->w_zero, w);
  if (bias)
    qfk_dw_pack_bias(p->any, &p->s, wt->weights, wt->w_type, wt->w_zero, wt->bias, wt->x_zero,
                     wt->x_type == QFK_S8, bias);
  qfk_dw_pack_vector(p->any, c, wt->scale, scale);
  p->scale = scale;
  p->widen = qfk_widen_find(qfk_cpu_features());
  p->x_zero = wt->x_zero;
  p->y_zero = wt->y_zero;
  p->x_signed = wt->x_type == QFK_S8;
  p->y_signed = wt->y_type == QFK_S8;
}

gboolean qf_cpu_dwconv(QfLower *lower, QfNode *node)
{
  const QfConv2dAttrs *a = node->attrs;
  g_auto(QfCpuWeighted) wt = {0};
  QfkConvShape s;
  if (!qf_cpu_conv_shape(node, &s) || !qf_cpu_weighted_init(&wt, lower, node, &a->epi, s.oc))
    return FALSE;
  s.group = s.c;
  if (s.oc != s.c)
    return qf_cpu_conv_shaped(lower, node, &wt, &s, FALSE);
  QfkPack all = {.w = wt.weights,
                 .row = s.oc,
                 .col = 1,
                 .n_seg = 1,
                 .k = (uint32_t)(s.kh * s.kw),
                 .n = (uint32_t)s.oc,
                 .w_type = wt.w_type,
                 .w_zero = wt.w_zero};
  if (wt.integer && !qf_cpu_tile_kernel(lower, &wt, &all)) /* the sums may leave int32 */
    return FALSE;
  StepParams *params = qf_lower_alloc(lower, sizeof(*params));
  QfkDwPlan *p = &params->plan;
  const gboolean bytes = wt.integer && qfk_pack_within(&all, INT8_MIN, INT8_MAX) &&
                         qfk_dw_plan(p, QFK_TILE_DOT_U, qfk_cpu_features(), &s);
  if (!bytes && !qfk_dw_plan(p, wt.integer ? QFK_TILE_S16 : QFK_TILE_F32, qfk_cpu_features(), &s))
    return FALSE;
  p->lo = wt.lo;
  p->hi = wt.hi;
  params->residual = wt.residual;
  (wt.integer ? pack_integer : pack_float)(lower, p, &wt);
  qf_lower_step(lower, node, QF_CPU_UNIT, p->special->name, run_step, params, qfk_dw_scratch(p));
  qf_lower_release(lower, node->inputs[1]);
  return TRUE;
}
