/* SPDX-License-Identifier: MIT */
/*
 * encoded.h - what rows of operators with an integer form of their own ask about tensors.
 */
#ifndef QF_BACKENDS_REF_ENCODED_H
#define QF_BACKENDS_REF_ENCODED_H

#include "ref.h"
#include "kernels/binary/binary.h"
#include "kernels/resize/resize.h"

/* Storage type for kernels; FALSE when @dtype is not an 8 or 16-bit integer. */
gboolean qf_ref_int_type(QfDType dtype, QfkInt *type);

/* 8 or 16 bits with one encoding for the whole tensor; @e may be NULL. */
gboolean qf_ref_is_encoded(const QfTensor *t, QfkEncoding *e);

/* The two tensors hold values in the same way: moving bytes is enough. */
gboolean qf_ref_same_form(const QfTensor *a, const QfTensor *b);

/* Range of the type, narrowed by a fused clamp in real numbers. */
void qf_ref_bounds(const QfkEncoding *y, int32_t act, float act_lo, float act_hi, int32_t *lo, int32_t *hi);

/* An elementwise operator of one 8-bit input and output as a table [256], by the input's bytes. FALSE: it is not one. */
gboolean qf_ref_unary_table(const QfNode *node, uint8_t *table);

/* The same of 16 bits [65536]; @table NULL: only asks. */
gboolean qf_ref_unary_table16(const QfNode *node, uint16_t *table);

/* What a Resize does to its image. */
void qf_ref_resize_params(const QfNode *node, QfkResize *r);

/* Row-major strides of @t. */
void qf_ref_strides(const QfTensor *t, int64_t *strides);

/* A loop nest over @dims: operand k reads tensors[k], broadcast from the right. Collapsed. */
void qf_ref_broadcast_nest(QfkNd *nd, const int64_t *dims, int32_t rank, const QfTensor *const *tensors,
                           int32_t n);

#endif
