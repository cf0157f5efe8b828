/* SPDX-License-Identifier: MIT */
/*
 * reduce.c - rows of the reductions and of the operators along one axis.
 */
#include "fixed.h"
#include "litert.h"
#include "../../ops/list.h"
#include "kernels/reduce/reduce.h"

static const struct {
  const QfOpDef *op;
  QfkReduceOp kernel;
} kinds[] = {
    {&qf_op_ReduceMean, QFK_REDUCE_MEAN}, {&qf_op_ReduceSum, QFK_REDUCE_SUM},
    {&qf_op_ReduceMax, QFK_REDUCE_MAX},   {&qf_op_ReduceMin, QFK_REDUCE_MIN},
    {&qf_op_ReduceProd, QFK_REDUCE_PROD}, {&qf_op_ReduceSumSquare, QFK_REDUCE_SUM_SQUARE},
    {&qf_op_ReduceL2, QFK_REDUCE_L2},
};

typedef struct {
  QfkReduce reduce;
  QfkReduceInt q;
  float m;
} Params;

/* One run function for each type that a kernel computes in. */
#define RUN(name, call)                                                                                      \
  static void name##_f32(const void *params, const void *const *in, void *const *out)                        \
  {                                                                                                          \
    call(f32);                                                                                               \
  }                                                                                                          \
  static void name##_f64(const void *params, const void *const *in, void *const *out)                        \
  {                                                                                                          \
    call(f64);                                                                                               \
  }                                                                                                          \
  static void name##_i64(const void *params, const void *const *in, void *const *out)                        \
  {                                                                                                          \
    call(i64);                                                                                               \
  }                                                                                                          \
  static void name##_u64(const void *params, const void *const *in, void *const *out)                        \
  {                                                                                                          \
    call(u64);                                                                                               \
  }
#define CALL_REDUCE(t) qfk_reduce_##t##_ref(&((const Params *)params)->reduce, in[0], out[0])
#define CALL_ARG(t) qfk_arg_##t##_ref(params, in[0], out[0])
#define CALL_CUMSUM(t) qfk_cumsum_##t##_ref(params, in[0], out[0])
#define CALL_TOPK(t) qfk_topk_##t##_ref(params, in[0], out[0], out[1])
RUN(reduce, CALL_REDUCE)
RUN(arg, CALL_ARG)
RUN(cumsum, CALL_CUMSUM)
RUN(topk, CALL_TOPK)

static void reduce_int(const void *params, const void *const *in, void *const *out)
{
  const Params *p = params;
  qfk_reduce_int_ref(&p->reduce, &p->q, in[0], out[0]);
}

/* Dimensions that are kept go to one nest, reduced ones to the other. */
static void describe(QfkReduce *r, const QfNode *node)
{
  const QfReduceAttrs *a = node->attrs;
  const QfTensor *x = node->inputs[0];
  int64_t strides[QF_MAX_RANK];
  uint32_t mask = a->axes.n ? 0 : UINT32_MAX;
  for (int32_t i = 0; i < a->axes.n; i++)
    mask |= 1u << a->axes.v[i];
  qf_ref_strides(x, strides);
  r->count = 1;
  r->kept = r->reduced = (QfkNd){.n_operands = 2};
  for (int32_t i = 0; i < x->rank; i++) {
    QfkNd *nd = mask >> i & 1 ? &r->reduced : &r->kept;
    nd->dims[nd->rank] = x->dims[i];
    nd->stride[1][nd->rank++] = strides[i];
    r->count *= mask >> i & 1 ? x->dims[i] : 1;
  }
  QfkNd *const both[] = {&r->kept, &r->reduced};
  for (int k = 0; k < 2; k++) {
    if (!both[k]->rank)
      both[k]->dims[both[k]->rank++] = 1;
    qfk_nd_collapse(both[k]);
  }
}

