/* SPDX-License-Identifier: MIT */
/*
 * map_nn.c - layers on images and sequences with channels first: convolutions, normalisations, resampling.
 */
#include "map.h"

#include <string.h>

/* The same before and after. */
static void attr_pads(QfPt2Node *n, const int64_t *pads, int count)
{
  int64_t both[2 * QF_MAX_RANK];
  for (int i = 0; i < count; i++)
    both[i] = both[count + i] = pads[i];
  qf_pt2_attr_ints(n->p->emit, qf_pt2_last(n), "pads", both, 2 * (uint32_t)count);
}

typedef struct {
  int64_t stride[QF_MAX_RANK], padding[QF_MAX_RANK], dilation[QF_MAX_RANK], output_padding[QF_MAX_RANK];
  int spatial;
  const char *automatic; /* padding given as a word */
} Window;

static gboolean read_window(const QfPt2Node *n, int32_t rank, Window *w, GError **error)
{
  static const int64_t zeros[3] = {0}, ones[3] = {1, 1, 1};
  const char *word = qf_pt2_arg_text(n, "padding", NULL);
  *w = (Window){.spatial = rank - 2};
  w->automatic = !word ? NULL : !strcmp(word, "same") ? "SAME_UPPER" : "VALID";
  if (rank < 3 || rank > 5)
    return qf_pt2_fail(n, error, QF_ERROR_UNSUPPORTED,
                       "its weight has %d dimensions, only 3 to 5 are supported", rank);
  return qf_pt2_spread(n, "stride", ones, w->spatial, w->stride, error) &&
         (word || qf_pt2_spread(n, "padding", zeros, w->spatial, w->padding, error)) &&
         qf_pt2_spread(n, "dilation", ones, w->spatial, w->dilation, error) &&
         qf_pt2_spread(n, "output_padding", zeros, w->spatial, w->output_padding, error);
}

static gboolean map_conv(QfPt2Node *n, GError **error)
{
  const char *x = qf_pt2_tensor(n, "input"), *weight = qf_pt2_tensor(n, "weight"),
             *bias = qf_pt2_tensor(n, "bias");
  const gboolean transposed =
      qf_pt2_arg_bool(n, "transposed", g_str_has_prefix(n->row->op, "conv_transpose"));
  const int32_t rank = qf_pt2_rank(n, weight);
  const gboolean single = qf_pt2_rank(n, x) == rank - 1; /* an image without a batch */
  const int64_t front = 0;
  QfPt2Emit *e = n->p->emit;
  Window w;
  if (!read_window(n, rank, &w, error))
    return FALSE;
  if (single)
    x = qf_pt2_emit(n, "Unsqueeze", NULL, 2, x, qf_pt2_const_ints(e, &front, 1));
  const char *y =
      qf_pt2_emit(n, transposed ? "ConvTranspose" : "Conv", single ? NULL : n->out[0], 3, x, weight, bias);
  Onnx__NodeProto *node = qf_pt2_last(n);
  qf_pt2_attr_ints(e, node, "strides", w.stride, (uint32_t)w.spatial);
  qf_pt2_attr_ints(e, node, "dilations", w.dilation, (uint32_t)w.spatial);
  qf_pt2_attr_int(e, node, "group", qf_pt2_arg_int(n, "groups", 1));
  if (transposed)
    qf_pt2_attr_ints(e, node, "output_padding", w.output_padding, (uint32_t)w.spatial);
  if (w.automatic)
    qf_pt2_attr_string(e, node, "auto_pad", w.automatic);
  else
    attr_pads(n, w.padding, w.spatial);
  if (single)
    qf_pt2_emit(n, "Squeeze", n->out[0], 2, y, qf_pt2_const_ints(e, &front, 1));
  return TRUE;
}

/* A vector of @count equal numbers, which the ONNX importer computes. */
static const char *filled(QfPt2Node *n, int64_t count, float value)
{
  return qf_pt2_emit(n, "Expand", NULL, 2, qf_pt2_number(n, (double)value),
                     qf_pt2_const_ints(n->p->emit, &count, 1));
}

/* The number of channels, dimension 1 of the input. */
static int64_t channels(const QfPt2Node *n, const char *x)
{
  QfPt2Tensor meta;
  const gboolean known = qf_pt2_meta(n, x, &meta) && meta.rank >= 2;
  return known && meta.dims[1] > 0 && meta.dims[1] <= 1 << 24 ? meta.dims[1] : 0;
}

static gboolean map_batch_norm(QfPt2Node *n, GError **error)
{
  const char *x = qf_pt2_tensor(n, "input"), *weight = qf_pt2_tensor(n, "weight"),
             *bias = qf_pt2_tensor(n, "bias");
  const char *mean = qf_pt2_tensor(n, "running_mean"), *variance = qf_pt2_tensor(n, "running_var");
  const int64_t c = channels(n, x);
  if (qf_pt2_arg_bool(n, "training", FALSE) || !mean || !variance || !c)
    return qf_pt2_fail(
        n, error, QF_ERROR_UNSUPPORTED,
        "it is in training mode, or has no running mean; call module.eval() before the export");
  qf_pt2_emit(n, "BatchNormalization", n->out[0], 5, x, weight ? weight : filled(n, c, 1),
              bias ? bias : filled(n, c, 0), mean, variance);
  qf_pt2_attr_float(n->p->emit, qf_pt2_last(n), "epsilon", qf_pt2_arg_float(n, "eps", 1e-5));
  return TRUE;
}

