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
