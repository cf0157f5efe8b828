/* SPDX-License-Identifier: MIT */
/*
 * ssd.c - the layers of SSD detectors. Prior boxes depend on sizes only, so they are computed here and become constants;
 * DetectionOutput is an operator of the graph, with the most rows that it can give.
 */
#include "map.h"

#include <math.h>

#define MAX_PRIORS 256 /* sizes and ratios in one layer */

/* Width and height of each prior, in pixels of the network's image. */
typedef struct {
  float width[MAX_PRIORS], height[MAX_PRIORS];
  int n;
} Priors;

static void add_prior(Priors *p, double width, double height)
{
  if (p->n < MAX_PRIORS) {
    p->width[p->n] = (float)width;
    p->height[p->n] = (float)height;
  }
  p->n++;
}

/* The ratios besides 1, without duplicates, and turned over where wanted. */
static int read_ratios(const Caffe__PriorBoxParameter *a, float ratios[MAX_PRIORS])
{
  int n = 0;
  for (size_t i = 0; i < a->n_aspect_ratio && n < MAX_PRIORS - 1; i++) {
    float r = a->aspect_ratio[i];
    gboolean known = !(r > 0) || fabsf(r - 1) < 1e-6f;
    for (int k = 0; k < n; k++)
      known |= fabsf(r - ratios[k]) < 1e-6f;
    if (known)
      continue;
    ratios[n++] = r;
    if (a->flip)
      ratios[n++] = 1 / r;
  }
  return n;
}

static gboolean list_priors(const QfCaffeLayer *l, const Caffe__PriorBoxParameter *a, Priors *p,
                            GError **error)
{
  float ratios[MAX_PRIORS + 1];
  int n = read_ratios(a, ratios);
  p->n = 0;
  if (!a->n_min_size || (a->n_max_size && a->n_max_size != a->n_min_size))
    return qf_build_fail(&l->build, error, QF_ERROR_FORMAT,
                         "it has %zu min_size and %zu max_size: as many of each, or no max_size, are needed",
                         a->n_min_size, a->n_max_size);
  for (size_t i = 0; i < a->n_min_size && p->n <= MAX_PRIORS; i++) {
    double min = a->min_size[i];
    add_prior(p, min, min);
    if (a->n_max_size)
      add_prior(p, sqrt(min * a->max_size[i]), sqrt(min * a->max_size[i]));
    for (int k = 0; k < n; k++)
      add_prior(p, min * sqrt(ratios[k]), min / sqrt(ratios[k]));
  }
  return p->n <= MAX_PRIORS ||
         qf_build_fail(&l->build, error, QF_ERROR_LIMIT, "more than %d boxes for each pixel", MAX_PRIORS);
}

/* Corners in parts of the image, then the variances, for each pixel and prior. */
static void fill_priors(const Caffe__PriorBoxParameter *a, const Priors *p, const int64_t *grid,
                        const float *image, const float *step, float *out)
{
  int64_t count = grid[0] * grid[1] * p->n;
  for (int64_t i = 0; i < count; i++) {
    int k = (int)(i % p->n);
    float cx = ((float)(i / p->n % grid[1]) + a->offset) * step[1],
          cy = ((float)(i / p->n / grid[1]) + a->offset) * step[0];
    const float box[] = {(cx - p->width[k] / 2) / image[1], (cy - p->height[k] / 2) / image[0],
                         (cx + p->width[k] / 2) / image[1], (cy + p->height[k] / 2) / image[0]};
    for (int c = 0; c < 4; c++) {
      out[4 * i + c] = a->clip ? CLAMP(box[c], 0, 1) : box[c];
      out[4 * (count + i) + c] = !a->n_variance ? 0.1f : a->variance[a->n_variance == 4 ? c : 0];
    }
  }
}

