/* SPDX-License-Identifier: MIT */
/*
 * product.h - products of two matrices that are both known only at run time, over the tile kernels: F32 or S16.
 *
 * An item is some of the columns of one product: it packs them panel by panel and passes all rows of A by each.
 */
#ifndef QFK_PRODUCT_H
#define QFK_PRODUCT_H

#include "gemm.h"
#include "tile.h"

typedef struct {
  const QfkTileKernel *kernel; /* F32 or S16 */
  QfkGemmShape s;
  QfkWidenFunc widen;    /* S16 */
  const uint32_t *bias;  /* nr zeros */
  const float *scale;    /* S16: nr times the multiplier */
  const int32_t *b_zero; /* S16: n times the zero point of B, or NULL */
  QfkInt b_type;         /* S16 */
  int32_t a_zero, c_zero;
  bool a_signed, c_signed;
  float lo, hi; /* bounds; S16: without the zero point */
} QfkProduct;

size_t qfk_product_scratch(const QfkProduct *p);
/* Panels of columns [0, qfk_product_panels()) may be shared out. */
uint32_t qfk_product_panels(const QfkProduct *p);
void qfk_product_run(const QfkProduct *p, uint32_t first_panel, uint32_t end_panel, const void *a,
                     const void *b, void *c, void *scratch);

#endif
