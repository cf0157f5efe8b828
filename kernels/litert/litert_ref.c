/* SPDX-License-Identifier: MIT */
/*
 * litert_ref.c - see litert.h.
 */
#include "litert.h"

static int32_t clamp(int64_t v, int32_t lo, int32_t hi)
{
  return (int32_t)(v < lo ? lo : v > hi ? hi : v);
}

static int32_t binary_one(const QfkLitertBinary *p, int32_t a, int32_t b)
{
  if (p->multiply)
    return qfk_fixed_mul(p->fy, a * b);
  const int32_t scaled_a = qfk_fixed_mul(p->fa, a * (1 << p->left_shift));
  const int32_t scaled_b = qfk_fixed_mul(p->fb, b * (1 << p->left_shift));
  return qfk_fixed_mul(p->fy, p->subtract ? scaled_a - scaled_b : scaled_a + scaled_b);
}

void qfk_litert_binary_ref(const QfkLitertBinary *p, const void *a, const void *b, void *y)
{
  const QfkNd *nd = &p->nd;
  const int32_t last = nd->rank - 1;
  QfkNdWalk walk = {{0}, {0}};
  if (!qfk_nd_count(nd))
    return;
  do {
    for (int64_t i = 0; i < nd->dims[last]; i++) {
      int32_t qa = qfk_load_int(a, p->a_type, (size_t)(walk.offset[1] + i * nd->stride[1][last])) - p->a_zero;
      int32_t qb = qfk_load_int(b, p->b_type, (size_t)(walk.offset[2] + i * nd->stride[2][last])) - p->b_zero;
      int32_t v = clamp((int64_t)binary_one(p, qa, qb) + p->y_zero, p->lo, p->hi);
      qfk_store_int(y, p->y_type, (size_t)(walk.offset[0] + i * nd->stride[0][last]), v);
    }
  } while (qfk_nd_next(nd, &walk));
}

void qfk_litert_requantize_ref(const QfkLitertRequantize *p, const void *x, void *y, size_t n)
{
  for (size_t i = 0; i < n; i++) {
    int32_t v = qfk_fixed_mul(p->f, qfk_load_int(x, p->x_type, i) - p->x_zero);
    qfk_store_int(y, p->y_type, i, clamp((int64_t)v + p->y_zero, p->lo, p->hi));
  }
}

void qfk_litert_leaky_ref(const QfkLitertLeaky *p, const void *x, void *y, size_t n)
{
  for (size_t i = 0; i < n; i++) {
    const int32_t v = qfk_load_int(x, p->x_type, i) - p->x_zero;
    const int64_t q = qfk_fixed_mul(v >= 0 ? p->positive : p->negative, v);
    qfk_store_int(y, p->y_type, i, clamp(q + p->y_zero, p->lo, p->hi));
  }
}

/* Where an output row or column lies in the input, in 2^-10 (integers) or whole units, and its two neighbours. */
typedef struct {
  int64_t fixed;
  float real;
  int64_t low, high;
} Place;

static Place place_of(const QfkLitertResize *p, int64_t i, int64_t in, int64_t out)
{
  const bool align = p->align_corners && out > 1;
  const int64_t from = align ? in - 1 : in, to = align ? out - 1 : out;
  Place at;
  if (p->type == QFK_U8) {
    const float scale = (float)from / (float)to;
    at.fixed = 0;
    at.real = p->half_pixel ? ((float)i + 0.5f) * scale - 0.5f : (float)i * scale;
    at.low = (int64_t)floorf(at.real);
    at.high = (int64_t)ceilf(at.real);
  } else {
    const int64_t scale = (1024 * from + to / 2) / to;
    at.real = 0;
    at.fixed = i * scale + (p->half_pixel ? scale / 2 - 512 : 0);
    at.low = at.fixed / 1024;
    at.high = (at.fixed + 1023) / 1024;
  }
  at.low = at.low > 0 ? at.low : 0;
  at.high = at.high < in - 1 ? at.high : in - 1;
  return at;
}

static int32_t blend(const QfkLitertResize *p, const Place *y, const Place *x, const int32_t v[2][2])
{
  if (p->type == QFK_U8) {
    const float dy = y->real - (float)y->low, dx = x->real - (float)x->low;
    const float sum = (float)v[0][0] * (1 - dy) * (1 - dx) + (float)v[1][0] * dy * (1 - dx) +
                      (float)v[0][1] * (1 - dy) * dx + (float)v[1][1] * dy * dx;
    return (int32_t)(sum + 0.5f);
  }
  const int64_t dy = y->fixed - 1024 * y->low, dx = x->fixed - 1024 * x->low;
  const int64_t sum = v[0][0] * (1024 - dy) * (1024 - dx) + v[1][0] * dy * (1024 - dx) +
                      v[0][1] * (1024 - dy) * dx + v[1][1] * dy * dx;
  return (int32_t)((sum + (sum > 0 ? 1 << 19 : -(1 << 19))) / (1 << 20));
}

void qfk_litert_resize_ref(const QfkLitertResize *p, const void *x, void *y)
{
  size_t out = 0;
  for (int64_t n = 0; n < p->n; n++)
    for (int64_t i = 0; i < p->oh; i++)
      for (int64_t k = 0; k < p->ow; k++) {
        const Place py = place_of(p, i, p->ih, p->oh), px = place_of(p, k, p->iw, p->ow);
        const int64_t rows[] = {py.low, py.high}, columns[] = {px.low, px.high};
        for (int64_t c = 0; c < p->c; c++) {
          int32_t v[2][2];
          for (int a = 0; a < 4; a++)
            v[a / 2][a % 2] =
                qfk_load_int(x, p->type,
                             (size_t)(((n * p->ih + rows[a / 2]) * p->iw + columns[a % 2]) * p->c + c));
          qfk_store_int(y, p->type, out++, blend(p, &py, &px, v));
        }
      }
}
