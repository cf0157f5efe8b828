/* SPDX-License-Identifier: MIT */
/*
 * product.c - products of two run-time matrices.
 */
#include "product.h"

#include <string.h>

static size_t round64(size_t n)
{
  return (n + 63) / 64 * 64;
}

static uint32_t padded_k(const QfkProduct *p)
{
  return ((uint32_t)p->s.k + p->kernel->kr - 1) / p->kernel->kr * p->kernel->kr;
}

/* Rows of A are used in place when they are floats that lie together. */
static bool in_place(const QfkProduct *p)
{
  return p->kernel->kind == QFK_TILE_F32 && p->s.a_col == 1;
}

static size_t row_bytes(const QfkProduct *p)
{
  return round64(padded_k(p) * (p->kernel->kind == QFK_TILE_F32 ? sizeof(float) : sizeof(int16_t)));
}

size_t qfk_product_scratch(const QfkProduct *p)
{
  const size_t rows = (size_t)p->s.m;
  return 64 + round64(rows * sizeof(void *)) + (in_place(p) ? 0 : rows * row_bytes(p)) +
         row_bytes(p) * p->kernel->nr;
}

uint32_t qfk_product_panels(const QfkProduct *p)
{
  return ((uint32_t)p->s.n + p->kernel->nr - 1) / p->kernel->nr;
}

/* One row of A as the kernel reads it. */
static void copy_row(const QfkProduct *p, const uint8_t *a, uint8_t *dst)
{
  const QfkGemmShape *s = &p->s;
  const bool f32 = p->kernel->kind == QFK_TILE_F32;
  if (!f32 && s->a_col == 1)
    p->widen((int16_t *)dst, a, (size_t)s->k, p->a_zero, p->a_signed);
  else
    for (int32_t k = 0; k < s->k; k++)
      if (f32)
        ((float *)dst)[k] = ((const float *)a)[k * s->a_col];
      else
        p->widen((int16_t *)dst + k, a + k * s->a_col, 1, p->a_zero, p->a_signed);
  if (!f32)
    memset((int16_t *)dst + s->k, 0, (padded_k(p) - (uint32_t)s->k) * sizeof(int16_t));
}

static void run_panel(const QfkProduct *p, QfkTile t, const void **rows, uint8_t *c)
{
  const size_t value = p->kernel->kind == QFK_TILE_F32 ? sizeof(float) : 1;
  const uint32_t m = (uint32_t)p->s.m, tiles = (m + p->kernel->mr - 1) / p->kernel->mr;
  void *at[16];
  t.c = at;
  for (uint32_t i = 0, row = 0; i < tiles; i++) {
    const uint32_t height = (m - row + tiles - i - 1) / (tiles - i);
    for (uint32_t r = 0; r < height; r++)
      at[r] = c + (ptrdiff_t)(row + r) * p->s.c_row * (ptrdiff_t)value;
    t.a = rows + row;
    p->kernel->run(&t, height);
    row += height;
  }
}

void qfk_product_run(const QfkProduct *p, uint32_t first_panel, uint32_t end_panel, const void *a,
                     const void *b, void *c, void *scratch)
{
  const QfkGemmShape *s = &p->s;
  const size_t value = p->kernel->kind == QFK_TILE_F32 ? sizeof(float) : 1;
  const void **rows = (const void **)(((uintptr_t)scratch + 63) / 64 * 64);
  uint8_t *copies = (uint8_t *)rows + round64((size_t)s->m * sizeof(void *));
  uint8_t *panel = copies + (in_place(p) ? 0 : (size_t)s->m * row_bytes(p));
  for (int32_t i = 0; i < s->m; i++) {
    const uint8_t *src = (const uint8_t *)a + i * s->a_row * (ptrdiff_t)value;
    rows[i] = in_place(p) ? src : copies + (size_t)i * row_bytes(p);
    if (!in_place(p))
      copy_row(p, src, copies + (size_t)i * row_bytes(p));
  }
  const QfkPack pack = {.w = b,
                        .row = s->b_row,
                        .col = s->b_col,
                        .n_seg = 1,
                        .k = (uint32_t)s->k,
                        .n = (uint32_t)s->n,
                        .w_type = p->b_type,
                        .w_zero = p->b_zero};
  QfkTile t = {.n_seg = 1,
               .steps = padded_k(p) / p->kernel->kr,
               .b = panel,
               .bias = p->bias,
               .scale = p->scale,
               .lo = p->lo,
               .hi = p->hi,
               .zero_point = p->c_zero,
               .y_signed = p->c_signed};
  for (uint32_t i = first_panel; i < end_panel; i++) {
    const uint32_t n0 = i * p->kernel->nr;
    qfk_pack_panel(p->kernel, &pack, n0, panel);
    t.n = (uint32_t)s->n - n0 < p->kernel->nr ? (uint32_t)s->n - n0 : p->kernel->nr;
    run_panel(p, t, rows, (uint8_t *)c + n0 * value);
  }
}
