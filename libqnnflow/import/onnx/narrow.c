/* SPDX-License-Identifier: MIT */
/*
 * narrow.c - values of less than a byte, and floats of a byte or less: how they lie in a file, and what they mean. Integers
 * become int8 or uint8, one a byte; floats become float32. Only constants, inputs and zero points have these types.
 */
#include "reader.h"

#include <math.h>
#include <string.h>

typedef struct {
  int32_t number; /* ONNX's */
  QfDType dtype;  /* what they become */
  int bits;
  gboolean is_signed;
  int exponent, mantissa, bias; /* floats: bits of each, and the exponent's bias */
  enum { NO_INF, WITH_INF, ONE_NAN, NO_NAN, SCALE } rule;
} Narrow;

static const Narrow rows[] = {
    {17, QF_DTYPE_FLOAT32, 8, TRUE, 4, 3, 7, NO_INF},    /* FLOAT8E4M3FN: NaN is all ones */
    {18, QF_DTYPE_FLOAT32, 8, TRUE, 4, 3, 8, ONE_NAN},   /* FLOAT8E4M3FNUZ: NaN is the sign alone */
    {19, QF_DTYPE_FLOAT32, 8, TRUE, 5, 2, 15, WITH_INF}, /* FLOAT8E5M2 */
    {20, QF_DTYPE_FLOAT32, 8, TRUE, 5, 2, 16, ONE_NAN},  /* FLOAT8E5M2FNUZ */
    {21, QF_DTYPE_UINT8, 4, FALSE, 0, 0, 0, NO_INF},     /* UINT4 */
    {22, QF_DTYPE_INT8, 4, TRUE, 0, 0, 0, NO_INF},       /* INT4 */
    {23, QF_DTYPE_FLOAT32, 4, TRUE, 2, 1, 1, NO_NAN},    /* FLOAT4E2M1 */
    {24, QF_DTYPE_FLOAT32, 8, FALSE, 8, 0, 127, SCALE},  /* FLOAT8E8M0: a power of two */
    {25, QF_DTYPE_UINT8, 2, FALSE, 0, 0, 0, NO_INF},     /* UINT2 */
    {26, QF_DTYPE_INT8, 2, TRUE, 0, 0, 0, NO_INF},       /* INT2 */
};

static const Narrow *find(int32_t number)
{
  for (guint i = 0; i < G_N_ELEMENTS(rows); i++)
    if (rows[i].number == number)
      return &rows[i];
  return NULL;
}

QfDType qf_onnx_stored_dtype(int32_t number)
{
  const Narrow *row = find(number);
  return row ? row->dtype : qf_onnx_dtype(number, NULL);
}

gboolean qf_onnx_narrow_range(int32_t number, int32_t *lo, int32_t *hi)
{
  const Narrow *row = find(number);
  if (!row || row->exponent)
    return FALSE;
  *lo = row->is_signed ? -(1 << (row->bits - 1)) : 0;
  *hi = (1 << (row->bits - row->is_signed)) - 1;
  return TRUE;
}

gboolean qf_onnx_narrow_float(int32_t number, QfOnnxNarrowFloat *f)
{
  const Narrow *row = find(number);
  if (!row || !row->exponent)
    return FALSE;
  const int top = (1 << row->exponent) - 1 - (row->rule == WITH_INF || row->rule == SCALE);
  const int fraction = (1 << row->mantissa) - 1 - (row->rule == NO_INF); /* of the largest number */
  *f = (QfOnnxNarrowFloat){.mantissa = row->mantissa,
                           .least = row->rule == SCALE ? -row->bias : 1 - row->bias,
                           .max = ldexpf(1 + ldexpf((float)fraction, -row->mantissa), top - row->bias),
                           .has_infinity = row->rule == WITH_INF,
                           .has_nan = row->rule != NO_NAN,
                           .is_scale = row->rule == SCALE};
  return TRUE;
}

size_t qf_onnx_narrow_bytes(int32_t number, int64_t count)
{
  const Narrow *row = find(number);
  return row ? ((size_t)count * (size_t)row->bits + 7) / 8 : 0;
}

static float decode_float(const Narrow *row, uint32_t code)
{
  const uint32_t top = (1u << row->exponent) - 1, fraction = code & ((1u << row->mantissa) - 1);
  const uint32_t exponent = code >> row->mantissa & top, sign = row->is_signed ? code >> (row->bits - 1) : 0;
  float value;
  if (row->rule == SCALE)
    return code == 255 ? NAN : ldexpf(1, (int)code - row->bias);
  if (row->rule == ONE_NAN && sign && !exponent && !fraction)
    return NAN;
  if (row->rule == WITH_INF && exponent == top)
    value = fraction ? NAN : INFINITY;
  else if (row->rule == NO_INF && exponent == top && fraction == (1u << row->mantissa) - 1)
    value = NAN;
  else if (!exponent)
    value = ldexpf((float)fraction, 1 - row->bias - row->mantissa);
  else
    value = ldexpf((float)(fraction | 1u << row->mantissa), (int)exponent - row->bias - row->mantissa);
  return sign ? -value : value;
}

GBytes *qf_onnx_narrow_unpack(int32_t number, GBytes *packed, int64_t count)
{
  const Narrow *row = find(number);
  const uint8_t *from = g_bytes_get_data(packed, NULL);
  const size_t width = qf_dtype_size(row->dtype);
  uint8_t *to = g_malloc((gsize)count * width + 1);
  for (int64_t i = 0; i < count; i++) {
    const size_t bit = (size_t)i * (size_t)row->bits;
    const uint32_t code = (uint32_t)from[bit / 8] >> bit % 8 & ((1u << row->bits) - 1);
    if (row->exponent) {
      float value = decode_float(row, code);
      memcpy(to + (size_t)i * width, &value, width);
    } else {
      to[i] = (uint8_t)(row->is_signed && code >> (row->bits - 1) ? code | ~0u << row->bits : code);
    }
  }
  g_bytes_unref(packed);
  return g_bytes_new_take(to, (gsize)count * width);
}
