/* SPDX-License-Identifier: MIT */
/*
 * binary_ref.c - elementwise operations of two operands, in plain C. See binary.h.
 */
#include "binary.h"
#include "../nearest.h"

#include <tgmath.h>

static int64_t ipow(int64_t a, int64_t b)
{
  uint64_t r = 1, base = (uint64_t)a;
  if (b < 0)
    return a == 1 ? 1 : a == -1 ? (b & 1 ? -1 : 1) : 0;
  for (; b; b >>= 1, base *= base)
    if (b & 1)
      r *= base;
  return (int64_t)r;
}

/* Division by zero gives 0; the one quotient that does not fit wraps. */
static int64_t idiv(int64_t a, int64_t b)
{
  return b == 0 ? 0 : b == -1 ? (int64_t)(0 - (uint64_t)a) : a / b;
}

static int64_t irem(int64_t a, int64_t b)
{
  return b == 0 || b == -1 ? 0 : a % b;
}

static int64_t ifloordiv(int64_t a, int64_t b)
{
  int64_t q = idiv(a, b);
  return b && b != -1 && irem(a, b) && (a < 0) != (b < 0) ? q - 1 : q;
}

static int64_t imod(int64_t a, int64_t b)
{
  int64_t r = irem(a, b);
  return r && (r < 0) != (b < 0) ? r + b : r;
}

/* Two's complement: integers wrap. */
#define WRAP(a, sign, b) (int64_t)((uint64_t)(a)sign(uint64_t)(b))

/* One function for each operation and type: name, value of a and b. Comparisons are the same for all. */
#define COMPARISONS(X)                                                                                       \
  X(EQUAL, a == b)                                                                                           \
  X(NOT_EQUAL, a != b)                                                                                       \
  X(LESS, a < b)                                                                                             \
  X(LESS_EQUAL, a <= b)                                                                                      \
  X(GREATER, a > b)                                                                                          \
  X(GREATER_EQUAL, a >= b)

#define INTEGER_OPS(X)                                                                                       \
  X(ADD, WRAP(a, +, b))                                                                                      \
  X(SUB, WRAP(a, -, b))                                                                                      \
  X(MUL, WRAP(a, *, b))                                                                                      \
  X(DIV, idiv(a, b))                                                                                         \
  X(MAX, a > b ? a : b)                                                                                      \
  X(MIN, a < b ? a : b)                                                                                      \
  X(POW, ipow(a, b))                                                                                         \
  X(FLOORDIV, ifloordiv(a, b))                                                                               \
  X(MOD, imod(a, b))                                                                                         \
  X(FMOD, irem(a, b))                                                                                        \
  X(SQUARED_DIFFERENCE, WRAP(WRAP(a, -, b), *, WRAP(a, -, b)))                                               \
  X(PRELU, a < 0 ? WRAP(a, *, b) : a)                                                                        \
  X(AND, a &b)                                                                                               \
  X(OR, a | b)                                                                                               \
  X(SHIFT_LEFT, (uint64_t)b < 64 ? (int64_t)((uint64_t)a << b) : 0)                                          \
  X(SHIFT_RIGHT, (uint64_t)b < 64 ? a >> b : a < 0 ? -1 : 0)                                                 \
  X(XOR, a ^ b)                                                                                              \
  COMPARISONS(X)

#define UNSIGNED_OPS(X)                                                                                      \
  X(ADD, a + b)                                                                                              \
  X(SUB, a - b)                                                                                              \
  X(MUL, a *b)                                                                                               \
  X(DIV, b ? a / b : 0)                                                                                      \
  X(MAX, a > b ? a : b)                                                                                      \
  X(MIN, a < b ? a : b)                                                                                      \
  X(POW, (uint64_t)ipow((int64_t)a, (int64_t)(b & INT64_MAX)))                                               \
  X(FLOORDIV, b ? a / b : 0)                                                                                 \
  X(MOD, b ? a % b : 0)                                                                                      \
  X(FMOD, b ? a % b : 0)                                                                                     \
  X(SQUARED_DIFFERENCE, (a - b) * (a - b))                                                                   \
  X(PRELU, a)                                                                                                \
  X(AND, a &b)                                                                                               \
  X(OR, a | b)                                                                                               \
  X(XOR, a ^ b)                                                                                              \
  X(SHIFT_LEFT, b < 64 ? a << b : 0)                                                                         \
  X(SHIFT_RIGHT, b < 64 ? a >> b : 0)                                                                        \
  COMPARISONS(X)

