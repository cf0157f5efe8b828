/* SPDX-License-Identifier: MIT */
/*
 * map.h - TensorFlow nodes to graph nodes: what the files of the map share.
 *
 * A family of operators is a file with a table of QfTfRow; map.c orders the nodes, finds the row, and calls its function, which reads
 * attributes, makes nodes and binds the outputs. The invariant: all tensors seen here have known dimensions and a type; floats
 * are float32.
 */
#ifndef QF_IMPORT_TENSORFLOW_MAP_H
#define QF_IMPORT_TENSORFLOW_MAP_H

#include "../build.h"
#include "../import.h"
#include "reader.h"

typedef struct QfTfNode QfTfNode;

typedef gboolean (*QfTfMapFunc)(QfTfNode *n, GError **error);

typedef struct {
  const char *op; /* NULL ends a table */
  QfTfMapFunc map;
  int16_t min_in, max_in; /* data inputs; max -1: any number */
  const char *target;     /* graph operator, for functions that map several */
  int32_t arg;            /* the function's own */
} QfTfRow;

/* State of one import. */
typedef struct {
  QfGraph *graph;
  QfTfFile *file;
  const QfModelOptions *options;
  GHashTable *by_name;       /* node name -> index + 1 */
  GPtrArray **outputs;       /* [nodes]: of QfTensor, what the node gives */
  gboolean *consumed;        /* [nodes]: another node reads it */
  GHashTable *channels_last; /* see QfBuild */
  const char *strings;       /* a Placeholder of strings, which only DecodeWav may read; NULL: none */
} QfTf;

/* One node being imported. */
struct QfTfNode {
  QfBuild build; /* first, so that &n->build is what build.h wants */
  QfTf *tf;
  const Tf__NodeDef *p;
  const QfTfRow *row;
  QfTensor **in; /* never NULL, except for Merge */
  uint32_t n_in;
  GPtrArray *out; /* bound by the map function; NULL: a branch that is not taken */
};

/* What a node on a branch of a Switch that is not taken gives. */
#define QF_TF_DEAD NULL

/* Attributes; a missing one gives @def. */
const Tf__AttrValue *qf_tf_attr(const QfTfNode *n, const char *name);
int64_t qf_tf_int(const QfTfNode *n, const char *name, int64_t def);
float qf_tf_float(const QfTfNode *n, const char *name, float def);
gboolean qf_tf_bool(const QfTfNode *n, const char *name, gboolean def);
/* Whether a string attribute is @value; a missing one is @def. */
gboolean qf_tf_is(const QfTfNode *n, const char *name, const char *value, const char *def);
/* A list of integers, up to QF_MAX_RANK; n 0 when missing. */
gboolean qf_tf_ints(const QfTfNode *n, const char *name, QfInts *out, GError **error);
/* A type attribute; floats become float32. An error when it is not supported. */
gboolean qf_tf_type(const QfTfNode *n, const char *name, QfDType def, QfDType *out, GError **error);

/* Constant inputs. */
gboolean qf_tf_const_ints(const QfTfNode *n, uint32_t index, QfInts *out, GError **error);
gboolean qf_tf_const_int(const QfTfNode *n, uint32_t index, int64_t *out, GError **error);
gboolean qf_tf_const_real(const QfTfNode *n, uint32_t index, double *out, GError **error);
/* A dimension, negative ones from the end. */
gboolean qf_tf_axis(const QfTfNode *n, int64_t axis, int32_t rank, int32_t *out, GError **error);
/* A set of dimensions, sorted, without duplicates. */
gboolean qf_tf_axes(const QfTfNode *n, QfInts *axes, int32_t rank, GError **error);
gboolean qf_tf_need_rank(const QfTfNode *n, uint32_t index, int32_t rank, GError **error);

/* The tensor for output @index, with its name ("node" or "node:1"). */
QfTensor *qf_tf_out(QfTfNode *n, uint32_t index);
/* Output @index is @t. FALSE when @t is NULL: an error is set then. */
gboolean qf_tf_bind(QfTfNode *n, uint32_t index, QfTensor *t);
/* A constant list of integers of this type. */
QfTensor *qf_tf_make_ints(QfTfNode *n, QfDType dtype, const int64_t *values, int32_t count, gboolean scalar);

/* data_format: whether images are [N,C,H,W]; and the input as [N,H,W,C]. */
gboolean qf_tf_is_nchw(const QfTfNode *n);
QfTensor *qf_tf_to_nhwc(QfTfNode *n, QfTensor *x, GError **error);
/* An image made in NHWC as output 0, in the node's format. */
gboolean qf_tf_bind_image(QfTfNode *n, QfTensor *y, GError **error);

/* The tables, one a file. */
extern const QfTfRow qf_tf_conv_rows[], qf_tf_math_rows[], qf_tf_reduce_rows[], qf_tf_shape_rows[],
    qf_tf_slice_rows[], qf_tf_image_rows[], qf_tf_flow_rows[], qf_tf_speech_rows[], qf_tf_einsum_rows[];

/* What to do about an operator that is not supported, by its name; NULL: nothing special. */
const char *qf_tf_advice(const char *op);

#endif
