/* SPDX-License-Identifier: MIT */
/*
 * types.c - which operators compute in float64. The graph's arithmetic, comparisons, reductions and moves do; for the others, and where
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
    n->in[i] = qf_onnx_cast(n, n->in[i], QF_DTYPE_FLOAT32, NULL, error);
    if (!n->in[i])
      return FALSE;
  }
  return TRUE;
}
