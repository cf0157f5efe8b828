/* SPDX-License-Identifier: MIT */
/*
 * cast.c - Cast and CastLike. Types narrower than a byte are kept as bytes, and floats of a byte or less as float32 (narrow.c); a cast to
 * them is what such a type does to a number: integers wrap around, floats are rounded.
 */
#include "quant.h"

#include <string.h>

QfTensor *qf_onnx_round_float(QfOnnxNode *n, QfTensor *x, int32_t number, QfTensor *out, GError **error)
{
  QfOnnxNarrowFloat f;
  if (!x || !qf_onnx_narrow_float(number, &f))
    return NULL;
  const gboolean saturate = qf_onnx_int(n, "saturate", 1) != 0 || !f.has_nan;
  g_autofree char *mode = qf_onnx_string(n, "round_mode", "up");
  if (f.is_scale && strcmp(mode, "up")) {
    qf_onnx_fail(n, error, QF_ERROR_UNSUPPORTED, "attribute round_mode is '%s': supported is up", mode);
    return NULL;
  }
  x = qf_build_cast(n->b, x, QF_DTYPE_FLOAT32, NULL, error);
  if (!x)
    return NULL;
  QfNode *node = qf_build_begin(n->b, "MiniFloat", &x, 1, out);
  *(QfMiniFloatAttrs *)node->attrs = (QfMiniFloatAttrs){.mantissa_bits = f.mantissa,
                                                        .min_exponent = f.least,
                                                        .beyond = saturate         ? 0
                                                                  : f.has_infinity ? 1
                                                                                   : 2,
                                                        .max = f.max,
                                                        .up = f.is_scale,
                                                        .no_nan = !f.has_nan};
  return qf_build_end(n->b, node, error);
}

/* The low bits of an integer, with their sign: (x mod 2^bits) moved into the range. */
static QfTensor *wrap(QfOnnxNode *n, QfTensor *x, int32_t number, GError **error)
{
  int32_t lo, hi;
  qf_onnx_narrow_range(number, &lo, &hi);
  x = qf_build_cast(n->b, x, QF_DTYPE_INT32, NULL, error);
  x = x ? qf_build_apply2(n->b, "ElementWiseAnd", x, qf_build_scalar(n->b, hi - lo, QF_DTYPE_INT32), NULL,
                          error)
        : NULL;
  if (x && lo) {
    x = qf_build_apply2(n->b, "ElementWiseXor", x, qf_build_scalar(n->b, -lo, QF_DTYPE_INT32), NULL, error);
    x = x ? qf_build_apply2(n->b, "ElementWiseAdd", x, qf_build_scalar(n->b, lo, QF_DTYPE_INT32), NULL, error)
          : NULL;
  }
  return qf_build_cast(n->b, x, qf_onnx_stored_dtype(number), qf_onnx_output(n, 0), error);
}

static gboolean map_cast(QfOnnxNode *n, GError **error)
{
  const int32_t number = n->row->arg ? qf_onnx_declared_number(n, 1, 0) : qf_onnx_int(n, "to", 0);
  QfOnnxNarrowFloat f;
  const char *name = "";
  int32_t lo, hi;
  if (qf_onnx_narrow_float(number, &f))
    return qf_onnx_bind(n, 0, qf_onnx_round_float(n, n->in[0], number, qf_onnx_output(n, 0), error));
  if (qf_onnx_narrow_range(number, &lo, &hi))
    return qf_onnx_bind(n, 0, wrap(n, n->in[0], number, error));
  QfDType dtype = n->row->arg ? n->in[1]->dtype : qf_onnx_dtype(number, &name);
  if (dtype == QF_DTYPE_INVALID)
    return qf_onnx_fail(n, error, QF_ERROR_UNSUPPORTED,
                        "it casts to %s, which is not supported: use a number type", name);
  if (qf_dtype_is_float(dtype) && dtype != QF_DTYPE_FLOAT64)
    dtype = QF_DTYPE_FLOAT32; /* that is what half precision is computed in */
  return qf_onnx_bind(n, 0, qf_build_cast(n->b, n->in[0], dtype, NULL, error));
}

/* The same bits as another type of the same size; half precision has no bits of its own inside the graph. */
static gboolean map_bit_cast(QfOnnxNode *n, GError **error)
{
  const char *name = "";
  QfDType dtype = qf_onnx_dtype(qf_onnx_int(n, "to", 0), &name);
  if (dtype == QF_DTYPE_INVALID || dtype == QF_DTYPE_FLOAT16 || dtype == QF_DTYPE_BFLOAT16 ||
      qf_dtype_size(dtype) != qf_dtype_size(n->in[0]->dtype))
    return qf_onnx_fail(n, error, QF_ERROR_UNSUPPORTED,
                        "it makes %s of %s: integers, float32 and float64 of one size are supported", name,
                        qf_dtype_name(n->in[0]->dtype));
  QfNode *node = qf_build_begin(n->b, "BitCast", n->in, 1, qf_onnx_output(n, 0));
  ((QfCastAttrs *)node->attrs)->dtype = dtype;
  return qf_onnx_bind(n, 0, qf_build_end(n->b, node, error));
}

const QfOnnxRow qf_onnx_cast_rows[] = {
    {"", "Cast", map_cast, 1, 1, "Cast", 0},
    {"", "CastLike", map_cast, 2, 2, "Cast", 1},
    {"", "BitCast", map_bit_cast, 1, 1, "BitCast", 0},
    {NULL},
};