static gboolean map_prior_box(QfCaffeLayer *l, GError **error)
{
  QF_CAFFE_PARAM(a, l, Caffe__PriorBoxParameter, CAFFE__PRIOR_BOX_PARAMETER__INIT, prior_box_param);
  const QfTensor *feature = l->in[0], *picture = l->in[1];
  Priors p;
  if (feature->rank != 4 || picture->rank != 4 || (a->n_variance > 1 && a->n_variance != 4))
    return qf_build_fail(&l->build, error, QF_ERROR_SHAPE,
                         "its bottoms must be images, and its variances none, one or four");
  if (!list_priors(l, a, &p, error))
    return FALSE;
  int64_t grid[] = {feature->dims[2], feature->dims[3]};
  QfInts dims = {3, {1, 2, grid[0] * grid[1] < (int64_t)1 << 24 ? grid[0] * grid[1] * p.n * 4 : -1}};
  float image[2], step[2];
  for (int i = 0; i < 2; i++) {
    gboolean has = i ? a->has_img_w : a->has_img_h, has_step = i ? a->has_step_w : a->has_step_h;
    uint32_t given = has ? (i ? a->img_w : a->img_h) : a->img_size;
    float given_step = has_step ? (i ? a->step_w : a->step_h) : a->step;
    image[i] = given ? (float)given : (float)picture->dims[2 + i];
    step[i] = given_step > 0 ? given_step : image[i] / (float)MAX(grid[i], 1);
  }
  if (qf_dims_count(dims.v, 3) < 0 || !(image[0] > 0) || !(image[1] > 0))
    return qf_build_fail(&l->build, error, QF_ERROR_LIMIT, "its bottoms are too large or empty");
  if (!qf_build_charge(&l->build, sizeof(float) * (uint64_t)qf_dims_count(dims.v, 3), error))
    return FALSE;
  float *values = g_new(float, qf_dims_count(dims.v, 3) + 1);
  fill_priors(a, &p, grid, image, step, values);
  g_autofree char *name = g_strdup_printf("%s/priors", l->build.name);
  return qf_caffe_bind(l, 0,
                       qf_graph_add_constant(l->build.graph, name, QF_DTYPE_FLOAT32, dims.v, 3,
                                             g_bytes_new_take(values, sizeof(float) *
                                                                          (gsize)qf_dims_count(dims.v, 3))));
}

static gboolean map_detection_output(QfCaffeLayer *l, GError **error)
{
  QF_CAFFE_PARAM(a, l, Caffe__DetectionOutputParameter, CAFFE__DETECTION_OUTPUT_PARAMETER__INIT,
                 detection_output_param);
  static Caffe__NonMaximumSuppressionParameter defaults = CAFFE__NON_MAXIMUM_SUPPRESSION_PARAMETER__INIT;
  const Caffe__NonMaximumSuppressionParameter *nms = a->nms_param ? a->nms_param : &defaults;
  QfTensor *in[3];
  for (int i = 0; i < 2; i++) {
    QfTensor *x = l->in[i];
    QfInts flat = {2, {x->rank ? x->dims[0] : 1, x->rank ? qf_dims_count(x->dims + 1, x->rank - 1) : 1}};
    in[i] = qf_build_reshape(&l->build, x, &flat, NULL, error);
  }
  in[2] = l->in[2];
  if (!in[0] || !in[1])
    return FALSE;
  QfNode *node = qf_build_begin(&l->build, "SsdDetectionOutput", in, 3, qf_caffe_out(l, 0));
  QfSsdAttrs *s = node->attrs;
  s->num_classes = qf_build_i32(a->num_classes);
  s->share_location = a->share_location != 0;
  s->background_class = a->background_label_id;
  s->code_type = qf_build_i32((int64_t)a->code_type - CAFFE__PRIOR_BOX_PARAMETER__CODE_TYPE__CORNER);
  s->variance_in_target = a->variance_encoded_in_target != 0;
  s->top_k = nms->has_top_k ? nms->top_k : -1;
  s->keep_top_k = a->keep_top_k;
  s->nms_threshold = nms->nms_threshold;
  s->nms_eta = nms->eta;
  s->confidence_threshold = a->has_confidence_threshold ? a->confidence_threshold : -INFINITY;
  return qf_caffe_bind(l, 0, qf_build_end(&l->build, node, error));
}

const QfCaffeRow qf_caffe_ssd_rows[] = {
    {"PriorBox", map_prior_box, 2, 2, 1, NULL},
    {"DetectionOutput", map_detection_output, 3, 3, 1, "SsdDetectionOutput"},
    {NULL},
};
