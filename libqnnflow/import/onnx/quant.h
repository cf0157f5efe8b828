/* SPDX-License-Identifier: MIT */
/*
 * quant.h - quantization of tensors, as encodings where they can say it (quant.c), else as arithmetic (scaled.c).
 */
#ifndef QF_IMPORT_ONNX_QUANT_H
#define QF_IMPORT_ONNX_QUANT_H

#include "map.h"

/* (t - zero) * scale; @zero may be NULL, @block 0: no blocks. */
QfTensor *qf_onnx_dequantize_scaled(QfOnnxNode *n, QfTensor *t, QfTensor *scale, QfTensor *zero, int64_t axis,
                                    int64_t block, QfTensor *out, GError **error);
/* clamp(round(x / scale) + zero) as ONNX's type @number. */
QfTensor *qf_onnx_quantize_scaled(QfOnnxNode *n, QfTensor *x, QfTensor *scale, QfTensor *zero, int64_t axis,
                                  int64_t block, int32_t number, QfTensor *out, GError **error);
/* @x rounded to the float of a byte or less that is ONNX's type @number. */
QfTensor *qf_onnx_round_float(QfOnnxNode *n, QfTensor *x, int32_t number, QfTensor *out, GError **error);
/* ONNX's number of the type of input @index, @def when it is absent. */
int32_t qf_onnx_declared_number(const QfOnnxNode *n, uint32_t index, int32_t def);

#endif
