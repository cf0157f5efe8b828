/* SPDX-License-Identifier: MIT */
/*
 * norm.c - rows of the normalisations.
 */
#include "ref.h"
#include "kernels/norm/norm.h"

typedef struct {
  size_t rows, pixels, channels;
  float epsilon;
} Params;

static void run_batchnorm(const void *params, const void *const *in, void *const *out)
{
  const Params *p = params;
  qfk_batchnorm_f32_ref(p->rows * p->pixels, p->channels, in[0], in[1], in[2], out[0]);
}

static void run_instance_norm(const void *params, const void *const *in, void *const *out)
{
  const Params *p = params;
  qfk_instance_norm_f32_ref(p->rows, p->pixels, p->channels, p->epsilon, in[0], in[1], in[2], out[0]);
}

static void run_layer_norm(const void *params, const void *const *in, void *const *out)
{
  const Params *p = params;
  qfk_layer_norm_f32_ref(p->rows, p->channels, p->epsilon, in[0], in[1], in[2], out[0]);
}

static void run_l2_norm(const void *params, const void *const *in, void *const *out)
{
  const Params *p = params;
  qfk_l2_norm_f32_ref(p->rows, p->pixels, p->channels, p->epsilon, in[0], out[0]);
}

static gboolean add(QfLower *lower, const QfNode *node, const char *kernel, QfRefFunc run, Params params)
{
  Params *p = qf_lower_alloc(lower, sizeof(*p));
  *p = params;
  p->epsilon = ((const QfNormAttrs *)node->attrs)->epsilon;
  qf_ref_lower_real(lower, node, kernel, run, p, QF_REF_ALL_PORTS, QF_REF_ALL_PORTS);
  return TRUE;
}

/* Elements of dimensions [first, last). */
static size_t span(const QfTensor *x, int32_t first, int32_t last)
{
  return last > first ? (size_t)qf_dims_count(x->dims + first, last - first) : 1;
}

gboolean qf_ref_lower_batchnorm(QfLower *lower, QfNode *node, GError **error)
{
  const QfTensor *x = node->inputs[0];
  Params p = {1, span(x, 0, x->rank - 1), (size_t)x->dims[x->rank - 1], 0};
  return add(lower, node, "batchnorm_f32_ref", run_batchnorm, p);
}

gboolean qf_ref_lower_instance_norm(QfLower *lower, QfNode *node, GError **error)
{
  const QfTensor *x = node->inputs[0];
  Params p = {(size_t)x->dims[0], span(x, 1, x->rank - 1), (size_t)x->dims[x->rank - 1], 0};
  return add(lower, node, "instance_norm_f32_ref", run_instance_norm, p);
}

gboolean qf_ref_lower_layer_norm(QfLower *lower, QfNode *node, GError **error)
{
  const QfTensor *x = node->inputs[0];
  const QfNormAttrs *a = node->attrs;
  int32_t first =
      a->axes.n ? x->rank - a->axes.n : 0; /* the last dimensions, says the operator's inference */
  Params p = {span(x, 0, first), 1, span(x, first, x->rank), 0};
  return add(lower, node, "layer_norm_f32_ref", run_layer_norm, p);
}

gboolean qf_ref_lower_l2_norm(QfLower *lower, QfNode *node, GError **error)
{
  const QfTensor *x = node->inputs[0];
  const QfInts *axes = &((const QfNormAttrs *)node->attrs)->axes;
  int64_t first = x->rank, last = -1;
  for (int i = 0; i < axes->n; i++) {
    first = MIN(first, axes->v[i]);
    last = MAX(last, axes->v[i]);
  }
  if (!axes->n) {
    first = 0;
    last = x->rank - 1;
  }
  if (axes->n && last - first + 1 != axes->n)
    return qf_ref_unsupported(node, error, "its axes are not neighbours",
                              "add a Transpose that makes them so");
  Params p = {span(x, 0, (int32_t)first), span(x, (int32_t)first, (int32_t)last + 1),
              span(x, (int32_t)last + 1, x->rank), 0};
  return add(lower, node, "l2_norm_f32_ref", run_l2_norm, p);
}
