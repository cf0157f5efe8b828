/* SPDX-License-Identifier: MIT */
/*
 * sample.c - rows of GridSample and of the regions of interest.
 */
#include "ref.h"
#include "../../ops/list.h"
#include "kernels/sample/sample.h"

static void run_grid(const void *params, const void *const *in, void *const *out)
{
  qfk_grid_sample_f32_ref(params, in[0], in[1], out[0]);
}

gboolean qf_ref_lower_grid_sample(QfLower *lower, QfNode *node, GError **error)
{
  const QfGridSampleAttrs *a = node->attrs;
  const QfTensor *x = node->inputs[0], *grid = node->inputs[1];
  QfkGridSample *p = qf_lower_alloc(lower, sizeof(*p));
  *p = (QfkGridSample){.spatial = x->rank - 2,
                       .batch = x->dims[0],
                       .points = qf_dims_count(grid->dims + 1, grid->rank - 2),
                       .channels = x->dims[x->rank - 1],
                       .mode = a->mode,
                       .outside = a->padding,
                       .align_corners = a->align_corners != 0};
  for (int32_t i = 0; i < p->spatial; i++)
    p->in[i] = x->dims[1 + i];
  qf_ref_lower_real(lower, node, "grid_sample_f32_ref", run_grid, p, QF_REF_ALL_PORTS, QF_REF_ALL_PORTS);
  return TRUE;
}

static void run_align(const void *params, const void *const *in, void *const *out)
{
  qfk_roi_align_f32_ref(params, in[0], in[1], in[2], out[0]);
}

static void run_pool(const void *params, const void *const *in, void *const *out)
{
  qfk_roi_pool_f32_ref(params, in[0], in[1], out[0]);
}

static void run_crop(const void *params, const void *const *in, void *const *out)
{
  qfk_roi_crop_f32_ref(params, in[0], in[1], in[2], out[0]);
}

static const struct {
  const QfOpDef *op;
  const char *kernel;
  QfRefFunc run;
} regions[] = {
    {&qf_op_RoiAlign, "roi_align_f32_ref", run_align},
    {&qf_op_RoiPool, "roi_pool_f32_ref", run_pool},
    {&qf_op_CropAndResize, "roi_crop_f32_ref", run_crop},
};

gboolean qf_ref_lower_regions(QfLower *lower, QfNode *node, GError **error)
{
  const QfRegionAttrs *a = node->attrs;
  const QfTensor *x = node->inputs[0];
  QfkRegions *p = qf_lower_alloc(lower, sizeof(*p));
  size_t kind = 0;
  while (regions[kind].op != node->op)
    kind++;
  *p = (QfkRegions){.n = x->dims[0],
                    .h = x->dims[1],
                    .w = x->dims[2],
                    .c = x->dims[3],
                    .count = node->inputs[1]->dims[0],
                    .out_h = a->size[0],
                    .out_w = a->size[1],
                    .scale = a->scale,
                    .extra = a->outside,
                    .samples = a->samples,
                    .half_pixel = a->half_pixel != 0,
                    .max = a->maximum != 0,
                    .nearest = a->nearest != 0};
  qf_ref_lower_real(lower, node, regions[kind].kernel, regions[kind].run, p, QF_REF_ALL_PORTS,
                    QF_REF_ALL_PORTS);
  return TRUE;
}
