/* SPDX-License-Identifier: MIT */
/*
 * window.c - what rare operators over windows and boxes mean: ReduceWindow, MaxPoolWithArgmax and MaxUnpool2d, and
 * SoftNonMaxSuppression. Numbers: kernels/window, kernels/detection.
 */
#include "list.h"
#include "infer.h"

#define WINDOW(member) offsetof(QfWindowAttrs, member)
#define ARG_POOL(member) offsetof(QfArgPoolAttrs, member)

static const char *const reductions[] = {"add", "mul", "min", "max", NULL};
static const QfAttrDef window_attrs[] = {
    {"reduction", QF_ATTR_ENUM, WINDOW(reduction), 1, 0, reductions},
    {"window", QF_ATTR_PER_AXIS, WINDOW(window), 1, 1, NULL},
    {"stride", QF_ATTR_PER_AXIS, WINDOW(stride), 1, 1, NULL},
    {"dilation", QF_ATTR_PER_AXIS, WINDOW(dilation), 1, 1, NULL},
    {NULL},
};
static const QfAttrDef arg_pool_attrs[] = {
    {"filter_size", QF_ATTR_INT, ARG_POOL(filter), 2, 1, NULL},
    {"stride", QF_ATTR_INT, ARG_POOL(stride), 2, 1, NULL},
    {"pad_amount", QF_ATTR_INT, ARG_POOL(pad), 4, 0, NULL},
    {NULL},
};
static const QfAttrDef suppress_attrs[] = {
    {"max_boxes_selected", QF_ATTR_INT, offsetof(QfSuppressAttrs, wanted), 1, 1, NULL},
    {NULL},
};

#define MAX_WINDOW (1 << 24)

/* Constants are computed when a model is loaded, which must not take long whatever a file says. */
static gboolean check_work(const QfNode *node, uint64_t a, uint64_t b, GError **error)
{
  return !qf_tensor_data(node->inputs[0]) || qf_infer_product(a, b) <= 1 << 28 ||
         qf_infer_fail(error, QF_ERROR_LIMIT, "computing it from constants takes too long: use smaller ones");
}

static gboolean infer_window(QfNode *node, GError **error)
{
  const QfWindowAttrs *a = node->attrs;
  int64_t dims[QF_MAX_RANK], total = 1;
  if (!qf_infer_begin(node, error) || !qf_infer_rank(node, 0, 1, QF_MAX_RANK, error))
    return FALSE;
  const QfTensor *x = node->inputs[0];
  if (a->reduction < 0 || a->reduction > 3 || a->window.n != x->rank || a->stride.n != x->rank ||
      a->dilation.n != x->rank || qf_tensor_count(node->inputs[1]) != 1)
    return qf_infer_fail(
        error, QF_ERROR_SHAPE,
        "it needs a window, a stride and a dilation for each of %d dimensions, and one initial value",
        x->rank);
  for (int32_t i = 0; i < x->rank; i++) {
    int64_t v[] = {a->window.v[i], a->stride.v[i], a->dilation.v[i]};
    for (int k = 0; k < 3; k++)
      if (v[k] < 1 || v[k] > MAX_WINDOW)
        return qf_infer_fail(error, QF_ERROR_SHAPE,
                             "a window, stride or dilation of %" G_GINT64_FORMAT " is not possible", v[k]);
    if ((total *= v[0]) > MAX_WINDOW)
      return qf_infer_fail(error, QF_ERROR_LIMIT, "its window has more than 2^24 elements");
    int64_t span = (v[0] - 1) * v[2] + 1;
    dims[i] = span > x->dims[i] ? 0 : (x->dims[i] - span) / v[1] + 1;
  }
  return qf_infer_same_type(node, 0, 1, error) && qf_infer_set(node, 0, x->dtype, dims, x->rank, error) &&
         check_work(node, (uint64_t)qf_tensor_count(node->outputs[0]), (uint64_t)total, error);
}

static gboolean check_image(const QfNode *node, GError **error)
{
  const QfArgPoolAttrs *a = node->attrs;
  for (uint32_t i = 0; i < node->n_inputs; i++) {
    const QfTensor *t = node->inputs[i];
    if (!qf_infer_rank(node, i, 4, 4, error))
      return FALSE;
    for (int k = 0; k < 4; k++)
      if (t->dtype != QF_DTYPE_FLOAT32 || t->dims[k] > INT32_MAX / 4)
        return qf_infer_fail(error, QF_ERROR_TYPE, "input %u (%s) must be a float32 image", i, t->name);
  }
  for (int i = 0; i < 2; i++)
    if (a->filter[i] < 1 || a->filter[i] > 4096 || a->stride[i] < 1 || a->stride[i] > 65536 ||
        a->pad[2 * i] < 0 || a->pad[2 * i] > 65536)
      return qf_infer_fail(error, QF_ERROR_SHAPE, "a window of %d with stride %d is not possible",
                           a->filter[i], a->stride[i]);
  return TRUE;
}

