/* SPDX-License-Identifier: MIT */
/*
 * select.c - operators whose outputs are as long as the values say: NonZero, Compress, Unique, NonMaxSuppression.
 */
#include "ops.h"
#include "../../../kernels/select/select.h"

#include <math.h>
#include <string.h>

static size_t count_of(const QfValue *v)
{
  return (size_t)qf_dims_count(qf_value_dims(v), qf_value_rank(v));
}

gboolean qf_program_op_non_zero(QfCall *call, GError **error)
{
  if (!qf_call_tensor(call, 0, error))
    return FALSE;
  const QfValue *x = call->in[0];
  size_t element = qf_dtype_size(qf_value_dtype(x));
  gboolean is_float = qf_dtype_is_float(qf_value_dtype(x));
  size_t n = qfk_nonzero_count_ref(qf_value_data(x), count_of(x), element, is_float);
  int64_t dims[2] = {qf_value_rank(x), (int64_t)n};
  int64_t *y = g_try_new(int64_t, (size_t)qf_value_rank(x) * n + 1);
  if (!y)
    return qf_call_fail(call, error, QF_ERROR_LIMIT, "memory for its output cannot be had");
  qfk_nonzero_ref(qf_value_data(x), qf_value_dims(x), qf_value_rank(x), element, is_float, n, y);
  call->out[0] = qf_tensor_value(QF_DTYPE_INT64, dims, 2, y);
  return TRUE;
}

/* A tensor seen as [outer][n][inner] around an axis; without an axis it is flat. */
typedef struct {
  size_t outer, n, inner;
  int32_t axis; /* of the output */
} Around;

static gboolean look_around(const QfCall *call, Around *a, GError **error)
{
  const QfValue *x = call->in[0];
  const QfProgramAttr *attr = qf_program_attr(call->node, "axis");
  *a = (Around){1, count_of(x), 1, 0};
  if (!attr)
    return TRUE;
  if (!qf_call_axis(call, attr->i, qf_value_rank(x), &a->axis, error))
    return FALSE;
  a->outer = (size_t)qf_dims_count(qf_value_dims(x), a->axis);
  a->n = (size_t)qf_value_dims(x)[a->axis];
  a->inner = (size_t)qf_dims_count(qf_value_dims(x) + a->axis + 1, qf_value_rank(x) - a->axis - 1);
  return TRUE;
}

/* The tensor that keeps @n items along the axis; @data is taken over. */
static QfValue *kept_value(const QfCall *call, const Around *a, size_t n, void *data)
{
  const QfValue *x = call->in[0];
  gboolean flat = !qf_program_attr(call->node, "axis");
  int64_t dims[QF_MAX_RANK] = {0};
  for (int i = 0; !flat && i < qf_value_rank(x); i++)
    dims[i] = qf_value_dims(x)[i];
  dims[a->axis] = (int64_t)n;
  return qf_tensor_value(qf_value_dtype(x), dims, flat ? 1 : qf_value_rank(x), data);
}

gboolean qf_program_op_compress(QfCall *call, GError **error)
{
  Around a;
  if (!qf_call_tensor(call, 0, error) || !qf_call_tensor(call, 1, error) || !look_around(call, &a, error))
    return FALSE;
  const QfValue *x = call->in[0], *keep = call->in[1];
  if (qf_value_dtype(keep) != QF_DTYPE_BOOL)
    return qf_call_fail(call, error, QF_ERROR_TYPE, "its condition must be bool");
  size_t element = qf_dtype_size(qf_value_dtype(x)), n_keep = MIN(count_of(keep), a.n);
  void *y = g_malloc(count_of(x) * element + 1);
  size_t n =
      qfk_compress_ref(qf_value_data(x), a.outer, a.n, a.inner * element, qf_value_data(keep), n_keep, y);
  call->out[0] = kept_value(call, &a, n, y);
  return TRUE;
}

static const QfkOrder orders[QF_N_DTYPES] = {
    [QF_DTYPE_FLOAT32] = QFK_ORDER_F32, [QF_DTYPE_FLOAT64] = QFK_ORDER_F64, [QF_DTYPE_INT8] = QFK_ORDER_I8,
    [QF_DTYPE_UINT8] = QFK_ORDER_U8,    [QF_DTYPE_BOOL] = QFK_ORDER_U8,     [QF_DTYPE_INT16] = QFK_ORDER_I16,
    [QF_DTYPE_UINT16] = QFK_ORDER_U16,  [QF_DTYPE_INT32] = QFK_ORDER_I32,   [QF_DTYPE_UINT32] = QFK_ORDER_U32,
    [QF_DTYPE_INT64] = QFK_ORDER_I64,   [QF_DTYPE_UINT64] = QFK_ORDER_U64,
};

