/* SPDX-License-Identifier: MIT */
/*
 * numbers.h - reading and writing one element of a typed array, for code that is not hot: importers, passes, tools.
 */
#ifndef QF_GRAPH_NUMBERS_H
#define QF_GRAPH_NUMBERS_H

#include <qnnflow/tensor.h>

/* Element @index of @data as a double, or truncated to an int64. */
double qf_number_real(QfDType dtype, const void *data, int64_t index);
int64_t qf_number_int(QfDType dtype, const void *data, int64_t index);

/* Stores @value, rounded half to even and clamped for integer types. */
void qf_number_store(QfDType dtype, void *data, int64_t index, double value);

/* IEEE 754 half precision and bfloat16 (the upper half of a float32), round to nearest even. */
float qf_half_to_float(uint16_t half);
uint16_t qf_float_to_half(float value);
float qf_bfloat16_to_float(uint16_t value);
uint16_t qf_float_to_bfloat16(float value);

#endif
