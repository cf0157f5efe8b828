/* SPDX-License-Identifier: MIT */
/*
 * model.h - records of a TFLite file: its graphs' tensors and operators, bytes checked, nothing interpreted.
 *
 * All indices in the records are within range (or -1 for an absent optional input), and constants have as many bytes as
 * their shape needs. The records point into the bytes they were made from.
 */
#ifndef QF_IMPORT_TFLITE_MODEL_H
#define QF_IMPORT_TFLITE_MODEL_H

#include "flat.h"
#include "schema.h"

#include <qnnflow/tensor.h>

typedef struct {
  char *name;    /* as in the file, valid UTF-8 */
  int32_t type;  /* the file's number */
  QfDType dtype; /* QF_DTYPE_INVALID: the engine has no such type */
  int32_t rank;
  int64_t dims[QF_MAX_RANK];      /* as the file was traced */
  int64_t signature[QF_MAX_RANK]; /* the same, with -1 where a dimension is open */
  gboolean is_variable, is_sparse;
  QfFlatTable sparsity;            /* with is_sparse */
  size_t data_at, data_size;       /* constant's bytes within the file; size 0: none */
  QfFlatVector scales, zero_point; /* quantization */
  int32_t quant_axis;
  int64_t block_size,
      block_scales; /* blockwise: elements, along the last dimension, and the tensor of their scales; 0: not */
} QfTflTensor;

typedef struct {
  uint32_t builtin; /* the file's number; QF_TFL_OP_CUSTOM: see custom */
  char *custom;     /* name of a custom operator, else NULL */
  uint32_t version;
} QfTflCode;

typedef struct {
  const QfTflCode *code;
  QfFlatVector inputs, outputs; /* tensor indices, int32 */
  QfFlatVector intermediates;   /* tensor indices, int32, not checked */
  QfFlatTable options;
  QfFlatVector custom_options; /* bytes */
} QfTflOperator;

typedef struct {
  QfTflTensor *tensors;
  QfTflOperator *operators;
  uint32_t n_tensors, n_operators;
  QfFlatVector inputs, outputs; /* tensor indices, int32 */
} QfTflGraph;

/* An entry of the model: a graph, and what its inputs and outputs are called outside. */
typedef struct {
  char *key;
  uint32_t graph;
  QfFlatVector inputs, outputs; /* tables TensorMap; the indices in them are not checked */
} QfTflSignature;

typedef struct {
  QfFlat flat;
  GBytes *bytes;
  GStringChunk *strings;
  QfTflCode *codes;
  QfTflGraph *graphs; /* at least one; the first is the main one */
  QfTflSignature *signatures;
  uint32_t n_codes, n_graphs, n_signatures;
} QfTflModel;

/* Records take at most this many bytes for each byte of the file, names and lists as many again at most once. */
#define QF_TFL_MAX_GROWTH 16

/* Makes the records; @name stands for the file in messages. NULL with QF_ERROR_FORMAT, _LIMIT or _UNSUPPORTED. */
QfTflModel *qf_tfl_model_new(GBytes *bytes, const char *name, GError **error);
void qf_tfl_model_free(QfTflModel *model);

/* What a signature's list of inputs or outputs calls tensors: index -> char*. Free with g_hash_table_unref(). */
GHashTable *qf_tfl_signature_names(QfTflModel *model, const QfFlatVector *names);

/* The dense bytes of a sparse constant, as many as its shape needs; NULL when its lists do not fit. In sparse.c. */
GBytes *qf_tfl_densify(const QfTflModel *model, const QfTflTensor *x);

/* The element type for one of the file's numbers; QF_DTYPE_INVALID when there is none. */
QfDType qf_tfl_dtype(int64_t type);
/* Bits an element of a type that is packed into bytes, the first element in the lowest bits; 0: it is not. */
uint32_t qf_tfl_packed_bits(int64_t type);
/* Its name in the schema, for messages. Static. */
const char *qf_tfl_type_name(int64_t type);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(QfTflModel, qf_tfl_model_free)

#endif
