/* SPDX-License-Identifier: MIT */
/*
 * map_fourier.c - RFFT2D and what is made of its result. Complex numbers are pairs along one more dimension, the last one;
 * only the operators that qf_tfl_takes_complex() names may have them, others would mix up the parts.
 */
#include "emit.h"

enum { RESHAPE = 22, RFFT2D = 131, IMAG = 133, REAL = 134, COMPLEX_ABS = 135 };

gboolean qf_tfl_takes_complex(const QfTflRow *row)
{
  static const uint32_t codes[] = {RESHAPE, RFFT2D, IMAG, REAL, COMPLEX_ABS};
  for (guint i = 0; i < G_N_ELEMENTS(codes); i++)
    if (codes[i] == row->code)
      return TRUE;
  return FALSE;
}

gboolean qf_tfl_is_complex(const QfTflNode *n, uint32_t input)
{
  int64_t index = qf_flat_at_int(&n->record->inputs, input, QF_FLAT_I32);
  return index >= 0 && n->scope->file->tensors[index].type == QF_TFL_COMPLEX64;
}

static QfTensor *transform(QfTflNode *n, QfTensor *x, int32_t axis, int64_t length, gboolean onesided,
                           QfTensor *out, GError **error)
{
  if (!x)
    return NULL;
  out = out ? out : qf_tfl_temp(n, "spectrum", NULL);
  QfNode *node = qf_tfl_new_node(n, "DFT", &x, 1, &out, 1);
  *(QfDftAttrs *)node->attrs =
      (QfDftAttrs){.axis = axis, .length = (int32_t)CLAMP(length, 0, G_MAXINT32), .onesided = onesided};
  return qf_tfl_add_node(n, node, error) ? out : NULL;
}

/* Rows first, half of each; then columns, where there is more than one. */
static gboolean map_rfft(QfTflNode *n, GError **error)
{
  const QfTensor *x = n->in[0];
  int64_t dims[QF_MAX_RANK];
  QfInts length;
  if (!qf_tfl_get_ints(n, 1, &length, error))
    return FALSE;
  if (length.n != 2 || x->rank < 2 || x->rank >= QF_MAX_RANK)
    return qf_tfl_fail(n, error, QF_ERROR_SHAPE,
                       "%d lengths for %d dimensions; two for 2 to %d are supported", length.n, x->rank,
                       QF_MAX_RANK - 1);
  for (int32_t i = 0; i < x->rank; i++)
    dims[i] = x->dims[i];
  dims[x->rank] = 1;
  gboolean flat = length.v[0] == 1 && x->dims[x->rank - 2] == 1;
  QfTensor *pairs = qf_tfl_emit_reshape(n, n->in[0], dims, x->rank + 1, NULL, error);
  QfTensor *rows = transform(n, pairs, x->rank - 1, length.v[1], TRUE, flat ? n->out[0] : NULL, error);
  return rows && (flat || transform(n, rows, x->rank - 2, length.v[0], FALSE, n->out[0], error));
}

static gboolean check_complex(const QfTflNode *n, GError **error)
{
  return qf_tfl_is_complex(n, 0) ||
         qf_tfl_fail(n, error, QF_ERROR_TYPE, "its input must be of type COMPLEX64");
}

static gboolean map_part(QfTflNode *n, GError **error)
{
  QfTensor *which = qf_tfl_emit_scalar(n, QF_DTYPE_INT32, n->row->code == IMAG);
  return check_complex(n, error) &&
         qf_tfl_emit_gather(n, n->in[0], which, n->in[0]->rank - 1, 0, n->out[0], error) != NULL;
}

static gboolean map_abs(QfTflNode *n, GError **error)
{
  return check_complex(n, error) &&
         qf_tfl_emit_reduce(n, "ReduceL2", n->in[0], n->in[0]->rank - 1, n->out[0], error) != NULL;
}

const QfTflRow qf_tfl_fourier_rows[] = {
    {RFFT2D, "RFFT2D", map_rfft, 2, 2, 1, NULL, NULL},
    {IMAG, "IMAG", map_part, 1, 1, 1, NULL, NULL},
    {REAL, "REAL", map_part, 1, 1, 1, NULL, NULL},
    {COMPLEX_ABS, "COMPLEX_ABS", map_abs, 1, 1, 1, NULL, NULL},
    {0},
};
