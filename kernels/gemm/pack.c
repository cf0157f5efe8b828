/* SPDX-License-Identifier: MIT */
/*
 * pack.c - weights into panels, and what can be said of their sums. Weights are read in blocks of a few rows that stay in the
 * first cache, along whichever dimension is dense; so this takes about a nanosecond a weight. See tile.h.
 */
#include "bf16.h"
#include "tile.h"

#include <string.h>

#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

enum { BLOCK_ROWS = 16, BLOCK_COLUMNS = 256 };

static size_t value_size(const QfkTileKernel *k)
{
  static const uint8_t size[] = {
      [QFK_TILE_F32] = 4,   [QFK_TILE_S16] = 2,    [QFK_TILE_DOT_U] = 1, [QFK_TILE_DOT_S] = 1,
      [QFK_TILE_PAIRS] = 1, [QFK_TILE_S16_S8] = 1, [QFK_TILE_BF16] = 2};
  return size[k->kind];
}

/* Rows of a segment, with the padding. */
static uint32_t packed_k(const QfkTileKernel *k, const QfkPack *p)
{
  return (p->k + k->kr - 1) / k->kr * k->kr;
}

size_t qfk_pack_bytes(const QfkTileKernel *k, const QfkPack *p)
{
  return (size_t)qfk_pack_columns(k, p->n) * p->n_seg * packed_k(k, p) * value_size(k);
}

/* Index of the weight in row @i of segment @seg, column @n. */
static ptrdiff_t weight_at(const QfkPack *p, uint32_t seg, uint32_t i, uint32_t n)
{
  ptrdiff_t row = p->seg_row ? p->seg_row[seg] : (ptrdiff_t)seg * p->k;
  return (row + i) * p->row + (ptrdiff_t)n * p->col;
}

static bool is_empty(const QfkPack *p, uint32_t seg)
{
  return p->seg_row && p->seg_row[seg] < 0;
}

/* Integer weights of a few rows, without their zero points. */
typedef struct {
  uint32_t rows, columns;
  int32_t w[BLOCK_ROWS][BLOCK_COLUMNS];
} Block;

#define QFK_TYPED(T)                                                                                         \
  static void read_##T(Block *b, const T *w, ptrdiff_t row, ptrdiff_t col)                                   \
  {                                                                                                          \
    if (col == 1)                                                                                            \
      for (uint32_t r = 0; r < b->rows; r++, w += row)                                                       \
        for (uint32_t c = 0; c < b->columns; c++)                                                            \
          b->w[r][c] = w[c];                                                                                 \
    else                                                                                                     \
      for (uint32_t c = 0; c < b->columns; c++, w += col)                                                    \
        for (uint32_t r = 0; r < b->rows; r++)                                                               \
          b->w[r][c] = w[(ptrdiff_t)r * row];                                                                \
  }

QFK_TYPED(uint8_t)
QFK_TYPED(int8_t)
QFK_TYPED(uint16_t)
QFK_TYPED(int16_t)

/* At most BLOCK_ROWS rows from @i on and BLOCK_COLUMNS columns from @n on; as many of each as there are. */
static void read_block(Block *b, const QfkPack *p, uint32_t seg, uint32_t i, uint32_t n, uint32_t columns)
{
  const ptrdiff_t at = weight_at(p, seg, i, n);
  b->rows = MIN(p->k - i, BLOCK_ROWS);
  b->columns = columns;
  switch (p->w_type) {
  case QFK_U8: read_uint8_t(b, (const uint8_t *)p->w + at, p->row, p->col); break;
  case QFK_S8: read_int8_t(b, (const int8_t *)p->w + at, p->row, p->col); break;
  case QFK_U16: read_uint16_t(b, (const uint16_t *)p->w + at, p->row, p->col); break;
  default: read_int16_t(b, (const int16_t *)p->w + at, p->row, p->col); break;
  }
  for (uint32_t r = 0; p->w_zero && r < b->rows; r++)
    for (uint32_t c = 0; c < columns; c++)
      b->w[r][c] -= p->w_zero[n + c];
}

/* A panel of @width columns from @n0 on; @columns says which of them stands at each slot. */
typedef struct {
  const QfkTileKernel *k;
  const QfkPack *p;
  uint32_t n0, width, used;
  uint32_t columns[BLOCK_COLUMNS];
} Panel;

static void pack_f32(const Panel *a, uint32_t seg, float *dst)
{
  const QfkPack *p = a->p;
  const float *w = (const float *)p->w + weight_at(p, seg, 0, a->n0);
  for (uint32_t i = 0; i < p->k; i += BLOCK_ROWS, w += BLOCK_ROWS * p->row, dst += BLOCK_ROWS * a->width) {
    const uint32_t rows = MIN(p->k - i, BLOCK_ROWS);
    for (uint32_t r = 0; p->col == 1 && r < rows; r++)
      memcpy(dst + r * a->width, w + (ptrdiff_t)r * p->row, a->used * sizeof(float));
    for (uint32_t slot = 0; p->col != 1 && slot < a->used; slot++)
      for (uint32_t r = 0; r < rows; r++)
        dst[r * a->width + slot] = w[(ptrdiff_t)slot * p->col + (ptrdiff_t)r * p->row];
    for (uint32_t r = 0; a->used < a->width && r < rows; r++)
      memset(dst + r * a->width + a->used, 0, (a->width - a->used) * sizeof(float));
  }
}

