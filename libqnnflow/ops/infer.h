/* SPDX-License-Identifier: MIT */
/*
 * infer.h - the rules that shape inference of several operators shares. Each check returns FALSE with an error that says
 * rule, values and remedy. Everything here works on untrusted input: sizes are checked for overflow before use.
 */
#ifndef QF_OPS_INFER_H
#define QF_OPS_INFER_H

#include "../graph/graph.h"
#include "attrs.h"

/* Sets the error and returns FALSE. */
gboolean qf_infer_fail(GError **error, QfError code, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* Whether the encoding of @t fits a shape: one entry for the whole or one for each index of a dimension, scales above 0 and
 * offsets within 2^30, for kernels divide by scales, index by entries and add offsets in int32. */
gboolean qf_infer_encoding(const QfTensor *t, const int64_t *dims, int32_t rank, GError **error);

/* All required inputs and outputs are there, and the inputs have known dimensions. First call of every infer function. */
gboolean qf_infer_begin(const QfNode *node, GError **error);

/* Input @index, NULL when it is absent. */
QfTensor *qf_infer_in(const QfNode *node, uint32_t index);

/* Gives output @index its shape, and @dtype unless it has one already. Fails when the size cannot be addressed. */
gboolean qf_infer_set(QfNode *node, uint32_t index, QfDType dtype, const int64_t *dims, int32_t rank,
                      GError **error);
/* The same with shape and dtype of @like. */
gboolean qf_infer_like(QfNode *node, uint32_t index, const QfTensor *like, GError **error);

/* The rank of input @index lies in [min, max]. */
gboolean qf_infer_rank(const QfNode *node, uint32_t index, int32_t min, int32_t max, GError **error);

/* 0 <= axis < rank. */
gboolean qf_infer_axis(int32_t axis, int32_t rank, GError **error);

/* Distinct axes within the rank, as a bit mask; an empty list means all. */
gboolean qf_infer_axes(const QfInts *axes, int32_t rank, uint32_t *mask, GError **error);

/* A list has one value for each of @rank dimensions. */
gboolean qf_infer_per_axis(const char *what, const QfInts *list, int32_t rank, GError **error);

/* Output pixels of a window that slides along one dimension; at least one. */
gboolean qf_infer_window(const char *what, int64_t in, int64_t filter, int32_t stride, int32_t dilation,
                         int32_t before, int32_t after, int64_t *out, GError **error);

/* Dimensions of the broadcast, from the right, of inputs first..n_inputs-1. */
gboolean qf_infer_broadcast(const QfNode *node, uint32_t first, int64_t *dims, int32_t *rank, GError **error);

/* The two inputs have one dtype, or both are quantized. */
gboolean qf_infer_same_type(const QfNode *node, uint32_t a, uint32_t b, GError **error);

/* What kind of numbers input @index holds. */
typedef enum {
  QF_NUMBERS_FLOAT, /* float */
  QF_NUMBERS_REAL,  /* float, or integers with an encoding */
  QF_NUMBERS_PLAIN, /* bool or integers without an encoding */
} QfNumbers;
gboolean qf_infer_numbers(const QfNode *node, uint32_t index, QfNumbers numbers, GError **error);

/* Input @index is int32 or int64 (an index or a count). */
gboolean qf_infer_index_type(const QfNode *node, uint32_t index, GError **error);

/* Input @index, if present, holds exactly @count elements (one per channel). */
gboolean qf_infer_channels(const QfNode *node, uint32_t index, const char *what, int64_t count,
                           GError **error);

/* An activation's own values, and the residual and slope inputs that follow input 2. Output 0 has its shape. */
gboolean qf_infer_activation(int32_t act, float lo, float hi, GError **error);
gboolean qf_infer_epilogue(const QfNode *node, const QfEpilogue *epi, int64_t channels, GError **error);

/* The product, saturated at UINT64_MAX: for macs. */
uint64_t qf_infer_product(uint64_t a, uint64_t b);

#endif
