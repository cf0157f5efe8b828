/* SPDX-License-Identifier: MIT */
/*
 * binary_vec.h - the rows of binary.h as loops the compiler vectorises; included once an instruction set with QFK_ISA defined.
 *
 * Exactly the reference's operations in its order, so integers are the same bit for bit (no FMA: -ffp-contract=off).
 */
#include "binary_fast.h"

#define CAT2(a, b) a##_##b
#define CAT(a, b) CAT2(a, b)
#define NAME(f) CAT(f, QFK_ISA)

static inline float clamp_f32(float f, float lo, float hi)
{
  f = f < lo ? lo : f;
  return f > hi ? hi : f;
}

/* One loop for both operands dense, and one for each of them a scalar; E sees floats a and b. */
#define ROW_LOOPS(LOAD, STORE, E)                                                                            \
  do {                                                                                                       \
    if (sa && sb)                                                                                            \
      for (size_t i = 0; i < n; i++) {                                                                       \
        const float a = LOAD(pa[i]), b = LOAD(pb[i]);                                                        \
        y[i] = STORE(E);                                                                                     \
      }                                                                                                      \
    else if (sa) {                                                                                           \
      const float b = LOAD(pb[0]);                                                                           \
      for (size_t i = 0; i < n; i++) {                                                                       \
        const float a = LOAD(pa[i]);                                                                         \
        y[i] = STORE(E);                                                                                     \
      }                                                                                                      \
    } else {                                                                                                 \
      const float a = LOAD(pa[0]);                                                                           \
      for (size_t i = 0; i < n; i++) {                                                                       \
        const float b = LOAD(pb[i * (size_t)sb]);                                                            \
        y[i] = STORE(E);                                                                                     \
      }                                                                                                      \
    }                                                                                                        \
  } while (0)

#define PLAIN(v) (v)
#define CLAMPED(v) clamp_f32(v, lo, hi)
#define F32_ROW(E)                                                                                           \
  do {                                                                                                       \
    if (clamped)                                                                                             \
      ROW_LOOPS(PLAIN, CLAMPED, E);                                                                          \
    else                                                                                                     \
      ROW_LOOPS(PLAIN, PLAIN, E);                                                                            \
  } while (0)

#define F32_OP(name, E)                                                                                      \
  static void name##_f32_row(const QfkBinary *p, size_t n, const float *restrict pa, int sa,                 \
                             const float *restrict pb, int sb, float *restrict y)                            \
  {                                                                                                          \
    const bool clamped = p->act.act == QFK_ACT_CLAMP;                                                        \
    const float lo = p->act.lo, hi = p->act.hi;                                                              \
    F32_ROW(E);                                                                                              \
  }

F32_OP(add, a + b)
F32_OP(sub, a - b)
F32_OP(mul, a *b)
F32_OP(div, a / b)
F32_OP(max, a != a || a > b ? a : b)
F32_OP(min, a != a || a < b ? a : b)
F32_OP(squared_difference, (a - b) * (a - b))
F32_OP(prelu, a < 0 ? a * b : a)

/* What qfk_binary_is_vec() lets in. */
static void (*const f32_rows[QFK_N_BINARY])(const QfkBinary *p, size_t n, const float *pa, int sa,
                                            const float *pb, int sb, float *y) = {
    [QFK_BINARY_ADD] = add_f32_row,     [QFK_BINARY_SUB] = sub_f32_row,
    [QFK_BINARY_MUL] = mul_f32_row,     [QFK_BINARY_DIV] = div_f32_row,
    [QFK_BINARY_MAX] = max_f32_row,     [QFK_BINARY_MIN] = min_f32_row,
    [QFK_BINARY_PRELU] = prelu_f32_row, [QFK_BINARY_SQUARED_DIFFERENCE] = squared_difference_f32_row,
};

#ifdef QFK_INT_ROWS /* u8_rows and s8_rows of the instruction set's own */
#include QFK_INT_ROWS
#else
#define REAL(v) ((float)(int32_t)(v))
#define ROUND(v) (T)((int32_t)rintf(clamp_f32(v, lo, hi)) + zero)
#define INT_OP(T_, name, E)                                                                                  \
  static void name(const QfkBinary *p, size_t n, const T_ *restrict pa, int sa, const T_ *restrict pb,       \
                   int sb, T_ *restrict y)                                                                   \
  {                                                                                                          \
    typedef T_ T;                                                                                            \
    const QfkBinaryInt *q = &p->q;                                                                           \
    const float ma = q->ma, mb = q->mb, ca = q->ca, cb = q->cb, za = (float)q->a_zero,                       \
                zb = (float)q->b_zero;                                                                       \
    const int32_t zero = p->op == QFK_BINARY_MUL ? q->y_zero : 0;                                            \
    const float lo = (float)(q->lo - zero), hi = (float)(q->hi - zero);                                      \
    (void)mb, (void)ca, (void)cb, (void)za, (void)zb;                                                        \
    ROW_LOOPS(REAL, ROUND, E);                                                                               \
  }

/* A product is below 2^24, and so exact in float32. ADD serves SUB too: the sign is in mb. */
#define INT_OPS(T, t)                                                                                        \
  INT_OP(T, add_##t##_row, (a * ma + b * mb) + ca)                                                           \
  INT_OP(T, mul_##t##_row, ((a - za) * (b - zb)) * ma)                                                       \
  INT_OP(T, max_##t##_row, (a * ma + ca) > (b * mb + cb) ? a * ma + ca : b * mb + cb)                        \
  INT_OP(T, min_##t##_row, (a * ma + ca) < (b * mb + cb) ? a * ma + ca : b * mb + cb)                        \
  static void (*const t##_rows[QFK_N_BINARY])(const QfkBinary *p, size_t n, const T *pa, int sa,             \
                                              const T *pb, int sb, T *y) = {                                 \
      [QFK_BINARY_ADD] = add_##t##_row, [QFK_BINARY_SUB] = add_##t##_row, [QFK_BINARY_MUL] = mul_##t##_row,  \
      [QFK_BINARY_MAX] = max_##t##_row, [QFK_BINARY_MIN] = min_##t##_row,                                    \
  };

INT_OPS(uint8_t, u8)
INT_OPS(int8_t, s8)
#endif

#define WALK(T, rows)                                                                                        \
  const QfkNd *nd = &p->nd;                                                                                  \
  const int32_t last = nd->rank - 1;                                                                         \
  QfkNdWalk walk = {0};                                                                                      \
  if (!qfk_nd_count(nd))                                                                                     \
    return;                                                                                                  \
  do                                                                                                         \
    rows[p->op](p, (size_t)nd->dims[last], (const T *)a + walk.offset[1], (int)nd->stride[1][last],          \
                (const T *)b + walk.offset[2], (int)nd->stride[2][last], (T *)y + walk.offset[0]);           \
  while (qfk_nd_next(nd, &walk))

void NAME(qfk_binary_f32)(const QfkBinary *p, const void *a, const void *b, void *y)
{
  WALK(float, f32_rows);
}

void NAME(qfk_binary_u8)(const QfkBinary *p, const void *a, const void *b, void *y)
{
  WALK(uint8_t, u8_rows);
}

void NAME(qfk_binary_s8)(const QfkBinary *p, const void *a, const void *b, void *y)
{
  WALK(int8_t, s8_rows);
}
