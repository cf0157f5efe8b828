/* SPDX-License-Identifier: MIT */
/*
 * onnx-value.h - values of data files (a TensorProto, SequenceProto or OptionalProto, as the model's type says), and how far
 * a computed value may be from a published one.
 */
#ifndef QF_TESTS_CONFORMANCE_ONNX_VALUE_H
#define QF_TESTS_CONFORMANCE_ONNX_VALUE_H

#include "libqnnflow/import/onnx/reader.h"

#include <qnnflow/value.h>

QfValue *qf_onnx_value_read(const char *path, const Onnx__TypeProto *type, GError **error);

/* FALSE with the first element that differs by more than 1e-5 + 1e-3 of @want (reals) or at all (everything else). */
gboolean qf_onnx_value_compare(const char *name, const QfValue *got, const QfValue *want, GError **error);

#endif
