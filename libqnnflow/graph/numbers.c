/* SPDX-License-Identifier: MIT */
/*
 * numbers.c - one element of a typed array. One row a data type.
 */
#include "numbers.h"

#include <math.h>
#include <string.h>

float qf_half_to_float(uint16_t half)
{
  uint32_t sign = (uint32_t)(half & 0x8000) << 16, exponent = (half >> 10) & 31, mantissa = half & 1023;
  float value;
  if (exponent == 0) { /* zero or subnormal: mantissa * 2^-24 */
    value = (float)mantissa * 0x1p-24f;
    return sign ? -value : value;
  }
  uint32_t bits = sign | mantissa << 13 | (exponent == 31 ? 0x7f800000u : (exponent + 112) << 23);
  memcpy(&value, &bits, sizeof(value));
  return value;
}

uint16_t qf_float_to_half(float value)
{
  uint32_t bits;
  memcpy(&bits, &value, sizeof(bits));
  uint16_t sign = (bits >> 16) & 0x8000;
  bits &= 0x7fffffff;
  if (bits > 0x7f800000)
    return sign | 0x7e00; /* NaN */
  if (bits >= 0x477ff000) /* rounds to 65536 or more */
    return sign | 0x7c00;
  if (bits < 0x38800000) { /* subnormal: let the float adder round at 2^-24 */
    float magnitude;
    memcpy(&magnitude, &bits, sizeof(bits));
    return sign | (uint16_t)lrintf(magnitude * 0x1p24f);
  }
  uint32_t odd = (bits >> 13) & 1;
  return sign | (uint16_t)((bits - (112u << 23) + 0xfff + odd) >> 13);
}

float qf_bfloat16_to_float(uint16_t value)
{
  uint32_t bits = (uint32_t)value << 16;
  float result;
  memcpy(&result, &bits, sizeof(result));
  return result;
}

uint16_t qf_float_to_bfloat16(float value)
{
  uint32_t bits;
  memcpy(&bits, &value, sizeof(bits));
  if ((bits & 0x7fffffff) > 0x7f800000)
    return (bits >> 16) | 0x40;
  return (uint16_t)((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

/* Truncated towards zero; not a number is 0, and what an int64 cannot hold its nearest end. */
static int64_t truncate_real(double v)
{
  return v != v ? 0 : v >= 0x1p63 ? INT64_MAX : v < -0x1p63 ? INT64_MIN : (int64_t)v;
}

#define EXACT(v) ((int64_t)(v))
#define READ(type, c_type, expression, whole)                                                                \
  static double real_##type(const void *data, int64_t i)                                                     \
  {                                                                                                          \
    c_type v;                                                                                                \
    memcpy(&v, (const char *)data + i * (int64_t)sizeof(v), sizeof(v));                                      \
    return (double)(expression);                                                                             \
  }                                                                                                          \
  static int64_t int_##type(const void *data, int64_t i)                                                     \
  {                                                                                                          \
    c_type v;                                                                                                \
    memcpy(&v, (const char *)data + i * (int64_t)sizeof(v), sizeof(v));                                      \
    return whole(expression);                                                                                \
  }
#define WRITE(type, c_type, expression)                                                                      \
  static void store_##type(void *data, int64_t i, double value)                                              \
  {                                                                                                          \
    c_type v = (c_type)(expression);                                                                         \
    memcpy((char *)data + i * (int64_t)sizeof(v), &v, sizeof(v));                                            \
  }
/* The largest double below 2^63 keeps the conversion defined. */
#define INTEGER(type, lo, hi)                                                                                \
  READ(type, type, v, EXACT)                                                                                 \
  WRITE(type, type, value != value ? 0 : fmin(fmax(rint(value), (double)(lo)), (double)(hi)))

READ(float32, float, v, truncate_real)
WRITE(float32, float, value)
READ(float64, double, v, truncate_real)
WRITE(float64, double, value)
READ(float16, uint16_t, qf_half_to_float(v), truncate_real)
WRITE(float16, uint16_t, qf_float_to_half((float)value))
READ(bfloat16, uint16_t, qf_bfloat16_to_float(v), truncate_real)
WRITE(bfloat16, uint16_t, qf_float_to_bfloat16((float)value))
INTEGER(int8_t, INT8_MIN, INT8_MAX)
INTEGER(uint8_t, 0, UINT8_MAX)
INTEGER(int16_t, INT16_MIN, INT16_MAX)
INTEGER(uint16_t, 0, UINT16_MAX)
INTEGER(int32_t, INT32_MIN, INT32_MAX)
INTEGER(uint32_t, 0, UINT32_MAX)
INTEGER(int64_t, INT64_MIN, 9223372036854774784.0)
INTEGER(uint64_t, 0, 18446744073709549568.0)

/* Of a type that is not known there is nothing: damaged files ask for it. */
static double real_nothing(const void *data, int64_t i)
{
  return 0;
}

static int64_t int_nothing(const void *data, int64_t i)
{
  return 0;
}

static void store_nothing(void *data, int64_t i, double value) {}

static const struct {
  double (*real)(const void *, int64_t);
  int64_t (*integer)(const void *, int64_t);
  void (*store)(void *, int64_t, double);
} numbers[QF_N_DTYPES] = {
    [QF_DTYPE_FLOAT32] = {real_float32, int_float32, store_float32},
    [QF_DTYPE_FLOAT16] = {real_float16, int_float16, store_float16},
    [QF_DTYPE_BFLOAT16] = {real_bfloat16, int_bfloat16, store_bfloat16},
    [QF_DTYPE_FLOAT64] = {real_float64, int_float64, store_float64},
    [QF_DTYPE_INVALID] = {real_nothing, int_nothing, store_nothing},
    [QF_DTYPE_INT8] = {real_int8_t, int_int8_t, store_int8_t},
    [QF_DTYPE_UINT8] = {real_uint8_t, int_uint8_t, store_uint8_t},
    [QF_DTYPE_INT16] = {real_int16_t, int_int16_t, store_int16_t},
    [QF_DTYPE_UINT16] = {real_uint16_t, int_uint16_t, store_uint16_t},
    [QF_DTYPE_INT32] = {real_int32_t, int_int32_t, store_int32_t},
    [QF_DTYPE_UINT32] = {real_uint32_t, int_uint32_t, store_uint32_t},
    [QF_DTYPE_INT64] = {real_int64_t, int_int64_t, store_int64_t},
    [QF_DTYPE_UINT64] = {real_uint64_t, int_uint64_t, store_uint64_t},
    [QF_DTYPE_BOOL] = {real_uint8_t, int_uint8_t, store_uint8_t},
};

double qf_number_real(QfDType dtype, const void *data, int64_t index)
{
  return numbers[dtype].real(data, index);
}

int64_t qf_number_int(QfDType dtype, const void *data, int64_t index)
{
  return numbers[dtype].integer(data, index);
}

void qf_number_store(QfDType dtype, void *data, int64_t index, double value)
{
  numbers[dtype].store(data, index, value);
}
