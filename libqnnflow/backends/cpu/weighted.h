/* SPDX-License-Identifier: MIT */
/*
 * weighted.h - what Conv2d, DepthWiseConv2d, TransposeConv2d and FullyConnected have in common: constant weights, bias, residual,
 * activation, requantisation; and the steps that run an implicit GEMM.
 */
#ifndef QF_BACKENDS_CPU_WEIGHTED_H
#define QF_BACKENDS_CPU_WEIGHTED_H

#include "after.h"
#include "kernels/conv/igemm.h"

/* What pairs of 8-bit weights cannot hold: rest.h. */
typedef struct {
  gboolean usable;
  QfkRestList
      list; /* counts and found are owned; counts NULL: not counted, the model's file says how many there are */
} QfCpuRests;

/* A weighted node, taken apart. Pointers are the graph's or owned by this. */
typedef struct {
  const QfTensor *x, *w, *y;
  const void *weights, *bias; /* constants; bias NULL: none */
  int32_t oc;
  gboolean integer;
  gboolean residual; /* input 3 */
  QfkEpilogue epi;   /* float */
  float lo, hi;      /* bounds as tiles take them; without any, infinite */
  QfkInt x_type, w_type, y_type;
  int32_t x_zero, y_zero;
  int32_t x_max;     /* integers: the largest |x - x_zero| */
  int32_t *w_zero;   /* [oc], NULL: 0 */
  float *scale;      /* [oc] */
  QfCpuRests *rests; /* integers: filled when the kernel for pairs is chosen */
  QfCpuAfter *after; /* integers: what goes with it, or NULL; who takes it says so by qf_cpu_after_take() */
} QfCpuWeighted;

/* FALSE: the node is not for these kernels. @epi is the node's. */
gboolean qf_cpu_weighted_init(QfCpuWeighted *wt, const QfLower *lower, const QfNode *node,
                              const QfEpilogue *epi, int32_t oc);
void qf_cpu_weighted_clear(QfCpuWeighted *wt);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(QfCpuWeighted, qf_cpu_weighted_clear)

/* The tile kernel for @wt with the whole weight matrix @all; NULL: none can do it. */
const QfkTileKernel *qf_cpu_tile_kernel(QfLower *lower, const QfCpuWeighted *wt, const QfkPack *all);

/* The kernel for pairs of 8-bit weights where it is better than @kernel, the one above, for a convolution of @s; else @kernel. */
const QfkTileKernel *qf_cpu_pairs_kernel(QfLower *lower, const QfCpuWeighted *wt, const QfkTileKernel *kernel,
                                         const QfkPack *all, const QfkConvShape *s);

/* Packs weights and vectors for @plan, whose shape is set, and fills the rest of it. @pack describes the columns of the first
 * group. */
void qf_cpu_igemm_fill(QfLower *lower, QfkIgemm *plan, const QfCpuWeighted *wt, QfkPack pack);

/* Appends one step that runs all @plans, which were allocated with qf_lower_alloc(). */
void qf_cpu_igemm_step(QfLower *lower, const QfNode *node, const QfCpuWeighted *wt, QfkIgemm *plans,
                       uint32_t n_plans);

/* Appends a step by Winograd's method over tiles of @kind; @all are the weights. FALSE: it does not suit. In wino.c. */
gboolean qf_cpu_wino(QfLower *lower, const QfNode *node, const QfCpuWeighted *wt, QfkTileKind kind,
                     const QfkPack *all, const QfkConvShape *s);

/* The shape of a Conv2d, DepthWiseConv2d or TransposeConv2d. FALSE: too large for 32-bit coordinates. */
gboolean qf_cpu_conv_shape(const QfNode *node, QfkConvShape *s);
/* Appends the step of a convolution whose node was taken apart. FALSE: not for these kernels. */
gboolean qf_cpu_conv_shaped(QfLower *lower, const QfNode *node, const QfCpuWeighted *wt,
                            const QfkConvShape *s, gboolean transposed);

#endif
