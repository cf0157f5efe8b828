/* SPDX-License-Identifier: MIT */
/*
 * resize.c - Resize, Upsample and the exchange of depth and space. Opset 10 and below knew one coordinate formula and one way
 * to take the nearest pixel; later ones name them.
 */
#include "resample.h"

#include <math.h>
#include <string.h>

/* What a Resize asks for, a value for each dimension of the input. */
typedef struct {
  QfInts size;
  float scale[QF_MAX_RANK];
  gboolean by_scale, resample; /* resample: the graph's operator does not have this form */
  int32_t mode, coordinate_mode, nearest_mode;
} Wish;

static const char *const coordinate_modes[] = {"half_pixel",           "pytorch_half_pixel",
                                               "align_corners",        "asymmetric",
                                               "half_pixel_symmetric", "tf_half_pixel_for_nn",
                                               "tf_crop_and_resize",   NULL};

/* Whether a dimension's size is not scale times its input: cut off. */
static gboolean is_cut(const QfOnnxNode *n, const Wish *w)
{
  for (int i = 0; w->by_scale && i < w->size.n; i++)
    if (w->scale[i] * (float)n->in[0]->dims[i] != (float)w->size.v[i])
      return TRUE;
  return FALSE;
}

static gboolean shrinks(const QfOnnxNode *n, const Wish *w)
{
  for (int i = 0; i < w->size.n; i++)
    if (w->size.v[i] < n->in[0]->dims[i])
      return TRUE;
  return FALSE;
}

/* Names that are written differently in the graph, and forms that it does not have. */
static gboolean settle_modes(const QfOnnxNode *n, Wish *w, GError **error)
{
  if (w->coordinate_mode == QF_ONNX_COORD_TF_NEAREST) { /* half a pixel above QF_COORD_HALF_PIXEL */
    w->coordinate_mode = QF_COORD_HALF_PIXEL;
    if (w->nearest_mode == QF_NEAREST_ROUND_PREFER_FLOOR)
      w->nearest_mode = QF_NEAREST_CEIL;
    else if (w->nearest_mode == QF_NEAREST_FLOOR)
      w->nearest_mode = QF_NEAREST_ROUND_PREFER_CEIL;
    else
      return qf_onnx_fail(
          n, error, QF_ERROR_UNSUPPORTED,
          "tf_half_pixel_for_nn with this nearest_mode is not supported: use round_prefer_floor or floor");
  }
  if (w->coordinate_mode == QF_ONNX_COORD_SYMMETRIC && !is_cut(n, w))
    w->coordinate_mode = QF_COORD_HALF_PIXEL;
  w->resample = w->coordinate_mode > QF_COORD_ASYMMETRIC ||
                (w->coordinate_mode == QF_COORD_ALIGN_CORNERS && is_cut(n, w)) ||
                (w->mode != QF_RESIZE_NEAREST && qf_onnx_int(n, "antialias", 0) && shrinks(n, w));
  return TRUE;
}

static gboolean read_modes(const QfOnnxNode *n, Wish *w, GError **error)
{
  static const char *const modes[] = {"nearest", "linear", "cubic", NULL};
  static const char *const old_modes[] = {"nearest", "linear", "bilinear", NULL};
  static const char *const nearest_modes[] = {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil",
                                              NULL};
  gboolean old = n->opset < 11 || n->row->arg;
  w->coordinate_mode = QF_COORD_ASYMMETRIC;
  if (!qf_onnx_enum(n, "mode", old ? old_modes : modes, 0, &w->mode, error))
    return FALSE;
  if (old) {
    w->mode = MIN(w->mode, QF_RESIZE_LINEAR);
    w->nearest_mode = QF_NEAREST_FLOOR;
    for (int i = 0; i < w->size.n; i++)
      if (w->size.v[i] < n->in[0]->dims[i])
        w->nearest_mode = QF_NEAREST_CEIL;
    return TRUE;
  }
  return qf_onnx_enum(n, "coordinate_transformation_mode", coordinate_modes, 0, &w->coordinate_mode, error) &&
         qf_onnx_enum(n, "nearest_mode", nearest_modes, 0, &w->nearest_mode, error) &&
         settle_modes(n, w, error);
}

/* The place of a list's entry i among the dimensions: by the axes attribute, or in order. */
static gboolean place(const QfOnnxNode *n, const QfInts *axes, int i, int32_t *axis, GError **error)
{
  return qf_onnx_axis(n, axes->n ? axes->v[i] : i, n->in[0]->rank, axis, error);
}