/* The remainder @r with the sign of @b. */
#define toward(r, b) ((r) != 0 && ((r) < 0) != ((b) < 0) ? (r) + (b) : (r))

/* Of two NaNs or one, MAX and MIN give NaN. The functions are those of tgmath.h. */
#define REAL_OPS(X)                                                                                          \
  X(ADD, a + b)                                                                                              \
  X(SUB, a - b)                                                                                              \
  X(MUL, a *b)                                                                                               \
  X(DIV, a / b)                                                                                              \
  X(MAX, a != a || a > b ? a : b)                                                                            \
  X(MIN, a != a || a < b ? a : b)                                                                            \
  X(POW, pow(a, b))                                                                                          \
  X(FLOORDIV, floor(a / b))                                                                                  \
  X(MOD, toward(fmod(a, b), b))                                                                              \
  X(FMOD, fmod(a, b))                                                                                        \
  X(SQUARED_DIFFERENCE, (a - b) * (a - b))                                                                   \
  X(PRELU, a < 0 ? a * b : a)                                                                                \
  COMPARISONS(X)

#define X(name, value)                                                                                       \
  static int64_t name##_i64(int64_t a, int64_t b)                                                            \
  {                                                                                                          \
    return value;                                                                                            \
  }
INTEGER_OPS(X)
#undef X
static int64_t (*const ops_i64[QFK_N_BINARY])(int64_t, int64_t) = {
#define X(name, value) [QFK_BINARY_##name] = name##_i64,
    INTEGER_OPS(X)
#undef X
};

#define X(name, value)                                                                                       \
  static uint64_t name##_u64(uint64_t a, uint64_t b)                                                         \
  {                                                                                                          \
    return value;                                                                                            \
  }
UNSIGNED_OPS(X)
#undef X
static uint64_t (*const ops_u64[QFK_N_BINARY])(uint64_t, uint64_t) = {
#define X(name, value) [QFK_BINARY_##name] = name##_u64,
    UNSIGNED_OPS(X)
#undef X
};

#define X(name, value)                                                                                       \
  static float name##_f32(float a, float b)                                                                  \
  {                                                                                                          \
    return value;                                                                                            \
  }
REAL_OPS(X)
#undef X
static float (*const ops_f32[QFK_N_BINARY])(float, float) = {
#define X(name, value) [QFK_BINARY_##name] = name##_f32,
    REAL_OPS(X)
#undef X
};

#define X(name, value)                                                                                       \
  static double name##_f64(double a, double b)                                                               \
  {                                                                                                          \
    return value;                                                                                            \
  }
REAL_OPS(X)
#undef X
static double (*const ops_f64[QFK_N_BINARY])(double, double) = {
#define X(name, value) [QFK_BINARY_##name] = name##_f64,
    REAL_OPS(X)
#undef X
};

static float act_f32(const QfkEpilogue *e, float x)
{
  return qfk_act_scalar(e, x, 0);
}

static double act_f64(const QfkEpilogue *e, double x)
{
  return e->act == QFK_ACT_NONE ? x : (double)qfk_act_scalar(e, (float)x, 0);
}

/* Only a clamp is defined on plain integers. */
static int64_t act_i64(const QfkEpilogue *e, int64_t x)
{
  if (e->act != QFK_ACT_CLAMP)
    return x;
  if ((double)x < (double)e->lo)
    return qfk_nearest_i64(ceil(e->lo));
  return (double)x > (double)e->hi ? qfk_nearest_i64(floor(e->hi)) : x;
}

static uint64_t act_u64(const QfkEpilogue *e, uint64_t x)
{
  if (e->act != QFK_ACT_CLAMP)
    return x;
  if ((double)x < (double)e->lo)
    return qfk_nearest_u64(ceil(e->lo));
  return (double)x > (double)e->hi ? qfk_nearest_u64(floor(e->hi)) : x;
}

