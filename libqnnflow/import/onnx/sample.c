/* SPDX-License-Identifier: MIT */
/*
 * sample.c - operators that read images at real positions: GridSample and AffineGrid, regions of interest, and CenterCropPad.
 */
#include "map.h"

#include <string.h>

/* Older files and contrib operators say bilinear and bicubic, newer ones linear and cubic. */
static gboolean map_grid_sample(QfOnnxNode *n, GError **error)
{
  static const char *const modes[] = {"bilinear", "nearest", "bicubic", "linear", "cubic", NULL};
  static const int32_t meaning[] = {0, 1, 2, 0, 2};
  static const char *const paddings[] = {"zeros", "border", "reflection", NULL};
  QfTensor *in[2] = {n->in[0], n->in[1]};
  int32_t mode, padding;
  if (!qf_onnx_enum(n, "mode", modes, 0, &mode, error) ||
      !qf_onnx_enum(n, "padding_mode", paddings, 0, &padding, error))
    return FALSE;
  if (in[0]->rank != 4 && in[0]->rank != 5)
    return qf_onnx_fail(n, error, QF_ERROR_UNSUPPORTED,
                        "its input has %d dimensions: only [N,C,H,W] and [N,C,D,H,W] are supported",
                        in[0]->rank);
  in[0] = qf_build_channels_last(n->b, in[0], error);
  if (!in[0])
    return FALSE;
  QfNode *node = qf_build_begin(n->b, "GridSample", in, 2, NULL);
  *(QfGridSampleAttrs *)node->attrs =
      (QfGridSampleAttrs){meaning[mode], padding, qf_onnx_int(n, "align_corners", 0) != 0};
  QfTensor *y = qf_build_end(n->b, node, error);
  return qf_onnx_bind(n, 0, qf_build_channels_first(n->b, y, qf_onnx_output(n, 0), error));
}

/* Coordinate @i of @n pixels from -1 to 1: of the outer pixels' centres, or of their outer edges. */
static float grid_place(int64_t i, int64_t n, gboolean align)
{
  if (align)
    return n > 1 ? (float)(-1 + 2.0 * (double)i / (double)(n - 1)) : 0;
  return (float)(-1 + (2.0 * (double)i + 1) / (double)n);
}

/* The places of all pixels as a constant [points, spatial + 1], x first and a one last. */
static QfTensor *base_grid(QfOnnxNode *n, const QfInts *size, gboolean align, GError **error)
{
  const int32_t spatial = size->n - 2;
  int64_t points = qf_dims_count(size->v + 2, spatial);
  if (!qf_onnx_charge(n, points, error))
    return NULL;
  QfInts shape = {2, {points, spatial + 1}};
  g_autofree float *values = g_new(float, points *(spatial + 1) + 1);
  for (int64_t p = 0; p < points; p++) {
    float *row = values + p * (spatial + 1);
    int64_t rest = p;
    for (int d = spatial - 1; d >= 0; d--) {
      row[spatial - 1 - d] = grid_place(rest % size->v[2 + d], size->v[2 + d], align);
      rest /= size->v[2 + d];
    }
    row[spatial] = 1;
  }
  return qf_build_floats(n->b, &shape, values);
}

/* grid[n, pixel, :] = base[pixel, :] theta[n]^T */
static gboolean map_affine_grid(QfOnnxNode *n, GError **error)
{
  QfTensor *theta = n->in[0];
  QfInts size;
  if (!qf_onnx_list(n, NULL, 1, &size, NULL, error))
    return FALSE;
  const int32_t spatial = size.n - 2;
  if ((spatial != 2 && spatial != 3) || theta->rank != 3 || theta->dims[0] != size.v[0] ||
      theta->dims[1] != spatial || theta->dims[2] != spatial + 1)
    return qf_onnx_fail(n, error, QF_ERROR_SHAPE,
                        "it needs a size [N,C,H,W] or [N,C,D,H,W] and theta [N,2,3] or [N,3,4]");
  QfTensor *in[2] = {base_grid(n, &size, qf_onnx_int(n, "align_corners", 0) != 0, error), theta};
  if (!in[0])
    return FALSE;
  QfNode *node = qf_build_begin(n->b, "MatMul", in, 2, NULL);
  ((QfMatMulAttrs *)node->attrs)->transpose_in1 = 1;
  QfTensor *y = qf_build_end(n->b, node, error);
  QfInts shape = {.n = size.n, .v = {size.v[0]}};
  for (int i = 0; i < spatial; i++)
    shape.v[1 + i] = size.v[2 + i];
  shape.v[1 + spatial] = spatial;
  return qf_onnx_bind(n, 0, qf_build_reshape(n->b, y, &shape, qf_onnx_output(n, 0), error));
}

