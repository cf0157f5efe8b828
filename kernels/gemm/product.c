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

/* Where columns are widened on their way into a panel: one column, or a group of rows of a panel. */
static size_t line_bytes(const QfkProduct *p)
{
  const size_t group = (size_t)p->kernel->kr * p->kernel->nr * sizeof(int16_t);
  return p->kernel->kind == QFK_TILE_F32 ? 0 : round64(row_bytes(p) > group ? row_bytes(p) : group);
}

size_t qfk_product_panel_bytes(const QfkProduct *p)
{
  return row_bytes(p) * p->kernel->nr;
}

size_t qfk_product_scratch(const QfkProduct *p)
{
  const size_t rows = (size_t)p->s.m;
  return 64 + round64(rows * sizeof(void *)) + (in_place(p) ? 0 : rows * row_bytes(p)) +
         qfk_product_panel_bytes(p) + line_bytes(p);
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

/* Integers whose columns are dense: each is widened whole. */
static void pack_columns(const QfkProduct *p, const uint8_t *b, uint32_t n0, uint32_t width, int16_t *dst,
                         int16_t *line)
{
  const uint32_t kr = p->kernel->kr, k = (uint32_t)p->s.k, groups = padded_k(p) / kr;
  memset(line + k, 0, (groups * kr - k) * sizeof(*line));
  for (uint32_t slot = 0; slot < width; slot++) {
    const uint32_t n = n0 + qfk_panel_column(p->kernel, width, slot);
    int16_t *to = dst + (size_t)slot * kr;
    if (n < (uint32_t)p->s.n)
      p->widen(line, b + (ptrdiff_t)n * p->s.b_col, k, p->b_zero ? p->b_zero[n] : 0, p->b_type == QFK_S8);
    else
      memset(line, 0, k * sizeof(*line));
    if (kr == 2)
      for (uint32_t i = 0; i < groups; i++)
        memcpy(to + (size_t)i * width * 2, line + (size_t)i * 2, 2 * sizeof(*line));
    else
      for (uint32_t i = 0; i < groups * kr; i++)
        to[(size_t)(i / kr) * width * kr + i % kr] = line[i];
  }
}

/* Two rows interleaved in the order of the slots, of which four neighbours are neighbouring columns. */
static void pack_pair(uint32_t width, const uint32_t *from, const int16_t *line, int16_t *dst)
{
  for (uint32_t slot = 0; slot < width; slot += 4, dst += 8) {
    const int16_t *a = line + from[slot], *b = a + width;
    for (int j = 0; j < 4; j++) {
      dst[2 * j] = a[j];
      dst[2 * j + 1] = b[j];
    }
  }
}

/* Integers whose rows are dense: the panel's part of kr rows at a time. */
static void pack_rows(const QfkProduct *p, const uint8_t *b, uint32_t n0, uint32_t width, int16_t *dst,
                      int16_t *line)
{
  const uint32_t kr = p->kernel->kr, used = (uint32_t)p->s.n - n0 < width ? (uint32_t)p->s.n - n0 : width;
  const int32_t zero = p->b_zero ? p->b_zero[n0] : 0;
  uint32_t from[256];
  for (uint32_t slot = 0; slot < width; slot++)
    from[slot] = qfk_panel_column(p->kernel, width, slot);
  memset(line, 0, (size_t)kr * width * sizeof(*line));
  for (uint32_t i = 0; i < padded_k(p); i += kr, dst += (size_t)kr * width) {
    for (uint32_t j = 0; j < kr; j++)
      if (i + j < (uint32_t)p->s.k)
        p->widen(line + (size_t)j * width, b + (ptrdiff_t)(i + j) * p->s.b_row + n0, used, zero,
                 p->b_type == QFK_S8);
      else
        memset(line + (size_t)j * width, 0, width * sizeof(*line));
    if (kr == 2)
      pack_pair(width, from, line, dst);
    else
      for (uint32_t slot = 0; slot < width; slot++)
        for (uint32_t j = 0; j < kr; j++)
          dst[slot * kr + j] = line[(size_t)j * width + from[slot]];
  }
}

void qfk_product_pack(const QfkProduct *p, const void *b, uint32_t n0, void *panel, void *line)
{
  const QfkGemmShape *s = &p->s;
  const uint32_t width = qfk_panel_width(p->kernel, (uint32_t)s->n - n0);
  const bool bytes = p->kernel->kind == QFK_TILE_S16 && (p->b_type == QFK_U8 || p->b_type == QFK_S8);
  const QfkPack pack = {.w = b,
                        .row = s->b_row,
                        .col = s->b_col,
                        .n_seg = 1,
                        .k = (uint32_t)s->k,
                        .n = (uint32_t)s->n,
                        .w_type = p->b_type,
                        .w_zero = p->b_zero};
  if (bytes && s->b_row == 1)
    pack_columns(p, b, n0, width, panel, line);
  else if (bytes && s->b_col == 1)
    pack_rows(p, b, n0, width, panel, line);
  else
    qfk_pack_panel(p->kernel, &pack, n0, panel);
}

void qfk_product_row(const QfkProduct *p, const void *a, void *dst)
{
  copy_row(p, a, dst);
}

void qfk_product_panel(const QfkProduct *p, const void *const *rows, uint32_t m, uint32_t n0,
                       const void *panel, void *c)
{
  const size_t value = p->kernel->kind == QFK_TILE_F32 ? sizeof(float) : 1;
  const uint32_t tiles = (m + p->kernel->mr - 1) / p->kernel->mr, rest = (uint32_t)p->s.n - n0;
  void *at[16];
  QfkTile t = {.n_seg = 1,
               .steps = padded_k(p) / p->kernel->kr,
               .n = rest < p->kernel->nr ? rest : p->kernel->nr,
               .b = panel,
               .bias = p->bias,
               .scale = p->scale,
               .c = at,
               .lo = p->lo,
               .hi = p->hi,
               .zero_point = p->c_zero,
               .y_signed = p->c_signed,
               .below_one = p->scale && qfk_requant_below_one(p->scale, p->kernel->nr)};
  for (uint32_t i = 0, row = 0; i < tiles; i++) {
    const uint32_t height = (m - row + tiles - i - 1) / (tiles - i);
    for (uint32_t r = 0; r < height; r++)
      at[r] = (uint8_t *)c + ((ptrdiff_t)(row + r) * p->s.c_row + n0) * (ptrdiff_t)value;
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
  for (uint32_t i = first_panel; i < end_panel; i++) {
    const uint32_t n0 = i * p->kernel->nr;
    qfk_product_pack(p, b, n0, panel, panel + qfk_product_panel_bytes(p));
    qfk_product_panel(p, rows, (uint32_t)s->m, n0, panel, c);
  }
}