gboolean qf_ref_lower_reduce(QfLower *lower, QfNode *node, GError **error)
{
  const QfTensor *x = node->inputs[0], *y = node->outputs[0];
  Params *p = qf_lower_alloc(lower, sizeof(*p));
  QfkEncoding ex, ey;
  for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
    if (kinds[i].op == node->op)
      p->reduce.op = kinds[i].kernel;
  describe(&p->reduce, node);
  if (p->reduce.op <= QFK_REDUCE_MIN && qf_ref_is_encoded(x, &ex) && qf_ref_is_encoded(y, &ey)) {
    double count = p->reduce.op == QFK_REDUCE_MEAN ? (double)MAX(p->reduce.count, 1) : 1;
    p->m = (float)((double)ex.scale / (double)ey.scale / count);
    p->q = (QfkReduceInt){ex.type, ey.type, ex.zero, {.m = &p->m, .zero_point = ey.zero}};
    qf_ref_bounds(&ey, QF_ACT_NONE, 0, 0, &p->q.requant.lo, &p->q.requant.hi);
    if (p->reduce.op <= QFK_REDUCE_MEAN)
      p->q.requant.fixed =
          qf_ref_litert_reduce(lower, &ex, &ey, p->reduce.op == QFK_REDUCE_MEAN ? p->reduce.count : 1);
    if (lower->requant == QF_REQUANT_FIXED)
      qf_ref_fixed_one(lower, (double)ex.scale / (double)ey.scale / count, ex.type > QFK_S8, &p->q.requant);
    qf_ref_lower_plain(lower, node, "reduce_int_ref", reduce_int, p);
    return TRUE;
  }
  QfDType domain = qf_ref_domain(x);
  qf_ref_lower_as(lower, node, "reduce_ref",
                  qf_ref_by_domain(node->inputs[0], reduce_f32, reduce_f64, reduce_i64, reduce_u64), p,
                  (QfRefPorts){.as = domain, .in = 1, .out = 1});
  return TRUE;
}

static QfkAxis *new_axis(QfLower *lower, const QfTensor *x, int32_t axis)
{
  QfkAxis *p = qf_lower_alloc(lower, sizeof(*p));
  p->outer = qf_dims_count(x->dims, axis);
  p->n = x->dims[axis];
  p->inner = qf_dims_count(x->dims + axis + 1, x->rank - axis - 1);
  return p;
}

gboolean qf_ref_lower_arg(QfLower *lower, QfNode *node, GError **error)
{
  const QfAxisAttrs *a = node->attrs;
  const QfTensor *x = node->inputs[0];
  QfkAxis *p = new_axis(lower, x, a->axis);
  QfDType domain = qf_ref_domain(x);
  p->min = node->op == &qf_op_Argmin;
  p->last = a->last != 0;
  qf_ref_lower_as(lower, node, "arg_ref",
                  qf_ref_by_domain(node->inputs[0], arg_f32, arg_f64, arg_i64, arg_u64), p,
                  (QfRefPorts){.as = domain, .in = 1, .out = 1, .index_out = 1});
  return TRUE;
}

gboolean qf_ref_lower_cumsum(QfLower *lower, QfNode *node, GError **error)
{
  const QfAxisAttrs *a = node->attrs;
  QfkAxis *p = new_axis(lower, node->inputs[0], a->axis);
  QfDType domain = qf_ref_domain(node->inputs[0]);
  p->exclusive = a->exclusive != 0;
  p->reverse = a->reverse != 0;
  p->product = node->op == &qf_op_CumProd;
  qf_ref_lower_as(lower, node, "cumsum_ref",
                  qf_ref_by_domain(node->inputs[0], cumsum_f32, cumsum_f64, cumsum_i64, cumsum_u64), p,
                  (QfRefPorts){.as = domain, .in = 1, .out = 1});
  return TRUE;
}

gboolean qf_ref_lower_topk(QfLower *lower, QfNode *node, GError **error)
{
  const QfTopKAttrs *a = node->attrs;
  QfkAxis *p = new_axis(lower, node->inputs[0], a->axis);
  QfDType domain = qf_ref_domain(node->inputs[0]);
  p->min = !a->largest;
  p->k = a->k;
  if (node->n_outputs < 2)
    return qf_ref_unsupported(node, error, "its indices have no output", "give it a second output");
  qf_ref_lower_as(lower, node, "topk_ref",
                  qf_ref_by_domain(node->inputs[0], topk_f32, topk_f64, topk_i64, topk_u64), p,
                  (QfRefPorts){.as = domain, .in = 1, .out = 3, .index_out = 2});
  return TRUE;
}