/* Pairs of rows lie together in each column. */
static void pack_bf16(const Panel *a, uint32_t seg, uint16_t *dst)
{
  const QfkPack *p = a->p;
  const float *w = (const float *)p->w + weight_at(p, seg, 0, a->n0);
  for (uint32_t i = 0; i < p->k; i += BLOCK_ROWS, w += BLOCK_ROWS * p->row) {
    const uint32_t rows = MIN(p->k - i, BLOCK_ROWS), even = (rows + 1) / 2 * 2;
    memset(dst, 0, (size_t)even * a->width * sizeof(*dst));
    for (uint32_t slot = 0; slot < a->used; slot++)
      for (uint32_t r = 0; r < rows; r++)
        dst[(r / 2 * a->width + slot) * 2 + r % 2] =
            qfk_bf16_from(w[(ptrdiff_t)slot * p->col + (ptrdiff_t)r * p->row]);
    dst += (size_t)even * a->width;
  }
}

/* Rows of a block in groups of kr, which lie together in each column. */
#define QFK_PACK(T, kr)                                                                                      \
  static void pack_##T##_##kr(const Panel *a, const Block *b, uint32_t rows, T *dst)                         \
  {                                                                                                          \
    for (uint32_t r = 0; r < rows; r += kr)                                                                  \
      for (uint32_t slot = 0; slot < a->width; slot++)                                                       \
        for (uint32_t j = 0; j < kr; j++)                                                                    \
          *dst++ = (T)b->w[r + j][a->columns[slot]];                                                         \
  }

QFK_PACK(int16_t, 1)
QFK_PACK(int16_t, 2)
QFK_PACK(int8_t, 2)
QFK_PACK(int8_t, 4)
QFK_PACK(int8_t, 8)

static void pack_int(const Panel *a, uint32_t seg, void *panel)
{
  const QfkPack *p = a->p;
  const QfkTileKernel *k = a->k;
  uint8_t *dst = panel;
  Block b;
  memset(&b, 0, sizeof(b)); /* columns beyond the last stay 0 */
  for (uint32_t i = 0; i < p->k; i += BLOCK_ROWS) {
    read_block(&b, p, seg, i, a->n0, a->used);
    const uint32_t rows = (b.rows + k->kr - 1) / k->kr * k->kr;
    for (uint32_t r = b.rows; r < rows; r++)
      memset(b.w[r], 0, sizeof(b.w[r]));
    if (k->kind == QFK_TILE_S16_S8)
      pack_int8_t_2(a, &b, rows, (int8_t *)dst);
    else if (k->kind != QFK_TILE_S16)
      (k->kr == 8 ? pack_int8_t_8 : pack_int8_t_4)(a, &b, rows, (int8_t *)dst);
    else if (k->kr == 1)
      pack_int16_t_1(a, &b, rows, (int16_t *)(void *)dst);
    else
      pack_int16_t_2(a, &b, rows, (int16_t *)(void *)dst);
    dst += (size_t)rows * a->width * value_size(k);
  }
}

void qfk_pack_panel(const QfkTileKernel *k, const QfkPack *p, uint32_t n0, void *panel)
{
  Panel a = {k, p, n0, qfk_panel_width(k, p->n - n0), 0, {0}};
  const size_t seg_bytes = (size_t)packed_k(k, p) * a.width * value_size(k);
  uint8_t *dst = panel;
  a.used = MIN(p->n - n0, a.width);
  for (uint32_t slot = 0; slot < a.width; slot++)
    a.columns[slot] = qfk_panel_column(k, a.width, slot);
  for (uint32_t seg = 0; seg < p->n_seg; seg++, dst += seg_bytes) {
    if (is_empty(p, seg))
      memset(dst, 0, seg_bytes);
    else if (k->kind == QFK_TILE_F32)
      pack_f32(&a, seg, (float *)(void *)dst);
    else if (k->kind == QFK_TILE_BF16)
      pack_bf16(&a, seg, (uint16_t *)(void *)dst);
    else
      pack_int(&a, seg, dst);
  }
}

void qfk_pack_panels(const QfkTileKernel *k, const QfkPack *p, void *panels)
{
  const size_t column_bytes = (size_t)p->n_seg * packed_k(k, p) * value_size(k);
  for (uint32_t n = 0; n < p->n; n += k->nr)
    qfk_pack_panel(k, p, n, (uint8_t *)panels + n * column_bytes);
}

