/* SPDX-License-Identifier: MIT */
/*
 * pool.c - Pooling and SPP. Caffe rounds the number of windows up; what sticks out at the end becomes padding that a window may
 * reach into, but that an average does not count (the padding that the layer asks for does count).
 */
#include "map.h"

#define MAX_WINDOW ((uint32_t)1 << 24)

typedef struct {
  int64_t kernel[2], stride[2], pad[2];
  gboolean average, floor;
} Pool;

static QfTensor *emit_pool(QfCaffeLayer *l, QfTensor *x, const Pool *p, GError **error)
{
  int64_t extra[2] = {0, 0};
  gboolean padded = p->pad[0] || p->pad[1], count_pad = p->average && padded;
  for (int i = 0; x && i < 2; i++) {
    int64_t in = x->dims[1 + i], span = MAX(in + 2 * p->pad[i] - p->kernel[i], 0);
    int64_t out = (span + (p->floor ? 0 : p->stride[i] - 1)) / p->stride[i] + 1;
    if (padded && (out - 1) * p->stride[i] >= in + p->pad[i])
      out--; /* a window may not start after the end */
    extra[i] = MAX((out - 1) * p->stride[i] - span, 0);
  }
  int64_t pad[] = {p->pad[0], p->pad[0], p->pad[1], p->pad[1]};
  if (count_pad && (extra[0] || extra[1])) {
    x = qf_build_pad_image(&l->build, x, pad, 0, error);
    pad[0] = pad[1] = pad[2] = pad[3] = 0;
    count_pad = FALSE;
  }
  if (!x)
    return NULL;
  QfNode *node = qf_build_begin(&l->build, p->average ? "PoolAvg2d" : "PoolMax2d", &x, 1, NULL);
  QfPool2dAttrs *a = node->attrs;
  for (int i = 0; i < 2; i++) {
    a->filter[i] = qf_build_i32(p->kernel[i]);
    a->stride[i] = qf_build_i32(p->stride[i]);
    a->pad[2 * i] = qf_build_i32(pad[2 * i]);
    a->pad[2 * i + 1] = qf_build_i32(pad[2 * i + 1] + extra[i]);
  }
  a->count_pad = count_pad;
  return qf_build_end(&l->build, node, error);
}

static gboolean read_pool(const QfCaffeLayer *l, const Caffe__PoolingParameter *a, Pool *p, GError **error)
{
  const uint32_t kernel[] = {a->has_kernel_h ? a->kernel_h : a->kernel_size,
                             a->has_kernel_w ? a->kernel_w : a->kernel_size};
  const uint32_t stride[] = {a->has_stride_h ? a->stride_h : a->stride,
                             a->has_stride_w ? a->stride_w : a->stride};
  const uint32_t pad[] = {a->has_pad_h ? a->pad_h : a->pad, a->has_pad_w ? a->pad_w : a->pad};
  for (int i = 0; i < 2; i++) {
    if (kernel[i] < 1 || kernel[i] > MAX_WINDOW || stride[i] < 1 || stride[i] > MAX_WINDOW ||
        pad[i] > MAX_WINDOW)
      return qf_build_fail(&l->build, error, QF_ERROR_FORMAT,
                           "a window of %u by stride %u and padding %u is not possible", kernel[i], stride[i],
                           pad[i]);
    p->kernel[i] = kernel[i];
    p->stride[i] = stride[i];
    p->pad[i] = pad[i];
  }
  return TRUE;
}

static gboolean map_pooling(QfCaffeLayer *l, GError **error)
{
  QF_CAFFE_PARAM(a, l, Caffe__PoolingParameter, CAFFE__POOLING_PARAMETER__INIT, pooling_param);
  Pool p = {.average = a->pool == CAFFE__POOLING_PARAMETER__POOL_METHOD__AVE,
            .floor = !a->ceil_mode || a->round_mode == CAFFE__POOLING_PARAMETER__ROUND_MODE__FLOOR};
  if (a->pool != CAFFE__POOLING_PARAMETER__POOL_METHOD__MAX && !p.average)
    return qf_build_fail(&l->build, error, QF_ERROR_UNSUPPORTED,
                         "pool %d is not supported: only MAX (0) and AVE (1) are", (int)a->pool);
  QfTensor *x = qf_caffe_to_image(l, l->in[0], error);
  if (!x)
    return FALSE;
  if (a->global_pooling) {
    static const QfInts spatial = {2, {2, 3}};
    return qf_caffe_bind(l, 0,
                         qf_build_reduce(&l->build, p.average ? "ReduceMean" : "ReduceMax", l->in[0],
                                         &spatial, TRUE, qf_caffe_out(l, 0), error));
  }
  return read_pool(l, a, &p, error) && qf_caffe_from_image(l, emit_pool(l, x, &p, error), error);
}

/* Pools of 1, 2x2, 4x4, ... windows, each flattened, one after the other. */
static gboolean map_spp(QfCaffeLayer *l, GError **error)
{
  QF_CAFFE_PARAM(a, l, Caffe__SPPParameter, CAFFE__SPPPARAMETER__INIT, spp_param);
  QfTensor *parts[16] = {NULL}, *x = qf_caffe_to_image(l, l->in[0], error);
  if (!x)
    return FALSE;
  int64_t size[] = {x->dims[1], x->dims[2]};
  if (a->pyramid_height < 1 || a->pyramid_height > 15 || a->pool > CAFFE__SPPPARAMETER__POOL_METHOD__AVE)
    return qf_build_fail(
        &l->build, error, QF_ERROR_UNSUPPORTED,
        "a pyramid of %u levels by method %d: 1 to 15 levels of MAX (0) or AVE (1) are supported",
        a->pyramid_height, (int)a->pool);
  for (uint32_t i = 0; i < a->pyramid_height; i++) {
    Pool p = {.average = a->pool == CAFFE__SPPPARAMETER__POOL_METHOD__AVE};
    int64_t bins = (int64_t)1 << i;
    for (int k = 0; k < 2; k++) {
      p.kernel[k] = p.stride[k] = MAX((size[k] + bins - 1) / bins, 1);
      p.pad[k] = (p.kernel[k] * bins - size[k] + 1) / 2;
    }
    QfTensor *y = qf_build_channels_first(&l->build, emit_pool(l, x, &p, error), NULL, error);
    if (!y)
      return FALSE;
    QfInts flat = {2, {y->dims[0], qf_tensor_count(y) / MAX(y->dims[0], 1)}};
    parts[i] = qf_build_reshape(&l->build, y, &flat, NULL, error);
  }
  return qf_caffe_bind(l, 0,
                       qf_build_concat(&l->build, parts, a->pyramid_height, 1, qf_caffe_out(l, 0), error));
}

const QfCaffeRow qf_caffe_pool_rows[] = {
    {"Pooling", map_pooling, 1, 1, 1, NULL},
    {"SPP", map_spp, 1, 1, 1, NULL},
    {NULL},
};
