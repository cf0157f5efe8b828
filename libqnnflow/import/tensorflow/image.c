/* SPDX-License-Identifier: MIT */
/*
 * image.c - resizing images, cutting boxes out of them, and exchanging pixels with channels or batches. TensorFlow has had three ways to place pixels: from the
 * corner of the first one (the oldest), corner to corner, and by their centres.
 */
#include "map.h"

static gboolean map_resize(QfTfNode *n, GError **error)
{
  QfInts size;
  QfTensor *x = n->in[0];
  gboolean corners = qf_tf_bool(n, "align_corners", FALSE), half = qf_tf_bool(n, "half_pixel_centers", FALSE);
  if (!qf_tf_need_rank(n, 0, 4, error) || !qf_tf_const_ints(n, 1, &size, error))
    return FALSE;
  if (size.n != 2)
    return qf_build_fail(&n->build, error, QF_ERROR_SHAPE, "its size must be height and width");
  x = qf_build_cast(&n->build, x, n->row->arg == QF_RESIZE_NEAREST ? x->dtype : QF_DTYPE_FLOAT32, NULL,
                    error);
  if (!x)
    return FALSE;
  QfNode *node = qf_build_begin(&n->build, "Resize", &x, 1, qf_tf_out(n, 0));
  QfResizeAttrs *a = node->attrs;
  a->size = (QfInts){4, {x->dims[0], size.v[0], size.v[1], x->dims[3]}};
  a->interpolation = n->row->arg;
  a->coordinate_mode = corners ? QF_COORD_ALIGN_CORNERS : half ? QF_COORD_HALF_PIXEL : QF_COORD_ASYMMETRIC;
  a->nearest_mode = corners || half ? QF_NEAREST_ROUND_PREFER_CEIL : QF_NEAREST_FLOOR;
  return qf_tf_bind(n, 0, qf_build_end(&n->build, node, error));
}

static gboolean map_depth_space(QfTfNode *n, GError **error)
{
  QfTensor *x = qf_tf_to_nhwc(n, n->in[0], error);
  if (!x)
    return FALSE;
  QfNode *node = qf_build_begin(&n->build, n->row->target, &x, 1, NULL);
  QfBlockAttrs *a = node->attrs;
  a->block[0] = a->block[1] = qf_build_i32(qf_tf_int(n, "block_size", 0));
  return qf_tf_bind_image(n, qf_build_end(&n->build, node, error), error);
}

/* Blocks of one dimension are those of an image that is one pixel wide. */
static gboolean map_batch_space(QfTfNode *n, GError **error)
{
  QfInts block, pads;
  QfTensor *x = n->in[0];
  if (!qf_tf_const_ints(n, 1, &block, error) || !qf_tf_const_ints(n, 2, &pads, error))
    return FALSE;
  gboolean line = block.n == 1 && pads.n == 2 && x->rank >= 2;
  if (!line && (block.n != 2 || pads.n != 4 || x->rank < 3))
    return qf_build_fail(&n->build, error, QF_ERROR_UNSUPPORTED,
                         "only blocks of one or two dimensions are supported");
  int spatial = line ? 1 : 2;
  QfInts image = {4, {x->dims[0], x->dims[1], line ? 1 : x->dims[2], 1}}, shape = qf_build_dims(x);
  for (int i = 1 + spatial; i < x->rank; i++)
    image.v[3] *= x->dims[i];
  x = qf_build_reshape(&n->build, x, &image, NULL, error);
  if (!x)
    return FALSE;
  QfNode *node = qf_build_begin(&n->build, n->row->target, &x, 1, NULL);
  QfBlockAttrs *a = node->attrs;
  for (int i = 0; i < 2; i++)
    a->block[i] = i < spatial ? qf_build_i32(block.v[i]) : 1;
  for (int i = 0; i < 4; i++)
    a->pad[i] = i < 2 * spatial ? qf_build_i32(pads.v[i]) : 0;
  QfTensor *y = qf_build_end(&n->build, node, error);
  for (int i = 0; y && i <= spatial; i++)
    shape.v[i] = y->dims[i];
  return qf_tf_bind(n, 0, qf_build_reshape(&n->build, y, &shape, NULL, error));
}

