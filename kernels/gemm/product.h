/* SPDX-License-Identifier: MIT */
/*
 * product.h - products of two matrices that are both known only at run time, over the tile kernels: F32 or S16.
 *
 * An item is some of the columns of one product: it packs them panel by panel and passes all rows of A by each. The parts of that
 * are here for others who order them otherwise (attention).
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
  const int32_t *b_zero; /* S16: n times the zero point of B (one for all), or NULL: 0 */
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

/* Bytes of a packed panel, with all of its K. */
size_t qfk_product_panel_bytes(const QfkProduct *p);
/* Packs the panel of columns from @n0 on. @line: as many bytes as a panel has (S16 only). */
void qfk_product_pack(const QfkProduct *p, const void *b, uint32_t n0, void *panel, void *line);
/* A row of A as the tiles read it, from @a on, to panel_bytes / nr bytes. */
void qfk_product_row(const QfkProduct *p, const void *a, void *dst);
/* Rows [0, m), which are not in @p, by the packed panel of columns from @n0 on, to c + row * c_row. */
void qfk_product_panel(const QfkProduct *p, const void *const *rows, uint32_t m, uint32_t n0,
                       const void *panel, void *c);

#endif