static gboolean infer_arg_pool(QfNode *node, GError **error)
{
  const QfArgPoolAttrs *a = node->attrs;
  if (!qf_infer_begin(node, error) || !check_image(node, error))
    return FALSE;
  const QfTensor *x = node->inputs[0];
  int64_t dims[4] = {x->dims[0], 0, 0, x->dims[3]};
  for (int i = 0; i < 2; i++)
    if (!qf_infer_window(i ? "width" : "height", x->dims[1 + i], a->filter[i], a->stride[i], 1, a->pad[2 * i],
                         a->pad[2 * i + 1], &dims[1 + i], error))
      return FALSE;
  return qf_infer_set(node, 0, QF_DTYPE_FLOAT32, dims, 4, error) &&
         qf_infer_set(node, 1, QF_DTYPE_FLOAT32, dims, 4, error) &&
         check_work(node, (uint64_t)qf_tensor_count(node->outputs[0]),
                    (uint64_t)a->filter[0] * (uint64_t)a->filter[1], error);
}

static gboolean infer_unpool(QfNode *node, GError **error)
{
  const QfArgPoolAttrs *a = node->attrs;
  if (!qf_infer_begin(node, error) || !check_image(node, error))
    return FALSE;
  const QfTensor *x = node->inputs[0], *place = node->inputs[1];
  int64_t dims[4];
  for (int i = 0; i < 4; i++) {
    dims[i] = x->dims[i] * (i == 1 || i == 2 ? a->filter[i - 1] : 1);
    if (place->dims[i] != x->dims[i] || dims[i] > INT32_MAX / 4)
      return qf_infer_fail(error, QF_ERROR_SHAPE, "places (%s) must have the shape of the data", place->name);
  }
  return qf_infer_set(node, 0, QF_DTYPE_FLOAT32, dims, 4, error);
}

static gboolean infer_suppress(QfNode *node, GError **error)
{
  const QfSuppressAttrs *a = node->attrs;
  if (!qf_infer_begin(node, error) || !qf_infer_rank(node, 0, 2, 2, error) ||
      !qf_infer_rank(node, 1, 1, 1, error))
    return FALSE;
  const QfTensor *boxes = node->inputs[0], *scores = node->inputs[1];
  for (uint32_t i = 0; i < node->n_inputs; i++)
    if (node->inputs[i] &&
        (node->inputs[i]->dtype != QF_DTYPE_FLOAT32 || (i > 1 && qf_tensor_count(node->inputs[i]) != 1)))
      return qf_infer_fail(error, QF_ERROR_TYPE,
                           "input %u (%s) must be float32, and thresholds one number: add a Cast", i,
                           node->inputs[i]->name);
  if (boxes->dims[1] != 4 || boxes->dims[0] != scores->dims[0] || boxes->dims[0] > 1 << 20)
    return qf_infer_fail(error, QF_ERROR_SHAPE, "boxes Nx4 and scores N, with N up to 2^20, are needed");
  if (a->wanted < 0 || a->wanted > 1 << 20)
    return qf_infer_fail(error, QF_ERROR_LIMIT, "%d boxes are wanted; at most 2^20 are possible", a->wanted);
  int64_t n = a->wanted;
  return check_work(node, (uint64_t)boxes->dims[0], (uint64_t)n * 4, error) &&
         qf_infer_set(node, 0, QF_DTYPE_INT32, &n, 1, error) &&
         qf_infer_set(node, 1, QF_DTYPE_FLOAT32, &n, 1, error) &&
         qf_infer_set(node, 2, QF_DTYPE_INT32, NULL, 0, error);
}

#define WINDOW_OP(Name, text, in_min, in_max, n_out, attr_struct, table, infer_fn)                           \
  const QfOpDef qf_op_##Name = {                                                                             \
      .name = #Name,                                                                                         \
      .summary = text,                                                                                       \
      .min_inputs = in_min,                                                                                  \
      .max_inputs = in_max,                                                                                  \
      .min_outputs = n_out,                                                                                  \
      .max_outputs = n_out,                                                                                  \
      .attrs_size = sizeof(attr_struct),                                                                     \
      .attrs = table,                                                                                        \
      .move = QF_MOVE_FIXED,                                                                                 \
      .quant = QF_QUANT_NONE,                                                                                \
      .infer = infer_fn,                                                                                     \
  };

WINDOW_OP(ReduceWindow, "combines the elements of each window", 2, 2, 1, QfWindowAttrs, window_attrs,
          infer_window)
WINDOW_OP(MaxPoolWithArgmax, "largest element of each window, and its place there", 1, 1, 2, QfArgPoolAttrs,
          arg_pool_attrs, infer_arg_pool)
WINDOW_OP(MaxUnpool2d, "puts each element where MaxPoolWithArgmax found it", 2, 2, 1, QfArgPoolAttrs,
          arg_pool_attrs, infer_unpool)
WINDOW_OP(SoftNonMaxSuppression, "the boxes with the best scores that do not overlap", 4, 5, 3,
          QfSuppressAttrs, suppress_attrs, infer_suppress)
