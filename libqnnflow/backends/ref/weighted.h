/* SPDX-License-Identifier: MIT */
/*
 * weighted.h - the part that Conv2d, DepthWiseConv2d, TransposeConv2d and FullyConnected share in the reference backend:
 * types, encodings, bias and epilogue. What differs is the kernel and its shape.
 */
#ifndef QF_BACKENDS_REF_WEIGHTED_H
#define QF_BACKENDS_REF_WEIGHTED_H

#include "encoded.h"

typedef struct {
  QfkEpilogue act;
  uint32_t slope;    /* input of the PRelu's slope, 0: none */
  uint32_t residual; /* input of the residual, 0: none */
  QfkIntArgs q;      /* integer form; bias is set */
  const float *bias; /* of encoded data that is computed as real numbers; else NULL: input 2 */
  gboolean integer;
  uint32_t real_in; /* ports to convert for the float form */
} QfRefWeighted;

/* Fills @w for @node with @channels outputs. */
gboolean qf_ref_weighted_init(QfRefWeighted *w, QfLower *lower, const QfNode *node, const QfEpilogue *epi,
                              int64_t channels, GError **error);

/* The epilogue with the slope of this run, and the bias. */
QfkEpilogue qf_ref_weighted_act(const QfRefWeighted *w, const void *const *in);
const float *qf_ref_weighted_bias(const QfRefWeighted *w, const void *const *in);
const float *qf_ref_weighted_residual(const QfRefWeighted *w, const void *const *in);

/* Every dimension fits the kernels' int32. */
gboolean qf_ref_fits_int32(const QfTensor *t);

#endif
