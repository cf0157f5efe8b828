/* SPDX-License-Identifier: MIT */
/*
 * softmax.c - rows of Softmax and LogSoftmax.
 */
#include "encoded.h"
#include "../../ops/list.h"
#include "kernels/softmax/softmax.h"

typedef struct {
  QfkSoftmax softmax;
  QfkSoftmaxInt q;
} Params;

static void run_f32(const void *params, const void *const *in, void *const *out)
{
  qfk_softmax_f32_ref(&((const Params *)params)->softmax, in[0], out[0]);
}

static void run_int(const void *params, const void *const *in, void *const *out)
{
  const Params *p = params;
  qfk_softmax_int_ref(&p->softmax, &p->q, in[0], out[0]);
}

gboolean qf_ref_lower_softmax(QfLower *lower, QfNode *node, GError **error)
{
  const QfAxisAttrs *a = node->attrs;
  const QfTensor *x = node->inputs[0], *y = node->outputs[0];
  Params *p = qf_lower_alloc(lower, sizeof(*p));
  QfkEncoding ex, ey;
  p->softmax = (QfkSoftmax){.outer = qf_dims_count(x->dims, a->axis),
                            .n = x->dims[a->axis],
                            .inner = qf_dims_count(x->dims + a->axis + 1, x->rank - a->axis - 1),
                            .beta = a->beta,
                            .log = node->op == &qf_op_LogSoftmax};
  if (p->softmax.log || !(a->beta >= 0) || !qf_ref_is_encoded(x, &ex) || !qf_ref_is_encoded(y, &ey) ||
      ex.type > QFK_S8 || ey.type > QFK_S8) {
    qf_ref_lower_real(lower, node, "softmax_f32_ref", run_f32, p, 1, 1);
    return TRUE;
  }
  p->q.x_type = ex.type;
  p->q.y_type = ey.type;
  p->q.y_scale = ey.scale;
  p->q.y_zero = ey.zero;
  qfk_softmax_int_init(&p->q, a->beta, ex.scale);
  if (lower->requant == QF_REQUANT_FIXED)
    p->q.inverse = (int64_t)rint(ldexp(1, 31) / (double)ey.scale);
  qf_ref_lower_plain(lower, node, "softmax_int_ref", run_int, p);
  return TRUE;
}
