/* SPDX-License-Identifier: MIT */
/*
 * map.h - ONNX nodes to graph nodes: what the files of the map share.
 *
 * A family of operators is a file with a table of QfOnnxRow; map.c finds the row, checks how many inputs there are, and calls its
 * function, which reads attributes, emits nodes and binds every output. The invariant: all tensors seen here have
 * known dimensions and a type; floats are float32 (other float types are converted where they enter).
 */
#ifndef QF_IMPORT_ONNX_MAP_H
#define QF_IMPORT_ONNX_MAP_H

#include "../build.h"
#include "../import.h"
#include "../program.h"
#include "../../ops/attrs.h"
#include "reader.h"

typedef struct QfOnnxNode QfOnnxNode;
typedef struct QfOnnxRow QfOnnxRow;

/* State of one import, or of one body of control flow within it (body.h). */
typedef struct QfOnnx {
  QfGraph *graph;
  QfOnnxFile *file;
  const QfModelOptions *options;
  GHashTable *initializers;  /* name -> Onnx__TensorProto, not read yet */
  GHashTable *values;        /* name -> QfTensor */
  GHashTable *channels_last; /* QfTensor -> the same values with the channel last: saves Transposes */
  int64_t opset;             /* of the standard operators */
  const QfProgramSource
      *source;          /* of values around the nodes of a program; NULL: the whole file is one graph */
  struct QfOnnx *outer; /* of a body: the graph around it, whose values it may use by name; NULL: the model */
  uint32_t depth;       /* bodies around this one, itself included */
  GPtrArray
      *captured; /* of a body: QfTensor* of the outer graph that it uses, which become its last inputs; NULL:
                              * it is mapped into the outer graph */
  GHashTable *captured_as; /* what these are inside */
} QfOnnx;

struct QfOnnxRow {
  const char *domain; /* "" the standard one */
  const char *op;     /* NULL ends a table */
  gboolean (*map)(QfOnnxNode *n, GError **error);
  int16_t min_inputs; /* the first min_inputs must be there */
  int16_t max_inputs; /* -1: any number */
  const char *target; /* what the function makes of it, often a graph operator */
  int32_t arg;        /* the function's own */
};

/* One node being imported. */
struct QfOnnxNode {
  QfOnnx *onnx;
  const Onnx__NodeProto *proto;
  const QfOnnxRow *row;
  const char *name; /* for messages and graph nodes, never empty */
  int64_t opset;    /* that the node's meaning follows */
  QfTensor **in;    /* absent ones are NULL */
  uint32_t n_in;
  QfTensor **out;         /* bound by the map function */
  const char **out_names; /* NULL: not wanted */
  uint32_t n_out;
  QfBuild *b; /* makes its graph nodes (qf_build_...); shared with what maps it as another operator */
};

/* Sets an error "file: node 'name' (op): rule" and returns FALSE. */
gboolean qf_onnx_fail(const QfOnnxNode *n, GError **error, QfError code, const char *format, ...)
    G_GNUC_PRINTF(4, 5);

/* float64 inputs become float32 unless the operator computes in float64 and all its floats are: types.c. */
gboolean qf_onnx_settle_floats(QfOnnxNode *n, GError **error);

/* An error when the type or the number of dimensions that the file declares for an output is not that of @t; other sizes are told. */
gboolean qf_onnx_check_declared(const QfOnnx *onnx, const Onnx__ValueInfoProto *v, const QfTensor *t,
                                GError **error);

/* float16 and bfloat16 are computed in float32. @t may be NULL. */
QfTensor *qf_onnx_widen(QfOnnx *onnx, QfTensor *t, GError **error);
/* The opset of the standard operators that the file imports. */
int64_t qf_onnx_opset(const QfOnnxFile *file);
/* A part of a program: imports one node; makes the value @name an output, of its type in the file when @type says so. */
gboolean qf_onnx_add_node(QfOnnx *onnx, const Onnx__NodeProto *node, GError **error);
gboolean qf_onnx_add_output(QfOnnx *onnx, const Onnx__ValueInfoProto *output, GError **error);
/* A value around the nodes of a program becomes an input of the graph, or a constant. NULL without an error: unknown. */
QfTensor *qf_onnx_find_outer(QfOnnx *onnx, const char *name, GError **error);
/* Makes @t a constant when it is an input of a part of a program, whose value is known by then. FALSE: it is none. */
gboolean qf_onnx_demand(QfOnnx *onnx, QfTensor *t);
/* The file as a program: QfFormat.program. */
QfProgram *qf_onnx_program(GBytes *bytes, const char *name, const char *directory, GError **error);
/* Appends @node to the text of operators that are not supported, once each. */
void qf_onnx_note_missing(GHashTable *seen, GString *text, const Onnx__NodeProto *node);
/* Appends ": what to do instead", when that is known. */
void qf_onnx_add_remedy(GString *text, const char *domain, const char *op);
/* Whether the node's operator runs on values in a program. */
gboolean qf_onnx_is_program_op(const Onnx__NodeProto *node);
/* The tensor of a name: made before, an initializer that is read now, or a value of the graph around a body. NULL without an error:
 * unknown. */
QfTensor *qf_onnx_find_value(QfOnnx *onnx, const char *name, GError **error);

