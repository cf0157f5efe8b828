/* SPDX-License-Identifier: MIT */
/*
 * map.h - aten operators to ONNX nodes: what the files of the map share.
 *
 * A family of operators is a file with a table of QfPt2Row. Arguments are asked for by the names they have in aten's schema; what a
 * file leaves out has aten's default. Values are names; what is known of each (type, dimensions) stands in the file.
 */
#ifndef QF_IMPORT_PT2_MAP_H
#define QF_IMPORT_PT2_MAP_H

#include "archive.h"
#include "emit.h"
#include "../../ops/op.h"

typedef struct QfPt2Node QfPt2Node;
typedef struct QfPt2Row QfPt2Row;

struct QfPt2Aliases;

typedef struct {
  QfPt2Archive *archive;
  QfPt2Emit *emit;
  QfGraph *graph;
  GHashTable *metas; /* value -> cJSON: "tensor_values" */
  int64_t made;      /* values of constants that the map made up */
  struct QfPt2Aliases *aliases;
  GHashTable *now; /* value that was changed in place -> the value it has become */
} QfPt2;

struct QfPt2Row {
  const char *op; /* aten's name without the overload; NULL ends a table */
  gboolean (*map)(QfPt2Node *n, GError **error);
  const char *data; /* the function's own: an ONNX operator, or the template of qf_pt2_map_simple() */
};

#define QF_PT2_MAX_OUTPUTS 256

struct QfPt2Node {
  QfPt2 *p;
  const cJSON *record;
  const QfPt2Row *row;
  const char *target;                  /* "aten.conv2d.default" */
  const char *name;                    /* of the node, for messages and graph nodes */
  const char *out[QF_PT2_MAX_OUTPUTS]; /* NULL: not a tensor */
  uint32_t n_out;
};

/* Sets "file: node 'name' (aten.op): rule" and returns FALSE. */
gboolean qf_pt2_fail(const QfPt2Node *n, GError **error, QfError code, const char *format, ...)
    G_GNUC_PRINTF(4, 5);

/* An argument's value object ({"as_int": 1}), NULL when it is absent or None. */
const cJSON *qf_pt2_arg(const QfPt2Node *n, const char *name);
const char *qf_pt2_tensor(const QfPt2Node *n, const char *name); /* NULL: no tensor */
int64_t qf_pt2_arg_int(const QfPt2Node *n, const char *name, int64_t otherwise);
double qf_pt2_arg_float(const QfPt2Node *n, const char *name, double otherwise);
gboolean qf_pt2_arg_bool(const QfPt2Node *n, const char *name, gboolean otherwise);
const char *qf_pt2_arg_text(const QfPt2Node *n, const char *name, const char *otherwise);
/* A list of at most QF_MAX_RANK known integers, or one. n 0: absent; FALSE: it is longer, or not known. */
gboolean qf_pt2_arg_ints(const QfPt2Node *n, const char *name, QfInts *out);
/* One for each of @count dimensions, from a list of 1 or @count; without it @otherwise (NULL: it must be there). */
gboolean qf_pt2_spread(const QfPt2Node *n, const char *name, const int64_t *otherwise, int count,
                       int64_t *out, GError **error);
/* A list of integers as an int64 tensor, with those that follow from open dimensions in it. NULL: absent. */
const char *qf_pt2_arg_shape(QfPt2Node *n, const char *name);
/* Names of a list of tensors; NULL for None. */
GPtrArray *qf_pt2_arg_tensors(const QfPt2Node *n, const char *name);
/* A tensor, or a number as a constant of ONNX type @type; NULL: absent. */
const char *qf_pt2_operand(QfPt2Node *n, const char *name, int32_t type);

/* What the file says of a value: FALSE when nothing. Open dimensions are -1. */
gboolean qf_pt2_meta(const QfPt2Node *n, const char *value, QfPt2Tensor *meta);
int32_t qf_pt2_type(const QfPt2Node *n, const char *value); /* ONNX's number, 0: not known */
int32_t qf_pt2_rank(const QfPt2Node *n, const char *value); /* -1: not known */
gboolean qf_pt2_is_float_type(int32_t type);
/* A dimension, negative ones from the end of @rank. */
int64_t qf_pt2_dim(int64_t dim, int32_t rank);

/* A node @op with @n_in inputs (const char *, may be NULL at the end) whose output is called @out (NULL: a new name); returns it. Attributes
 * go to qf_pt2_last(). */
const char *qf_pt2_emit(QfPt2Node *n, const char *op, const char *out, uint32_t n_in, ...);
Onnx__NodeProto *qf_pt2_last(const QfPt2Node *n);
/* @value as ONNX type @type. */
const char *qf_pt2_cast(QfPt2Node *n, const char *value, int32_t type);
/* @value with the dimensions that the file says of @out. */
/* Called @out, with the dimensions that the file says of @like. */
gboolean qf_pt2_reshape_as(QfPt2Node *n, const char *value, const char *like, const char *out,
                           GError **error);
gboolean qf_pt2_reshape_like(QfPt2Node *n, const char *value, const char *out, GError **error);
const char *qf_pt2_reshape(QfPt2Node *n, const char *value, const int64_t *dims, uint32_t rank,
                           const char *out);
const char *qf_pt2_permute(QfPt2Node *n, const char *value, const int64_t *perm, uint32_t rank,
                           const char *out);
const char *qf_pt2_number(QfPt2Node *n, double value); /* float32 */
/* A zeroed array for a constant that is made up, to be freed with g_free(). NULL with QF_ERROR_LIMIT: all of them together would be
 * larger than a file may ask for. */
float *qf_pt2_take(QfPt2Node *n, int64_t count, GError **error);

/*
 * One ONNX node: data is "Operator argument argument? name=literal name=$argument:default". Arguments are inputs, with ? optional; the
 * rest are attributes, floats where the literal or default has a point.
 */
gboolean qf_pt2_map_simple(QfPt2Node *n, GError **error);

/* The tables, by file. */
extern const QfPt2Row qf_pt2_math_rows[], qf_pt2_nn_rows[], qf_pt2_pool_rows[], qf_pt2_shape_rows[],
    qf_pt2_move_rows[], qf_pt2_matmul_rows[], qf_pt2_reduce_rows[], qf_pt2_recurrent_rows[],
    qf_pt2_more_rows[];

#endif
