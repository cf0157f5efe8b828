/* SPDX-License-Identifier: MIT */
/*
 * build.h - making graph nodes of one record of a file: names of helper nodes, common small nodes, the way between channels
 * first and channels last, and messages that name file and record. For the maps of ONNX, Caffe and TensorFlow.
 *
 * A function that makes a node takes NULL inputs for "an error is set already" and hands NULL on, so calls can be chained
 * and the result checked once.
 */
#ifndef QF_IMPORT_BUILD_H
#define QF_IMPORT_BUILD_H

#include "../graph/graph.h"
#include "../ops/attrs.h"

/* One record (a layer, a node) while it is mapped. Zero-initialise the rest. */
typedef struct {
  QfGraph *graph;
  const char *what;          /* "layer", "node": for messages */
  const char *name;          /* the record's, never NULL */
  const char *type;          /* its operator, never NULL */
  const char *target;        /* end of the graph operator that gets the record's own name; NULL: the first */
  GHashTable *channels_last; /* QfTensor -> the same values with the channel last; may be NULL */
  void (*before_add)(QfNode *node); /* called before a node's shapes are inferred; may be NULL */
  uint32_t n_emitted;
  gboolean named; /* a graph node has the record's name */
} QfBuild;

/* Sets "file: layer 'name' (type): rule" and returns FALSE. */
gboolean qf_build_fail(const QfBuild *b, GError **error, QfError code, const char *format, ...)
    G_GNUC_PRINTF(4, 5);

/* Counts @bytes of a constant that the map is about to make up, and fails once all of them are too many for the file's size. */
gboolean qf_build_charge(const QfBuild *b, uint64_t bytes, GError **error);
/* The same without a message. */
gboolean qf_build_affordable(QfGraph *graph, uint64_t bytes);

/* A node to be filled in, then added. @out NULL: a helper tensor. */
QfNode *qf_build_begin(QfBuild *b, const char *op, QfTensor *const *in, uint32_t n_in, QfTensor *out);
QfTensor *qf_build_end(QfBuild *b, QfNode *node, GError **error); /* its first output */
/* As begin for several outputs. */
QfNode *qf_build_begin_many(QfBuild *b, const char *op, QfTensor *const *in, uint32_t n_in,
                            QfTensor *const *out, uint32_t n_out);

/* Nodes without attributes. */
QfTensor *qf_build_apply1(QfBuild *b, const char *op, QfTensor *x, QfTensor *out, GError **error);
QfTensor *qf_build_apply2(QfBuild *b, const char *op, QfTensor *x, QfTensor *y, QfTensor *out,
                          GError **error);
/* x OP value, value being float32. */
QfTensor *qf_build_with(QfBuild *b, const char *op, QfTensor *x, double value, QfTensor *out, GError **error);

QfTensor *qf_build_transpose(QfBuild *b, QfTensor *x, const QfInts *perm, QfTensor *out, GError **error);
QfTensor *qf_build_reshape(QfBuild *b, QfTensor *x, const QfInts *shape, QfTensor *out, GError **error);
QfTensor *qf_build_slice(QfBuild *b, QfTensor *x, int32_t axis, int64_t begin, int64_t end, QfTensor *out,
                         GError **error);
QfTensor *qf_build_cast(QfBuild *b, QfTensor *x, QfDType dtype, QfTensor *out, GError **error);
QfTensor *qf_build_clamp(QfBuild *b, QfTensor *x, double lo, double hi, QfTensor *out, GError **error);
/* An operator with QfUnaryAttrs: Elu, LeakyRelu, HardSigmoid. */
QfTensor *qf_build_unary(QfBuild *b, const char *op, QfTensor *x, double alpha, double beta, QfTensor *out,
                         GError **error);
QfTensor *qf_build_reduce(QfBuild *b, const char *op, QfTensor *x, const QfInts *axes, gboolean keep_dims,
                          QfTensor *out, GError **error);
QfTensor *qf_build_softmax(QfBuild *b, const char *op, QfTensor *x, int32_t axis, QfTensor *out,
                           GError **error);
QfTensor *qf_build_concat(QfBuild *b, QfTensor *const *in, uint32_t n_in, int32_t axis, QfTensor *out,
                          GError **error);
/* before and after: pixels at top, bottom, left, right of [N,H,W,C]. */
QfTensor *qf_build_pad_image(QfBuild *b, QfTensor *x, const int64_t *pad, double value, GError **error);
/* x with a sum of squares over @size channels (the last dimension) around each: x / (k + alpha * sum)^beta. */
QfTensor *qf_build_lrn(QfBuild *b, QfTensor *x, int32_t size, double alpha, double beta, double k,
                       GError **error);

QfTensor *qf_build_scalar(QfBuild *b, double value, QfDType dtype);
QfTensor *qf_build_floats(QfBuild *b, const QfInts *shape, const float *values);

/* [N,C,spatial...] <-> [N,spatial...,C]; rank 2 and below: unchanged. */
QfTensor *qf_build_channels_last(QfBuild *b, QfTensor *x, GError **error);
QfTensor *qf_build_channels_first(QfBuild *b, QfTensor *x, QfTensor *out, GError **error);

static inline QfInts qf_build_dims(const QfTensor *t)
{
  QfInts d = {.n = t->rank};
  for (int i = 0; i < t->rank; i++)
    d.v[i] = t->dims[i];
  return d;
}

static inline int32_t qf_build_i32(int64_t v)
{
  return (int32_t)CLAMP(v, INT32_MIN, INT32_MAX);
}

/* A guess for those who fill images: few channels stand in one place or the other. */
QfLayout qf_build_guess_layout(const QfTensor *t);

/* Adds @t as a graph output called @name; a tensor of its own where @t is an input, a constant, an output already, or named
 * otherwise. @taken is a set of QfTensor that starts empty: the outputs so far. */
gboolean qf_build_add_output(QfGraph *graph, QfTensor *t, const char *name, GHashTable *taken,
                             GError **error);

#endif
