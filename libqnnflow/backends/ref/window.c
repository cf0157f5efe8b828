/* SPDX-License-Identifier: MIT */
/*
 * window.c - rows of ReduceWindow, MaxPoolWithArgmax, MaxUnpool2d and SoftNonMaxSuppression.
 */
#include "ref.h"
#include "../../ops/list.h"
#include "kernels/detection/suppress.h"
#include "kernels/window/window.h"

#define RUN(name, ...)                                                                                       \
  static void run_##name(const void *params, const void *const *in, void *const *out)                        \
  {                                                                                                          \
    qfk_##name##_ref(params, __VA_ARGS__);                                                                   \
  }
RUN(window_f32, in[0], in[1], out[0])
RUN(window_f64, in[0], in[1], out[0])
RUN(window_i64, in[0], in[1], out[0])
RUN(arg_pool, in[0], out[0], out[1])
RUN(unpool, in[0], in[1], out[0])

gboolean qf_ref_lower_window(QfLower *lower, QfNode *node, GError **error)
{
  const QfWindowAttrs *a = node->attrs;
  const QfTensor *x = node->inputs[0], *y = node->outputs[0];
  QfDType domain = qf_ref_domain(x);
  QfkWindow *p = qf_lower_alloc(lower, sizeof(*p));
  p->op = (QfkWindowOp)a->reduction;
  p->rank = x->rank;
  for (int32_t i = 0; i < x->rank; i++) {
    p->in[i] = x->dims[i];
    p->out[i] = y->dims[i];
    p->size[i] = a->window.v[i];
    p->stride[i] = a->stride.v[i];
    p->dilation[i] = a->dilation.v[i];
  }
  QfRefFunc run = domain == QF_DTYPE_FLOAT32   ? run_window_f32
                  : domain == QF_DTYPE_FLOAT64 ? run_window_f64
                                               : run_window_i64;
  if (domain == QF_DTYPE_UINT64)
    domain = QF_DTYPE_INT64;
  qf_ref_lower_as(lower, node, "window_ref", run, p, (QfRefPorts){.as = domain, .in = 3, .out = 1});
  return TRUE;
}

gboolean qf_ref_lower_arg_pool(QfLower *lower, QfNode *node, GError **error)
{
  const QfArgPoolAttrs *a = node->attrs;
  const QfTensor *x = node->inputs[0], *y = node->outputs[0];
  gboolean back = node->op == &qf_op_MaxUnpool2d;
  QfkArgPool *p = qf_lower_alloc(lower, sizeof(*p));
  *p = (QfkArgPool){.n = (int32_t)x->dims[0],
                    .h = (int32_t)x->dims[1],
                    .w = (int32_t)x->dims[2],
                    .c = (int32_t)x->dims[3],
                    .oh = (int32_t)y->dims[1],
                    .ow = (int32_t)y->dims[2],
                    .kh = a->filter[0],
                    .kw = a->filter[1],
                    .stride = {a->stride[0], a->stride[1]},
                    .pad = {a->pad[0], a->pad[2]}};
  qf_ref_lower_plain(lower, node, back ? "unpool_ref" : "arg_pool_ref", back ? run_unpool : run_arg_pool, p);
  return TRUE;
}

static float scalar(const QfStep *step, const QfExec *exec, uint32_t i)
{
  const float *v = qf_step_in(step, exec, i);
  return v ? *v : 0;
}

static void run_suppress(const QfStep *step, const QfExec *exec)
{
  QfkSuppress p = *(const QfkSuppress *)step->params;
  p.iou_threshold = scalar(step, exec, 2);
  p.score_threshold = scalar(step, exec, 3);
  p.sigma = scalar(step, exec, 4);
  qfk_suppress_ref(&p, qf_step_in(step, exec, 0), qf_step_in(step, exec, 1), exec->scratch,
                   qf_step_out(step, exec, 0), qf_step_out(step, exec, 1), qf_step_out(step, exec, 2));
}

gboolean qf_ref_lower_suppress(QfLower *lower, QfNode *node, GError **error)
{
  const QfSuppressAttrs *a = node->attrs;
  QfkSuppress *p = qf_lower_alloc(lower, sizeof(*p));
  p->boxes = (int32_t)node->inputs[0]->dims[0];
  p->wanted = a->wanted;
  qf_lower_step(lower, node, QF_REF_UNIT, "suppress_ref", run_suppress, p,
                MAX(qfk_suppress_scratch(p->boxes, p->wanted), 1));
  return TRUE;
}
