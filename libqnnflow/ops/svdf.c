/* SPDX-License-Identifier: MIT */
/*
 * svdf.c - what Svdf means; inputs and their order are in attrs.h. Numbers: kernels/recurrent/svdf.h.
 */
#include "list.h"
#include "infer.h"

#define SVDF(member) offsetof(QfSvdfAttrs, member)

static const char *const hybrid_names[] = {"none", "symmetric", "asymmetric", NULL};

static const QfAttrDef svdf_attrs[] = {
    {"rank", QF_ATTR_INT, SVDF(rank), 1, 1, NULL},
    {"activation", QF_ATTR_INT, SVDF(act), 1, QF_CELL_AFFINE, NULL},
    {"activation_alpha", QF_ATTR_FLOAT, SVDF(alpha), 1, 1, NULL},
    {"activation_beta", QF_ATTR_FLOAT, SVDF(beta), 1, 0, NULL},
    {"hybrid", QF_ATTR_ENUM, SVDF(hybrid), 1, 0, hybrid_names},
    {NULL},
};

static gboolean infer_svdf(QfNode *node, GError **error)
{
  const QfSvdfAttrs *a = node->attrs;
  if (!qf_infer_begin(node, error))
    return FALSE;
  for (uint32_t i = 0; i < 3; i++)
    if (!qf_infer_rank(node, i, 2, 2, error))
      return FALSE;
  const QfTensor *x = node->inputs[0], *w = node->inputs[1], *t = node->inputs[2], *state = node->inputs[4];
  const QfTensor *bias = node->inputs[3];
  if (a->rank < 1 || a->act < 0 || a->act >= QF_N_CELL_ACTIVATIONS || a->hybrid < 0 || a->hybrid > 2)
    return qf_infer_fail(error, QF_ERROR_FORMAT, "rank %d, activation %d or hybrid %d is not known", a->rank,
                         a->act, a->hybrid);
  if (w->dims[1] != x->dims[1] || t->dims[0] != w->dims[0] || w->dims[0] % a->rank || t->dims[1] < 1 ||
      (uint64_t)qf_tensor_count(state) !=
          qf_infer_product((uint64_t)x->dims[0], (uint64_t)qf_tensor_count(t)))
    return qf_infer_fail(error, QF_ERROR_SHAPE,
                         "%" G_GINT64_FORMAT " filters of rank %d with a memory of %" G_GINT64_FORMAT
                         " do not fit its data or its state",
                         w->dims[0], a->rank, t->dims[1]);
  for (uint32_t i = 0; i < 5; i++)
    if (node->inputs[i] && !node->inputs[i]->enc.count && !qf_dtype_is_float(node->inputs[i]->dtype) &&
        !(i == 3 && bias->dtype == QF_DTYPE_INT32))
      return qf_infer_fail(error, QF_ERROR_TYPE, "input %u (%s) must be float or quantized", i,
                           node->inputs[i]->name);
  const int64_t dims[] = {x->dims[0], w->dims[0] / a->rank};
  return qf_infer_channels(node, 3, "bias", dims[1], error) &&
         qf_infer_set(node, 0, x->dtype, dims, 2, error) && qf_infer_like(node, 1, state, error);
}

static uint64_t macs_svdf(const QfNode *node)
{
  uint64_t weights = (uint64_t)qf_tensor_count(node->inputs[1]) + (uint64_t)qf_tensor_count(node->inputs[2]);
  return qf_infer_product((uint64_t)node->inputs[0]->dims[0], weights);
}

const QfOpDef qf_op_Svdf = {
    .name = "Svdf",
    .summary = "y = act(sum over rank and time of time_weight * (the last features . x) + bias)",
    .min_inputs = 5,
    .max_inputs = 5,
    .min_outputs = 2,
    .max_outputs = 2,
    .attrs_size = sizeof(QfSvdfAttrs),
    .attrs = svdf_attrs,
    .move = QF_MOVE_FIXED,
    .quant = QF_QUANT_ANY,
    .infer = infer_svdf,
    .macs = macs_svdf,
};
