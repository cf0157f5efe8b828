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

static void f32_row(const QfkBinary *p, size_t n, const float *restrict pa, int sa, const float *restrict pb,
                    int sb, float *restrict y)
{
  const bool clamped = p->act.act == QFK_ACT_CLAMP;
  const float lo = p->act.lo, hi = p->act.hi;
  switch (p->op) {
  case QFK_BINARY_ADD: F32_ROW(a + b); break;
  case QFK_BINARY_SUB: F32_ROW(a - b); break;
  case QFK_BINARY_MUL: F32_ROW(a * b); break;
  case QFK_BINARY_DIV: F32_ROW(a / b); break;
  case QFK_BINARY_MAX: F32_ROW(a != a || a > b ? a : b); break;
  case QFK_BINARY_MIN: F32_ROW(a != a || a < b ? a : b); break;
  case QFK_BINARY_SQUARED_DIFFERENCE: F32_ROW((a - b) * (a - b)); break;
  default: F32_ROW(a < 0 ? a * b : a); break; /* PRELU, the last that qfk_binary_f32_is_vec() lets in */
  }
}

#define REAL(v) ((float)(int32_t)(v))
#define ROUND(v) (T)((int32_t)rintf(clamp_f32(v, lo, hi)) + zero)
#define INT_ROW(T_, name)                                                                                    \
  static void name(const QfkBinary *p, size_t n, const T_ *restrict pa, int sa, const T_ *restrict pb,       \
                   int sb, T_ *restrict y)                                                                   \
  {                                                                                                          \
    typedef T_ T;                                                                                            \
    const QfkBinaryInt *q = &p->q;                                                                           \
    const float ma = q->ma, mb = q->mb, ca = q->ca, cb = q->cb, za = (float)q->a_zero,                       \
                zb = (float)q->b_zero;                                                                       \
    const int32_t zero = p->op == QFK_BINARY_MUL ? q->y_zero : 0;                                            \
    const float lo = (float)(q->lo - zero), hi = (float)(q->hi - zero);                                      \
    switch (p->op) {                                                                                         \
    case QFK_BINARY_MUL: ROW_LOOPS(REAL, ROUND, ((a - za) * (b - zb)) * ma); break; /* below 2^24: exact */  \
    case QFK_BINARY_MAX:                                                                                     \
      ROW_LOOPS(REAL, ROUND, (a * ma + ca) > (b * mb + cb) ? a * ma + ca : b * mb + cb);                     \
      break;                                                                                                 \
    case QFK_BINARY_MIN:                                                                                     \
      ROW_LOOPS(REAL, ROUND, (a * ma + ca) < (b * mb + cb) ? a * ma + ca : b * mb + cb);                     \
      break;                                                                                                 \
    default: ROW_LOOPS(REAL, ROUND, (a * ma + b * mb) + ca); break; /* ADD, SUB */                           \
    }                                                                                                        \
  }

INT_ROW(uint8_t, u8_row)
INT_ROW(int8_t, s8_row)

#define WALK(T, row)                                                                                         \
  const QfkNd *nd = &p->nd;                                                                                  \
  const int32_t last = nd->rank - 1;                                                                         \
  QfkNdWalk walk = {0};                                                                                      \
  if (!qfk_nd_count(nd))                                                                                     \
    return;                                                                                                  \
  do                                                                                                         \
    row(p, (size_t)nd->dims[last], (const T *)a + walk.offset[1], (int)nd->stride[1][last],                  \
        (const T *)b + walk.offset[2], (int)nd->stride[2][last], (T *)y + walk.offset[0]);                   \
  while (qfk_nd_next(nd, &walk))

void NAME(qfk_binary_f32)(const QfkBinary *p, const void *a, const void *b, void *y)
{
  WALK(float, f32_row);
}

void NAME(qfk_binary_u8)(const QfkBinary *p, const void *a, const void *b, void *y)
{
  WALK(uint8_t, u8_row);
}

void NAME(qfk_binary_s8)(const QfkBinary *p, const void *a, const void *b, void *y)
{
  WALK(int8_t, s8_row);
}
