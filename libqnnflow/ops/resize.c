/* SPDX-License-Identifier: MIT */
/*
 * resize.c - what Resize means (any dimensions, each by its own formula), and the operators that trade space for depth or
 * batch on NHWC images. Numbers: kernels/resize and kernels/copy.
 */
#include "list.h"
#include "infer.h"

static const char *const interpolation_names[] = {"nearest", "linear", "cubic", NULL};
static const char *const coordinate_names[] = {"half_pixel", "pytorch_half_pixel", "align_corners",
                                               "asymmetric", NULL};
static const char *const nearest_names[] = {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil", NULL};

#define RESIZE(member) offsetof(QfResizeAttrs, member)
static const QfAttrDef resize_attrs[] = {
    {"size", QF_ATTR_PER_AXIS, RESIZE(size), 1, 0, NULL},
    {"scale_bits", QF_ATTR_PER_AXIS, RESIZE(scale), 1, 0, NULL},
    {"interpolation_mode", QF_ATTR_ENUM, RESIZE(interpolation), 1, QF_RESIZE_NEAREST, interpolation_names},
    {"transformation_mode", QF_ATTR_ENUM, RESIZE(coordinate_mode), 1, QF_COORD_HALF_PIXEL, coordinate_names},
    {"nearest_mode", QF_ATTR_ENUM, RESIZE(nearest_mode), 1, QF_NEAREST_ROUND_PREFER_FLOOR, nearest_names},
    {"cubic_coeff", QF_ATTR_FLOAT, RESIZE(cubic_a), 1, -0.75, NULL},
    {"exclude_outside", QF_ATTR_BOOL, RESIZE(exclude_outside), 1, 0, NULL},
    {NULL},
};

#define BLOCK(member) offsetof(QfBlockAttrs, member)
static const char *const mode_names[] = {"dcr", "crd", NULL};
static const QfAttrDef depth_attrs[] = {
    {"block_size", QF_ATTR_INT, BLOCK(block), 2, 1, NULL},
    {"mode", QF_ATTR_ENUM, BLOCK(mode), 1, 0, mode_names},
    {NULL},
};
static const QfAttrDef batch_attrs[] = {
    {"block_size", QF_ATTR_INT, BLOCK(block), 2, 1, NULL},
    {"pad_amount", QF_ATTR_INT, BLOCK(pad), 4, 0, NULL},
    {NULL},
};

static gboolean check_resize_modes(const QfResizeAttrs *a, GError **error)
{
  if (a->interpolation < 0 || a->interpolation > QF_RESIZE_CUBIC || a->coordinate_mode < 0 ||
      a->coordinate_mode > QF_COORD_ASYMMETRIC || a->nearest_mode < 0 || a->nearest_mode > QF_NEAREST_CEIL)
    return qf_infer_fail(error, QF_ERROR_FORMAT,
                         "interpolation %d, coordinate mode %d or nearest mode %d is not known",
                         a->interpolation, a->coordinate_mode, a->nearest_mode);
  return TRUE;
}

static gboolean infer_resize(QfNode *node, GError **error)
{
  const QfResizeAttrs *a = node->attrs;
  if (!qf_infer_begin(node, error) || !check_resize_modes(a, error))
    return FALSE;
  const QfTensor *x = node->inputs[0];
  if (!qf_infer_per_axis("size", &a->size, x->rank, error) ||
      (a->scale.n && !qf_infer_per_axis("scale", &a->scale, x->rank, error)))
    return FALSE;
  for (int32_t i = 0; i < x->rank; i++) {
    union {
      uint32_t bits;
      float value;
    } scale = {.bits = a->scale.n ? (uint32_t)a->scale.v[i] : 0};
    if ((a->size.v[i] < 1 || x->dims[i] < 1) && (a->size.v[i] || x->dims[i]))
      return qf_infer_fail(error, QF_ERROR_SHAPE,
                           "dimension %d of %" G_GINT64_FORMAT " cannot become %" G_GINT64_FORMAT
                           ": both must be at least 1, or both 0",
                           i, x->dims[i], a->size.v[i]);
    if (a->scale.n && !(scale.value > 0 && scale.value < 1e9f))
      return qf_infer_fail(error, QF_ERROR_SHAPE, "the scale %g of dimension %d is not possible", scale.value,
                           i);
  }
  return qf_infer_set(node, 0, x->dtype, a->size.v, x->rank, error);
}

/* Rank 4 and blocks of at least 1; the block's area. */
static gboolean begin_block(const QfNode *node, int64_t *area, GError **error)
{
  const QfBlockAttrs *a = node->attrs;
  if (!qf_infer_begin(node, error) || !qf_infer_rank(node, 0, 4, 4, error))
    return FALSE;
  if (a->block[0] < 1 || a->block[1] < 1)
    return qf_infer_fail(error, QF_ERROR_SHAPE, "blocks of %d by %d are not possible", a->block[0],
                         a->block[1]);
  *area = (int64_t)a->block[0] * a->block[1];
  return TRUE;
}

static gboolean not_divisible(const char *what, int64_t size, int64_t by, GError **error)
{
  return qf_infer_fail(error, QF_ERROR_SHAPE,
                       "the %s of %" G_GINT64_FORMAT " is not a multiple of the block's %" G_GINT64_FORMAT,
                       what, size, by);
}

/* in * factor, -1 when too large. */
static int64_t times(int64_t in, int64_t factor)
{
  int64_t r;
  return __builtin_mul_overflow(in, factor, &r) ? -1 : r;
}

static gboolean infer_depth_to_space(QfNode *node, GError **error)
{
  const QfBlockAttrs *a = node->attrs;
  int64_t area;
  if (!begin_block(node, &area, error))
    return FALSE;
  const QfTensor *x = node->inputs[0];
  if (x->dims[3] % area)
    return not_divisible("depth", x->dims[3], area, error);
  int64_t dims[4] = {x->dims[0], times(x->dims[1], a->block[0]), times(x->dims[2], a->block[1]),
                     x->dims[3] / area};
  return qf_infer_set(node, 0, x->dtype, dims, 4, error);
}

static gboolean infer_space_to_depth(QfNode *node, GError **error)
{
  const QfBlockAttrs *a = node->attrs;
  int64_t area;
  if (!begin_block(node, &area, error))
    return FALSE;
  const QfTensor *x = node->inputs[0];
  for (int i = 0; i < 2; i++)
    if (x->dims[1 + i] % a->block[i])
      return not_divisible(i ? "width" : "height", x->dims[1 + i], a->block[i], error);
  int64_t dims[4] = {x->dims[0], x->dims[1] / a->block[0], x->dims[2] / a->block[1], times(x->dims[3], area)};
  return qf_infer_set(node, 0, x->dtype, dims, 4, error);
}

static gboolean check_block_pads(const QfBlockAttrs *a, GError **error)
{
  for (int i = 0; i < 4; i++)
    if (a->pad[i] < 0)
      return qf_infer_fail(error, QF_ERROR_SHAPE, "padding or crop %d is negative", a->pad[i]);
  return TRUE;
}

static gboolean infer_space_to_batch(QfNode *node, GError **error)
{
  const QfBlockAttrs *a = node->attrs;
  int64_t area;
  if (!begin_block(node, &area, error) || !check_block_pads(a, error))
    return FALSE;
  const QfTensor *x = node->inputs[0];
  int64_t dims[4] = {times(x->dims[0], area), 0, 0, x->dims[3]};
  for (int i = 0; i < 2; i++) {
    int64_t padded;
    if (__builtin_add_overflow(x->dims[1 + i], (int64_t)a->pad[2 * i] + a->pad[2 * i + 1], &padded) ||
        padded % a->block[i])
      return not_divisible(i ? "padded width" : "padded height", padded, a->block[i], error);
    dims[1 + i] = padded / a->block[i];
  }
  return qf_infer_set(node, 0, x->dtype, dims, 4, error);
}

static gboolean infer_batch_to_space(QfNode *node, GError **error)
{
  const QfBlockAttrs *a = node->attrs;
  int64_t area;
  if (!begin_block(node, &area, error) || !check_block_pads(a, error))
    return FALSE;
  const QfTensor *x = node->inputs[0];
  if (x->dims[0] % area)
    return not_divisible("batch", x->dims[0], area, error);
  int64_t dims[4] = {x->dims[0] / area, 0, 0, x->dims[3]};
  for (int i = 0; i < 2; i++) {
    int64_t full = times(x->dims[1 + i], a->block[i]), crop = (int64_t)a->pad[2 * i] + a->pad[2 * i + 1];
    if (full < crop)
      return qf_infer_fail(error, QF_ERROR_SHAPE,
                           "crops of %" G_GINT64_FORMAT " exceed the %s of %" G_GINT64_FORMAT, crop,
                           i ? "width" : "height", full);
    dims[1 + i] = full - crop;
  }
  return qf_infer_set(node, 0, x->dtype, dims, 4, error);
}

/* Values that each pixel is made from, over the dimensions that change. */
static uint64_t macs_resize(const QfNode *node)
{
  static const uint64_t taps[] = {[QF_RESIZE_NEAREST] = 0, [QF_RESIZE_LINEAR] = 2, [QF_RESIZE_CUBIC] = 4};
  const QfResizeAttrs *a = node->attrs;
  const QfTensor *x = node->inputs[0], *y = node->outputs[0];
  uint64_t sum = (uint64_t)qf_tensor_count(y);
  for (int32_t i = 0; i < y->rank; i++)
    if (x->dims[i] != y->dims[i])
      sum = qf_infer_product(sum, taps[a->interpolation]);
  return sum;
}

#define RESIZE_OP(Name, text, infer_fn, attrs_t, table, rule_move, rule_quant, cost)                         \
  const QfOpDef qf_op_##Name = {                                                                             \
      .name = #Name,                                                                                         \
      .summary = text,                                                                                       \
      .min_inputs = 1,                                                                                       \
      .max_inputs = 1,                                                                                       \
      .min_outputs = 1,                                                                                      \
      .max_outputs = 1,                                                                                      \
      .attrs_size = sizeof(attrs_t),                                                                         \
      .attrs = table,                                                                                        \
      .move = rule_move,                                                                                     \
      .quant = rule_quant,                                                                                   \
      .infer = infer_fn,                                                                                     \
      .macs = cost,                                                                                          \
  };

RESIZE_OP(Resize, "x sampled on another grid", infer_resize, QfResizeAttrs, resize_attrs, QF_MOVE_AXES,
          QF_QUANT_ANY, macs_resize)
RESIZE_OP(DepthToSpace, "depth to blocks of pixels", infer_depth_to_space, QfBlockAttrs, depth_attrs,
          QF_MOVE_FIXED, QF_QUANT_SAME, NULL)
RESIZE_OP(SpaceToDepth, "blocks of pixels to depth", infer_space_to_depth, QfBlockAttrs, depth_attrs,
          QF_MOVE_FIXED, QF_QUANT_SAME, NULL)
RESIZE_OP(SpaceToBatch, "every block-th pixel to an image of its own", infer_space_to_batch, QfBlockAttrs,
          batch_attrs, QF_MOVE_FIXED, QF_QUANT_SAME, NULL)
RESIZE_OP(BatchToSpace, "images interleaved to a larger one", infer_batch_to_space, QfBlockAttrs, batch_attrs,
          QF_MOVE_FIXED, QF_QUANT_SAME, NULL)
