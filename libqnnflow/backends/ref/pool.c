/* SPDX-License-Identifier: MIT */
/*
 * pool.c - rows of PoolAvg2d and PoolMax2d.
 */
#include "encoded.h"
#include "../../ops/list.h"
#include "kernels/pool/pool.h"

typedef struct {
  QfkPoolShape shape;
  QfkEpilogue act;
  QfkPoolInt q;
} Params;

#define RUN(name, extra)                                                                                     \
  static void run_##name(const void *params, const void *const *in, void *const *out)                        \
  {                                                                                                          \
    const Params *p = params;                                                                                \
    qfk_pool_##name##_ref(&p->shape, &p->extra, in[0], out[0]);                                              \
  }
RUN(avg_f32, act)
RUN(max_f32, act)
RUN(avg_int, q)
RUN(max_int, q)

static gboolean describe(QfkPoolShape *s, const QfNode *node)
{
  const QfPool2dAttrs *a = node->attrs;
  const QfTensor *x = node->inputs[0], *y = node->outputs[0];
  for (int i = 0; i < 4; i++)
    if (x->dims[i] > INT32_MAX / 4 || y->dims[i] > INT32_MAX / 4 || a->pad[i] > INT32_MAX / 4)
      return FALSE;
  if ((int64_t)a->filter[0] * a->filter[1] > 1 << 24)
    return FALSE;
  *s = (QfkPoolShape){.n = (int32_t)x->dims[0],
                      .h = (int32_t)x->dims[1],
                      .w = (int32_t)x->dims[2],
                      .c = (int32_t)x->dims[3],
                      .oh = (int32_t)y->dims[1],
                      .ow = (int32_t)y->dims[2],
                      .kh = a->filter[0],
                      .kw = a->filter[1],
                      .stride = {a->stride[0], a->stride[1]},
                      .dilation = {a->dilation[0], a->dilation[1]},
                      .pad = {a->pad[0], a->pad[1], a->pad[2], a->pad[3]},
                      .count_pad = a->count_pad};
  return TRUE;
}

gboolean qf_ref_lower_pool(QfLower *lower, QfNode *node, GError **error)
{
  const QfPool2dAttrs *a = node->attrs;
  const QfTensor *x = node->inputs[0], *y = node->outputs[0];
  gboolean avg = node->op == &qf_op_PoolAvg2d;
  Params *p = qf_lower_alloc(lower, sizeof(*p));
  QfkEncoding ex, ey;
  if (!describe(&p->shape, node))
    return qf_ref_unsupported(node, error, "its dimensions or its filter are too large", "use smaller ones");
  p->act = (QfkEpilogue){.act = a->act, .lo = a->lo, .hi = a->hi};
  if (!qf_ref_is_encoded(x, &ex) || !qf_ref_is_encoded(y, &ey) || (!avg && !qf_ref_same_form(x, y))) {
    qf_ref_lower_real(lower, node, avg ? "pool_avg_f32_ref" : "pool_max_f32_ref",
                      avg ? run_avg_f32 : run_max_f32, p, 1, 1);
    return TRUE;
  }
  p->q = (QfkPoolInt){.type = ex.type, .y_type = ey.type, .x_zero = ex.zero, .y_zero = ey.zero};
  p->q.litert = lower->requant == QF_REQUANT_TFLITE && qf_ref_same_form(x, y) && !a->count_pad;
  qf_ref_bounds(&ey, a->act, a->lo, a->hi, &p->q.lo, &p->q.hi);
  if (avg)
    qfk_pool_avg_scales(&p->q, &p->shape, ex.scale, ey.scale,
                        qf_lower_alloc(lower,
                                       ((size_t)p->shape.kh * (size_t)p->shape.kw + 1) * sizeof(float)));
  if (avg && lower->requant == QF_REQUANT_FIXED)
    qfk_pool_avg_fixed(&p->q, &p->shape, ex.scale, ey.scale,
                       qf_lower_alloc(lower,
                                      ((size_t)p->shape.kh * (size_t)p->shape.kw + 1) * sizeof(QfkFixed)));
  qf_ref_lower_plain(lower, node, avg ? "pool_avg_int_ref" : "pool_max_int_ref",
                     avg ? run_avg_int : run_max_int, p);
  return TRUE;
}