/* The row of an operator, NULL when it is not supported. */
const QfOnnxRow *qf_onnx_find_row(const char *domain, const char *op);

/* Attributes. A missing one gives @def; a value out of range is clamped to int32, which shape inference then refuses. */
const Onnx__AttributeProto *qf_onnx_attr(const QfOnnxNode *n, const char *name);
int32_t qf_onnx_int(const QfOnnxNode *n, const char *name, int32_t def);
float qf_onnx_float(const QfOnnxNode *n, const char *name, float def);
char *qf_onnx_string(const QfOnnxNode *n, const char *name, const char *def); /* free with g_free() */
/* Up to QF_MAX_RANK numbers; n 0 when missing. */
gboolean qf_onnx_ints(const QfOnnxNode *n, const char *name, QfInts *out, GError **error);
/* The index of a string attribute's value in @names (NULL-terminated), or an error that lists them. */
gboolean qf_onnx_enum(const QfOnnxNode *n, const char *name, const char *const *names, int32_t def,
                      int32_t *out, GError **error);

/* Input @index when it is there, else NULL. */
QfTensor *qf_onnx_input(const QfOnnxNode *n, uint32_t index);
gboolean qf_onnx_is_constant(const QfTensor *t); /* or a Dequantize of one */
/* The constant behind @t (itself, or what it dequantizes): for qf_tensor_get_real(). NULL: not constant. */
const QfTensor *qf_onnx_constant(const QfTensor *t);
/* An error unless input @index is absent or constant. */
gboolean qf_onnx_need_constant(const QfOnnxNode *n, uint32_t index, GError **error);
/* Integers that newer opsets give as a constant input and older ones as an attribute. @given may be NULL. */
gboolean qf_onnx_list(const QfOnnxNode *n, const char *attr, uint32_t index, QfInts *out, gboolean *given,
                      GError **error);
/* A constant input's single number; @value keeps its default when the input is absent. */
gboolean qf_onnx_number(const QfOnnxNode *n, uint32_t index, double *value, GError **error);
/* A dimension index, negative ones from the end. */
gboolean qf_onnx_axis(const QfOnnxNode *n, int64_t axis, int32_t rank, int32_t *out, GError **error);
/* All of a list, sorted ascending, without duplicates. */
gboolean qf_onnx_axes(const QfOnnxNode *n, QfInts *axes, int32_t rank, GError **error);

/* Counts @count numbers that are about to be made out of sizes alone; an error once those of all nodes are too many for the file. */
gboolean qf_onnx_charge(QfOnnxNode *n, int64_t count, GError **error);

/* @t stands for real numbers: so do the tensors that it is only moved from. */
void qf_onnx_set_encoding(QfOnnxNode *n, QfTensor *t, uint32_t count, int32_t axis,
                          const QfScaleOffset *entries);
/* A plain constant @t with the encoding of @like, when it has one; else @t. */
QfTensor *qf_onnx_encoded_like(QfOnnxNode *n, QfTensor *t, const QfTensor *like);

/* Making nodes, besides those of build.h. @out NULL: a helper tensor. All return NULL on error. */
QfTensor *qf_onnx_output(QfOnnxNode *n, uint32_t index); /* makes output @index, with its name */
/* For QfBuild.before_add: what only moves values hands on the encoding of its input. */
void qf_onnx_carry_encoding(QfNode *node);
QfTensor *qf_onnx_dequantize(QfOnnxNode *n, QfTensor *t, QfTensor *out, GError **error);

/* Where @condition (bool) holds @yes, else @no; broadcast. */
QfTensor *qf_onnx_select(QfOnnxNode *n, QfTensor *condition, QfTensor *yes, QfTensor *no, QfTensor *out,
                         GError **error);

/* Output @index is @t, which may be a tensor made earlier. FALSE when @t is NULL: an error is set then. */
gboolean qf_onnx_bind(QfOnnxNode *n, uint32_t index, QfTensor *t);

/* [N,C,L] or [N,C,H,W] to [N,H,W,C] (H 1 for L), and back to @rank dimensions as output 0. */
QfTensor *qf_onnx_to_image(QfOnnxNode *n, QfTensor *x, GError **error);
gboolean qf_onnx_from_image(QfOnnxNode *n, QfTensor *y, int32_t rank, GError **error);
/* Transpose of weights: constants become constants, Dequantize of a constant stays one. */
QfTensor *qf_onnx_permute_weights(QfOnnxNode *n, QfTensor *w, const QfInts *perm, GError **error);

/* The tables, one a family: tables.inc. */
#define QF_ONNX_TABLE(family) extern const QfOnnxRow qf_onnx_##family##_rows[];
#include "tables.inc"
#undef QF_ONNX_TABLE

/* Maps the node as if it were the standard operator @op with other inputs; its first output goes to @result. */
gboolean qf_onnx_map_as(QfOnnxNode *n, const char *op, QfTensor **in, uint32_t n_in, QfTensor **result,
                        GError **error);
/* Activation by ONNX name ("Relu", ...) on a tensor, with optional parameters; for fused contrib operators. */
QfTensor *qf_onnx_activate(QfOnnxNode *n, const char *activation, const float *params, uint32_t n_params,
                           QfTensor *x, QfTensor *out, GError **error);

#endif