/* Statistics of the input over batch and image: of one image, that is InstanceNormalization. */
static gboolean map_own_statistics(QfPt2Node *n, GError **error)
{
  const char *x = qf_pt2_tensor(n, "input"), *weight = qf_pt2_tensor(n, "weight"),
             *bias = qf_pt2_tensor(n, "bias");
  const int64_t c = channels(n, x);
  QfPt2Tensor meta;
  if (!c || !qf_pt2_meta(n, x, &meta) || meta.dims[0] != 1 || qf_pt2_tensor(n, "running_mean"))
    return qf_pt2_fail(n, error, QF_ERROR_UNSUPPORTED,
                       "it is in training mode; call module.eval() before the export");
  qf_pt2_emit(n, "InstanceNormalization", n->out[0], 3, x, weight ? weight : filled(n, c, 1),
              bias ? bias : filled(n, c, 0));
  qf_pt2_attr_float(n->p->emit, qf_pt2_last(n), "epsilon", qf_pt2_arg_float(n, "eps", 1e-5));
  return TRUE;
}

/* The arguments' names differ between the layers' functions and those of run_decompositions(). */
static double epsilon(const QfPt2Node *n)
{
  return qf_pt2_arg_float(n, "eps", qf_pt2_arg_float(n, "epsilon", 1e-5));
}

static gboolean map_layer_norm(QfPt2Node *n, GError **error)
{
  QfInts shape;
  const char *x = qf_pt2_tensor(n, "input"), *weight = qf_pt2_tensor(n, "weight"),
             *bias = qf_pt2_tensor(n, "bias");
  if (!qf_pt2_arg_ints(n, "normalized_shape", &shape) || !shape.n)
    return qf_pt2_fail(n, error, QF_ERROR_UNSUPPORTED, "its shape must be known");
  if (!weight) {
    int64_t count = qf_dims_count(shape.v, shape.n);
    if (count < 0 || count > 1 << 28)
      return qf_pt2_fail(n, error, QF_ERROR_FORMAT, "its shape is too large");
    weight = qf_pt2_reshape(n, filled(n, count, 1), shape.v, (uint32_t)shape.n, NULL);
  }
  qf_pt2_emit(n, n->row->data, n->out[0], 3, x, weight, bias);
  qf_pt2_attr_int(n->p->emit, qf_pt2_last(n), "axis", -shape.n);
  qf_pt2_attr_float(n->p->emit, qf_pt2_last(n), "epsilon",
                    qf_pt2_arg_float(n, "eps", strcmp(n->row->op, "rms_norm") ? 1e-5 : 1.1920929e-7));
  return TRUE;
}

static gboolean map_group_norm(QfPt2Node *n, GError **error)
{
  const char *x = qf_pt2_tensor(n, "input"), *weight = qf_pt2_tensor(n, "weight"),
             *bias = qf_pt2_tensor(n, "bias");
  const gboolean instance = !strcmp(n->row->op, "instance_norm");
  const int64_t c = channels(n, x);
  if (!c || (instance && !qf_pt2_arg_bool(n, "use_input_stats", TRUE)))
    return qf_pt2_fail(n, error, QF_ERROR_UNSUPPORTED,
                       "its channels must be known, and its statistics those of the input");
  qf_pt2_emit(n, instance ? "InstanceNormalization" : "GroupNormalization", n->out[0], 3, x,
              weight ? weight : filled(n, c, 1), bias ? bias : filled(n, c, 0));
  if (!instance)
    qf_pt2_attr_int(n->p->emit, qf_pt2_last(n), "num_groups",
                    qf_pt2_arg_int(n, "num_groups", qf_pt2_arg_int(n, "group", 1)));
  qf_pt2_attr_float(n->p->emit, qf_pt2_last(n), "epsilon", epsilon(n));
  return TRUE;
}

/* Factors of the image dimensions, with 1 for batch and channels. */
static const char *scales_of(QfPt2Node *n, int spatial)
{
  const cJSON *arg = qf_pt2_arg(n, "scale_factors"), *item;
  float values[QF_MAX_RANK] = {1, 1};
  int64_t count = 2;
  cJSON_ArrayForEach(item, qf_pt2_get(arg, "as_floats")) if (count < QF_MAX_RANK) values[count++] =
      (float)item->valuedouble;
  if (count != spatial + 2)
    return NULL;
  return qf_pt2_constant(n->p->emit, NULL, QF_PT2_FLOAT, &count, 1,
                         g_bytes_new(values, (gsize)count * sizeof(float)));
}