/* Items first[0..n) of x along the axis. */
static void *take_items(const QfValue *x, const Around *a, const int64_t *first, size_t n)
{
  size_t bytes = a->inner * qf_dtype_size(qf_value_dtype(x));
  uint8_t *y = g_malloc(a->outer * n * bytes + 1);
  for (size_t o = 0; bytes && o < a->outer; o++)
    for (size_t k = 0; k < n; k++)
      memcpy(y + (o * n + k) * bytes,
             (const uint8_t *)qf_value_data(x) + (o * a->n + (size_t)first[k]) * bytes, bytes);
  return y;
}

gboolean qf_program_op_unique(QfCall *call, GError **error)
{
  Around a;
  if (!qf_call_tensor(call, 0, error) || !look_around(call, &a, error))
    return FALSE;
  gboolean half =
      qf_value_dtype(call->in[0]) == QF_DTYPE_FLOAT16 || qf_value_dtype(call->in[0]) == QF_DTYPE_BFLOAT16;
  g_autoptr(QfValue) x = half ? qf_value_cast(call->in[0], QF_DTYPE_FLOAT32) : qf_value_ref(call->in[0]);
  QfkUnique u = {qf_value_data(x),
                 a.outer,
                 a.n,
                 a.inner,
                 orders[qf_value_dtype(x)],
                 qf_program_int(call->node, "sorted", 1) != 0};
  int64_t *lists[3]; /* first, inverse, counts */
  g_autofree int64_t *scratch = g_new(int64_t, 3 * a.n + 1);
  for (int i = 0; i < 3; i++)
    lists[i] = g_new0(int64_t, a.n + 1);
  int64_t n = (int64_t)qfk_unique_ref(&u, lists[0], lists[1], lists[2], scratch), all = (int64_t)a.n;
  call->out[0] = kept_value(call, &a, (size_t)n, take_items(call->in[0], &a, lists[0], (size_t)n));
  for (int i = 0; i < 3; i++)
    call->out[1 + i] = qf_tensor_value(QF_DTYPE_INT64, i == 1 ? &all : &n, 1, lists[i]);
  return TRUE;
}

/* A parameter of NonMaxSuppression. */
static gboolean read_number(const QfCall *call, uint32_t index, double *value, GError **error)
{
  if (index >= call->n_in || !call->in[index])
    return TRUE;
  if (!qf_call_tensor(call, index, error))
    return FALSE;
  if (count_of(call->in[index]) != 1)
    return qf_call_fail(call, error, QF_ERROR_SHAPE, "input %u must be a single number", index);
  *value = qf_number_real(qf_value_dtype(call->in[index]), qf_value_data(call->in[index]), 0);
  return TRUE;
}

static gboolean check_boxes(const QfCall *call, GError **error)
{
  for (uint32_t i = 0; i < 2; i++)
    if (!qf_call_tensor(call, i, error))
      return FALSE;
  const QfValue *boxes = call->in[0], *scores = call->in[1];
  const int64_t *b = qf_value_dims(boxes), *s = qf_value_dims(scores);
  if (qf_value_rank(boxes) == 3 && qf_value_rank(scores) == 3 && b[2] == 4 && b[0] == s[0] && b[1] == s[2] &&
      qf_value_dtype(boxes) == QF_DTYPE_FLOAT32 && qf_value_dtype(scores) == QF_DTYPE_FLOAT32)
    return TRUE;
  return qf_call_fail(call, error, QF_ERROR_SHAPE,
                      "boxes must be float32 [batch, n, 4] and scores [batch, classes, n]");
}

gboolean qf_program_op_non_max_suppression(QfCall *call, GError **error)
{
  double most = 0, iou = 0, score = -INFINITY;
  if (!check_boxes(call, error) || !read_number(call, 2, &most, error) ||
      !read_number(call, 3, &iou, error) || !read_number(call, 4, &score, error))
    return FALSE;
  const int64_t *s = qf_value_dims(call->in[1]);
  size_t n = (size_t)s[2];
  QfkChoice c = {n, (size_t)CLAMP(most, 0, 1e9), (float)iou, (float)score,
                 qf_program_int(call->node, "center_point_box", 0) != 0};
  const float *boxes = qf_value_data(call->in[0]), *scores = qf_value_data(call->in[1]);
  g_autofree int64_t *chosen = g_new(int64_t, n + 1), *scratch = g_new(int64_t, 2 * n + 1);
  g_autoptr(GArray) rows = g_array_new(FALSE, FALSE, sizeof(int64_t));
  for (int64_t b = 0; b < s[0]; b++)
    for (int64_t k = 0; k < s[1]; k++) {
      size_t found = qfk_choose_boxes_ref(&c, boxes + (size_t)b * n * 4, scores + (size_t)(b * s[1] + k) * n,
                                          chosen, scratch);
      for (size_t i = 0; i < found; i++)
        g_array_append_vals(rows, (int64_t[]){b, k, chosen[i]}, 3);
    }
  int64_t dims[2] = {rows->len / 3, 3};
  call->out[0] = qf_tensor_value(QF_DTYPE_INT64, dims, 2, g_memdup2(rows->data, rows->len * sizeof(int64_t)));
  return TRUE;
}