static gboolean read_scales(const QfOnnxNode *n, const QfTensor *scales, const QfInts *axes, Wish *w,
                            GError **error)
{
  const Onnx__AttributeProto *attr = qf_onnx_attr(n, "scales");
  int64_t count = scales ? qf_tensor_count(scales) : attr ? (int64_t)attr->n_floats : 0;
  if (count != (axes->n ? axes->n : n->in[0]->rank))
    return qf_onnx_fail(n, error, QF_ERROR_SHAPE, "it has %" G_GINT64_FORMAT " scales for %d dimensions",
                        count, axes->n ? axes->n : n->in[0]->rank);
  w->by_scale = TRUE;
  for (int i = 0; i < count; i++) {
    int32_t axis;
    if (!place(n, axes, i, &axis, error))
      return FALSE;
    float scale = scales ? (float)qf_tensor_get_real(scales, i) : attr->floats[i];
    float size = floorf((float)n->in[0]->dims[axis] * scale);
    if (!(scale > 0) || !(size < 16777216))
      return qf_onnx_fail(n, error, QF_ERROR_LIMIT, "scale %g of dimension %d is not usable", scale, axis);
    w->scale[axis] = scale;
    w->size.v[axis] = (int64_t)size;
  }
  return TRUE;
}

/* keep_aspect_ratio_policy: one scale for all named dimensions, the smallest or the largest that their sizes ask for. */
static gboolean keep_aspect(const QfOnnxNode *n, const QfInts *axes, Wish *w, GError **error)
{
  static const char *const policies[] = {"stretch", "not_larger", "not_smaller", NULL};
  int32_t policy;
  float scale = 0;
  if (!qf_onnx_enum(n, "keep_aspect_ratio_policy", policies, 0, &policy, error))
    return FALSE;
  for (int pass = 0; policy && pass < 2; pass++)
    for (int i = 0; i < (axes->n ? axes->n : w->size.n); i++) {
      int32_t axis = 0;
      if (!place(n, axes, i, &axis, error))
        return FALSE;
      const float in = (float)n->in[0]->dims[axis], wanted = (float)w->size.v[axis] / in;
      if (!pass) {
        scale = !i || (policy == 1) == (wanted < scale) ? wanted : scale;
        continue;
      }
      w->by_scale = TRUE;
      w->scale[axis] = scale;
      w->size.v[axis] = (int64_t)floorf(scale * in + 0.5f);
    }
  return TRUE;
}

static gboolean read_sizes(const QfOnnxNode *n, const QfInts *axes, Wish *w, GError **error)
{
  QfInts sizes;
  if (!qf_onnx_list(n, NULL, 3, &sizes, NULL, error))
    return FALSE;
  if (sizes.n != (axes->n ? axes->n : n->in[0]->rank))
    return qf_onnx_fail(n, error, QF_ERROR_SHAPE, "it has %d sizes for %d dimensions", sizes.n,
                        axes->n ? axes->n : n->in[0]->rank);
  for (int i = 0; i < sizes.n; i++) {
    int32_t axis;
    if (!place(n, axes, i, &axis, error))
      return FALSE;
    if (sizes.v[i] < 1 || sizes.v[i] > 1 << 24)
      return qf_onnx_fail(n, error, QF_ERROR_SHAPE,
                          "size %" G_GINT64_FORMAT " of dimension %d is not possible", sizes.v[i], axis);
    w->size.v[axis] = sizes.v[i];
  }
  return keep_aspect(n, axes, w, error);
}

static gboolean read_wish(const QfOnnxNode *n, Wish *w, GError **error)
{
  QfInts axes;
  *w = (Wish){.size = qf_build_dims(n->in[0])};
  for (int i = 0; i < QF_MAX_RANK; i++)
    w->scale[i] = 1;
  if (!qf_onnx_ints(n, "axes", &axes, error))
    return FALSE;
  gboolean old = n->opset < 11 || n->row->arg;
  if (!qf_onnx_need_constant(n, old ? 1 : 2, error))
    return FALSE;
  const QfTensor *scales = qf_onnx_constant(qf_onnx_input(n, old ? 1 : 2));
  if (scales && !qf_tensor_count(scales))
    scales = NULL;
  gboolean ok = !old && !scales && qf_onnx_input(n, 3) ? read_sizes(n, &axes, w, error)
                                                       : read_scales(n, scales, &axes, w, error);
  return ok && read_modes(n, w, error);
}

/* The region of a crop, for the named dimensions: all starts, then all ends. */
static gboolean read_region(const QfOnnxNode *n, QfOnnxResample *r, GError **error)
{
  const QfTensor *roi = qf_onnx_input(n, 1);
  QfInts axes;
  if (r->coordinate != QF_ONNX_COORD_TF_CROP)
    return TRUE;
  if (!qf_onnx_need_constant(n, 1, error) || !qf_onnx_ints(n, "axes", &axes, error))
    return FALSE;
  const int32_t count = axes.n ? axes.n : n->in[0]->rank;
  if (!roi || qf_tensor_count(roi) != 2 * count)
    return qf_onnx_fail(n, error, QF_ERROR_SHAPE, "tf_crop_and_resize needs a roi of %d numbers", 2 * count);
  for (int i = 0; i < count; i++) {
    int32_t axis;
    if (!place(n, &axes, i, &axis, error))
      return FALSE;
    r->start[axis] = qf_tensor_get_real(roi, i);
    r->end[axis] = qf_tensor_get_real(roi, count + i);
    if (!(fabs(r->start[axis]) < 1e6 && fabs(r->end[axis]) < 1e6))
      return qf_onnx_fail(n, error, QF_ERROR_FORMAT, "its roi is out of range");
  }
  return TRUE;
}

