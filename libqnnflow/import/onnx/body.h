/* SPDX-License-Identifier: MIT */
/*
 * body.h - the graphs inside If, Loop and Scan. A body sees the names around it: what it uses of them becomes an input of its
 * graph and an operand of the node; constants are copied, which shares their bytes. All shapes are fixed: a node that
 * cannot keep this is QF_ERROR_DYNAMIC.
 */
#ifndef QF_IMPORT_ONNX_BODY_H
#define QF_IMPORT_ONNX_BODY_H

#include "map.h"

/* One body while it is imported. */
typedef struct {
  QfOnnx onnx;
  const Onnx__GraphProto *proto; /* NULL: made up here, its nodes are not those of a file */
  GPtrArray *outputs;            /* QfTensor*, as the file lists them */
} QfOnnxBody;

/* Opens the body in attribute @attr of @n (NULL: an empty one) within @outer. @in_place: its nodes go to the outer graph. To be closed
 * also after a failure. */
gboolean qf_onnx_body_open(QfOnnxBody *body, const QfOnnxNode *n, QfOnnx *outer, const char *attr,
                           gboolean in_place, GError **error);
void qf_onnx_body_close(QfOnnxBody *body);

/* Adds the body's next input, a tensor of that shape and with the type and encoding of @like. NULL on error. */
QfTensor *qf_onnx_body_input(QfOnnxBody *body, const QfOnnxNode *n, const QfTensor *like, const int64_t *dims,
                             int32_t rank, GError **error);
/* The same for one number; it has the rank 0 or 1 that the file declares. */
QfTensor *qf_onnx_body_scalar(QfOnnxBody *body, const QfOnnxNode *n, QfDType dtype, GError **error);
/* Maps the nodes, and finds @n_outputs outputs. */
gboolean qf_onnx_body_import(QfOnnxBody *body, const QfOnnxNode *n, size_t n_outputs, GError **error);

/* Ends @count bodies of one node: what any of them captured becomes the last inputs of each, and is appended to @operands. */
void qf_onnx_body_finish(QfOnnxBody *bodies, uint32_t count, GPtrArray *operands);

/* A value of the graph around the body, for use inside. NULL without an error: unknown. */
QfTensor *qf_onnx_capture(QfOnnx *onnx, const char *name, GError **error);
gboolean qf_onnx_index_initializers(QfOnnx *onnx, const Onnx__GraphProto *graph, GError **error);

#endif
