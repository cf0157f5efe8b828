/* SPDX-License-Identifier: MIT */
/*
 * wino.c - steps of 3x3 convolutions that Winograd's method makes cheaper.
 */
#include "weighted.h"
#include "kernels/conv/wino.h"

#include <string.h>

typedef struct {
  QfkWino plan;
  gboolean residual;
} StepParams;

typedef struct {
  const QfExec *exec;
  const QfkWino *plan;
  const void *x;
  const void *res;
  void *y;
  QfkWinoGrid grid;
} Run;

static void run_item(void *arg, uint32_t index, uint32_t thread)
{
  const Run *r = arg;
  qfk_wino_run(r->plan, &r->grid, index, r->x, r->res, r->y,
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
  qfk_wino_grid(r.plan, exec->n_threads, &r.grid);
  qf_pool_run(exec->pool, r.grid.items, run_item, &r);
}

/* 4-byte values, zeros for none. */
static void *copy_vector(QfLower *lower, const void *from, int32_t n)
{
  void *to = qf_lower_alloc(lower, (size_t)n * 4);
  return from ? memcpy(to, from, (size_t)n * 4) : to;
}

static void pack(QfLower *lower, QfkWino *p, const QfCpuWeighted *wt)
{
  const QfkConvShape *s = &p->s;
  void *u;
  p->u = qf_lower_packed(lower, p->wino->name, qfk_wino_pack_bytes(p), &u);
  g_autofree void *scratch = u ? g_malloc(qfk_wino_pack_scratch(p)) : NULL;
  if (u)
    qfk_wino_pack(p, wt->weights, wt->w_type, wt->w_zero, scratch, u);
  p->bias = copy_vector(lower, wt->bias, s->oc);
  p->scale = wt->integer ? copy_vector(lower, wt->scale, s->oc) : NULL;
  p->zeros = copy_vector(lower, NULL, p->tile->nr);
}

gboolean qf_cpu_wino(QfLower *lower, const QfNode *node, const QfCpuWeighted *wt, QfkTileKind kind,
                     const QfkPack *all, const QfkConvShape *s)
{
  QfkWino plan;
  const QfkWinoRange range = {all, wt->x_max};
  if ((!qfk_tile_is_float(kind) && kind != QFK_TILE_S16) ||
      !qfk_wino_plan(&plan, qfk_cpu_features(), kind, s, &range))
    return FALSE;
  pack(lower, &plan, wt);
  plan.act = wt->epi;
  plan.act_fn = !wt->integer && wt->epi.act > QF_ACT_CLAMP ? qfk_act_find(qfk_cpu_features()) : NULL;
  plan.lo = wt->lo;
  plan.hi = wt->hi;
  plan.x_zero = wt->x_zero;
  plan.y_zero = wt->y_zero;
  plan.x_signed = wt->x_type == QFK_S8;
  StepParams *params = qf_lower_alloc(lower, sizeof(*params));
  plan.after = wt->after ? qf_cpu_after_function(wt->after) : NULL;
  *params = (StepParams){plan, wt->residual || (wt->after && qf_cpu_after_is_sum(wt->after))};
  qf_lower_step(lower, node, QF_CPU_UNIT, plan.wino->name, run_step, params, qfk_wino_scratch(&plan));
  if (wt->after)
    qf_cpu_after_take(lower, wt->after);
  qf_lower_release(lower, node->inputs[1]);
  return TRUE;
}
