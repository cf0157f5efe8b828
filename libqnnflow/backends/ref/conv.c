/* SPDX-License-Identifier: MIT */
/*
 * conv.c - rows of Conv2d, DepthWiseConv2d and TransposeConv2d.
 */
#include "weighted.h"
#include "../../ops/list.h"
#include "kernels/dwconv/dwconv.h"

typedef void (*FloatKernel)(const QfkConvShape *, const float *, const float *, const float *, const float *,
                            const QfkEpilogue *, float *);
typedef void (*IntKernel)(const QfkConvShape *, const QfkIntArgs *, const void *, const void *, void *);

static const struct {
  const QfOpDef *op;
  FloatKernel real;
  IntKernel integer;
  const char *real_name, *integer_name;
} kinds[] = {
    {&qf_op_Conv2d, qfk_conv2d_f32_ref, qfk_conv2d_int_ref, "conv2d_f32_ref", "conv2d_int_ref"},
    {&qf_op_DepthWiseConv2d, qfk_dwconv_f32_ref, qfk_dwconv_int_ref, "dwconv_f32_ref", "dwconv_int_ref"},
    {&qf_op_TransposeConv2d, qfk_deconv2d_f32_ref, qfk_deconv2d_int_ref, "deconv2d_f32_ref",
     "deconv2d_int_ref"},
};

typedef struct {
  QfkConvShape shape;
  QfRefWeighted w;
  size_t kind;
} Params;

static void run_real(const void *params, const void *const *in, void *const *out)
{
  const Params *p = params;
  QfkEpilogue act = qf_ref_weighted_act(&p->w, in);
  kinds[p->kind].real(&p->shape, in[0], in[1], qf_ref_weighted_bias(&p->w, in),
                      qf_ref_weighted_residual(&p->w, in), &act, out[0]);
}

static void run_integer(const void *params, const void *const *in, void *const *out)
{
  const Params *p = params;
  kinds[p->kind].integer(&p->shape, &p->w.q, in[0], in[1], out[0]);
}

static void describe(QfkConvShape *s, const QfNode *node)
{
  const QfConv2dAttrs *a = node->attrs;
  const int64_t *x = node->inputs[0]->dims, *w = node->inputs[1]->dims, *y = node->outputs[0]->dims;
  *s = (QfkConvShape){.n = (int32_t)x[0],
                      .h = (int32_t)x[1],
                      .w = (int32_t)x[2],
                      .c = (int32_t)x[3],
                      .oh = (int32_t)y[1],
                      .ow = (int32_t)y[2],
                      .oc = (int32_t)y[3],
                      .kh = (int32_t)w[0],
                      .kw = (int32_t)w[1],
                      .stride = {a->stride[0], a->stride[1]},
                      .dilation = {a->dilation[0], a->dilation[1]},
                      .pad = {a->pad[0], a->pad[2]},
                      .group = a->group};
}

gboolean qf_ref_lower_conv(QfLower *lower, QfNode *node, GError **error)
{
  const QfConv2dAttrs *a = node->attrs;
  Params *p = qf_lower_alloc(lower, sizeof(*p));
  while (kinds[p->kind].op != node->op)
    p->kind++;
  describe(&p->shape, node);
  if (!qf_ref_weighted_init(&p->w, lower, node, &a->epi, node->outputs[0]->dims[3], error))
    return FALSE;
  if (p->w.integer)
    qf_ref_lower_plain(lower, node, kinds[p->kind].integer_name, run_integer, p);
  else
    qf_ref_lower_real(lower, node, kinds[p->kind].real_name, run_real, p, p->w.real_in, 1);
  return TRUE;
}
