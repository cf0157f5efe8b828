/* SPDX-License-Identifier: MIT */
/*
 * sample.c - what the operators mean that read images at real positions: GridSample and regions of interest. Images are
 * channels last. Numbers: kernels/sample.
 */
#include "list.h"
#include "infer.h"

#define GRID(member) offsetof(QfGridSampleAttrs, member)
#define REGION(member) offsetof(QfRegionAttrs, member)

static const char *const mode_names[] = {"bilinear", "nearest", "bicubic", NULL};
static const char *const padding_names[] = {"zeros", "border", "reflection", NULL};
static const QfAttrDef grid_attrs[] = {
    {"mode", QF_ATTR_ENUM, GRID(mode), 1, 0, mode_names},
    {"padding_mode", QF_ATTR_ENUM, GRID(padding), 1, 0, padding_names},
    {"align_corners", QF_ATTR_BOOL, GRID(align_corners), 1, 0, NULL},
    {NULL},
};

static const QfAttrDef align_attrs[] = {
    {"output_size", QF_ATTR_INT, REGION(size), 2, 1, NULL},
    {"spatial_scale", QF_ATTR_FLOAT, REGION(scale), 1, 1, NULL},
    {"num_samples", QF_ATTR_INT, REGION(samples), 1, 0, NULL},
    {"aligned", QF_ATTR_BOOL, REGION(half_pixel), 1, 0, NULL},
    {"maximum", QF_ATTR_BOOL, REGION(maximum), 1, 0, NULL},
    {NULL},
};
static const QfAttrDef pool_attrs[] = {
    {"output_size", QF_ATTR_INT, REGION(size), 2, 1, NULL},
    {"spatial_scale", QF_ATTR_FLOAT, REGION(scale), 1, 1, NULL},
    {NULL},
};
static const QfAttrDef crop_attrs[] = {
    {"resize_dims", QF_ATTR_INT, REGION(size), 2, 1, NULL},
    {"nearest", QF_ATTR_BOOL, REGION(nearest), 1, 0, NULL},
    {"extrapolation_value", QF_ATTR_FLOAT, REGION(outside), 1, 0, NULL},
    {NULL},
};

static gboolean infer_grid_sample(QfNode *node, GError **error)
{
  const QfGridSampleAttrs *a = node->attrs;
  if (!qf_infer_begin(node, error) || !qf_infer_rank(node, 0, 4, 5, error) ||
      !qf_infer_numbers(node, 0, QF_NUMBERS_REAL, error) ||
      !qf_infer_numbers(node, 1, QF_NUMBERS_REAL, error))
    return FALSE;
  const QfTensor *x = node->inputs[0], *grid = node->inputs[1];
  if (a->mode < 0 || a->mode > 2 || a->padding < 0 || a->padding > 2)
    return qf_infer_fail(error, QF_ERROR_FORMAT, "mode %d or padding mode %d is not known", a->mode,
                         a->padding);
  if (grid->rank != x->rank || grid->dims[0] != x->dims[0] || grid->dims[x->rank - 1] != x->rank - 2)
    return qf_infer_fail(error, QF_ERROR_SHAPE,
                         "the grid (%s) must have the batch of the input and end with %d coordinates",
                         grid->name, x->rank - 2);
  int64_t dims[5];
  for (int i = 0; i < x->rank; i++) {
    if (i && i < x->rank - 1 && x->dims[i] < 1)
      return qf_infer_fail(error, QF_ERROR_SHAPE, "the image (%s) is empty", x->name);
    dims[i] = i < x->rank - 1 ? grid->dims[i] : x->dims[i];
  }
  return qf_infer_set(node, 0, x->dtype, dims, x->rank, error);
}

