/* SPDX-License-Identifier: MIT */
/*
 * pack.c - weights into panels, and what can be said of their sums. Weights are read in blocks of a few rows that stay in the
 * first cache, along whichever dimension is dense; so this takes about a nanosecond a weight. See tile.h.
 */
#include "../copy/copy_fast.h"
#include "bf16.h"
#include "tile.h"

#include <string.h>

#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

enum { BLOCK_ROWS = 16, BLOCK_COLUMNS = 256, FOUR = 4, MAX_NR = 64, MAX_PANELS = 32 };

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

/* Integer weights of a few rows, without their zero points; in 16 bits they may wrap around, and so does what becomes of them. */
typedef struct {
  uint32_t rows, columns;
  int16_t w[BLOCK_ROWS][BLOCK_COLUMNS];
} Block;

/* Squares of bytes whose rows are dense, turned; the rest one by one. */
static void read_turned(Block *b, const uint8_t *w, ptrdiff_t col, bool is_signed)
{
  static const int64_t to[] = {0, 16, 32, 48, 64, 80, 96, 112, 128, 144, 160, 176, 192, 208, 224, 240};
  uint8_t square[BLOCK_ROWS][16];
  for (uint32_t c = 0; c < b->columns / 16 * 16; c += 16) {
    qfk_turn_16x16(w + (ptrdiff_t)c * col, col, square[0], to);
    for (uint32_t r = 0; r < BLOCK_ROWS; r++)
      for (uint32_t j = 0; j < 16; j++)
        b->w[r][c + j] = is_signed ? (int8_t)square[r][j] : square[r][j];
  }
}

#define QFK_TYPED(T)                                                                                         \
  static void read_##T(Block *b, const T *w, ptrdiff_t row, ptrdiff_t col)                                   \
  {                                                                                                          \
    uint32_t done = 0;                                                                                       \
    if (sizeof(T) == 1 && row == 1 && b->rows == BLOCK_ROWS) {                                               \
      read_turned(b, (const uint8_t *)w, col, (T)-1 < 0);                                                    \
      done = b->columns / 16 * 16;                                                                           \
    }                                                                                                        \
    if (col == 1)                                                                                            \
      for (uint32_t r = 0; r < b->rows; r++)                                                                 \
        for (uint32_t c = done; c < b->columns; c++)                                                         \
          b->w[r][c] = (int16_t)w[(ptrdiff_t)r * row + c];                                                   \
    else                                                                                                     \
      for (uint32_t c = done; c < b->columns; c++)                                                           \
        for (uint32_t r = 0; r < b->rows; r++)                                                               \
          b->w[r][c] = (int16_t)w[(ptrdiff_t)r * row + (ptrdiff_t)c * col];                                  \
  }

QFK_TYPED(uint8_t)
QFK_TYPED(int8_t)
QFK_TYPED(uint16_t)
QFK_TYPED(int16_t)

/* At most BLOCK_ROWS rows from @i on and BLOCK_COLUMNS columns from @n on; as many of each as there are. */
static void read_block(Block *b, const QfkPack *p, uint32_t seg, uint32_t i, uint32_t n, uint32_t columns)
{
  const ptrdiff_t at = weight_at(p, seg, i, n);
  int16_t zero[BLOCK_COLUMNS];
  b->rows = MIN(p->k - i, BLOCK_ROWS);
  b->columns = columns;
  switch (p->w_type) {
  case QFK_U8: read_uint8_t(b, (const uint8_t *)p->w + at, p->row, p->col); break;
  case QFK_S8: read_int8_t(b, (const int8_t *)p->w + at, p->row, p->col); break;
  case QFK_U16: read_uint16_t(b, (const uint16_t *)p->w + at, p->row, p->col); break;
  default: read_int16_t(b, (const int16_t *)p->w + at, p->row, p->col); break;
  }
  for (uint32_t c = 0; p->w_zero && c < columns; c++)
    zero[c] = (int16_t)p->w_zero[n + c];
  for (uint32_t r = 0; p->w_zero && r < b->rows; r++)
    for (uint32_t c = 0; c < columns; c++)
      b->w[r][c] = (int16_t)(b->w[r][c] - zero[c]);
}

