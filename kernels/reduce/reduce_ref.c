/* SPDX-License-Identifier: MIT */
/*
 * reduce_ref.c - reductions, in plain C. See reduce.h; operators along one axis are in axis_ref.c.
 */
#include "reduce.h"

static double start_value(QfkReduceOp op)
{
  return op == QFK_REDUCE_MAX ? -INFINITY : op == QFK_REDUCE_MIN ? INFINITY : op == QFK_REDUCE_PROD ? 1 : 0;
}

static double take(QfkReduceOp op, double a, double v)
{
  if (op == QFK_REDUCE_MAX)
    return v > a || v != v ? v : a;
  if (op == QFK_REDUCE_MIN)
    return v < a || v != v ? v : a;
  if (op == QFK_REDUCE_PROD)
    return a * v;
  return a + (op >= QFK_REDUCE_SUM_SQUARE ? v * v : v);
}

static double finish(const QfkReduce *p, double a)
{
  return p->op == QFK_REDUCE_MEAN ? a / (double)p->count : p->op == QFK_REDUCE_L2 ? sqrt(a) : a;
}

static int64_t start_int(QfkReduceOp op)
{
  return op == QFK_REDUCE_MAX ? INT64_MIN : op == QFK_REDUCE_MIN ? INT64_MAX : op == QFK_REDUCE_PROD ? 1 : 0;
}

static int64_t take_int(QfkReduceOp op, int64_t a, int64_t v)
{
  const uint64_t u = (uint64_t)v; /* sums and products wrap */
  if (op == QFK_REDUCE_MAX)
    return v > a ? v : a;
  if (op == QFK_REDUCE_MIN)
    return v < a ? v : a;
  if (op == QFK_REDUCE_PROD)
    return (int64_t)((uint64_t)a * u);
  return (int64_t)((uint64_t)a + (op >= QFK_REDUCE_SUM_SQUARE ? u * u : u));
}

static int64_t finish_int(const QfkReduce *p, int64_t a)
{
  if (p->op == QFK_REDUCE_L2)
    return a > 0 ? (int64_t)sqrt((double)a) : 0; /* a sum that has wrapped has no root */
  return p->op == QFK_REDUCE_MEAN && p->count ? a / p->count : a;
}

static uint64_t start_unsigned(QfkReduceOp op)
{
  return op == QFK_REDUCE_MIN ? UINT64_MAX : op == QFK_REDUCE_PROD ? 1 : 0;
}

static uint64_t take_unsigned(QfkReduceOp op, uint64_t a, uint64_t v)
{
  if (op == QFK_REDUCE_MAX)
    return v > a ? v : a;
  if (op == QFK_REDUCE_MIN)
    return v < a ? v : a;
  return (uint64_t)take_int(op, (int64_t)a, (int64_t)v);
}

static uint64_t finish_unsigned(const QfkReduce *p, uint64_t a)
{
  if (p->op == QFK_REDUCE_L2)
    return (uint64_t)sqrt((double)a);
  return p->op == QFK_REDUCE_MEAN && p->count ? a / (uint64_t)p->count : a;
}

/* One output for each step of the kept nest, gathered by a whole walk of the reduced one. */
#define REDUCE(T, name, Acc, start, take_one, end)                                                           \
  static Acc gather_##name(const QfkReduce *p, const T *x)                                                   \
  {                                                                                                          \
    const int32_t last = p->reduced.rank - 1;                                                                \
    const int64_t step = p->reduced.stride[1][last];                                                         \
    QfkNdWalk walk = {0};                                                                                    \
    Acc a = start(p->op);                                                                                    \
    if (!p->count)                                                                                           \
      return a;                                                                                              \
    do                                                                                                       \
      for (int64_t i = 0; i < p->reduced.dims[last]; i++)                                                    \
        a = take_one(p->op, a, x[walk.offset[1] + i * step]);                                                \
    while (qfk_nd_next(&p->reduced, &walk));                                                                 \
    return a;                                                                                                \
  }                                                                                                          \
  void qfk_reduce_##name##_ref(const QfkReduce *p, const T *x, T *y)                                         \
  {                                                                                                          \
    const int32_t last = p->kept.rank - 1;                                                                   \
    QfkNdWalk walk = {0};                                                                                    \
    if (!qfk_nd_count(&p->kept))                                                                             \
      return;                                                                                                \
    do                                                                                                       \
      for (int64_t i = 0; i < p->kept.dims[last]; i++)                                                       \
        *y++ = (T)end(p, gather_##name(p, x + walk.offset[1] + i * p->kept.stride[1][last]));                \
    while (qfk_nd_next(&p->kept, &walk));                                                                    \
  }

REDUCE(float, f32, double, start_value, take, finish)
REDUCE(double, f64, double, start_value, take, finish)
REDUCE(int64_t, i64, int64_t, start_int, take_int, finish_int)
REDUCE(uint64_t, u64, uint64_t, start_unsigned, take_unsigned, finish_unsigned)

static int64_t gather_int(const QfkReduce *p, const QfkReduceInt *q, const void *x, int64_t base)
{
  const int32_t last = p->reduced.rank - 1;
  QfkNdWalk walk = {0};
  int64_t a = start_int(p->op);
  if (!p->count)
    return 0;
  do
    for (int64_t i = 0; i < p->reduced.dims[last]; i++) {
      int64_t at = base + walk.offset[1] + i * p->reduced.stride[1][last];
      a = take_int(p->op, a, qfk_load_int(x, q->x_type, (size_t)at) - q->x_zero);
    }
  while (qfk_nd_next(&p->reduced, &walk));
  return a;
}

void qfk_reduce_int_ref(const QfkReduce *p, const QfkReduceInt *q, const void *x, void *y)
{
  const int32_t last = p->kept.rank - 1;
  QfkNdWalk walk = {0};
  size_t at = 0;
  if (!qfk_nd_count(&p->kept))
    return;
  do
    for (int64_t i = 0; i < p->kept.dims[last]; i++) {
      int64_t base = walk.offset[1] + i * p->kept.stride[1][last];
      qfk_store_int(y, q->y_type, at++, qfk_requant(&q->requant, gather_int(p, q, x, base), 0));
    }
  while (qfk_nd_next(&p->kept, &walk));
}
