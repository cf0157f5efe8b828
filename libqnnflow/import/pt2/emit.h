/* SPDX-License-Identifier: MIT */
/*
 * emit.h - a graph of ONNX records in memory, which the ONNX importer then maps: aten operators are ONNX's in other words, so what they
 * mean for channels, shapes and types has one home.
 *
 * Values are names. Constants are kept as bytes beside their record, without a copy.
 */
#ifndef QF_IMPORT_PT2_EMIT_H
#define QF_IMPORT_PT2_EMIT_H

#include "../onnx/reader.h"
#include <qnnflow/model.h>

/* ONNX's numbers of the types that are used by name here. */
enum { QF_PT2_FLOAT = 1, QF_PT2_INT64 = 7, QF_PT2_BOOL = 9 };

#define QF_PT2_OPSET 21

typedef struct {
  Onnx__ModelProto model;
  Onnx__GraphProto graph;
  Onnx__OperatorSetIdProto opset;
  Onnx__OperatorSetIdProto *opsets[1];
  GPtrArray *nodes, *initializers, *inputs, *outputs;
  GPtrArray *memory;
  GStringChunk *strings;
  GHashTable *values; /* Onnx__TensorProto -> GBytes */
  uint32_t n_names;
} QfPt2Emit;

QfPt2Emit *qf_pt2_emit_new(void);
void qf_pt2_emit_free(QfPt2Emit *e);

/* A name that nobody has, or a copy of @name. */
const char *qf_pt2_name(QfPt2Emit *e, const char *name);

/* A node with one output, called @out (NULL: a new name). Inputs may be NULL. Room for 16 attributes. Returns the node; its output is
 * node->output[0]. */
Onnx__NodeProto *qf_pt2_node(QfPt2Emit *e, const char *op, const char *node_name, const char *const *in,
                             uint32_t n_in, const char *const *out, uint32_t n_out);
void qf_pt2_attr_int(QfPt2Emit *e, Onnx__NodeProto *node, const char *name, int64_t value);
void qf_pt2_attr_float(QfPt2Emit *e, Onnx__NodeProto *node, const char *name, double value);
void qf_pt2_attr_ints(QfPt2Emit *e, Onnx__NodeProto *node, const char *name, const int64_t *values,
                      uint32_t n);
void qf_pt2_attr_string(QfPt2Emit *e, Onnx__NodeProto *node, const char *name, const char *value);

/* Constants. @bytes is taken over. */
const char *qf_pt2_constant(QfPt2Emit *e, const char *name, int32_t type, const int64_t *dims, int32_t rank,
                            GBytes *bytes);
const char *qf_pt2_const_ints(QfPt2Emit *e, const int64_t *values, uint32_t n);
/* A scalar of @type (ONNX's number). */
const char *qf_pt2_const_number(QfPt2Emit *e, int32_t type, double value);

/* Graph inputs (dimension -1: open) and outputs (@dims NULL: only a name). */
void qf_pt2_add_input(QfPt2Emit *e, const char *name, int32_t type, const int64_t *dims, int32_t rank);
void qf_pt2_add_output(QfPt2Emit *e, const char *name, int32_t type);

/* Hands the graph to the ONNX importer. */
gboolean qf_pt2_emit_import(QfPt2Emit *e, QfGraph *graph, const QfModelOptions *options, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(QfPt2Emit, qf_pt2_emit_free)

#endif
