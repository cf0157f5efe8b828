/* SPDX-License-Identifier: MIT */
/*
 * window.h - reductions over windows of any rank, and pooling that remembers where its maxima were. References only: rarely
 * used. Pooling of images as networks have it is in kernels/pool.
 */
#ifndef QFK_WINDOW_H
#define QFK_WINDOW_H

#include "../common.h"

#define QFK_WINDOW_RANK 8

typedef enum { QFK_WINDOW_ADD = 0, QFK_WINDOW_MUL, QFK_WINDOW_MIN, QFK_WINDOW_MAX, QFK_N_WINDOW } QfkWindowOp;

typedef struct {
  QfkWindowOp op;
  int32_t rank; /* at least 1 */
  int64_t in[QFK_WINDOW_RANK], out[QFK_WINDOW_RANK], size[QFK_WINDOW_RANK], stride[QFK_WINDOW_RANK],
      dilation[QFK_WINDOW_RANK];
} QfkWindow;

/* y = init combined with the elements of each window, which lie within x. */
void qfk_window_f32_ref(const QfkWindow *p, const float *x, const float *init, float *y);
void qfk_window_f64_ref(const QfkWindow *p, const double *x, const double *init, double *y);
void qfk_window_i64_ref(const QfkWindow *p, const int64_t *x, const int64_t *init, int64_t *y);

/* Images [n, h, w, c] and windows of kh x kw at a distance; [n, oh, ow, c]. */
typedef struct {
  int32_t n, h, w, c, oh, ow, kh, kw;
  int32_t stride[2], pad[2]; /* height, width; top, left */
} QfkArgPool;

/* Largest value of each window, and its place in the window: row * kw + column, plus 0.1 so that it survives being cut to an
 * integer after arithmetic. */
void qfk_arg_pool_ref(const QfkArgPool *p, const float *x, float *y, float *place);
/* The way back: each value of x [n, h, w, c] goes to its place in y [n, oh, ow, c], whose rest is zero. */
void qfk_unpool_ref(const QfkArgPool *p, const float *x, const float *place, float *y);

#endif
