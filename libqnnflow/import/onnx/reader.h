/* SPDX-License-Identifier: MIT */
/*
 * reader.h - ONNX bytes to records. Knows the file format and no operators; every size is checked here, so that the map
 * only sees tensors whose bytes fit their shape.
 */
#ifndef QF_IMPORT_ONNX_READER_H
#define QF_IMPORT_ONNX_READER_H

#include "../../graph/graph.h"
#include "libqnnflow/import/onnx/onnx.pb-c.h"

typedef struct QfOnnxCall QfOnnxCall;

/* A list of nodes whose calls of functions were replaced by the functions' nodes. */
typedef struct {
  Onnx__GraphProto *graph;
  Onnx__NodeProto **nodes; /* as in the file */
  size_t n_nodes;
} QfOnnxReplaced;

/* An open model file. */
typedef struct {
  const char *name;      /* for messages; borrowed */
  const char *directory; /* where external data may lie, NULL: none; borrowed */
  Onnx__ModelProto *model;
  GHashTable *external; /* location -> GBytes of the whole file */
  GHashTable *tensors;  /* Onnx__TensorProto -> GBytes: the values of those that were read */
  GHashTable *
      places; /* Onnx__TensorProto -> GBytes: large raw data where it lies in the file; the record has none */
  GHashTable *subgraphs; /* Onnx__AttributeProto -> Onnx__GraphProto */
  /* Of function.c: */
  GHashTable *functions; /* "domain:name" -> Onnx__FunctionProto */
  GHashTable *call_of;   /* record inside a call -> QfOnnxCall */
  GPtrArray *calls, *made;
  GArray *replaced; /* QfOnnxReplaced */
  uint64_t made_bytes;
} QfOnnxFile;

/* TRUE when the first fields look like a ModelProto. Reads at most @size bytes. */
gboolean qf_onnx_probe(const uint8_t *data, size_t size);

/* An open file whose records were made otherwise, by an importer whose operators are ONNX's in other words; it hands the file to
 * qf_format_onnx.map(). Takes over @model, which may be NULL: then there is nothing to map. */
QfOnnxFile *qf_onnx_file_new(Onnx__ModelProto *model, const char *name, const char *directory);

/* Unpacks. NULL with QF_ERROR_FORMAT when the bytes are not a whole ModelProto with a graph. @name and @directory must outlive
 * the file. */
QfOnnxFile *qf_onnx_file_open(GBytes *bytes, const char *name, const char *directory, GError **error);
void qf_onnx_file_free(QfOnnxFile *file);

/* Functions that the file defines: open is called by qf_onnx_file_open(), close before the model is freed. expand replaces calls in
 * @graph, which is the main one (@attribute NULL) or that of an attribute; node_opset is the opset of a function's node. */
void qf_onnx_functions_open(QfOnnxFile *file);
void qf_onnx_functions_close(QfOnnxFile *file);
gboolean qf_onnx_functions_expand(QfOnnxFile *file, Onnx__GraphProto *graph,
                                  const Onnx__AttributeProto *attribute, GError **error);
int64_t qf_onnx_node_opset(const QfOnnxFile *file, const Onnx__NodeProto *node, int64_t def);

/* The data type of ONNX's number for it, QF_DTYPE_INVALID when the engine has none; @name (may be NULL) gets its ONNX name. */
QfDType qf_onnx_dtype(int32_t number, const char **name);

/* The same with what stands for types narrower than the engine's (narrow.c), as constants and inputs have them. */
QfDType qf_onnx_stored_dtype(int32_t number);
/* Of those: the range of an integer one, FALSE when @number is none; bytes of @count values in a file, 0 when it is none; and
 * the values in what stands for it. Takes over @packed. */
gboolean qf_onnx_narrow_range(int32_t number, int32_t *lo, int32_t *hi);
typedef struct {
  int mantissa, least; /* bits after the point; the smallest exponent */
  float max;
  gboolean has_infinity, has_nan, is_scale; /* is_scale: powers of two, no zero */
} QfOnnxNarrowFloat;
gboolean qf_onnx_narrow_float(int32_t number, QfOnnxNarrowFloat *f); /* FALSE when @number is no such float */
size_t qf_onnx_narrow_bytes(int32_t number, int64_t count);
GBytes *qf_onnx_narrow_unpack(int32_t number, GBytes *packed, int64_t count);

/* Unpacks a whole model; @places as in QfOnnxFile gets the large initializers' data. NULL when it is damaged. In place.c. */
Onnx__ModelProto *qf_onnx_unpack(GBytes *bytes, GHashTable *places);

/* How deep subgraphs may be nested. */
#define QF_ONNX_MAX_DEPTH 16

/* The graph in attribute @attribute (its field g), parsed at the first call; owned by @file. @depth is 1 for a subgraph of the
 * main graph, 2 for one inside that, and so on: NULL with QF_ERROR_LIMIT beyond QF_ONNX_MAX_DEPTH. */
Onnx__GraphProto *qf_onnx_subgraph(QfOnnxFile *file, const Onnx__AttributeProto *attribute, int depth,
                                   GError **error);

/* Makes a constant of @graph called @name. The values are read once for each record and shared afterwards. */
QfTensor *qf_onnx_read_tensor(QfOnnxFile *file, QfGraph *graph, Onnx__TensorProto *tensor, const char *name,
                              GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(QfOnnxFile, qf_onnx_file_free)

#endif
