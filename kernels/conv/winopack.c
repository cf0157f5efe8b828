/* SPDX-License-Identifier: MIT */
/*
 * winopack.c - filters of 3x3 to panels of transformed weights, some rows of a panel's columns at a time: what lies between fits the
 * second cache. Loops over neighbouring filters are innermost, for the compiler to make vectors of; edge and number are constants there.
 */
#include "wino.h"

#include <string.h>

#define MIN(a, b) ((a) < (b) ? (a) : (b))

enum { AT_ONCE = 8, ROWS_AT_ONCE = 32, PANELS_AT_ONCE = 4, MAX_NR = 64, PAD = 32 };

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
  const int32_t *zero; /* by column; NULL: none has one */
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

/* F(2, 3) of integers, times two in each dimension so that all stays whole. 9 bits with sign become 12. */
ALWAYS void transform_e2(const int16_t w[3][AT_ONCE], int16_t t[6][AT_ONCE])
{
  for (int i = 0; i < AT_ONCE; i++) {
    const int16_t even = (int16_t)(w[0][i] + w[2][i]);
    t[0][i] = (int16_t)(2 * w[0][i]);
    t[1][i] = (int16_t)(even + w[1][i]);
    t[2][i] = (int16_t)(even - w[1][i]);
    t[3][i] = (int16_t)(2 * w[2][i]);
  }
}

/* And of F(4, 3) with the points 0, +-1, +-2 and infinity: 12, -6, -6, 24, 24 and 3 times what it should be; 9 bits become 15. */
ALWAYS void transform_e4(const int16_t w[3][AT_ONCE], int16_t t[6][AT_ONCE])
{
  for (int i = 0; i < AT_ONCE; i++) {
    const int16_t even1 = (int16_t)(w[0][i] + w[2][i]), even2 = (int16_t)(w[0][i] + 4 * w[2][i]);
    t[0][i] = (int16_t)(3 * w[0][i]);
    t[1][i] = (int16_t)(even1 + w[1][i]);
    t[2][i] = (int16_t)(even1 - w[1][i]);
    t[3][i] = (int16_t)(even2 + 2 * w[1][i]);
    t[4][i] = (int16_t)(even2 - 2 * w[1][i]);
    t[5][i] = (int16_t)(3 * w[2][i]);
  }
}

ALWAYS void read_int(const void *w, QfkInt type, size_t at, uint32_t n, const int16_t *zero, int16_t *out)
{
  const uint8_t *u = (const uint8_t *)w + at;
  const int8_t *s = (const int8_t *)w + at;
  if (type == QFK_S8)
    for (uint32_t i = 0; i < n; i++)
      out[i] = (int16_t)(s[i] - zero[i]);
  else
    for (uint32_t i = 0; i < n; i++)
      out[i] = (int16_t)(u[i] - zero[i]);
}

ALWAYS void filters_int(const Filters *a, size_t at, const int16_t *zero, uint32_t m, int side, int16_t *out,
                        size_t plane)
{
  int16_t f[3][AT_ONCE] = {{0}}, down[3][6][AT_ONCE], t[6][AT_ONCE];
  for (int x = 0; x < 3; x++) {
    for (int y = 0; y < 3; y++)
      read_int(a->w, a->type, at + (size_t)(3 * y + x) * a->tap, m, zero, f[y]);
    if (side == 6)
      transform_e4(f, down[x]);
    else
      transform_e2(f, down[x]);
  }
  for (int y = 0; y < side; y++) {
    for (int x = 0; x < 3; x++)
      memcpy(f[x], down[x][y], sizeof(f[x]));
    if (side == 6)
      transform_e4(f, t);
    else
      transform_e2(f, t);
    for (int x = 0; x < side; x++)
      memcpy(out + (size_t)(side * y + x) * plane, t[x], m * sizeof(int16_t));
  }
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

static QfkPack matrix(const QfkWino *p, uint32_t n)
{
  return (QfkPack){.row = n, .col = 1, .n_seg = 1, .k = (uint32_t)p->s.c, .n = n, .w_type = QFK_S16};
}

size_t qfk_wino_pack_bytes(QfkWino *p)
{
  const QfkPack all = matrix(p, (uint32_t)p->s.oc);
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

/* Rows @k up to @k + @rows of the panel at column @n0. */
static void pack_part(const QfkWino *p, const Filters *a, uint32_t n0, uint32_t k, uint32_t rows,
                      void *scratch, uint8_t *u)
{
  const uint32_t oc = (uint32_t)p->s.oc, n = MIN(oc - n0, p->tile->nr);
  int16_t zero[MAX_NR] = {0};
  for (uint32_t j = 0; a->zero && j < n; j++)
    zero[j] = (int16_t)a->zero[n0 + j];
  for (uint32_t r = 0; r < rows; r++) {
    const size_t at = (size_t)(k + r) * oc + n0;
    if (qfk_tile_is_float(p->wino->kind))
      row_f32(a, at, zero, n, p->wino->edge + 2, (float *)scratch + (size_t)r * n, pitch(p));
    else
      row_int(a, at, zero, n, p->wino->edge + 2, (int16_t *)scratch + (size_t)r * n, pitch(p));
  }
  QfkPack part = matrix(p, n);
  part.k = rows;
  /* All panels before this one are full, and so are all steps before these rows. */
  u += ((size_t)p->s.c * n0 + (size_t)k * qfk_panel_width(p->tile, n)) * p->v_size;
  for (size_t i = 0; i < p->planes; i++, u += p->plane_bytes) {
    part.w = (const uint8_t *)scratch + i * pitch(p) * unpacked_size(p);
    qfk_pack_panel(p->tile, &part, 0, u);
  }
}

void qfk_wino_pack(const QfkWino *p, const void *w, QfkInt type, const int32_t *zero, void *scratch, void *u)
{
  const uint32_t c = (uint32_t)p->s.c, oc = (uint32_t)p->s.oc, nr = p->tile->nr;
  const Filters filters = {w, type, zero, (size_t)c * oc};
  for (uint32_t first = 0; first < oc; first += PANELS_AT_ONCE * nr)
    for (uint32_t k = 0; k < c; k += ROWS_AT_ONCE)
      for (uint32_t n0 = first; n0 < MIN(oc, first + PANELS_AT_ONCE * nr); n0 += nr)
        pack_part(p, &filters, n0, k, MIN(c - k, ROWS_AT_ONCE), scratch, u);
}
