/* SPDX-License-Identifier: MIT */
/*
 * matmul.c - what FullyConnected (constant weights [out, in]) and MatMul (two data inputs) mean.
 * Their numbers are in kernels/gemm.
 */
#include "list.h"
#include "infer.h"

static const QfAttrDef fc_attrs[] = {
    {"keep_dims", QF_ATTR_BOOL, offsetof(QfFullyConnectedAttrs, keep_dims), 1, 0, NULL},
    QF_EPILOGUE_ATTRS(QfFullyConnectedAttrs),
    {NULL},
};

static const QfAttrDef matmul_attrs[] = {
    {"transpose_in0", QF_ATTR_BOOL, offsetof(QfMatMulAttrs, transpose_in0), 1, 0, NULL},
    {"transpose_in1", QF_ATTR_BOOL, offsetof(QfMatMulAttrs, transpose_in1), 1, 0, NULL},
    {NULL},
};

/* With keep_dims the last dimension is replaced, else rows come from all elements. */
static gboolean fc_shape(const QfNode *node, int64_t m, int64_t k, int64_t *dims, int32_t *rank,
                         GError **error)
{
  const QfTensor *x = node->inputs[0];
  const QfFullyConnectedAttrs *a = node->attrs;
  int64_t count = qf_tensor_count(x);
  gboolean fits = k > 0 && (a->keep_dims ? x->rank >= 1 && x->dims[x->rank - 1] == k : count % k == 0);
  if (!fits) {
    g_autofree char *s = qf_dims_to_string(x->dims, x->rank);
    return qf_infer_fail(error, QF_ERROR_SHAPE,
                         "the weight reads rows of %" G_GINT64_FORMAT ", into which the input of %s does not "
                         "divide: check the input's shape",
                         k, s);
  }
  *rank = a->keep_dims ? x->rank : 2;
  for (int32_t i = 0; i < *rank; i++)
    dims[i] = a->keep_dims ? x->dims[i] : count / k;
  dims[*rank - 1] = m;
  return TRUE;
}

static gboolean infer_fc(QfNode *node, GError **error)
{
  const QfFullyConnectedAttrs *a = node->attrs;
  if (!qf_infer_begin(node, error) || !qf_infer_rank(node, 1, 2, 2, error) ||
      !qf_infer_same_type(node, 0, 1, error))
    return FALSE;
  const QfTensor *x = node->inputs[0], *w = node->inputs[1], *b = qf_infer_in(node, 2);
  int64_t dims[QF_MAX_RANK];
  int32_t rank = 0;
  if ((x->enc.count != 0) != (w->enc.count != 0))
    return qf_infer_fail(error, QF_ERROR_TYPE,
                         "input 0 (%s) and the weight (%s) must both be quantized or both be float", x->name,
                         w->name);
  if (b && !x->enc.count && b->dtype != x->dtype)
    return qf_infer_fail(error, QF_ERROR_TYPE, "the bias (%s) must be %s, but is %s", b->name,
                         qf_dtype_name(x->dtype), qf_dtype_name(b->dtype));
  if (b && x->enc.count && b->dtype != QF_DTYPE_INT32 && b->dtype != QF_DTYPE_INT64)
    return qf_infer_fail(error, QF_ERROR_TYPE, "the bias (%s) of quantized data must be int32, but is %s",
                         b->name, qf_dtype_name(b->dtype));
  return fc_shape(node, w->dims[0], w->dims[1], dims, &rank, error) &&
         qf_infer_set(node, 0, x->dtype, dims, rank, error) &&
         qf_infer_channels(node, 2, "bias", w->dims[0], error) &&
         qf_infer_epilogue(node, &a->epi, w->dims[0], error);
}

static uint64_t macs_fc(const QfNode *node)
{
  return qf_infer_product(qf_tensor_count(node->outputs[0]), node->inputs[1]->dims[1]);
}

