/* SPDX-License-Identifier: MIT */
/*
 * norm.c - rows of LayerNorm and InstanceNorm.
 */
#include "cpu.h"
#include "../../ops/list.h"
#include "kernels/norm/norm_fast.h"

typedef struct {
  QfkNorm norm;
  QfkNormFunc run;
  size_t count, grain; /* rows or blocks, and how many make a piece */
} Norm;

typedef struct {
  const Norm *p;
  const float *x, *weight, *bias;
  float *y;
} Call;

static void norm_range(void *arg, size_t begin, size_t end, uint32_t thread)
{
  const Call *c = arg;
  c->p->run(&c->p->norm, c->x, c->weight, c->bias, c->y, begin, end);
}

static void run_norm(const QfStep *step, const QfExec *exec)
{
  const Norm *p = step->params;
  Call call = {p, qf_step_in(step, exec, 0), qf_step_in(step, exec, 1), qf_step_in(step, exec, 2),
               qf_step_out(step, exec, 0)};
  qf_cpu_parallel(exec, p->count, p->grain, norm_range, &call);
}

static gboolean is_float(const QfNode *node)
{
  for (uint32_t i = 0; i < node->n_inputs; i++)
    if (node->inputs[i] && node->inputs[i]->dtype != QF_DTYPE_FLOAT32)
      return FALSE;
  return node->outputs[0]->dtype == QF_DTYPE_FLOAT32 && qf_tensor_count(node->outputs[0]) > 0;
}

gboolean qf_cpu_lower_norm(QfLower *lower, QfNode *node)
{
  const QfNormAttrs *a = node->attrs;
  const QfTensor *x = node->inputs[0];
  gboolean layer = node->op == &qf_op_LayerNorm;
  const QfkKernel *kernel = qfk_kernel_find(qfk_norm_kernels, qfk_cpu_features(),
                                            layer ? QFK_LAYER_NORM_F32 : QFK_INSTANCE_NORM_F32);
  if (!kernel || !is_float(node))
    return FALSE;
  int32_t first = layer ? (a->axes.n ? x->rank - a->axes.n : 0) : 1, last = layer ? x->rank : x->rank - 1;
  Norm *p = qf_lower_alloc(lower, sizeof(*p));
  p->norm = (QfkNorm){(size_t)qf_dims_count(x->dims + first, last - first), (size_t)x->dims[x->rank - 1],
                      a->epsilon};
  p->run = (QfkNormFunc)kernel->function;
  p->count = (size_t)qf_dims_count(x->dims, first);
  p->grain = 8192 / MAX(p->norm.n, 1) + 1;
  if (!layer) {
    p->count *= (p->norm.channels + QFK_NORM_CHANNELS - 1) / QFK_NORM_CHANNELS;
    p->grain = 1;
  }
  qf_lower_step(lower, node, QF_CPU_UNIT, kernel->name, run_norm, p, 0);
  return TRUE;
}
