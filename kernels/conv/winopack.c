/* SPDX-License-Identifier: MIT */
/*
 * winopack.c - filters of 3x3 to panels of transformed weights, some rows of a panel's columns at a time: what lies between fits the
 * second cache. Loops over neighbouring filters are innermost, for the compiler to make vectors of; edge and number are constants there.
 */
#include "wino.h"

#include <string.h>

#define MIN(a, b) ((a) < (b) ? (a) : (b))

enum { AT_ONCE = 8, ROWS_AT_ONCE = 32, PANELS_AT_ONCE = 4, MAX_NR = 64 + AT_ONCE, PAD = 32 };

#define ALWAYS static inline __attribute__((always_inline))

/* One dimension of F(2, 3): three taps of neighbouring filters to four. The points are 0, +-1 and infinity. */
ALWAYS void transform_f2(const double w[3][AT_ONCE], double t[6][AT_ONCE])
{
  for (int i = 0; i < AT_ONCE; i++) {
    const double even = 0.5 * (w[0][i] + w[2][i]), odd = 0.5 * w[1][i];
    t[0][i] = w[0][i];
    t[1][i] = even + odd;
    t[2][i] = even - odd;
    t[3][i] = w[2][i];
  }
}

/* F(4, 3): to six. The points are 0, +-sqrt(1/2), +-sqrt(2) and infinity. */
ALWAYS void transform_f4(const double w[3][AT_ONCE], double t[6][AT_ONCE])
{
  const double a = sqrt(0.5) / 1.5, b = sqrt(2.0) / 6;
  for (int i = 0; i < AT_ONCE; i++) {
    const double even1 = w[0][i] * (-1 / 1.5) - w[2][i] * (0.5 / 1.5), odd1 = w[1][i] * a;
    const double even2 = w[0][i] * (1 / 6.0) + w[2][i] * (2 / 6.0), odd2 = w[1][i] * b;
    t[0][i] = w[0][i];
    t[1][i] = even1 - odd1;
    t[2][i] = even1 + odd1;
    t[3][i] = even2 + odd2;
    t[4][i] = even2 - odd2;
    t[5][i] = w[2][i];
  }
}

/* Filters that lie beside each other; their taps are @tap apart. */
typedef struct {
  const void *w;
  QfkInt type;
  size_t tap;
} Filters;

/* @m of them from @at on, to @side * @side planes @plane apart. */
ALWAYS void filters_f32(const Filters *a, size_t at, const int16_t *zero, uint32_t m, int side, float *out,
                        size_t plane)
{
  const float *w = (const float *)a->w + at;
  (void)zero;
  double f[3][AT_ONCE] = {{0}}, down[3][6][AT_ONCE], t[6][AT_ONCE];
  for (int x = 0; x < 3; x++) {
    for (int y = 0; y < 3; y++)
      for (uint32_t i = 0; i < m; i++)
        f[y][i] = w[(size_t)(3 * y + x) * a->tap + i];
    if (side == 6)
      transform_f4(f, down[x]);
    else
      transform_f2(f, down[x]);
  }
  for (int y = 0; y < side; y++) {
    for (int x = 0; x < 3; x++)
      memcpy(f[x], down[x][y], sizeof(f[x]));
    if (side == 6)
      transform_f4(f, t);
    else
      transform_f2(f, t);
    for (int x = 0; x < side; x++)
      for (uint32_t i = 0; i < m; i++)
        out[(size_t)(side * y + x) * plane + i] = (float)t[x][i];
  }
}

/* Values of neighbouring filters. */
typedef int16_t Lot __attribute__((vector_size(2 * AT_ONCE)));
typedef uint8_t Bytes __attribute__((vector_size(2 * AT_ONCE)));

/* F(2, 3) of integers, times two in each dimension so that all stays whole. 9 bits with sign become 12. */
ALWAYS void transform_e2(const Lot w[3], Lot t[6])
{
  const Lot even = w[0] + w[2];
  t[0] = 2 * w[0];
  t[1] = even + w[1];
  t[2] = even - w[1];
  t[3] = 2 * w[2];
}

/* And of F(4, 3) with the points 0, +-1, +-2 and infinity: 12, -6, -6, 24, 24 and 3 times what it should be; 9 bits become 15. */
ALWAYS void transform_e4(const Lot w[3], Lot t[6])
{
  const Lot even1 = w[0] + w[2], even2 = w[0] + 4 * w[2];
  t[0] = 3 * w[0];
  t[1] = even1 + w[1];
  t[2] = even1 - w[1];
  t[3] = even2 + 2 * w[1];
  t[4] = even2 - 2 * w[1];
  t[5] = 3 * w[2];
}

