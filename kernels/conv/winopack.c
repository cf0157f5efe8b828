/* SPDX-License-Identifier: MIT */
/*
 * winopack.c - filters of 3x3 to panels of transformed weights, a panel's columns at a time: what lies between fits the second
 * cache. Loops over neighbouring filters are innermost, for the compiler to make vectors of.
 */
#include "wino.h"

#include <string.h>

#define MIN(a, b) ((a) < (b) ? (a) : (b))

enum { AT_ONCE = 8 };

/* One dimension of F(2, 3): three taps of neighbouring filters to four. The points are 0, +-1 and infinity. */
static void transform_f2(const double w[3][AT_ONCE], double t[6][AT_ONCE])
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
static void transform_f4(const double w[3][AT_ONCE], double t[6][AT_ONCE])
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

/* @n filters whose taps lie @tap apart, to @side * @side planes @plane apart. */
static void filters_f32(const float *w, size_t tap, uint32_t n, int side, float *out, size_t plane)
{
  void (*const transform)(const double w[3][AT_ONCE], double t[6][AT_ONCE]) =
      side == 6 ? transform_f4 : transform_f2;
  for (uint32_t j = 0; j < n; j += AT_ONCE) {
    const uint32_t m = MIN(n - j, AT_ONCE);
    double f[3][AT_ONCE] = {{0}}, down[3][6][AT_ONCE], t[6][AT_ONCE];
    for (int x = 0; x < 3; x++) {
      for (int y = 0; y < 3; y++)
        for (uint32_t i = 0; i < m; i++)
          f[y][i] = w[(size_t)(3 * y + x) * tap + j + i];
      transform(f, down[x]);
    }
    for (int y = 0; y < side; y++) {
      for (int x = 0; x < 3; x++)
        memcpy(f[x], down[x][y], sizeof(f[x]));
      transform(f, t);
      for (int x = 0; x < side; x++)
        for (uint32_t i = 0; i < m; i++)
          out[(size_t)(side * y + x) * plane + j + i] = (float)t[x][i];
    }
  }
}

/* F(2, 3) of integers, times two in each dimension so that all stays whole. 9 bits with sign become 12. */
static void transform_e2(const int16_t w[3][AT_ONCE], int16_t t[6][AT_ONCE])
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
static void transform_e4(const int16_t w[3][AT_ONCE], int16_t t[6][AT_ONCE])
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

static void read_int(const void *w, QfkInt type, size_t at, uint32_t n, const int32_t *zero, int16_t *out)
{
  const uint8_t *u = (const uint8_t *)w + at;
  const int8_t *s = (const int8_t *)w + at;
  for (uint32_t i = 0; i < n; i++)
    out[i] = type == QFK_S8 ? s[i] : u[i];
  for (uint32_t i = 0; zero && i < n; i++)
    out[i] = (int16_t)(out[i] - zero[i]);
}

/* Filters that lie beside each other: @n from @at on, their taps @tap apart. */
typedef struct {
  const void *w;
  QfkInt type;
  const int32_t *zero; /* of the first filter; NULL: none has one */
  size_t at, tap;
  uint32_t n;
} Filters;

static void filters_int(const Filters *a, int side, int16_t *out, size_t plane)
{
  void (*const transform)(const int16_t w[3][AT_ONCE], int16_t t[6][AT_ONCE]) =
      side == 6 ? transform_e4 : transform_e2;
  for (uint32_t j = 0; j < a->n; j += AT_ONCE) {
    const uint32_t m = MIN(a->n - j, AT_ONCE);
    int16_t f[3][AT_ONCE] = {{0}}, down[3][6][AT_ONCE], t[6][AT_ONCE];
    for (int x = 0; x < 3; x++) {
      for (int y = 0; y < 3; y++)
        read_int(a->w, a->type, a->at + (size_t)(3 * y + x) * a->tap + j, m, a->zero ? a->zero + j : NULL,
                 f[y]);
      transform(f, down[x]);
    }
    for (int y = 0; y < side; y++) {
      for (int x = 0; x < 3; x++)
        memcpy(f[x], down[x][y], sizeof(f[x]));
      transform(f, t);
      for (int x = 0; x < side; x++)
        memcpy(out + (size_t)(side * y + x) * plane + j, t[x], m * sizeof(int16_t));
    }
  }
}

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

size_t qfk_wino_pack_scratch(const QfkWino *p)
{
  return p->planes * (size_t)p->s.c * p->tile->nr * unpacked_size(p);
}

void qfk_wino_pack(const QfkWino *p, const void *w, QfkInt type, const int32_t *zero, void *scratch, void *u)
{
  const size_t c = (size_t)p->s.c, oc = (size_t)p->s.oc;
  const bool is_float = qfk_tile_is_float(p->wino->kind);
  for (uint32_t n0 = 0; n0 < oc; n0 += p->tile->nr) {
    const uint32_t n = MIN((uint32_t)oc - n0, p->tile->nr);
    const size_t plane = c * n, panel = c * p->v_size * n0; /* before it, all panels are full */
    for (size_t k = 0; k < c; k++) {
      const size_t at = k * oc + n0;
      if (is_float)
        filters_f32((const float *)w + at, c * oc, n, p->wino->edge + 2, (float *)scratch + k * n, plane);
      else
        filters_int(&(Filters){w, type, zero ? zero + n0 : NULL, at, c * oc, n}, p->wino->edge + 2,
                    (int16_t *)scratch + k * n, plane);
    }
    QfkPack part = matrix(p, n);
    for (size_t i = 0; i < p->planes; i++) {
      part.w = (const uint8_t *)scratch + i * plane * unpacked_size(p);
      qfk_pack_panel(p->tile, &part, 0, (uint8_t *)u + i * p->plane_bytes + panel);
    }
  }
}
