/* SPDX-License-Identifier: MIT */
/*
 * volume.h - convolutions and pools over three spatial dimensions, NDHWC. Plain C only: they are the references and what runs.
 * Fewer dimensions are sizes of 1.
 */
#ifndef QFK_VOLUME_H
#define QFK_VOLUME_H

#include "../common.h"

typedef struct {
  int32_t n, c, oc;
  int32_t in[3], out[3]; /* depth, height, width; so below */
  int32_t k[3], stride[3], dilation[3];
  int32_t before[3], after[3]; /* padding */
  int32_t group;               /* convolutions */
  int32_t count_pad;           /* average: padding counts as zeros */
} QfkVolume;

/* w [kd][kh][kw][c / group][oc]; @bias [oc] may be NULL. Floats are summed in double, integers wrap around. */
void qfk_conv3d_f32_ref(const QfkVolume *v, const float *x, const float *w, const float *bias, float *y);
void qfk_conv3d_i32_ref(const QfkVolume *v, const int32_t *x, const int32_t *w, const int32_t *bias,
                        int32_t *y);
/* The gradient: every x adds to the outputs that its window covers. */
void qfk_deconv3d_f32_ref(const QfkVolume *v, const float *x, const float *w, const float *bias, float *y);

void qfk_pool_avg3d_f32_ref(const QfkVolume *v, const float *x, float *y);
/* The first of equal values wins. @at, which may be NULL, gets its place in depth x height x width. */
void qfk_pool_max3d_f32_ref(const QfkVolume *v, const float *x, float *y, int64_t *at);
void qfk_pool_max3d_i64_ref(const QfkVolume *v, const int64_t *x, int64_t *y, int64_t *at);

#endif
