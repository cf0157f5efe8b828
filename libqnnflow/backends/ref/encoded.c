/* SPDX-License-Identifier: MIT */
/*
 * encoded.c - questions about tensors that several rows ask. See encoded.h.
 */
#include "encoded.h"

gboolean qf_ref_int_type(QfDType dtype, QfkInt *type)
{
  static const struct {
    QfDType dtype;
    QfkInt type;
  } types[] = {{QF_DTYPE_UINT8, QFK_U8},
               {QF_DTYPE_INT8, QFK_S8},
               {QF_DTYPE_UINT16, QFK_U16},
               {QF_DTYPE_INT16, QFK_S16}};
  for (size_t i = 0; i < G_N_ELEMENTS(types); i++)
    if (types[i].dtype == dtype) {
      *type = types[i].type;
      return TRUE;
    }
  return FALSE;
}

gboolean qf_ref_is_encoded(const QfTensor *t, QfkEncoding *e)
{
  QfkInt type;
  if (t->enc.count != 1 || !qf_ref_int_type(t->dtype, &type))
    return FALSE;
  int64_t lo, hi, zero = -(int64_t)t->enc.entries[0].offset;
  qf_dtype_range(t->dtype, &lo, &hi);
  if (zero < lo || zero > hi) /* the integer forms count on it; float ones do not */
    return FALSE;
  if (e)
    *e = (QfkEncoding){type, t->enc.entries[0].scale, (int32_t)zero};
  return TRUE;
}

gboolean qf_ref_same_form(const QfTensor *a, const QfTensor *b)
{
  return a->dtype == b->dtype &&
         (!a->enc.count || !b->enc.count || a->enc.count > 1 || qf_encoding_equal(&a->enc, &b->enc));
}

void qf_ref_bounds(const QfkEncoding *y, int32_t act, float act_lo, float act_hi, int32_t *lo, int32_t *hi)
{
  static const int32_t range[][2] = {{0, 255}, {-128, 127}, {0, 65535}, {-32768, 32767}};
  *lo = range[y->type][0];
  *hi = range[y->type][1];
  if (act != QF_ACT_CLAMP)
    return;
  *lo = qfk_requant_bound(act_lo, y->scale, y->zero, range[y->type][0], range[y->type][1]);
  *hi = qfk_requant_bound(act_hi, y->scale, y->zero, range[y->type][0], range[y->type][1]);
}

QfDType qf_ref_domain(const QfTensor *t)
{
  if (t->dtype == QF_DTYPE_FLOAT64)
    return QF_DTYPE_FLOAT64;
  return t->enc.count || qf_dtype_is_float(t->dtype) ? QF_DTYPE_FLOAT32 : QF_DTYPE_INT64;
}

QfRefFunc qf_ref_by_domain(const QfTensor *t, QfRefFunc f32, QfRefFunc f64, QfRefFunc i64, QfRefFunc u64)
{
  QfDType domain = qf_ref_domain(t);
  if (domain == QF_DTYPE_INT64)
    return t->dtype == QF_DTYPE_UINT64 ? u64 : i64;
  return domain == QF_DTYPE_FLOAT32 ? f32 : f64;
}

void qf_ref_strides(const QfTensor *t, int64_t *strides)
{
  int64_t s = 1;
  for (int32_t i = t->rank - 1; i >= 0; i--) {
    strides[i] = s;
    s *= t->dims[i];
  }
}

void qf_ref_broadcast_nest(QfkNd *nd, const int64_t *dims, int32_t rank, const QfTensor *const *tensors,
                           int32_t n)
{
  int64_t strides[QF_MAX_RANK];
  *nd = (QfkNd){.rank = MAX(rank, 1), .n_operands = n, .dims = {1}};
  for (int32_t i = 0; i < rank; i++)
    nd->dims[i] = dims[i];
  for (int32_t k = 0; k < n; k++) {
    const QfTensor *t = tensors[k];
    qf_ref_strides(t, strides);
    for (int32_t i = 0; i < t->rank; i++)
      nd->stride[k][rank - t->rank + i] = t->dims[i] == 1 ? 0 : strides[i];
  }
  qfk_nd_collapse(nd);
}
