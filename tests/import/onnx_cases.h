/* SPDX-License-Identifier: MIT */
/*
 * onnx_cases.h - the models of test_onnx.c, which are also the seeds of the fuzzer. Every table ends with a NULL name.
 */
#ifndef QF_TESTS_ONNX_CASES_H
#define QF_TESTS_ONNX_CASES_H

#include <qnnflow/error.h>

/* A model and the operators and first output that it becomes. */
typedef struct {
  const char *name, *model, *operators, *output;
} OnnxGraphCase;

/* A model without inputs, and the values of its first output. */
typedef struct {
  const char *name, *model, *output, *values;
} OnnxValueCase;

/* A model that is refused, the error's code and a part of its message. */
typedef struct {
  const char *name, *model;
  QfError code;
  const char *message;
} OnnxErrorCase;

typedef struct {
  const char *name, *model;
} OnnxModel;

extern const OnnxGraphCase onnx_graph_cases[];
extern const OnnxValueCase onnx_value_cases[];
extern const OnnxErrorCase onnx_error_cases[];
extern const OnnxModel onnx_damage_models[];

#endif
