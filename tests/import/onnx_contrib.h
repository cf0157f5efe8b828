/* SPDX-License-Identifier: MIT */
/*
 * onnx_contrib.h - a case is data: a model as text, its inputs, and what ONNX Runtime made of them.
 */
#ifndef QF_TESTS_ONNX_CONTRIB_H
#define QF_TESTS_ONNX_CONTRIB_H

typedef struct {
  const char *name;
  const char *model;     /* onnx_build.h */
  const char *inputs[6]; /* numbers of each graph input */
  const char *type;      /* of the output: "uint8 2x3" */
  const char *output;
  int steps; /* by how many an integer may differ */
} ContribCase;

extern const ContribCase contrib_cases[]; /* ends with name NULL */

#endif
