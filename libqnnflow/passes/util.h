/* SPDX-License-Identifier: MIT */
/*
 * util.h - small questions and edits that several passes share.
 */
#ifndef QF_PASSES_UTIL_H
#define QF_PASSES_UTIL_H

#include "passes.h"
#include "../ops/attrs.h"

gboolean qf_node_is(const QfNode *node, const char *op);

/* The tensor's producer when it is a live node of that operator, else NULL. */
QfNode *qf_produced_by(const QfTensor *tensor, const char *op);

/* The only user of the node's first output, when that output is not an output of the model; else NULL. */
QfNode *qf_only_user(const QfNode *node);

/* TRUE when all elements of a constant are the same number, which goes to *value. */
gboolean qf_is_uniform(const QfTensor *tensor, double *value);

/* TRUE when the tensor is a float constant that holds one value for each index of the last dimension (or one for all), broadcast over
 * a tensor whose last dimension is @channels. */
gboolean qf_is_per_channel(const QfTensor *tensor, int64_t channels);

/* Element of such a constant for channel @c. */
double qf_per_channel(const QfTensor *tensor, int64_t c);

/* A new float32 constant of @n values, which are copied. */
QfTensor *qf_new_vector(QfGraph *graph, const char *name, const float *values, int64_t n);

/* Makes @with stand for @old everywhere and removes @node; when @old is an output of the model, its name moves along. FALSE, with
 * nothing changed, when both are borders of the model. */
gboolean qf_bypass(QfNode *node, QfTensor *old, QfTensor *with);

/* A copy of a constant with its dimensions permuted (dimension i of the result is dimension perm[i]), encoding included. */
QfTensor *qf_transpose_constant(QfGraph *graph, QfTensor *tensor, const int64_t *perm, int32_t rank,
                                GError **error);

#endif