/* data: "mode" of Resize. Sizes are those of the output, unless open ones follow from factors. */
static gboolean map_upsample(QfPt2Node *n, GError **error)
{
  const char *x = qf_pt2_tensor(n, "input"), *sizes = NULL, *scales = NULL;
  QfPt2Tensor meta;
  x = x ? x : qf_pt2_tensor(n, "self");
  const gboolean known = qf_pt2_meta(n, n->out[0], &meta);
  gboolean open = FALSE;
  for (int i = 2; known && i < meta.rank; i++)
    open |= meta.dims[i] < 0;
  if (known && !open) { /* batch and channels as they are, also when open */
    const int64_t zero = 0, two = 2;
    const char *front =
        qf_pt2_emit(n, "Slice", NULL, 3, qf_pt2_emit(n, "Shape", NULL, 1, x),
                    qf_pt2_const_ints(n->p->emit, &zero, 1), qf_pt2_const_ints(n->p->emit, &two, 1));
    sizes = qf_pt2_emit(n, "Concat", NULL, 2, front,
                        qf_pt2_const_ints(n->p->emit, meta.dims + 2, (uint32_t)meta.rank - 2));
    qf_pt2_attr_int(n->p->emit, qf_pt2_last(n), "axis", 0);
  } else {
    scales = scales_of(n, known ? meta.rank - 2 : 2);
  }
  if (!known || meta.rank < 3 || (!sizes && !scales))
    return qf_pt2_fail(n, error, QF_ERROR_UNSUPPORTED, "its output must have known sizes, or known factors");
  const gboolean nearest = !strcmp(n->row->data, "nearest");
  qf_pt2_emit(n, "Resize", n->out[0], 4, x, NULL, scales, sizes);
  Onnx__NodeProto *node = qf_pt2_last(n);
  qf_pt2_attr_string(n->p->emit, node, "mode", n->row->data);
  qf_pt2_attr_string(n->p->emit, node, "coordinate_transformation_mode",
                     nearest                                      ? "asymmetric"
                     : qf_pt2_arg_bool(n, "align_corners", FALSE) ? "align_corners"
                                                                  : "half_pixel");
  if (nearest)
    qf_pt2_attr_string(n->p->emit, node, "nearest_mode", "floor");
  if (!strcmp(n->row->data, "cubic"))
    qf_pt2_attr_float(n->p->emit, node, "cubic_coeff_a", -0.75);
  return TRUE;
}

static gboolean map_grid_sampler(QfPt2Node *n, GError **error)
{
  static const char *const modes[] = {"linear", "nearest", "cubic"}, *const paddings[] = {"zeros", "border",
                                                                                          "reflection"};
  const int64_t mode = qf_pt2_arg_int(n, "interpolation_mode", 0),
                padding = qf_pt2_arg_int(n, "padding_mode", 0);
  if (mode < 0 || mode > 2 || padding < 0 || padding > 2)
    return qf_pt2_fail(n, error, QF_ERROR_FORMAT, "its mode is unknown");
  qf_pt2_emit(n, "GridSample", n->out[0], 2, qf_pt2_tensor(n, "input"), qf_pt2_tensor(n, "grid"));
  qf_pt2_attr_string(n->p->emit, qf_pt2_last(n), "mode", modes[mode]);
  qf_pt2_attr_string(n->p->emit, qf_pt2_last(n), "padding_mode", paddings[padding]);
  qf_pt2_attr_int(n->p->emit, qf_pt2_last(n), "align_corners", qf_pt2_arg_bool(n, "align_corners", FALSE));
  return TRUE;
}

const QfPt2Row qf_pt2_nn_rows[] = {
    {"conv1d", map_conv, NULL},
    {"conv2d", map_conv, NULL},
    {"conv3d", map_conv, NULL},
    {"convolution", map_conv, NULL},
    {"_convolution", map_conv, NULL},
    {"conv_transpose1d", map_conv, NULL},
    {"conv_transpose2d", map_conv, NULL},
    {"conv_transpose3d", map_conv, NULL},
    {"batch_norm", map_batch_norm, NULL},
    {"_native_batch_norm_legit_no_training", map_batch_norm, NULL},
    {"native_batch_norm", map_batch_norm, NULL},
    {"_native_batch_norm_legit", map_own_statistics, NULL},
    {"layer_norm", map_layer_norm, "LayerNormalization"},
    {"native_layer_norm", map_layer_norm, "LayerNormalization"},
    {"rms_norm", map_layer_norm, "RMSNormalization"},
    {"group_norm", map_group_norm, NULL},
    {"native_group_norm", map_group_norm, NULL},
    {"instance_norm", map_group_norm, NULL},
    {"upsample_nearest1d", map_upsample, "nearest"},
    {"upsample_nearest2d", map_upsample, "nearest"},
    {"upsample_linear1d", map_upsample, "linear"},
    {"upsample_bilinear2d", map_upsample, "linear"},
    {"upsample_bicubic2d", map_upsample, "cubic"},
    {"pixel_shuffle", qf_pt2_map_simple, "DepthToSpace self blocksize=$upscale_factor:1 mode=CRD"},
    {"grid_sampler", map_grid_sampler, NULL},
    {"grid_sampler_2d", map_grid_sampler, NULL},
    {NULL},
};