void qfk_pack_vector(const QfkTileKernel *k, uint32_t n, const void *src, void *dst)
{
  uint32_t *out = dst;
  for (uint32_t n0 = 0; n0 < n; n0 += k->nr) {
    const uint32_t width = qfk_panel_width(k, n - n0);
    for (uint32_t slot = 0; slot < width; slot++) {
      uint32_t c = n0 + qfk_panel_column(k, width, slot);
      *out++ = src && c < n ? ((const uint32_t *)src)[c] : 0;
    }
  }
}

/* Of up to BLOCK_COLUMNS columns from @n on: the sums of their weights, or of the weights' magnitudes. */
static void column_sums(const QfkPack *p, uint32_t n, uint32_t columns, bool magnitudes, int64_t *sums)
{
  Block b;
  memset(sums, 0, columns * sizeof(*sums));
  for (uint32_t seg = 0; seg < p->n_seg; seg++)
    for (uint32_t i = 0; i < p->k && !is_empty(p, seg); i += BLOCK_ROWS) {
      int32_t part[BLOCK_COLUMNS] = {0}; /* of 16 numbers of 17 bits */
      read_block(&b, p, seg, i, n, columns);
      for (uint32_t r = 0; r < b.rows; r++)
        for (uint32_t c = 0; c < columns; c++)
          part[c] += magnitudes && b.w[r][c] < 0 ? -b.w[r][c] : b.w[r][c];
      for (uint32_t c = 0; c < columns; c++)
        sums[c] += part[c];
    }
}

void qfk_pack_bias(const QfkPack *p, const int32_t *bias, int32_t x_zero, int32_t *dst)
{
  int64_t sums[BLOCK_COLUMNS];
  for (uint32_t n = 0; n < p->n; n += BLOCK_COLUMNS) {
    const uint32_t columns = MIN(p->n - n, BLOCK_COLUMNS);
    column_sums(p, n, columns, false, sums);
    for (uint32_t c = 0; c < columns; c++)
      dst[n + c] = (int32_t)((bias ? bias[n + c] : 0) - x_zero * sums[c]);
  }
}

/* The range of what weights may be once their zero points are off, from their type alone. */
static void weight_range(const QfkPack *p, int32_t *lo, int32_t *hi)
{
  const bool is_signed = p->w_type == QFK_S8 || p->w_type == QFK_S16;
  const int32_t span = p->w_type == QFK_U8 || p->w_type == QFK_S8 ? UINT8_MAX : UINT16_MAX;
  int32_t least = p->w_zero ? INT32_MAX : 0, most = p->w_zero ? INT32_MIN : 0;
  for (uint32_t n = 0; p->w_zero && n < p->n; n++) {
    least = MIN(least, p->w_zero[n]);
    most = MAX(most, p->w_zero[n]);
  }
  *lo = (is_signed ? -(span + 1) / 2 : 0) - most;
  *hi = (is_signed ? span / 2 : span) - least;
}

static bool sum_fits(int64_t sum, int32_t x_max, const int32_t *bias, uint32_t n)
{
  const int64_t b = bias ? bias[n] : 0;
  return sum * x_max + (b < 0 ? -b : b) <= INT32_MAX;
}

/* Whether no weights of their type at all could bring a sum out of int32: mostly so, and then none is read. */
static bool always_fits(const QfkPack *p, const int32_t *bias, int32_t x_max)
{
  int32_t lo, hi;
  weight_range(p, &lo, &hi);
  const int64_t most = -lo > hi ? -(int64_t)lo : hi, rows = (int64_t)p->n_seg * p->k;
  for (uint32_t n = 0; n < p->n; n++)
    if (rows > INT32_MAX || !sum_fits(rows * most, x_max, bias, n))
      return false;
  return true;
}

bool qfk_pack_fits(const QfkPack *p, const int32_t *bias, int32_t x_max)
{
  int64_t sums[BLOCK_COLUMNS];
  if (always_fits(p, bias, x_max))
    return true;
  for (uint32_t n = 0; n < p->n; n += BLOCK_COLUMNS) {
    const uint32_t columns = MIN(p->n - n, BLOCK_COLUMNS);
    column_sums(p, n, columns, true, sums);
    for (uint32_t c = 0; c < columns; c++)
      if (!sum_fits(sums[c], x_max, bias ? bias + n : NULL, c))
        return false;
  }
  return true;
}

bool qfk_pack_within(const QfkPack *p, int32_t lo, int32_t hi)
{
  Block b;
  int32_t least, most;
  weight_range(p, &least, &most);
  if (least >= lo && most <= hi)
    return true;
  for (uint32_t seg = 0; seg < p->n_seg; seg++)
    for (uint32_t n = 0; n < p->n && !is_empty(p, seg); n += BLOCK_COLUMNS)
      for (uint32_t i = 0; i < p->k; i += BLOCK_ROWS) {
        int32_t out = 0;
        read_block(&b, p, seg, i, n, MIN(p->n - n, BLOCK_COLUMNS));
        for (uint32_t r = 0; r < b.rows; r++)
          for (uint32_t c = 0; c < b.columns; c++)
            out |= (b.w[r][c] < lo) | (b.w[r][c] > hi);
        if (out)
          return false;
      }
  return true;
}