#define BINARY(T, name)                                                                                      \
  void qfk_binary_##name##_ref(const QfkBinary *p, const T *a, const T *b, T *y)                             \
  {                                                                                                          \
    const QfkNd *nd = &p->nd;                                                                                \
    const int32_t last = nd->rank - 1;                                                                       \
    T (*const op)(T, T) = ops_##name[p->op];                                                                 \
    QfkNdWalk walk = {0};                                                                                    \
    if (!op || !qfk_nd_count(nd))                                                                            \
      return;                                                                                                \
    do {                                                                                                     \
      const T *ar = a + walk.offset[1], *br = b + walk.offset[2];                                            \
      T *yr = y + walk.offset[0];                                                                            \
      for (int64_t i = 0; i < nd->dims[last]; i++)                                                           \
        yr[i * nd->stride[0][last]] =                                                                        \
            act_##name(&p->act, op(ar[i * nd->stride[1][last]], br[i * nd->stride[2][last]]));               \
    } while (qfk_nd_next(nd, &walk));                                                                        \
  }

BINARY(float, f32)
BINARY(double, f64)
BINARY(int64_t, i64)
BINARY(uint64_t, u64)

static float clampf(float f, int32_t lo, int32_t hi)
{
  return fminf(fmaxf(f, (float)lo), (float)hi);
}

static int32_t fixed_one(const QfkBinary *p, int32_t a, int32_t b)
{
  const QfkBinaryInt *q = &p->q;
  const QfkBinaryFixed *f = q->fixed;
  const int64_t product = (int64_t)(a - q->a_zero) * (b - q->b_zero);
  const int64_t ta = (int64_t)a * f->a + f->ca, tb = (int64_t)b * f->b + f->cb;
  int64_t v;
  if (p->op == QFK_BINARY_MUL)
    v = (f->wide ? qfk_once_mul_wide(f->m, product) : qfk_once_mul(f->m, (int32_t)product)) +
        (int64_t)q->y_zero;
  else if (p->op == QFK_BINARY_MAX)
    v = (ta > tb ? ta : tb) >> f->shift;
  else if (p->op == QFK_BINARY_MIN)
    v = (ta < tb ? ta : tb) >> f->shift;
  else
    v = (ta + tb) >> f->shift;
  return (int32_t)(v < q->lo ? q->lo : v > q->hi ? q->hi : v);
}

static int32_t int_one(const QfkBinary *p, int32_t a, int32_t b)
{
  const QfkBinaryInt *q = &p->q;
  if (q->fixed)
    return fixed_one(p, a, b);
  if (!qfk_binary_is_linear(p->op, p->act.act)) {
    float ra = (float)(a - q->a_zero) * q->a_scale, rb = (float)(b - q->b_zero) * q->b_scale;
    float r = qfk_act_scalar(&p->act, ops_f32[p->op](ra, rb), 0) * q->y_inverse;
    return (int32_t)lrintf(clampf(r, q->lo - q->y_zero, q->hi - q->y_zero)) + q->y_zero;
  }
  if (p->op == QFK_BINARY_MUL) {
    float r = (float)((int64_t)(a - q->a_zero) * (b - q->b_zero)) * q->ma;
    return (int32_t)lrintf(clampf(r, q->lo - q->y_zero, q->hi - q->y_zero)) + q->y_zero;
  }
  float ta = (float)a * q->ma, tb = (float)b * q->mb;
  float r = p->op == QFK_BINARY_MAX   ? fmaxf(ta + q->ca, tb + q->cb)
            : p->op == QFK_BINARY_MIN ? fminf(ta + q->ca, tb + q->cb)
                                      : (ta + tb) + q->ca;
  return (int32_t)lrintf(clampf(r, q->lo, q->hi));
}

