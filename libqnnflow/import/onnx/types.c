/* SPDX-License-Identifier: MIT */
/*
 * types.c - what the file declares of its outputs, and which operators compute in float64. The graph's arithmetic, comparisons, reductions and moves do; for the others, and where
 * float32 is mixed in, float64 is converted on the way in, as float16 and bfloat16 are everywhere.
 */
#include "map.h"

#include <string.h>

static const char *const in_double[] = {
    "Abs",
    "Acos",
    "Acosh",
    "Add",
    "ArgMax",
    "ArgMin",
    "Asin",
    "Asinh",
    "Atan",
    "Atanh",
    "BitCast",
    "Cast",
    "CastLike",
    "Ceil",
    "Concat",
    "Cos",
    "Cosh",
    "CumProd",
    "CumSum",
    "Div",
    "Equal",
    "Erf",
    "Exp",
    "Expand",
    "Flatten",
    "Floor",
    "Gather",
    "GatherElements",
    "GatherND",
    "Greater",
    "GreaterOrEqual",
    "Identity",
    "IsInf",
    "IsNaN",
    "Less",
    "LessOrEqual",
    "Log",
    "Max",
    "Min",
    "Mod",
    "Mul",
    "Neg",
    "Pow",
    "Reciprocal",
    "ReduceL1",
    "ReduceL2",
    "ReduceMax",
    "ReduceMean",
    "ReduceMin",
    "ReduceProd",
    "ReduceSum",
    "ReduceSumSquare",
    "Relu",
    "Reshape",
    "Round",
    "ScatterElements",
    "ScatterND",
    "Shape",
    "Sigmoid",
    "Sign",
    "Sin",
    "Sinh",
    "Size",
    "Slice",
    "Split",
    "Sqrt",
    "Squeeze",
    "Sub",
    "Sum",
    "Tan",
    "Tanh",
    "Tile",
    "TopK",
    "Transpose",
    "Unsqueeze",
    "Where",
    NULL,
};

gboolean qf_onnx_settle_floats(QfOnnxNode *n, GError **error)
{
  gboolean any = FALSE, only = TRUE;
  for (uint32_t i = 0; i < n->n_in; i++)
    if (n->in[i] && qf_dtype_is_float(n->in[i]->dtype)) {
      any |= n->in[i]->dtype == QF_DTYPE_FLOAT64;
      only &= n->in[i]->dtype == QF_DTYPE_FLOAT64;
    }
  if (!any || (only && !*n->row->domain && g_strv_contains(in_double, n->row->op)))
    return TRUE;
  for (uint32_t i = 0; i < n->n_in; i++) {
    if (!n->in[i] || n->in[i]->dtype != QF_DTYPE_FLOAT64)
      continue;
    n->in[i] = qf_build_cast(n->b, n->in[i], QF_DTYPE_FLOAT32, NULL, error);
    if (!n->in[i])
      return FALSE;
  }
  return TRUE;
}

/* Sizes may come from another batch than this one; the computed ones count. */
static void tell_sizes(const QfOnnx *onnx, const Onnx__ValueInfoProto *v, const QfTensor *t)
{
  const Onnx__TensorShapeProto *shape = v->type->tensor_type->shape;
  if (onnx->options->n_input_dims || onnx->source)
    return;
  for (int i = 0; i < t->rank; i++) {
    const Onnx__TensorShapeDim *d = shape->dim[i];
    int64_t declared = d->value_case == ONNX__TENSOR_SHAPE_DIM__VALUE_DIM_VALUE ? d->dim_value : 0;
    if (declared > 0 && declared != t->dims[i])
      g_message("%s: output '%s' is declared with %" G_GINT64_FORMAT
                " as its dimension %d, but its node gives "
                "%" G_GINT64_FORMAT,
                onnx->file->name, v->name, declared, i, t->dims[i]);
  }
}

gboolean qf_onnx_check_declared(const QfOnnx *onnx, const Onnx__ValueInfoProto *v, const QfTensor *t,
                                GError **error)
{
  const Onnx__TensorTypeProto *type = v->type ? v->type->tensor_type : NULL;
  const QfDType declared = type ? qf_onnx_stored_dtype(type->elem_type) : QF_DTYPE_INVALID;
  if (declared != QF_DTYPE_INVALID && declared != t->dtype &&
      !(qf_dtype_is_float(declared) && qf_dtype_is_float(t->dtype))) {
    g_set_error(error, QF_ERROR, QF_ERROR_TYPE,
                "%s: output '%s' is declared as %s, but its node gives %s; export the model again, or "
                "declare what it gives",
                onnx->file->name, v->name, qf_dtype_name(declared), qf_dtype_name(t->dtype));
    return FALSE;
  }
  if (!type || !type->shape || !type->shape->n_dim) /* no dimensions: seen where a file means any */
    return TRUE;
  if (type->shape->n_dim != (size_t)t->rank) {
    g_autofree char *dims = qf_dims_to_string(t->dims, t->rank);
    g_set_error(error, QF_ERROR, QF_ERROR_SHAPE,
                "%s: output '%s' is declared with %" G_GSIZE_FORMAT
                " dimensions, but its node gives %d (%s); export the model again, or declare what it gives",
                onnx->file->name, v->name, type->shape->n_dim, t->rank, dims);
    return FALSE;
  }
  tell_sizes(onnx, v, t);
  return TRUE;
}
