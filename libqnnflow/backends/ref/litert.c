/* SPDX-License-Identifier: MIT */
/*
 * litert.c - what the reference backend does otherwise in the `tflite` scheme (QfModelOptions.requant): the peer's fixed
 * multipliers in place of one float multiplication. Operators without a function here compute as always.
 */
#include "litert.h"
#include "../../ops/list.h"

const QfkFixed *qf_ref_litert_multipliers(QfLower *lower, const QfNode *node, int64_t channels)
{
  const QfEncoding *x = &node->inputs[0]->enc, *w = &node->inputs[1]->enc, *y = &node->outputs[0]->enc;
  QfkFixed *f = qf_lower_alloc(lower, (size_t)channels * sizeof(*f));
  for (int64_t c = 0; c < channels; c++) {
    const float w_scale = w->entries[w->count > 1 ? c : 0].scale;
    /* One scale: the peer multiplies in float; a scale for each channel: in double. */
    const double product = w->count > 1 ? (double)x->entries[0].scale * (double)w_scale
                                        : (double)(x->entries[0].scale * w_scale);
    f[c] = qfk_fixed_from_real(product / (double)y->entries[0].scale);
  }
  return f;
}

static void run_binary(const void *params, const void *const *in, void *const *out)
{
  qfk_litert_binary_ref(params, in[0], in[1], out[0]);
}

gboolean qf_ref_litert_binary(QfLower *lower, const QfNode *node, const QfkBinary *b, QfkEncoding ea,
                              QfkEncoding eb, QfkEncoding ey)
{
  gboolean multiply = b->op == QFK_BINARY_MUL, wide = ea.type > QFK_S8;
  if (lower->requant != QF_REQUANT_TFLITE || b->act.act > QFK_ACT_CLAMP || ea.type != eb.type ||
      ea.type != ey.type || (!multiply && b->op != QFK_BINARY_ADD && b->op != QFK_BINARY_SUB))
    return FALSE;
  QfkLitertBinary *p = qf_lower_alloc(lower, sizeof(*p));
  const double twice = 2.0 * (double)MAX(ea.scale, eb.scale);
  *p = (QfkLitertBinary){.nd = b->nd,
                         .a_type = ea.type,
                         .b_type = eb.type,
                         .y_type = ey.type,
                         .a_zero = ea.zero,
                         .b_zero = eb.zero,
                         .y_zero = ey.zero,
                         .lo = b->q.lo,
                         .hi = b->q.hi,
                         .left_shift = wide ? 15 : 20,
                         .multiply = multiply,
                         .subtract = b->op == QFK_BINARY_SUB,
                         .fa = qfk_fixed_from_real((double)ea.scale / twice),
                         .fb = qfk_fixed_from_real((double)eb.scale / twice)};
  p->fy = qfk_fixed_from_real(multiply ? (double)(ea.scale * eb.scale / ey.scale)
                                       : twice / ((double)(1 << p->left_shift) * (double)ey.scale));
  qf_ref_lower_plain(lower, node, "litert_binary_ref", run_binary, p);
  return TRUE;
}

typedef struct {
  QfkLitertRequantize q;
  size_t n;
} Requantize;

static void run_requantize(const void *params, const void *const *in, void *const *out)
{
  const Requantize *p = params;
  qfk_litert_requantize_ref(&p->q, in[0], out[0], p->n);
}

gboolean qf_ref_litert_requantize(QfLower *lower, const QfNode *node)
{
  QfkEncoding x, y;
  if (lower->requant != QF_REQUANT_TFLITE || !qf_ref_is_encoded(node->inputs[0], &x) ||
      !qf_ref_is_encoded(node->outputs[0], &y))
    return FALSE;
  Requantize *p = qf_lower_alloc(lower, sizeof(*p));
  p->n = (size_t)qf_tensor_count(node->outputs[0]);
  p->q = (QfkLitertRequantize){.x_type = x.type,
                               .y_type = y.type,
                               .x_zero = x.zero,
                               .y_zero = y.zero,
                               .f = qfk_fixed_from_real((double)x.scale / (double)y.scale)};
  qf_ref_bounds(&y, QF_ACT_NONE, 0, 0, &p->q.lo, &p->q.hi);
  qf_ref_lower_plain(lower, node, "litert_requantize_ref", run_requantize, p);
  return TRUE;
}

static void run_resize(const void *params, const void *const *in, void *const *out)
{
  qfk_litert_resize_ref(params, in[0], out[0]);
}

gboolean qf_ref_litert_resize(QfLower *lower, const QfNode *node)
{
  const QfResizeAttrs *a = node->attrs;
  const QfTensor *x = node->inputs[0], *y = node->outputs[0];
  QfkEncoding e;
  gboolean known = a->coordinate_mode == QF_COORD_HALF_PIXEL ||
                   a->coordinate_mode == QF_COORD_ALIGN_CORNERS || a->coordinate_mode == QF_COORD_ASYMMETRIC;
  if (lower->requant != QF_REQUANT_TFLITE || a->interpolation != QF_RESIZE_LINEAR || x->rank != 4 ||
      a->scale.n || !known || !qf_ref_is_encoded(x, &e) || !qf_ref_same_form(x, y) ||
      x->dims[0] != y->dims[0] || x->dims[3] != y->dims[3] || e.type == QFK_U16)
    return FALSE;
  QfkLitertResize *p = qf_lower_alloc(lower, sizeof(*p));
  *p = (QfkLitertResize){.type = e.type,
                         .n = x->dims[0],
                         .ih = x->dims[1],
                         .iw = x->dims[2],
                         .c = x->dims[3],
                         .oh = y->dims[1],
                         .ow = y->dims[2],
                         .align_corners = a->coordinate_mode == QF_COORD_ALIGN_CORNERS,
                         .half_pixel = a->coordinate_mode == QF_COORD_HALF_PIXEL};
  qf_ref_lower_plain(lower, node, "litert_resize_ref", run_resize, p);
  return TRUE;
}

const QfkFixed *qf_ref_litert_reduce(QfLower *lower, const QfkEncoding *x, const QfkEncoding *y,
                                     int64_t count)
{
  if (lower->requant != QF_REQUANT_TFLITE)
    return NULL;
  QfkFixed *f = qf_lower_alloc(lower, sizeof(*f));
  *f = qfk_fixed_from_real((double)x->scale / (double)y->scale);
  if (count > 1) { /* the division by the count becomes part of the multiplier */
    int32_t shift = MIN(63 - __builtin_clzll((uint64_t)count), 32);
    shift = MIN(shift, 31 + f->shift);
    f->multiplier = (int32_t)(((int64_t)f->multiplier << shift) / count);
    f->shift -= shift;
  }
  return f;
}