static gboolean resample(QfOnnxNode *n, const Wish *w, GError **error)
{
  QfOnnxResample r = {.interpolation = w->mode,
                      .coordinate = w->coordinate_mode,
                      .nearest = w->nearest_mode,
                      .cubic_a = (double)qf_onnx_float(n, "cubic_coeff_a", -0.75f),
                      .extrapolation = (double)qf_onnx_float(n, "extrapolation_value", 0),
                      .exclude_outside = qf_onnx_int(n, "exclude_outside", 0) != 0,
                      .antialias = qf_onnx_int(n, "antialias", 0) != 0};
  for (int i = 0; i < w->size.n; i++) {
    r.size[i] = w->size.v[i];
    r.scale[i] = w->by_scale ? (double)w->scale[i] : (double)w->size.v[i] / (double)n->in[0]->dims[i];
    r.end[i] = 1;
  }
  return read_region(n, &r, error) && qf_onnx_bind(n, 0, qf_onnx_resample(n, n->in[0], &r, error));
}

/* @order[i]: the dimension of the file's tensor that dimension i of @x is; -1: one of size 1. */
static QfTensor *emit_resize(QfOnnxNode *n, QfTensor *x, const Wish *w, const int *order, QfTensor *out,
                             GError **error)
{
  if (!x)
    return NULL;
  QfNode *node = qf_build_begin(n->b, "Resize", &x, 1, out);
  QfResizeAttrs *a = node->attrs;
  a->size.n = x->rank;
  a->scale.n = w->by_scale ? x->rank : 0;
  for (int i = 0; i < x->rank; i++) {
    float scale = order[i] < 0 ? 1 : w->scale[order[i]];
    uint32_t bits;
    memcpy(&bits, &scale, sizeof(bits));
    a->size.v[i] = order[i] < 0 ? 1 : w->size.v[order[i]];
    if (w->by_scale)
      a->scale.v[i] = bits;
  }
  a->interpolation = w->mode;
  a->coordinate_mode = w->coordinate_mode;
  a->nearest_mode = w->nearest_mode;
  a->cubic_a = qf_onnx_float(n, "cubic_coeff_a", -0.75f);
  a->exclude_outside = qf_onnx_int(n, "exclude_outside", 0) != 0;
  return qf_build_end(n->b, node, error);
}

static gboolean map_resize(QfOnnxNode *n, GError **error)
{
  static const int image[] = {0, 2, 3, 1}, line[] = {0, -1, 2, 1}, plain[] = {0, 1, 2, 3, 4, 5, 6, 7};
  QfTensor *x = n->in[0];
  Wish w;
  if (!read_wish(n, &w, error))
    return FALSE;
  if (w.resample)
    return resample(n, &w, error);
  gboolean spatial = (x->rank == 3 || x->rank == 4) && w.size.v[0] == x->dims[0] && w.size.v[1] == x->dims[1];
  if (!spatial)
    return qf_onnx_bind(n, 0, emit_resize(n, x, &w, plain, qf_onnx_output(n, 0), error));
  QfTensor *y = emit_resize(n, qf_onnx_to_image(n, x, error), &w, x->rank == 4 ? image : line, NULL, error);
  return qf_onnx_from_image(n, y, x->rank, error);
}

static gboolean map_depth_space(QfOnnxNode *n, GError **error)
{
  static const char *const modes[] = {"DCR", "CRD", NULL};
  QfTensor *x = n->in[0];
  int32_t mode;
  if (x->rank != 4)
    return qf_onnx_fail(n, error, QF_ERROR_SHAPE, "its input has %d dimensions, but [N,C,H,W] is needed",
                        x->rank);
  if (!qf_onnx_enum(n, "mode", modes, 0, &mode, error))
    return FALSE;
  x = qf_onnx_to_image(n, x, error);
  if (!x)
    return FALSE;
  QfNode *node = qf_build_begin(n->b, n->row->target, &x, 1, NULL);
  QfBlockAttrs *a = node->attrs;
  a->block[0] = a->block[1] = qf_onnx_int(n, "blocksize", 0);
  a->mode = mode;
  return qf_onnx_from_image(n, qf_build_end(n->b, node, error), 4, error);
}

const QfOnnxRow qf_onnx_resize_rows[] = {
    {"", "Resize", map_resize, 1, 4, "Resize", 0},
    {"", "Upsample", map_resize, 1, 2, "Resize", 1},
    {"", "DepthToSpace", map_depth_space, 1, 1, "DepthToSpace", 0},
    {"", "SpaceToDepth", map_depth_space, 1, 1, "SpaceToDepth", 0},
    {NULL},
};
