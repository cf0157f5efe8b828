/* SPDX-License-Identifier: MIT */
/*
 * wino.c - steps of 3x3 convolutions that Winograd's method makes cheaper.
 */
#include "weighted.h"
#include "kernels/conv/wino.h"

#include <string.h>

#define PLANES 36

typedef struct {
  QfkWino plan;
  gboolean residual;
} StepParams;

typedef struct {
  const QfExec *exec;
  const QfkWino *plan;
  const float *x, *res;
  float *y;
  uint32_t block;
} Run;

static void run_item(void *arg, uint32_t index, uint32_t thread)
{
  const Run *r = arg;
  qfk_wino_run(r->plan, r->block, index, r->x, r->res, r->y,
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
  const uint32_t items = qfk_wino_items(r.plan, exec->n_threads, &r.block);
  qf_pool_run(exec->pool, items, run_item, &r);
}

static void pack(QfLower *lower, QfkWino *p, const QfCpuWeighted *wt)
{
  const QfkConvShape *s = &p->s;
  const size_t n = (size_t)s->c * (size_t)s->oc;
  g_autofree float *planes = g_new(float, PLANES *n);
  qfk_wino_weights(s, wt->weights, planes);
  QfkPack matrix = {.row = s->oc, .col = 1, .n_seg = 1, .k = (uint32_t)s->c, .n = (uint32_t)s->oc};
  p->plane_bytes = qfk_pack_bytes(p->tile, &matrix);
  uint8_t *u = qf_lower_alloc(lower, PLANES * p->plane_bytes);
  for (size_t i = 0; i < PLANES; i++) {
    matrix.w = planes + i * n;
    qfk_pack_panels(p->tile, &matrix, u + i * p->plane_bytes);
  }
  float *bias = qf_lower_alloc(lower, (size_t)s->oc * sizeof(*bias));
  if (wt->bias)
    memcpy(bias, wt->bias, (size_t)s->oc * sizeof(*bias));
  p->u = u;
  p->bias = bias;
  p->zeros = qf_lower_alloc(lower, p->tile->nr * sizeof(float));
}

gboolean qf_cpu_wino(QfLower *lower, const QfNode *node, const QfCpuWeighted *wt, const QfkConvShape *s)
{
  QfkWino plan;
  if (wt->integer || !qfk_wino_plan(&plan, qfk_cpu_features(), s))
    return FALSE;
  pack(lower, &plan, wt);
  plan.act = wt->epi;
  plan.act_fn = wt->epi.act > QF_ACT_CLAMP ? qfk_act_find(qfk_cpu_features()) : NULL;
  plan.lo = wt->lo;
  plan.hi = wt->hi;
  StepParams *params = qf_lower_alloc(lower, sizeof(*params));
  *params = (StepParams){plan, wt->residual};
  qf_lower_step(lower, node, QF_CPU_UNIT, plan.wino->name, run_step, params, qfk_wino_scratch(&plan));
  return TRUE;
}
