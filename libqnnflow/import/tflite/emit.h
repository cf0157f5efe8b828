/* SPDX-License-Identifier: MIT */
/*
 * emit.h - making several graph nodes of one operator, one expression a node. Each function returns the node's output, or NULL
 * with @error set; it also returns NULL when an input that must be there is NULL, so that a failure falls through the
 * expressions behind it. @out NULL: a tensor between nodes is made up.
 */
#ifndef QF_IMPORT_TFLITE_EMIT_H
#define QF_IMPORT_TFLITE_EMIT_H

#include "map.h"

/* Operators without attributes. */
QfTensor *qf_tfl_emit1(QfTflNode *n, const char *op, QfTensor *x, QfTensor *out, GError **error);
QfTensor *qf_tfl_emit2(QfTflNode *n, const char *op, QfTensor *a, QfTensor *b, QfTensor *out, GError **error);
/* condition ? a : b */
QfTensor *qf_tfl_emit_select(QfTflNode *n, QfTensor *condition, QfTensor *a, QfTensor *b, QfTensor *out,
                             GError **error);

/* Operators with attributes. Lists are copied. */
QfTensor *qf_tfl_emit_reshape(QfTflNode *n, QfTensor *x, const int64_t *dims, int32_t rank, QfTensor *out,
                              GError **error);
QfTensor *qf_tfl_emit_transpose(QfTflNode *n, QfTensor *x, const QfInts *perm, QfTensor *out, GError **error);
QfTensor *qf_tfl_emit_broadcast(QfTflNode *n, QfTensor *x, const QfInts *dims, QfTensor *out, GError **error);
QfTensor *qf_tfl_emit_pad(QfTflNode *n, QfTensor *x, const QfInts *before, const QfInts *after, double value,
                          QfTensor *out, GError **error);
/* The first ends[i] elements of each dimension, from begins[i] on. */
QfTensor *qf_tfl_emit_slice(QfTflNode *n, QfTensor *x, const QfInts *begins, const QfInts *ends,
                            QfTensor *out, GError **error);
QfTensor *qf_tfl_emit_cast(QfTflNode *n, QfTensor *x, QfDType dtype, QfTensor *out, GError **error);
/* A reduction along one dimension, which goes. */
QfTensor *qf_tfl_emit_reduce(QfTflNode *n, const char *op, QfTensor *x, int32_t axis, QfTensor *out,
                             GError **error);
QfTensor *qf_tfl_emit_gather(QfTflNode *n, QfTensor *x, QfTensor *indices, int32_t axis, int32_t batch_dims,
                             QfTensor *out, GError **error);
/* What SAME adds before and after one dimension. In map_conv.c. */
void qf_tfl_same_padding(int64_t in, int64_t filter, int64_t stride, int64_t dilation, int32_t *before,
                         int32_t *after);
/* The pooling n->row->op with the window of the operator's Pool2DOptions, without its activation. In map_conv.c. */
QfTensor *qf_tfl_emit_pool(QfTflNode *n, QfTensor *in, GError **error);
/* Float data by 8-bit weights in the `tflite` scheme (map_hybrid.c): whether that is what @x and @w are, ... */
gboolean qf_tfl_is_hybrid(const QfTflNode *n, const QfTensor *x, const QfTensor *w);
/* ... a convolution whose window and activation are to be set, and a fully connected layer (@activation: the field of the
 * options, G_MAXUINT32: none). */
QfHybridAttrs *qf_tfl_new_hybrid(QfTflNode *n, QfTensor *const in[3], QfTensor *out, gboolean depthwise,
                                 QfNode **node);
gboolean qf_tfl_add_hybrid_rows(QfTflNode *n, QfTensor *const in[3], gboolean keep, gboolean asymmetric,
                                uint32_t activation, GError **error);
/* @reduction as in QfGatherAttrs. */
QfTensor *qf_tfl_emit_scatter(QfTflNode *n, QfTensor *data, QfTensor *indices, QfTensor *updates,
                              int32_t reduction, QfTensor *out, GError **error);

/* Constants: one value, or one for each element. */
QfTensor *qf_tfl_emit_scalar(QfTflNode *n, QfDType dtype, double value);
QfTensor *qf_tfl_emit_values(QfTflNode *n, QfDType dtype, const double *values, const int64_t *dims,
                             int32_t rank);
/* The stored number @value with the type and the encoding of @t. */
QfTensor *qf_tfl_emit_like(QfTflNode *n, const QfTensor *t, double value);

#endif