/* @m bytes, each twice in 16 bits, which are shifted down. */
ALWAYS Lot read_int(const Filters *a, size_t at, uint32_t m)
{
  Bytes b = {0};
  Lot w;
  memcpy(&b, (const uint8_t *)a->w + at, m);
  b = __builtin_shufflevector(b, b, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7);
  memcpy(&w, &b, sizeof(w));
  return a->type == QFK_S8 ? w >> 8 : w >> 8 & 0xff;
}

/* To @t [side * side]. */
ALWAYS void transform_int(const Filters *a, size_t at, const int16_t *zero, uint32_t m, int side, Lot *t)
{
  Lot f[3], down[3][6], z;
  memcpy(&z, zero, sizeof(z));
  for (int x = 0; x < 3; x++) {
    for (int y = 0; y < 3; y++)
      f[y] = read_int(a, at + (size_t)(3 * y + x) * a->tap, m) - z;
    if (side == 6)
      transform_e4(f, down[x]);
    else
      transform_e2(f, down[x]);
  }
  for (int y = 0; y < side; y++) {
    for (int x = 0; x < 3; x++)
      f[x] = down[x][y];
    if (side == 6)
      transform_e4(f, t + side * y);
    else
      transform_e2(f, t + side * y);
  }
}

ALWAYS void filters_int(const Filters *a, size_t at, const int16_t *zero, uint32_t m, int side, int16_t *out,
                        size_t plane)
{
  Lot t[QFK_WINO_MAX_PLANES];
  transform_int(a, at, zero, m, side, t);
  for (int i = 0; i < side * side; i++)
    memcpy(out + (size_t)i * plane, t + i, m * sizeof(int16_t));
}

/* Two rows of filters @row apart to pairs, as they lie in a panel: those of four neighbouring columns at @slot. */
ALWAYS void pairs_int(const Filters *a, size_t at, size_t row, const int16_t *zero, int side,
                      const uint32_t *slot, int16_t *out, size_t plane)
{
  Lot t[2][QFK_WINO_MAX_PLANES];
  transform_int(a, at, zero, AT_ONCE, side, t[0]);
  transform_int(a, at + row, zero, AT_ONCE, side, t[1]);
  for (int i = 0; i < side * side; i++, out += plane) {
    const Lot lo = __builtin_shufflevector(t[0][i], t[1][i], 0, 8, 1, 9, 2, 10, 3, 11);
    const Lot hi = __builtin_shufflevector(t[0][i], t[1][i], 4, 12, 5, 13, 6, 14, 7, 15);
    memcpy(out + 2 * (size_t)slot[0], &lo, sizeof(lo));
    memcpy(out + 2 * (size_t)slot[1], &hi, sizeof(hi));
  }
}

static void row_pairs(const Filters *a, size_t at, size_t row, const int16_t *zero, uint32_t n, int side,
                      const uint32_t *slot, int16_t *out, size_t plane)
{
  for (uint32_t j = 0; j < n; j += AT_ONCE)
    if (side == 6)
      pairs_int(a, at + j, row, zero + j, 6, slot + j / 4, out, plane);
    else
      pairs_int(a, at + j, row, zero + j, 4, slot + j / 4, out, plane);
}

/* A row of @n filters from @at on to rows of planes. */
#define ROW(name, T, filters)                                                                                \
  static void name(const Filters *a, size_t at, const int16_t *zero, uint32_t n, int side, T *out,           \
                   size_t plane)                                                                             \
  {                                                                                                          \
    uint32_t j = 0;                                                                                          \
    for (; side == 6 && j + AT_ONCE <= n; j += AT_ONCE)                                                      \
      filters(a, at + j, zero + j, AT_ONCE, 6, out + j, plane);                                              \
    for (; side == 4 && j + AT_ONCE <= n; j += AT_ONCE)                                                      \
      filters(a, at + j, zero + j, AT_ONCE, 4, out + j, plane);                                              \
    if (j < n)                                                                                               \
      filters(a, at + j, zero + j, n - j, side, out + j, plane);                                             \
  }

ROW(row_f32, float, filters_f32)
ROW(row_int, int16_t, filters_int)

static QfkPack matrix_of(const QfkWino *p, uint32_t n)
{
  return (QfkPack){.row = n, .col = 1, .n_seg = 1, .k = (uint32_t)p->s.c, .n = n, .w_type = QFK_S16};
}

