/* SPDX-License-Identifier: MIT */
/*
 * litert.h - the `tflite` scheme in the reference backend. Functions that return FALSE leave the node to the usual rows.
 */
#ifndef QF_BACKENDS_REF_LITERT_H
#define QF_BACKENDS_REF_LITERT_H

#include "encoded.h"
#include "kernels/litert/litert.h"

/* One multiplier an output channel of a weighted node. */
const QfkFixed *qf_ref_litert_multipliers(QfLower *lower, const QfNode *node, int64_t channels);

/* ADD, SUB and MUL of one integer type; @b is filled for the usual form. */
gboolean qf_ref_litert_binary(QfLower *lower, const QfNode *node, const QfkBinary *b, QfkEncoding ea,
                              QfkEncoding eb, QfkEncoding ey);

/* Elementwise operators of one input that have a form of their own: see litert_unary.c. */
gboolean qf_ref_litert_unary(QfLower *lower, const QfNode *node);

/* Bilinear Resize of images. */
gboolean qf_ref_litert_resize(QfLower *lower, const QfNode *node);

/* The multiplier of a sum over @count elements (mean) or of a plain sum (@count 1); NULL in other schemes. */
const QfkFixed *qf_ref_litert_reduce(QfLower *lower, const QfkEncoding *x, const QfkEncoding *y,
                                     int64_t count);

/* Convert. */
gboolean qf_ref_litert_requantize(QfLower *lower, const QfNode *node);

#endif
