/* SPDX-License-Identifier: MIT */
/*
 * cases.h - a case is data: an operator, its inputs, its attributes as text, and what must come out.
 * Expected numbers are worked out by hand or by the formula of the operator's definition, never by the engine.
 */
#ifndef TESTS_OPS_CASES_H
#define TESTS_OPS_CASES_H

#include "libqnnflow/graph/graph.h"

#define MAX_ARGS 6

typedef struct {
  QfDType dtype;    /* INVALID: absent */
  const char *dims; /* "2x3", "" for a scalar */
  const double
      *values; /* stored numbers, not the real ones; NULL: not constant (inputs), not looked at (outputs) */
  float scale; /* 0: not quantized */
  int32_t zero_point;
} Arg;

typedef struct {
  const char *op;
  const char *attrs; /* "axis=1 sizes=2,3", by the names of the operator's table; NULL: defaults */
  Arg in[MAX_ARGS];
  Arg out[MAX_ARGS];
  const char *error; /* part of the expected message; NULL: it must work */
  double tolerance;  /* of values; 0: exact */
} Case;

#define V(...) ((const double[]){__VA_ARGS__})
#define F32(dims, ...)                                                                                       \
  {                                                                                                          \
    QF_DTYPE_FLOAT32, dims, V(__VA_ARGS__), 0, 0                                                             \
  }
#define F64(dims, ...)                                                                                       \
  {                                                                                                          \
    QF_DTYPE_FLOAT64, dims, V(__VA_ARGS__), 0, 0                                                             \
  }
#define F16(dims, ...)                                                                                       \
  {                                                                                                          \
    QF_DTYPE_FLOAT16, dims, V(__VA_ARGS__), 0, 0                                                             \
  }
#define I32(dims, ...)                                                                                       \
  {                                                                                                          \
    QF_DTYPE_INT32, dims, V(__VA_ARGS__), 0, 0                                                               \
  }
#define I64(dims, ...)                                                                                       \
  {                                                                                                          \
    QF_DTYPE_INT64, dims, V(__VA_ARGS__), 0, 0                                                               \
  }
#define U8(dims, ...)                                                                                        \
  {                                                                                                          \
    QF_DTYPE_UINT8, dims, V(__VA_ARGS__), 0, 0                                                               \
  }
#define BOOL(dims, ...)                                                                                      \
  {                                                                                                          \
    QF_DTYPE_BOOL, dims, V(__VA_ARGS__), 0, 0                                                                \
  }
#define Q(type, dims, scale, zero, ...)                                                                      \
  {                                                                                                          \
    QF_DTYPE_##type, dims, V(__VA_ARGS__), scale, zero                                                       \
  }
#define SHAPE(type, dims)                                                                                    \
  {                                                                                                          \
    QF_DTYPE_##type, dims, NULL, 0, 0                                                                        \
  }
#define QSHAPE(type, dims, scale, zero)                                                                      \
  {                                                                                                          \
    QF_DTYPE_##type, dims, NULL, scale, zero                                                                 \
  }
#define NONE                                                                                                 \
  {                                                                                                          \
    QF_DTYPE_INVALID, NULL, NULL, 0, 0                                                                       \
  }

/* Lists end with op NULL. */
extern const Case cases_infer[], cases_math[], cases_window[], cases_move[], cases_more[], cases_front[];

/* Sets attributes from text by the operator's table. */
void case_set_attrs(QfNode *node, const char *attrs);

/* A graph with the node of @c, not added yet. */
QfNode *case_make_node(QfGraph *graph, const Case *c);

#endif
