/* SPDX-License-Identifier: MIT */
/*
 * blockquant.c - what BlockQuantMatMul means: FullyConnected whose weights stay in the blocks that a file stores them in.
 * The formats are rows of kernels/blockquant/formats.inc.
 */
#include "list.h"
#include "infer.h"
#include "kernels/blockquant/format.h"

#include <string.h>

static const char *const format_names[] = {
#define QFK_BLOCK(name, ...) #name,
#include "kernels/blockquant/formats.inc"
#undef QFK_BLOCK
    NULL,
};

static const QfAttrDef attrs[] = {
    {"format", QF_ATTR_ENUM, offsetof(QfBlockQuantMatMulAttrs, format), 1, QFK_BLOCK_F32, format_names},
    {"in_features", QF_ATTR_INT, offsetof(QfBlockQuantMatMulAttrs, in_features), 1, 0, NULL},
    QF_EPILOGUE_ATTRS(QfBlockQuantMatMulAttrs),
    {NULL},
};

static gboolean infer_weight(const QfNode *node, GError **error)
{
  const QfBlockQuantMatMulAttrs *a = node->attrs;
  const QfTensor *w = node->inputs[1];
  if (a->format < 0 || a->format >= QFK_N_BLOCK_FORMATS)
    return qf_infer_fail(error, QF_ERROR_TYPE, "its block format %d is unknown", a->format);
  if (w->dtype != QF_DTYPE_UINT8 || w->enc.count)
    return qf_infer_fail(error, QF_ERROR_TYPE, "the weight (%s) must be the bytes of its blocks as uint8",
                         w->name);
  const QfkBlockDef *f = &qfk_block_formats[a->format];
  const int64_t k = a->in_features, bytes = (k + f->values - 1) / f->values * f->bytes;
  if (k <= 0 || w->dims[1] != bytes)
    return qf_infer_fail(error, QF_ERROR_SHAPE,
                         "a row of %" G_GINT64_FORMAT " weights in %s blocks takes %" G_GINT64_FORMAT
                         " bytes, but the rows of the weight (%s) have %" G_GINT64_FORMAT,
                         k, f->name, bytes, w->name, w->dims[1]);
  return TRUE;
}

static gboolean infer(QfNode *node, GError **error)
{
  const QfBlockQuantMatMulAttrs *a = node->attrs;
  if (!qf_infer_begin(node, error) || !qf_infer_rank(node, 0, 1, QF_MAX_RANK, error) ||
      !qf_infer_rank(node, 1, 2, 2, error) || !infer_weight(node, error))
    return FALSE;
  const QfTensor *x = node->inputs[0], *w = node->inputs[1], *b = qf_infer_in(node, 2);
  if (!qf_dtype_is_float(x->dtype) || (b && b->dtype != x->dtype))
    return qf_infer_fail(error, QF_ERROR_TYPE, "input (%s) and bias must be of one floating-point type",
                         qf_dtype_name(x->dtype));
  if (x->dims[x->rank - 1] != a->in_features) {
    g_autofree char *s = qf_dims_to_string(x->dims, x->rank);
    return qf_infer_fail(error, QF_ERROR_SHAPE,
                         "the weight reads rows of %d, but the last dimension of the input is that of %s",
                         a->in_features, s);
  }
  int64_t dims[QF_MAX_RANK];
  memcpy(dims, x->dims, sizeof(dims));
  dims[x->rank - 1] = w->dims[0];
  return qf_infer_set(node, 0, x->dtype, dims, x->rank, error) &&
         qf_infer_channels(node, 2, "bias", w->dims[0], error) &&
         qf_infer_epilogue(node, &a->epi, w->dims[0], error);
}

static uint64_t macs(const QfNode *node)
{
  const QfBlockQuantMatMulAttrs *a = node->attrs;
  return qf_infer_product(qf_tensor_count(node->outputs[0]), a->in_features);
}

const QfOpDef qf_op_BlockQuantMatMul = {
    .name = "BlockQuantMatMul",
    .summary = "y[...,m] = act(sum over k of x[...,k] * decoded(weight)[m,k] + bias[m])",
    .min_inputs = 2,
    .max_inputs = 5,
    .min_outputs = 1,
    .max_outputs = 1,
    .attrs_size = sizeof(QfBlockQuantMatMulAttrs),
    .attrs = attrs,
    .move = QF_MOVE_FIXED,
    .quant = QF_QUANT_NONE,
    .infer = infer,
    .macs = macs,
};
