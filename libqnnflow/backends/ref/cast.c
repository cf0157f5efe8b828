/* SPDX-License-Identifier: MIT */
/*
 * cast.c - rows of the operators that change the type of numbers, and of Range.
 */
#include "fixed.h"
#include "litert.h"
#include "../../graph/numbers.h"
#include "kernels/quantize/quantize.h"

#include <math.h>
#include <string.h>

typedef struct {
  QfDType from, to;
  int64_t n;
  QfkScales scales;
  QfkInt type;
  QfkRequantize requantize;
} Params;

/* To integers a float is cut toward zero and clamped; integers wrap around; anything but 0 is true. */
static void run_cast(const void *params, const void *const *in, void *const *out)
{
  const Params *p = params;
  const gboolean from_float = qf_dtype_is_float(p->from), to_float = qf_dtype_is_float(p->to);
  const size_t size = qf_dtype_size(p->to);
  for (int64_t i = 0; i < p->n; i++) {
    if (p->to == QF_DTYPE_BOOL)
      ((uint8_t *)out[0])[i] = qf_number_real(p->from, in[0], i) != 0;
    else if (from_float || to_float) {
      double v = qf_number_real(p->from, in[0], i);
      qf_number_store(p->to, out[0], i, to_float ? v : trunc(v));
    } else { /* the low bytes come first on every machine this runs on */
      int64_t v = qf_number_int(p->from, in[0], i);
      memcpy((char *)out[0] + (size_t)i * size, &v, size);
    }
  }
}

static void run_copy(const void *params, const void *const *in, void *const *out)
{
  const Params *p = params;
  memcpy(out[0], in[0], (size_t)p->n * qf_dtype_size(p->to));
}

static Params *new_params(QfLower *lower, const QfNode *node)
{
  Params *p = qf_lower_alloc(lower, sizeof(*p));
  p->from = node->inputs[0]->dtype;
  p->to = node->outputs[0]->dtype;
  p->n = qf_tensor_count(node->outputs[0]);
  return p;
}

gboolean qf_ref_lower_cast(QfLower *lower, QfNode *node, GError **error)
{
  Params *p = new_params(lower, node);
  if (p->from != p->to)
    qf_ref_lower_plain(lower, node, "cast_ref", run_cast, p);
  else if (!qf_lower_alias(lower, node->outputs[0], node->inputs[0]))
    qf_ref_lower_plain(lower, node, "copy_ref", run_copy, p);
  return TRUE;
}

gboolean qf_ref_lower_bit_cast(QfLower *lower, QfNode *node, GError **error)
{
  qf_ref_lower_plain(lower, node, "copy_ref", run_copy, new_params(lower, node));
  return TRUE;
}

static void describe_scales(QfLower *lower, QfkScales *s, const QfTensor *t)
{
  const uint32_t n = t->enc.count;
  float *scale = qf_lower_alloc(lower, n * sizeof(*scale));
  int32_t *zero = qf_lower_alloc(lower, n * sizeof(*zero));
  for (uint32_t i = 0; i < n; i++) {
    scale[i] = t->enc.entries[i].scale;
    zero[i] = -t->enc.entries[i].offset;
  }
  *s = (QfkScales){.outer = 1, .n = n, .inner = 1, .scale = scale, .zero = zero};
  if (n > 1) {
    s->outer = qf_dims_count(t->dims, t->enc.axis);
    s->inner = qf_dims_count(t->dims + t->enc.axis + 1, t->rank - t->enc.axis - 1);
  } else
    s->inner = qf_tensor_count(t);
}

static void run_quantize(const void *params, const void *const *in, void *const *out)
{
  const Params *p = params;
  qfk_quantize_f32_ref(&p->scales, p->type, in[0], out[0]);
}

static void run_quantize_s32(const void *params, const void *const *in, void *const *out)
{
  qfk_quantize_s32_f32_ref(&((const Params *)params)->scales, in[0], out[0]);
}

static void run_dequantize(const void *params, const void *const *in, void *const *out)
{
  const Params *p = params;
  qfk_dequantize_f32_ref(&p->scales, p->type, in[0], out[0]);
}

static void run_dequantize_s32(const void *params, const void *const *in, void *const *out)
{
  qfk_dequantize_s32_f32_ref(&((const Params *)params)->scales, in[0], out[0]);
}

static gboolean unsupported_type(const QfNode *node, QfDType dtype, GError **error)
{
  g_autofree char *why = g_strdup_printf("encodings of %s are not supported", qf_dtype_name(dtype));
  return qf_ref_unsupported(node, error, why, "use int8, uint8, int16, uint16 or int32");
}