/* A node on the image [N,C,H,W] and the boxes; attributes in @attrs. */
static gboolean emit_regions(QfOnnxNode *n, const QfRegionAttrs *attrs, GError **error)
{
  QfTensor *in[3] = {n->in[0], n->in[1], n->row->arg > 2 ? n->in[2] : NULL};
  if (in[0]->rank != 4)
    return qf_onnx_fail(n, error, QF_ERROR_SHAPE, "its input has %d dimensions, but [N,C,H,W] is needed",
                        in[0]->rank);
  in[0] = qf_build_channels_last(n->b, in[0], error);
  if (!in[0])
    return FALSE;
  QfNode *node = qf_build_begin(n->b, n->row->target, in, (uint32_t)n->row->arg, NULL);
  *(QfRegionAttrs *)node->attrs = *attrs;
  QfTensor *y = qf_build_end(n->b, node, error);
  return qf_onnx_bind(n, 0, qf_build_channels_first(n->b, y, qf_onnx_output(n, 0), error));
}

static gboolean map_roi_align(QfOnnxNode *n, GError **error)
{
  static const char *const modes[] = {"avg", "max", NULL};
  static const char *const coordinates[] = {"half_pixel", "output_half_pixel", NULL};
  int32_t maximum, outer;
  if (!qf_onnx_enum(n, "mode", modes, 0, &maximum, error) ||
      !qf_onnx_enum(n, "coordinate_transformation_mode", coordinates, n->opset < 16, &outer, error))
    return FALSE;
  QfRegionAttrs a = {.size = {qf_onnx_int(n, "output_height", 1), qf_onnx_int(n, "output_width", 1)},
                     .scale = qf_onnx_float(n, "spatial_scale", 1),
                     .samples = qf_onnx_int(n, "sampling_ratio", 0),
                     .half_pixel = !outer,
                     .maximum = maximum};
  return emit_regions(n, &a, error);
}

static gboolean map_roi_pool(QfOnnxNode *n, GError **error)
{
  QfInts size;
  if (!qf_onnx_ints(n, "pooled_shape", &size, error))
    return FALSE;
  if (size.n != 2)
    return qf_onnx_fail(n, error, QF_ERROR_FORMAT, "its attribute pooled_shape must be height and width");
  QfRegionAttrs a = {.size = {qf_build_i32(size.v[0]), qf_build_i32(size.v[1])},
                     .scale = qf_onnx_float(n, "spatial_scale", 1)};
  return emit_regions(n, &a, error);
}

static gboolean map_crop_and_resize(QfOnnxNode *n, GError **error)
{
  static const char *const modes[] = {"bilinear", "nearest", NULL};
  QfRegionAttrs a = {.outside = qf_onnx_float(n, "extrapolation_value", 0)};
  QfInts size;
  if (!qf_onnx_enum(n, "mode", modes, 0, &a.nearest, error) || !qf_onnx_list(n, NULL, 3, &size, NULL, error))
    return FALSE;
  if (size.n != 2)
    return qf_onnx_fail(n, error, QF_ERROR_FORMAT, "its input 3 (crop_size) must be height and width");
  for (int i = 0; i < 2; i++)
    a.size[i] = qf_build_i32(size.v[i]);
  return emit_regions(n, &a, error);
}

/* Cut or padded with zeros on both sides, by one more at the end. */
static gboolean map_center_crop_pad(QfOnnxNode *n, GError **error)
{
  QfTensor *x = n->in[0];
  QfInts shape, axes, dims = qf_build_dims(x);
  if (!qf_onnx_list(n, NULL, 1, &shape, NULL, error) || !qf_onnx_ints(n, "axes", &axes, error))
    return FALSE;
  if (shape.n != (axes.n ? axes.n : x->rank))
    return qf_onnx_fail(n, error, QF_ERROR_SHAPE, "its shape has %d sizes for %d dimensions", shape.n,
                        axes.n ? axes.n : x->rank);
  QfNode *node = qf_build_begin(n->b, "Pad", &x, 1, qf_onnx_output(n, 0));
  QfPadAttrs *a = node->attrs;
  a->before.n = a->after.n = x->rank;
  for (int i = 0; i < shape.n; i++) {
    int32_t axis;
    if (!qf_onnx_axis(n, axes.n ? axes.v[i] : i, x->rank, &axis, error))
      return FALSE;
    if (shape.v[i] < 0 || shape.v[i] > G_MAXINT32)
      return qf_onnx_fail(n, error, QF_ERROR_SHAPE, "size %" G_GINT64_FORMAT " is not possible", shape.v[i]);
    int64_t more = shape.v[i] - dims.v[axis], half = (more < 0 ? -more : more) / 2;
    a->before.v[axis] = more < 0 ? -half : half;
    a->after.v[axis] = more - a->before.v[axis];
  }
  return qf_onnx_bind(n, 0, qf_build_end(n->b, node, error));
}

#define MS "com.microsoft"

const QfOnnxRow qf_onnx_sample_rows[] = {
    {"", "GridSample", map_grid_sample, 2, 2, "GridSample", 0},
    {MS, "GridSample", map_grid_sample, 2, 2, "GridSample", 0},
    {"", "AffineGrid", map_affine_grid, 2, 2, "MatMul", 0},
    {"", "RoiAlign", map_roi_align, 3, 3, "RoiAlign", 3},
    {"", "MaxRoiPool", map_roi_pool, 2, 2, "RoiPool", 2},
    {MS, "CropAndResize", map_crop_and_resize, 4, 4, "CropAndResize", 3},
    {"", "CenterCropPad", map_center_crop_pad, 2, 2, "Pad", 0},
    {NULL},
};
