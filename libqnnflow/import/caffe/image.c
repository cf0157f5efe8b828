/* SPDX-License-Identifier: MIT */
/*
 * image.c - layers that resize images or exchange channels and pixels: Upsample, Interp, Reorg, ShuffleChannel, most of them from
 * forks of Caffe.
 */
#include "map.h"

static gboolean emit_resize(QfCaffeLayer *l, QfTensor *x, int64_t height, int64_t width,
                            int32_t interpolation, int32_t coordinates, GError **error)
{
  if (!x)
    return FALSE;
  if (height < 1 || width < 1 || height > 1 << 24 || width > 1 << 24)
    return qf_build_fail(&l->build, error, QF_ERROR_SHAPE,
                         "an image of %" G_GINT64_FORMAT " x %" G_GINT64_FORMAT " is not possible", height,
                         width);
  QfNode *node = qf_build_begin(&l->build, "Resize", &x, 1, NULL);
  QfResizeAttrs *a = node->attrs;
  a->size = (QfInts){4, {x->dims[0], height, width, x->dims[3]}};
  a->interpolation = interpolation;
  a->coordinate_mode = coordinates;
  a->nearest_mode = QF_NEAREST_FLOOR;
  return qf_caffe_from_image(l, qf_build_end(&l->build, node, error), error);
}

/* Each pixel as a block of equal ones. */
static gboolean map_upsample(QfCaffeLayer *l, GError **error)
{
  QF_CAFFE_PARAM(a, l, Caffe__UpsampleParameter, CAFFE__UPSAMPLE_PARAMETER__INIT, upsample_param);
  QfTensor *x = qf_caffe_to_image(l, l->in[0], error);
  if (!x)
    return FALSE;
  int64_t by_h = a->has_scale_h ? a->scale_h : a->scale, by_w = a->has_scale_w ? a->scale_w : a->scale;
  int64_t height = a->has_upsample_h ? a->upsample_h
                   : by_h > 1 << 16  ? 0
                                     : x->dims[1] * by_h,
          width = a->has_upsample_w ? a->upsample_w
                  : by_w > 1 << 16  ? 0
                                    : x->dims[2] * by_w;
  return emit_resize(l, x, height, width, QF_RESIZE_NEAREST, QF_COORD_ASYMMETRIC, error);
}

/* One dimension of Interp: what is wanted of @in pixels. */
static int64_t interp_size(const Caffe__InterpParameter *a, int64_t in, int32_t given)
{
  int64_t size = in;
  if (a->shrink_factor > 1)
    size = (size - 1) / a->shrink_factor + 1;
  if (a->zoom_factor > 1)
    size += (size - 1) * ((int64_t)a->zoom_factor - 1);
  return given > 0 && a->shrink_factor <= 1 && a->zoom_factor <= 1 ? given : size;
}

/* Bilinear, corner to corner; negative paddings cut the image first. */
static gboolean map_interp(QfCaffeLayer *l, GError **error)
{
  QF_CAFFE_PARAM(a, l, Caffe__InterpParameter, CAFFE__INTERP_PARAMETER__INIT, interp_param);
  QfTensor *x = qf_caffe_to_image(l, l->in[0], error);
  if (!x)
    return FALSE;
  int64_t before = -(int64_t)a->pad_beg, after = -(int64_t)a->pad_end;
  if (before < 0 || after < 0 || before + after >= x->dims[1] || before + after >= x->dims[2])
    return qf_build_fail(&l->build, error, QF_ERROR_UNSUPPORTED,
                         "pad_beg %d and pad_end %d: they may only cut a part of the image (0 or below)",
                         a->pad_beg, a->pad_end);
  for (int axis = 1; (before || after) && axis <= 2; axis++)
    x = qf_build_slice(&l->build, x, axis, before, x ? x->dims[axis] - after : 0, NULL, error);
  if (!x)
    return FALSE;
  if (l->n_in > 1 && l->in[1]->rank == 4)
    return emit_resize(l, x, l->in[1]->dims[2], l->in[1]->dims[3], QF_RESIZE_LINEAR, QF_COORD_ALIGN_CORNERS,
                       error);
  return emit_resize(l, x, interp_size(a, x->dims[1], a->height), interp_size(a, x->dims[2], a->width),
                     QF_RESIZE_LINEAR, QF_COORD_ALIGN_CORNERS, error);
}