/* A vector counts as one row (left) or one column (right), which the output then lacks. */
typedef struct {
  int64_t rows, columns;
  int32_t batch; /* leading dimensions */
} Matrix;

static Matrix as_matrix(const QfTensor *t, gboolean right, gboolean transpose)
{
  Matrix m = {1, 1, MAX(t->rank - 2, 0)};
  if (t->rank == 1)
    *(right ? &m.rows : &m.columns) = t->dims[0];
  else {
    m.rows = t->dims[t->rank - (transpose ? 1 : 2)];
    m.columns = t->dims[t->rank - (transpose ? 2 : 1)];
  }
  return m;
}

static gboolean infer_matmul(QfNode *node, GError **error)
{
  const QfMatMulAttrs *attrs = node->attrs;
  if (!qf_infer_begin(node, error) || !qf_infer_rank(node, 0, 1, QF_MAX_RANK, error) ||
      !qf_infer_rank(node, 1, 1, QF_MAX_RANK, error) || !qf_infer_same_type(node, 0, 1, error))
    return FALSE;
  const QfTensor *a = node->inputs[0], *b = node->inputs[1];
  Matrix ma = as_matrix(a, FALSE, attrs->transpose_in0), mb = as_matrix(b, TRUE, attrs->transpose_in1);
  int32_t rank = MAX(ma.batch, mb.batch);
  int64_t dims[QF_MAX_RANK];
  gboolean fits = ma.columns == mb.rows;
  for (int32_t i = 0; i < rank; i++) {
    int32_t ia = i - (rank - ma.batch), ib = i - (rank - mb.batch);
    int64_t da = ia >= 0 ? a->dims[ia] : 1, db = ib >= 0 ? b->dims[ib] : 1;
    fits = fits && (da == db || da == 1 || db == 1);
    dims[i] = da == 1 ? db : da;
  }
  if (!fits) {
    g_autofree char *sa = qf_dims_to_string(a->dims, a->rank);
    g_autofree char *sb = qf_dims_to_string(b->dims, b->rank);
    return qf_infer_fail(error, QF_ERROR_SHAPE,
                         "%s times %s is not defined (transposed: %d, %d): inner dimensions must be equal "
                         "and leading ones broadcast",
                         sa, sb, attrs->transpose_in0, attrs->transpose_in1);
  }
  if (a->rank > 1)
    dims[rank++] = ma.rows;
  if (b->rank > 1)
    dims[rank++] = mb.columns;
  return qf_infer_set(node, 0, a->dtype, dims, rank, error);
}

static uint64_t macs_matmul(const QfNode *node)
{
  const QfMatMulAttrs *attrs = node->attrs;
  Matrix a = as_matrix(node->inputs[0], FALSE, attrs->transpose_in0);
  return qf_infer_product(qf_tensor_count(node->outputs[0]), a.columns);
}

const QfOpDef qf_op_FullyConnected = {
    .name = "FullyConnected",
    .summary = "y[r,m] = act(sum over k of x[r,k] * weight[m,k] + bias[m])",
    .min_inputs = 2,
    .max_inputs = 5,
    .min_outputs = 1,
    .max_outputs = 1,
    .attrs_size = sizeof(QfFullyConnectedAttrs),
    .attrs = fc_attrs,
    .move = QF_MOVE_FIXED,
    .quant = QF_QUANT_WEIGHTED,
    .infer = infer_fc,
    .macs = macs_fc,
};

const QfOpDef qf_op_MatMul = {
    .name = "MatMul",
    .summary = "y[...,m,n] = sum over k of a[...,m,k] * b[...,k,n], leading dimensions broadcast",
    .min_inputs = 2,
    .max_inputs = 2,
    .min_outputs = 1,
    .max_outputs = 1,
    .attrs_size = sizeof(QfMatMulAttrs),
    .attrs = matmul_attrs,
    .move = QF_MOVE_FIXED,
    .quant = QF_QUANT_ANY,
    .infer = infer_matmul,
    .macs = macs_matmul,
};