void qfk_binary_int_ref(const QfkBinary *p, const void *a, const void *b, void *y)
{
  const QfkNd *nd = &p->nd;
  const int32_t last = nd->rank - 1;
  QfkNdWalk walk = {0};
  if (!qfk_nd_count(nd))
    return;
  do
    for (int64_t i = 0; i < nd->dims[last]; i++) {
      int32_t qa = qfk_load_int(a, p->q.a_type, (size_t)(walk.offset[1] + i * nd->stride[1][last]));
      int32_t qb = qfk_load_int(b, p->q.b_type, (size_t)(walk.offset[2] + i * nd->stride[2][last]));
      qfk_store_int(y, p->q.y_type, (size_t)(walk.offset[0] + i * nd->stride[0][last]), int_one(p, qa, qb));
    }
  while (qfk_nd_next(nd, &walk));
}

void qfk_binary_fixed_init(QfkBinary *p, QfkBinaryFixed *f, QfkEncoding a, QfkEncoding b, QfkEncoding y)
{
  const bool wide = a.type > QFK_S8 || b.type > QFK_S8;
  const double ra = (double)a.scale / (double)y.scale;
  const double rb = (double)b.scale / (double)y.scale * (p->op == QFK_BINARY_SUB ? -1 : 1);
  const int bits = wide ? 31 : 15;
  const int32_t most = wide ? INT32_MAX : INT16_MAX;
  int exponent = 0;
  frexp(fmax(fabs(ra), fabs(rb)), &exponent);
  const int shift = exponent < 0 ? bits : exponent > bits ? 0 : bits - exponent;
  const double one = ldexp(1, shift), least = (double)-most;
  const double half = shift ? one / 2 : 0;
  *f = (QfkBinaryFixed){.shift = shift,
                        .a = (int32_t)fmax(fmin(rint(ra * one), most), least),
                        .b = (int32_t)fmax(fmin(rint(rb * one), most), least),
                        .wide = wide,
                        .m = qfk_once((double)a.scale * (double)b.scale / (double)y.scale, wide)};
  /* The zero points by the multipliers as they are: where both operands are zero, so is the result. */
  const int64_t base = (int64_t)y.zero * ((int64_t)1 << shift) + (int64_t)half;
  f->ca = base - (int64_t)a.zero * f->a;
  f->cb = base - (int64_t)b.zero * f->b;
  if (p->op == QFK_BINARY_ADD || p->op == QFK_BINARY_SUB)
    f->cb = -(int64_t)b.zero * f->b;
  p->q.fixed = f;
}

void qfk_binary_int_init(QfkBinary *p, QfkEncoding a, QfkEncoding b, QfkEncoding y)
{
  static const int32_t range[][2] = {{0, 255}, {-128, 127}, {0, 65535}, {-32768, 32767}};
  const double ra = (double)a.scale / (double)y.scale, rb = (double)b.scale / (double)y.scale;
  const double sign = p->op == QFK_BINARY_SUB ? -1 : 1;
  QfkBinaryInt *q = &p->q;
  *q = (QfkBinaryInt){.a_type = a.type,
                      .b_type = b.type,
                      .y_type = y.type,
                      .a_scale = a.scale,
                      .b_scale = b.scale,
                      .y_inverse = (float)(1.0 / (double)y.scale),
                      .a_zero = a.zero,
                      .b_zero = b.zero,
                      .y_zero = y.zero,
                      .ma = (float)ra,
                      .mb = (float)(sign * rb),
                      .ca = (float)(y.zero - a.zero * ra),
                      .cb = (float)(y.zero - b.zero * rb),
                      .lo = range[y.type][0],
                      .hi = range[y.type][1]};
  if (p->op == QFK_BINARY_ADD || p->op == QFK_BINARY_SUB)
    q->ca = (float)(y.zero - a.zero * ra - sign * b.zero * rb);
  if (p->op == QFK_BINARY_MUL)
    q->ma = (float)((double)a.scale * (double)b.scale / (double)y.scale);
  if (p->act.act == QFK_ACT_CLAMP) {
    q->lo = qfk_requant_bound(p->act.lo, y.scale, y.zero, range[y.type][0], range[y.type][1]);
    q->hi = qfk_requant_bound(p->act.hi, y.scale, y.zero, range[y.type][0], range[y.type][1]);
  }
}