size_t qfk_wino_pack_bytes(QfkWino *p)
{
  const QfkPack all = matrix_of(p, (uint32_t)p->s.oc);
  p->plane_bytes = qfk_pack_bytes(p->tile, &all);
  return p->planes * p->plane_bytes;
}

/* Bytes of a transformed weight on its way to a panel: those of floats become bfloat16 there. */
static size_t unpacked_size(const QfkWino *p)
{
  return qfk_tile_is_float(p->wino->kind) ? sizeof(float) : p->v_size;
}

/* Values between two planes there: not so many that planes share few sets of the cache. */
static size_t pitch(const QfkWino *p)
{
  return (size_t)ROWS_AT_ONCE * p->tile->nr + PAD;
}

size_t qfk_wino_pack_scratch(const QfkWino *p)
{
  return p->planes * pitch(p) * unpacked_size(p);
}

/* Rows of a panel: from @k on, at column @n0. */
typedef struct {
  uint32_t k, n0, rows, n, width;
  int16_t zero[MAX_NR];
} Part;

/* Transformed to the rows of a matrix for each plane. */
static void transform_rows(const QfkWino *p, const Filters *a, const Part *part, void *scratch)
{
  for (uint32_t r = 0; r < part->rows; r++) {
    const size_t at = (size_t)(part->k + r) * (size_t)p->s.oc + part->n0, to = (size_t)r * part->n;
    if (qfk_tile_is_float(p->wino->kind))
      row_f32(a, at, part->zero, part->n, p->wino->edge + 2, (float *)scratch + to, pitch(p));
    else
      row_int(a, at, part->zero, part->n, p->wino->edge + 2, (int16_t *)scratch + to, pitch(p));
  }
}

/* The same in the order of a panel whose rows lie in pairs. */
static void transform_pairs(const QfkWino *p, const Filters *a, const Part *part, int16_t *scratch)
{
  uint32_t slot[MAX_NR / 4];
  for (uint32_t i = 0; i < part->width; i += 4)
    slot[qfk_panel_column(p->tile, part->width, i) / 4] = i;
  for (uint32_t r = 0; r < part->rows; r += 2)
    row_pairs(a, (size_t)(part->k + r) * (size_t)p->s.oc + part->n0, (size_t)p->s.oc, part->zero, part->n,
              p->wino->edge + 2, slot, scratch + (size_t)r * part->width, pitch(p));
}

static void pack_part(const QfkWino *p, const Filters *a, const Part *part, void *scratch, uint8_t *u)
{
  const bool pairs = p->tile->kind == QFK_TILE_S16 && p->tile->kr == 2 && part->rows % 2 == 0 &&
                     part->n == part->width && part->n % AT_ONCE == 0;
  QfkPack matrix = matrix_of(p, part->n);
  matrix.k = part->rows;
  if (pairs)
    transform_pairs(p, a, part, scratch);
  else
    transform_rows(p, a, part, scratch);
  /* All panels before this one are full, and so are all steps before these rows. */
  u += ((size_t)p->s.c * part->n0 + (size_t)part->k * part->width) * p->v_size;
  for (size_t i = 0; i < p->planes; i++, u += p->plane_bytes) {
    matrix.w = (const uint8_t *)scratch + i * pitch(p) * unpacked_size(p);
    if (pairs)
      memcpy(u, matrix.w, (size_t)part->rows * part->width * p->v_size);
    else
      qfk_pack_panel(p->tile, &matrix, 0, u);
  }
}

/* Whole panels are done part by part, some panels beside each other at a time: so lines and pages of weights are read once. */
void qfk_wino_pack(const QfkWino *p, const void *w, QfkInt type, const int32_t *zero, void *scratch, void *u)
{
  const uint32_t c = (uint32_t)p->s.c, oc = (uint32_t)p->s.oc, nr = p->tile->nr;
  const Filters filters = {w, type, (size_t)c * oc};
  for (uint32_t first = 0; first < oc; first += PANELS_AT_ONCE * nr)
    for (uint32_t k = 0; k < c; k += ROWS_AT_ONCE)
      for (uint32_t n0 = first; n0 < MIN(oc, first + PANELS_AT_ONCE * nr); n0 += nr) {
        const uint32_t n = MIN(oc - n0, nr);
        Part part = {k, n0, MIN(c - k, ROWS_AT_ONCE), n, qfk_panel_width(p->tile, n), {0}};
        for (uint32_t j = 0; zero && j < n; j++)
          part.zero[j] = (int16_t)zero[n0 + j];
        pack_part(p, &filters, &part, scratch, u);
      }
}