gboolean qf_ref_lower_quantize(QfLower *lower, QfNode *node, GError **error)
{
  Params *p = new_params(lower, node);
  gboolean wide = p->to == QF_DTYPE_INT32;
  if (!wide && !qf_ref_int_type(p->to, &p->type))
    return unsupported_type(node, p->to, error);
  describe_scales(lower, &p->scales, node->outputs[0]);
  qf_ref_lower_real(lower, node, "quantize_f32_ref", wide ? run_quantize_s32 : run_quantize, p, 1, 0);
  return TRUE;
}

gboolean qf_ref_lower_dequantize(QfLower *lower, QfNode *node, GError **error)
{
  Params *p = new_params(lower, node);
  gboolean wide = p->from == QF_DTYPE_INT32;
  if (!node->inputs[0]->enc.count)
    return qf_ref_lower_cast(lower, node, error);
  if (!wide && !qf_ref_int_type(p->from, &p->type))
    return unsupported_type(node, p->from, error);
  describe_scales(lower, &p->scales, node->inputs[0]);
  qf_ref_lower_real(lower, node, "dequantize_f32_ref", wide ? run_dequantize_s32 : run_dequantize, p, 0, 1);
  return TRUE;
}

static void run_requantize(const void *params, const void *const *in, void *const *out)
{
  const Params *p = params;
  qfk_requantize_ref(&p->requantize, in[0], out[0], (size_t)p->n);
}

static void run_real_copy(const void *params, const void *const *in, void *const *out)
{
  memcpy(out[0], in[0], (size_t)((const Params *)params)->n * sizeof(float));
}

gboolean qf_ref_lower_convert(QfLower *lower, QfNode *node, GError **error)
{
  Params *p = new_params(lower, node);
  QfkEncoding x, y;
  if (qf_ref_litert_requantize(lower, node))
    return TRUE;
  if (qf_ref_is_encoded(node->inputs[0], &x) && qf_ref_is_encoded(node->outputs[0], &y)) {
    p->requantize =
        (QfkRequantize){x.type, y.type, x.zero, y.zero, (float)((double)x.scale / (double)y.scale), NULL};
    p->requantize.fixed = qf_ref_fixed_multiplier(lower, (double)x.scale / (double)y.scale, FALSE);
    qf_ref_lower_plain(lower, node, "requantize_ref", run_requantize, p);
  } else
    qf_ref_lower_real(lower, node, "convert_ref", run_real_copy, p, 1, 1);
  return TRUE;
}

static void run_range(const void *params, const void *const *in, void *const *out)
{
  const Params *p = params;
  if (qf_dtype_is_float(p->to)) {
    double start = qf_number_real(p->from, in[0], 0), delta = qf_number_real(p->from, in[2], 0);
    for (int64_t i = 0; i < p->n; i++)
      qf_number_store(p->to, out[0], i, start + (double)i * delta);
    return;
  }
  uint64_t v = (uint64_t)qf_number_int(p->from, in[0], 0), step = (uint64_t)qf_number_int(p->from, in[2], 0);
  const size_t size = qf_dtype_size(p->to);
  for (int64_t i = 0; i < p->n; i++, v += step)
    memcpy((char *)out[0] + (size_t)i * size, &v, size);
}

gboolean qf_ref_lower_range(QfLower *lower, QfNode *node, GError **error)
{
  qf_ref_lower_plain(lower, node, "range_ref", run_range, new_params(lower, node));
  return TRUE;
}

typedef struct {
  QfkMiniFloat mini;
  size_t n;
} Mini;

static void run_mini(const void *params, const void *const *in, void *const *out)
{
  const Mini *p = params;
  qfk_mini_float_f32_ref(&p->mini, in[0], out[0], p->n);
}

gboolean qf_ref_lower_mini_float(QfLower *lower, QfNode *node, GError **error)
{
  const QfMiniFloatAttrs *a = node->attrs;
  Mini *p = qf_lower_alloc(lower, sizeof(*p));
  p->mini = (QfkMiniFloat){a->mantissa_bits, a->min_exponent, a->beyond, a->max, a->up != 0, a->no_nan != 0};
  p->n = (size_t)qf_tensor_count(node->outputs[0]);
  qf_ref_lower_real(lower, node, "mini_float_f32_ref", run_mini, p, 1, 1);
  return TRUE;
}
