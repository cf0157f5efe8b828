/* SPDX-License-Identifier: MIT */
/*
 * loss.c - NegativeLogLikelihoodLoss and SoftmaxCrossEntropyLoss, written with gathers and reductions. A target that equals
 * ignore_index counts neither in the loss nor in the mean, and may lie outside of the classes.
 */
#include "map.h"

#include <string.h>

/* What the two losses share while they are mapped. */
typedef struct {
  QfTensor *target; /* [N, d...] within the classes */
  QfTensor *keep;   /* bool [N, d...], NULL: all count */
  QfTensor *weight; /* [N, d...], NULL: all count 1 */
} Terms;

/* Targets that are ignored become class 0, whose value is dropped later. */
static gboolean read_target(QfOnnxNode *n, Terms *t, GError **error)
{
  const Onnx__AttributeProto *ignore = qf_onnx_attr(n, "ignore_index");
  t->target = n->in[1];
  if (!ignore)
    return TRUE;
  QfDType dtype = t->target->dtype;
  QfTensor *index = qf_build_scalar(n->b, (double)qf_build_i32(ignore->i), dtype);
  t->keep = qf_build_apply2(n->b, "ElementWiseNotEqual", t->target, index, NULL, error);
  t->target = qf_onnx_select(n, t->keep, t->target, qf_build_scalar(n->b, 0, dtype), NULL, error);
  return t->target != NULL;
}

/* The weight of each target's class, 0 where it is ignored. */
static gboolean read_weight(QfOnnxNode *n, Terms *t, GError **error)
{
  QfTensor *weight = qf_onnx_input(n, 2);
  if (weight && (weight->rank != 1 || weight->dims[0] != n->in[0]->dims[1]))
    return qf_onnx_fail(n, error, QF_ERROR_SHAPE, "its weights '%s' do not have one number for each class",
                        weight->name);
  if (weight)
    t->weight = qf_build_apply2(n->b, "Gather", weight, t->target, NULL, error);
  if (weight && t->keep)
    t->weight =
        qf_onnx_select(n, t->keep, t->weight, qf_build_scalar(n->b, 0, QF_DTYPE_FLOAT32), NULL, error);
  if (!weight && t->keep)
    t->weight = qf_build_cast(n->b, t->keep, QF_DTYPE_FLOAT32, NULL, error);
  return t->weight || !(weight || t->keep);
}

static gboolean check_shapes(const QfOnnxNode *n, GError **error)
{
  const QfTensor *x = n->in[0], *target = n->in[1];
  gboolean fits = x->rank >= 2 && target->rank == x->rank - 1 && x->dims[1] > 0;
  for (int i = 0; fits && i < target->rank; i++)
    fits = target->dims[i] == x->dims[i ? i + 1 : 0];
  return fits || qf_onnx_fail(n, error, QF_ERROR_SHAPE,
                              "its input must be [N,C,d...] and its target [N,d...], but they have %d and "
                              "%d dimensions, or other sizes",
                              x->rank, target->rank);
}

/* -log_prob at each target, not yet weighted. */
static QfTensor *pick(QfOnnxNode *n, QfTensor *log_prob, const Terms *t, GError **error)
{
  QfInts column = qf_build_dims(log_prob), flat = qf_build_dims(t->target);
  column.v[1] = 1;
  QfTensor *in[] = {log_prob, qf_build_reshape(n->b, t->target, &column, NULL, error)};
  if (!in[1])
    return NULL;
  QfNode *node = qf_build_begin(n->b, "GatherElements", in, 2, NULL);
  ((QfGatherAttrs *)node->attrs)->axis = 1;
  QfTensor *y = qf_build_reshape(n->b, qf_build_end(n->b, node, error), &flat, NULL, error);
  return qf_build_apply1(n->b, "ElementWiseNeg", y, NULL, error);
}

static QfTensor *reduce_all(QfOnnxNode *n, const char *op, QfTensor *x, QfTensor *out, GError **error)
{
  QfInts axes = {.n = x ? x->rank : 0};
  for (int i = 0; i < axes.n; i++)
    axes.v[i] = i;
  return qf_build_reduce(n->b, op, x, &axes, FALSE, out, error);
}

static gboolean emit_loss(QfOnnxNode *n, QfTensor *log_prob, GError **error)
{
  static const char *const reductions[] = {"none", "sum", "mean", NULL};
  enum { NONE, SUM, MEAN };
  int32_t reduction;
  Terms t = {0};
  if (!log_prob || !qf_onnx_enum(n, "reduction", reductions, MEAN, &reduction, error) ||
      !read_target(n, &t, error) || !read_weight(n, &t, error))
    return FALSE;
  QfTensor *y = pick(n, log_prob, &t, error), *out = qf_onnx_output(n, 0);
  if (t.keep) /* an ignored value may be infinite, so it is not multiplied by 0 */
    y = qf_onnx_select(n, t.keep, y, qf_build_scalar(n->b, 0, QF_DTYPE_FLOAT32), NULL, error);
  if (t.weight)
    y = qf_build_apply2(n->b, "ElementWiseMultiply", y, t.weight, reduction == NONE ? out : NULL, error);
  if (reduction == NONE)
    return qf_onnx_bind(n, 0, y);
  if (reduction == SUM || !t.weight)
    return qf_onnx_bind(n, 0, reduce_all(n, reduction == SUM ? "ReduceSum" : "ReduceMean", y, out, error));
  y = reduce_all(n, "ReduceSum", y, NULL, error);
  QfTensor *total = reduce_all(n, "ReduceSum", t.weight, NULL, error);
  return qf_onnx_bind(n, 0, qf_build_apply2(n->b, "ElementWiseDivide", y, total, out, error));
}

static gboolean map_nll_loss(QfOnnxNode *n, GError **error)
{
  return check_shapes(n, error) && emit_loss(n, n->in[0], error);
}

static gboolean map_cross_entropy(QfOnnxNode *n, GError **error)
{
  if (!check_shapes(n, error))
    return FALSE;
  gboolean wanted = n->n_out > 1 && n->out_names[1];
  QfNode *node = qf_build_begin(n->b, "LogSoftmax", n->in, 1, wanted ? qf_onnx_output(n, 1) : NULL);
  QfAxisAttrs *a = node->attrs;
  a->axis = 1;
  a->beta = 1;
  QfTensor *log_prob = qf_build_end(n->b, node, error);
  if (wanted)
    n->out[1] = log_prob;
  return emit_loss(n, log_prob, error);
}

const QfOnnxRow qf_onnx_loss_rows[] = {
    {"", "NegativeLogLikelihoodLoss", map_nll_loss, 2, 3, NULL, 0},
    {"", "SoftmaxCrossEntropyLoss", map_cross_entropy, 2, 3, NULL, 0},
    {NULL},
};