static gboolean map_crop_and_resize(QfTfNode *n, GError **error)
{
  QfInts size;
  if (!qf_tf_need_rank(n, 0, 4, error) || !qf_tf_const_ints(n, 3, &size, error))
    return FALSE;
  if (size.n != 2)
    return qf_build_fail(&n->build, error, QF_ERROR_SHAPE, "its size must be height and width");
  QfTensor *in[] = {qf_build_cast(&n->build, n->in[0], QF_DTYPE_FLOAT32, NULL, error), n->in[1], n->in[2]};
  if (!in[0])
    return FALSE;
  QfNode *node = qf_build_begin(&n->build, "CropAndResize", in, 3, qf_tf_out(n, 0));
  QfRegionAttrs *a = node->attrs;
  a->size[0] = qf_build_i32(size.v[0]);
  a->size[1] = qf_build_i32(size.v[1]);
  a->nearest = qf_tf_is(n, "method", "nearest", "bilinear");
  a->outside = qf_tf_float(n, "extrapolation_value", 0);
  return qf_tf_bind(n, 0, qf_build_end(&n->build, node, error));
}

/* V4 gives indices and their number, V5 (arg 1) scores too, and takes a sigma. Both must be padded to a fixed length. */
static gboolean map_suppress(QfTfNode *n, GError **error)
{
  int64_t wanted;
  uint32_t n_in = n->row->arg ? 5 : 4;
  if (!qf_tf_const_int(n, 2, &wanted, error))
    return FALSE;
  if (!qf_tf_bool(n, "pad_to_max_output_size", FALSE))
    return qf_build_fail(&n->build, error, QF_ERROR_UNSUPPORTED,
                         "without pad_to_max_output_size its outputs are as long as the values say: set it");
  QfTensor *in[] = {n->in[0], n->in[1], n->in[3], n->in[4], n_in > 4 ? n->in[5] : NULL};
  QfTensor *out[] = {qf_tf_out(n, 0),
                     n->row->arg ? qf_tf_out(n, 1) : qf_graph_add_tensor(n->build.graph, NULL),
                     qf_tf_out(n, n->row->arg ? 2 : 1)};
  QfNode *node = qf_build_begin_many(&n->build, "SoftNonMaxSuppression", in, n_in, out, 3);
  ((QfSuppressAttrs *)node->attrs)->wanted = qf_build_i32(wanted);
  if (!qf_tf_bind(n, 0, qf_build_end(&n->build, node, error)))
    return FALSE;
  for (uint32_t i = n->row->arg ? 1 : 2; i < 3; i++)
    qf_tf_bind(n, n->row->arg ? i : 1, out[i]);
  return TRUE;
}

const QfTfRow qf_tf_image_rows[] = {
    {"ResizeBilinear", map_resize, 2, 2, "Resize", QF_RESIZE_LINEAR},
    {"ResizeNearestNeighbor", map_resize, 2, 2, "Resize", QF_RESIZE_NEAREST},
    {"DepthToSpace", map_depth_space, 1, 1, "DepthToSpace", 0},
    {"SpaceToDepth", map_depth_space, 1, 1, "SpaceToDepth", 0},
    {"SpaceToBatchND", map_batch_space, 3, 3, "SpaceToBatch", 0},
    {"BatchToSpaceND", map_batch_space, 3, 3, "BatchToSpace", 0},
    {"CropAndResize", map_crop_and_resize, 4, 4, "CropAndResize", 0},
    {"NonMaxSuppressionV4", map_suppress, 5, 5, "SoftNonMaxSuppression", 0},
    {"NonMaxSuppressionV5", map_suppress, 6, 6, "SoftNonMaxSuppression", 1},
    {NULL},
};