/* A panel of @width columns from @n0 on; @from says which of them stand at each four slots: four that follow each other. */
typedef struct {
  const QfkTileKernel *k;
  const QfkPack *p;
  uint32_t n0, width, used;
  uint8_t *to;
  uint32_t from[MAX_NR / FOUR];
} Panel;

static void pack_f32(const Panel *a, uint32_t seg, float *dst)
{
  const QfkPack *p = a->p;
  const float *w = (const float *)p->w + weight_at(p, seg, 0, a->n0);
  const int64_t to[FOUR] = {0, a->width, 2 * (int64_t)a->width, 3 * (int64_t)a->width};
  for (uint32_t i = 0; i < p->k; i += BLOCK_ROWS, w += BLOCK_ROWS * p->row, dst += BLOCK_ROWS * a->width) {
    const uint32_t rows = MIN(p->k - i, BLOCK_ROWS);
    for (uint32_t r = 0; p->col == 1 && r < rows; r++)
      memcpy(dst + r * a->width, w + (ptrdiff_t)r * p->row, a->used * sizeof(float));
    uint32_t slot = p->col == 1 ? a->used : 0;
    for (; p->row == 1 && rows == BLOCK_ROWS && slot + FOUR <= a->used; slot += FOUR)
      for (uint32_t r = 0; r < rows; r += FOUR)
        qfk_turn_4x4(w + (ptrdiff_t)slot * p->col + r, p->col, (uint32_t *)dst + r * a->width + slot, to);
    for (; slot < a->used; slot++)
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

typedef uint16_t Four __attribute__((vector_size(8)));
typedef uint16_t Eight __attribute__((vector_size(16)));

/* A group of @n lines, whose values of a column lie together, in the order of the slots. */
static inline void put_group(const Panel *a, const int16_t *const *line, uint32_t n, int16_t *dst)
{
  for (uint32_t i = 0; i < a->width / FOUR; i++, dst += FOUR * n) {
    Four v[4];
    for (uint32_t j = 0; j < n; j++)
      memcpy(&v[j], line[j] + a->from[i], sizeof(v[j]));
    if (n == 1) {
      memcpy(dst, v, sizeof(*v));
      continue;
    }
    const Eight ab = __builtin_shufflevector(v[0], v[1], 0, 4, 1, 5, 2, 6, 3, 7);
    if (n == 2) {
      memcpy(dst, &ab, sizeof(ab));
      continue;
    }
    const Eight cd = __builtin_shufflevector(v[2], v[3], 0, 4, 1, 5, 2, 6, 3, 7);
    const Eight first = __builtin_shufflevector(ab, cd, 0, 1, 8, 9, 2, 3, 10, 11);
    const Eight last = __builtin_shufflevector(ab, cd, 4, 5, 12, 13, 6, 7, 14, 15);
    memcpy(dst, &first, sizeof(first));
    memcpy(dst + 8, &last, sizeof(last));
  }
}

/* Groups of kr rows, or of as many bytes in 16 bits; @lines of them. */
static void put_lines(const Panel *a, const int16_t *const *line, uint32_t lines, uint32_t group,
                      int16_t *dst)
{
  for (uint32_t i = 0; i < lines; i += group, dst += (size_t)a->width * group)
    if (group == 1)
      put_group(a, line + i, 1, dst);
    else if (group == 2)
      put_group(a, line + i, 2, dst);
    else
      put_group(a, line + i, 4, dst);
}

/* Two rows of bytes as one of 16 bits, over the first of them. */
static void join_rows(Block *b, uint32_t rows, uint32_t width)
{
  for (uint32_t r = 0; r < rows; r += 2)
    for (uint32_t c = 0; c < width; c++)
      b->w[r][c] = (int16_t)((b->w[r][c] & 0xff) | (uint16_t)b->w[r + 1][c] << 8);
}

/* int16 that lie in rows as wide as the panel are read where they are. */
static bool is_direct(const Panel *a)
{
  const QfkPack *p = a->p;
  return a->k->kind == QFK_TILE_S16 && p->w_type == QFK_S16 && p->col == 1 && !p->w_zero &&
         a->used == a->width;
}

/* Rows @i up to @i + @rows, of which @b or the matrix has @used, to one of the panels that @b is for. */
static void put_rows(const Panel *a, const Block *b, uint32_t first, uint32_t seg, uint32_t i, uint32_t rows,
                     uint32_t used)
{
  const uint32_t step = value_size(a->k) == 1 ? 2 : 1;
  const bool direct = is_direct(a);
  const int16_t *line[BLOCK_ROWS];
  const size_t at = ((size_t)seg * packed_k(a->k, a->p) + i) * a->width * value_size(a->k);
  for (uint32_t r = 0; r < rows; r += step)
    line[r / step] = direct && r < used ? (const int16_t *)a->p->w + weight_at(a->p, seg, i + r, a->n0)
                                        : b->w[r] + (a->n0 - first);
  put_lines(a, line, rows / step, a->k->kr / step, (int16_t *)(void *)(a->to + at));
}

/* @n panels at a time, so that lines of the cache are read as a whole. */
static void pack_int(const Panel *a, uint32_t n, uint32_t seg)
{
  const QfkPack *p = a->p;
  const QfkTileKernel *k = a->k;
  const uint32_t first = a->n0, columns = a[n - 1].n0 + a[n - 1].used - first,
                 width = a[n - 1].n0 + a[n - 1].width - first;
  const bool direct = is_direct(a + n - 1); /* then so are all */
  Block b;
  for (uint32_t r = 0; r < BLOCK_ROWS && columns < width; r++) /* columns beyond the last stay 0 */
    memset(b.w[r] + columns, 0, (width - columns) * sizeof(**b.w));
  for (uint32_t i = 0; i < p->k; i += BLOCK_ROWS) {
    const uint32_t used = MIN(p->k - i, BLOCK_ROWS), rows = (used + k->kr - 1) / k->kr * k->kr;
    if (!direct)
      read_block(&b, p, seg, i, first, columns);
    for (uint32_t r = used; r < rows; r++)
      memset(b.w[r], 0, width * sizeof(**b.w));
    if (value_size(k) == 1)
      join_rows(&b, rows, width);
    for (uint32_t j = 0; j < n; j++)
      put_rows(a + j, &b, first, seg, i, rows, used);
  }
}

/* Segment @seg of @n panels. */
static void pack_segment(const Panel *a, uint32_t n, uint32_t seg)
{
  const size_t rows = packed_k(a->k, a->p);
  if (!is_empty(a->p, seg) && !qfk_tile_is_float(a->k->kind)) {
    pack_int(a, n, seg);
    return;
  }
  for (; n; n--, a++) {
    const size_t bytes = rows * a->width * value_size(a->k);
    uint8_t *dst = a->to + seg * bytes;
    if (is_empty(a->p, seg))
      memset(dst, 0, bytes);
    else if (a->k->kind == QFK_TILE_F32)
      pack_f32(a, seg, (float *)(void *)dst);
    else
      pack_bf16(a, seg, (uint16_t *)(void *)dst);
  }
}

/* At most @count panels from column @n0 on; returns the column that follows them. */
static uint32_t pack_some(const QfkTileKernel *k, const QfkPack *p, uint32_t n0, uint32_t count, uint8_t *to)
{
  Panel a[MAX_PANELS];
  uint32_t n = 0;
  for (; n < count && n0 < p->n; n++, n0 += k->nr) {
    const uint32_t width = qfk_panel_width(k, p->n - n0);
    a[n] = (Panel){k, p, n0, width, MIN(p->n - n0, width), to, {0}};
    for (uint32_t i = 0; i < width / FOUR; i++)
      a[n].from[i] = qfk_panel_column(k, width, i * FOUR);
    to += (size_t)p->n_seg * packed_k(k, p) * width * value_size(k);
  }
  for (uint32_t seg = 0; seg < p->n_seg; seg++)
    pack_segment(a, n, seg);
  return n0;
}

void qfk_pack_panel(const QfkTileKernel *k, const QfkPack *p, uint32_t n0, void *panel)
{
  pack_some(k, p, n0, 1, panel);
}

void qfk_pack_panels(const QfkTileKernel *k, const QfkPack *p, void *panels)
{
  const size_t column_bytes = (size_t)p->n_seg * packed_k(k, p) * value_size(k);
  const uint32_t count = MIN(BLOCK_COLUMNS / k->nr, MAX_PANELS);
  for (uint32_t n = 0; n < p->n;)
    n = pack_some(k, p, n, count, (uint8_t *)panels + n * column_bytes);
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

/* Whether 16 bits hold the sum of a block's column. */
static bool is_narrow(const QfkPack *p)
{
  int32_t lo, hi;
  weight_range(p, &lo, &hi);
  return lo >= -INT16_MAX / BLOCK_ROWS && hi <= INT16_MAX / BLOCK_ROWS;
}

static int32_t weight(const QfkPack *p, uint32_t seg, uint32_t i, uint32_t n)
{
  const ptrdiff_t at = weight_at(p, seg, i, n);
  const int32_t zero = p->w_zero ? p->w_zero[n] : 0;
  switch (p->w_type) {
  case QFK_U8: return ((const uint8_t *)p->w)[at] - zero;
  case QFK_S8: return ((const int8_t *)p->w)[at] - zero;
  case QFK_U16: return ((const uint16_t *)p->w)[at] - zero;
  default: return ((const int16_t *)p->w)[at] - zero;
  }
}

/* The sums of a block whose weights are narrow. */
static void block_sums(const Block *b, bool magnitudes, int64_t *sums)
{
  int16_t part[BLOCK_COLUMNS] = {0};
  for (uint32_t r = 0; r < b->rows; r++)
    if (magnitudes)
      for (uint32_t c = 0; c < b->columns; c++)
        part[c] = (int16_t)(part[c] + (b->w[r][c] < 0 ? -b->w[r][c] : b->w[r][c]));
    else
      for (uint32_t c = 0; c < b->columns; c++)
        part[c] = (int16_t)(part[c] + b->w[r][c]);
  for (uint32_t c = 0; c < b->columns; c++)
    sums[c] += part[c];
}

/* Of up to BLOCK_COLUMNS columns from @n on: the sums of their weights, or of the weights' magnitudes. */
static void column_sums(const QfkPack *p, uint32_t n, uint32_t columns, bool magnitudes, int64_t *sums)
{
  const bool narrow = is_narrow(p);
  Block b;
  memset(sums, 0, columns * sizeof(*sums));
  for (uint32_t seg = 0; seg < p->n_seg; seg++)
    for (uint32_t i = 0; i < p->k && !is_empty(p, seg); i += BLOCK_ROWS)
      if (narrow) {
        read_block(&b, p, seg, i, n, columns);
        block_sums(&b, magnitudes, sums);
      } else {
        for (uint32_t r = i; r < MIN(p->k, i + BLOCK_ROWS); r++)
          for (uint32_t c = 0; c < columns; c++) {
            const int32_t w = weight(p, seg, r, n + c);
            sums[c] += magnitudes && w < 0 ? -(int64_t)w : w;
          }
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

static bool block_within(const Block *b, int32_t lo, int32_t hi)
{
  int16_t least = INT16_MAX, most = INT16_MIN;
  for (uint32_t r = 0; r < b->rows; r++)
    for (uint32_t c = 0; c < b->columns; c++) {
      least = MIN(least, b->w[r][c]);
      most = MAX(most, b->w[r][c]);
    }
  return least >= lo && most <= hi;
}

/* The same where 16 bits do not hold them. */
static bool rows_within(const QfkPack *p, uint32_t seg, uint32_t i, uint32_t n, int32_t lo, int32_t hi)
{
  bool out = false;
  for (uint32_t r = i; r < MIN(p->k, i + BLOCK_ROWS); r++)
    for (uint32_t c = n; c < MIN(p->n, n + BLOCK_COLUMNS); c++) {
      const int32_t w = weight(p, seg, r, c);
      out |= w < lo || w > hi;
    }
  return !out;
}

bool qfk_pack_within(const QfkPack *p, int32_t lo, int32_t hi)
{
  Block b;
  int32_t least, most;
  weight_range(p, &least, &most);
  if (least >= lo && most <= hi)
    return true;
  const bool narrow = least >= INT16_MIN && most <= INT16_MAX;
  for (uint32_t seg = 0; seg < p->n_seg; seg++)
    for (uint32_t n = 0; n < p->n && !is_empty(p, seg); n += BLOCK_COLUMNS)
      for (uint32_t i = 0; i < p->k; i += BLOCK_ROWS) {
        if (narrow)
          read_block(&b, p, seg, i, n, MIN(p->n - n, BLOCK_COLUMNS));
        if (narrow ? !block_within(&b, lo, hi) : !rows_within(p, seg, i, n, lo, hi))
          return false;
      }
  return true;
}