/* Groups of channels dealt out in turn. */
static gboolean map_shuffle(QfCaffeLayer *l, GError **error)
{
  QF_CAFFE_PARAM(a, l, Caffe__ShuffleChannelParameter, CAFFE__SHUFFLE_CHANNEL_PARAMETER__INIT,
                 shuffle_channel_param);
  static const QfInts swap = {5, {0, 2, 1, 3, 4}};
  QfTensor *x = l->in[0];
  if (x->rank != 4 || !a->group || x->dims[1] % a->group)
    return qf_build_fail(&l->build, error, QF_ERROR_SHAPE,
                         "%u groups do not divide the channels of its bottom", a->group);
  QfInts split = {5, {x->dims[0], a->group, x->dims[1] / a->group, x->dims[2], x->dims[3]}};
  QfInts whole = qf_build_dims(x);
  QfTensor *y = qf_build_reshape(&l->build, x, &split, NULL, error);
  y = qf_build_transpose(&l->build, y, &swap, NULL, error);
  return qf_caffe_bind(l, 0, qf_build_reshape(&l->build, y, &whole, qf_caffe_out(l, 0), error));
}

/* YOLO's exchange of pixels and channels, which sees the image as [C/s^2 * H, s, W, s] and takes both s to the front. */
static gboolean map_reorg(QfCaffeLayer *l, GError **error)
{
  QF_CAFFE_PARAM(a, l, Caffe__ReorgParameter, CAFFE__REORG_PARAMETER__INIT, reorg_param);
  static const QfInts forth = {5, {0, 2, 4, 1, 3}}, back = {5, {0, 3, 1, 4, 2}};
  QfTensor *x = l->in[0];
  int64_t s = a->stride, c = x->rank == 4 ? x->dims[1] : 0;
  gboolean fits = s > 0 && s < 1 << 15 && c && c % (s * s) == 0;
  if (!fits || (!a->reverse && (x->dims[2] % s || x->dims[3] % s)))
    return qf_build_fail(&l->build, error, QF_ERROR_SHAPE,
                         "stride %u: its square must divide the channels, and it the sides of the image",
                         a->stride);
  int64_t n = x->dims[0], h = x->dims[2], w = x->dims[3], rows = c * h / (s * s);
  QfInts flat = {5, {n, rows, s, w, s}}, groups = {5, {n, s, s, rows, w}};
  QfInts small = {4, {n, c * s * s, h / s, w / s}}, large = {4, {n, c / (s * s), h * s, w * s}};
  QfTensor *y = qf_build_reshape(&l->build, x, a->reverse ? &groups : &flat, NULL, error);
  y = qf_build_transpose(&l->build, y, a->reverse ? &back : &forth, NULL, error);
  return qf_caffe_bind(l, 0,
                       qf_build_reshape(&l->build, y, a->reverse ? &large : &small, qf_caffe_out(l, 0),
                                        error));
}

/* The largest pixel in each of pooled_h by pooled_w bins of each box; a box is image, x1, y1, x2, y2. */
static gboolean map_roi_pooling(QfCaffeLayer *l, GError **error)
{
  QF_CAFFE_PARAM(a, l, Caffe__ROIPoolingParameter, CAFFE__ROIPOOLING_PARAMETER__INIT, roi_pooling_param);
  QfTensor *x = qf_caffe_to_image(l, l->in[0], error), *boxes = l->in[1];
  QfInts rows = {2, {boxes->rank ? boxes->dims[0] : 0, 5}};
  if (!x)
    return FALSE;
  if (qf_tensor_count(boxes) != 5 * rows.v[0] || !rows.v[0])
    return qf_build_fail(&l->build, error, QF_ERROR_SHAPE,
                         "its second bottom must have 5 numbers for each box");
  QfTensor *in[] = {x, qf_build_reshape(&l->build, boxes, &rows, NULL, error)};
  if (!in[1])
    return FALSE;
  QfNode *node = qf_build_begin(&l->build, "RoiPool", in, 2, NULL);
  QfRegionAttrs *r = node->attrs;
  r->size[0] = qf_build_i32(a->pooled_h);
  r->size[1] = qf_build_i32(a->pooled_w);
  r->scale = a->spatial_scale;
  return qf_caffe_from_image(l, qf_build_end(&l->build, node, error), error);
}

const QfCaffeRow qf_caffe_image_rows[] = {
    {"Upsample", map_upsample, 1, 1, 1, "Resize"},         {"Interp", map_interp, 1, 2, 1, "Resize"},
    {"ShuffleChannel", map_shuffle, 1, 1, 1, "Transpose"}, {"Reorg", map_reorg, 1, 1, 1, "Transpose"},
    {"ROIPooling", map_roi_pooling, 2, 2, 1, "RoiPool"},   {NULL},
};