/* Boxes [R, width], and which image each belongs to. */
static gboolean check_boxes(const QfNode *node, int64_t width, GError **error)
{
  const QfTensor *x = node->inputs[0], *boxes = node->inputs[1];
  const QfTensor *index = node->n_inputs > 2 ? node->inputs[2] : NULL;
  if (boxes->rank != 2 || boxes->dims[1] != width)
    return qf_infer_fail(error, QF_ERROR_SHAPE, "the boxes (%s) must be [count, %" G_GINT64_FORMAT "]",
                         boxes->name, width);
  if (index && (index->rank != 1 || index->dims[0] != boxes->dims[0]))
    return qf_infer_fail(error, QF_ERROR_SHAPE,
                         "the images' indices (%s) must be one for each of the %" G_GINT64_FORMAT " boxes",
                         index->name, boxes->dims[0]);
  if (boxes->dims[0] && (x->dims[0] < 1 || x->dims[1] < 1 || x->dims[2] < 1))
    return qf_infer_fail(error, QF_ERROR_SHAPE, "the image (%s) is empty", x->name);
  return TRUE;
}

static gboolean infer_regions(QfNode *node, GError **error)
{
  const QfRegionAttrs *a = node->attrs;
  if (!qf_infer_begin(node, error) || !qf_infer_rank(node, 0, 4, 4, error) ||
      !qf_infer_numbers(node, 0, QF_NUMBERS_REAL, error) ||
      !check_boxes(node, node->op->max_inputs == 2 ? 5 : 4, error))
    return FALSE;
  if (a->size[0] < 1 || a->size[1] < 1 || a->samples < 0 || a->samples > 256)
    return qf_infer_fail(error, QF_ERROR_SHAPE,
                         "an output of %d by %d from %d samples is not possible (at most 256)", a->size[0],
                         a->size[1], a->samples);
  const QfTensor *x = node->inputs[0];
  const int64_t dims[4] = {node->inputs[1]->dims[0], a->size[0], a->size[1], x->dims[3]};
  return qf_infer_set(node, 0, x->dtype, dims, 4, error);
}

/* Up to 64 pixels a point, and finding them. */
static uint64_t grid_macs(const QfNode *node)
{
  const QfGridSampleAttrs *a = node->attrs;
  const uint64_t taps = a->mode == 1 ? 1 : a->mode == 2 ? 4 : 2, rank = (uint64_t)node->inputs[0]->rank - 2;
  const uint64_t channels = (uint64_t)node->inputs[0]->dims[rank + 1],
                 points = (uint64_t)qf_tensor_count(node->inputs[1]);
  return qf_infer_product(points / rank, channels * taps * taps * (rank > 2 ? taps : 1) + 64);
}

/* A bin without a number of samples takes what its box asks for: 4 by 4 is usual, 256 by 256 the most. */
static uint64_t region_macs(const QfNode *node)
{
  const QfRegionAttrs *a = node->attrs;
  const gboolean one = node->op == &qf_op_CropAndResize, known = node->inputs[1]->data != NULL;
  const uint64_t samples = a->samples ? (uint64_t)a->samples : one ? 1 : known ? 256 : 4;
  return qf_infer_product((uint64_t)qf_tensor_count(node->outputs[0]), 4 * samples * samples);
}

#define SAMPLE_OP(Name, text, inputs, attrs_t, table, infer_fn, macs_fn)                                     \
  const QfOpDef qf_op_##Name = {                                                                             \
      .name = #Name,                                                                                         \
      .summary = text,                                                                                       \
      .min_inputs = inputs,                                                                                  \
      .max_inputs = inputs,                                                                                  \
      .min_outputs = 1,                                                                                      \
      .max_outputs = 1,                                                                                      \
      .attrs_size = sizeof(attrs_t),                                                                         \
      .attrs = table,                                                                                        \
      .move = QF_MOVE_FIXED,                                                                                 \
      .quant = QF_QUANT_ANY,                                                                                 \
      .infer = infer_fn,                                                                                     \
      .macs = macs_fn,                                                                                       \
  };

SAMPLE_OP(GridSample, "x at the positions of a grid", 2, QfGridSampleAttrs, grid_attrs, infer_grid_sample,
          grid_macs)
SAMPLE_OP(RoiAlign, "mean (or largest) of samples in the bins of each box", 3, QfRegionAttrs, align_attrs,
          infer_regions, region_macs)
SAMPLE_OP(RoiPool, "largest pixel in the bins of each box", 2, QfRegionAttrs, pool_attrs, infer_regions,
          region_macs)
SAMPLE_OP(CropAndResize, "boxes cut out and stretched to one size", 3, QfRegionAttrs, crop_attrs,
          infer_regions, region_macs)
