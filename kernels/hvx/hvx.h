/* SPDX-License-Identifier: MIT */
/*
 * hvx.h - HVX intrinsics of 128-byte vectors, on Hexagon and on any host.
 *
 * A *_hvx.c file includes this and nothing of the compiler's. For Hexagon it is the compiler's own intrinsics. For a host, each
 * line of intrinsics.inc becomes a function that does to lanes what the line says, so the same file runs under sanitizers.
 * That both are the same, byte for byte, is what tests/kernels/hvx shows for every line. Build with -fno-strict-aliasing.
 */
#ifndef QFK_HVX_H
#define QFK_HVX_H

#include <stdint.h>
#include <string.h>

#if defined(__hexagon__)

#include <hexagon_types.h>

#include <hexagon_protos.h>

#else

typedef int32_t HVX_Vector __attribute__((vector_size(128)));
typedef struct {
  HVX_Vector v[2]; /* low, high */
} HVX_VectorPair;
typedef struct {
  HVX_Vector v; /* a byte of 0 or 1 for each byte of a vector */
} HVX_VectorPred;

typedef union {
  HVX_Vector v;
  uint8_t ub[128];
  int8_t b[128];
  uint16_t uh[64];
  int16_t h[64];
  uint32_t uw[32];
  int32_t w[32];
} QfkHvx;

static inline int64_t qfk_hvx_clamp(int64_t v, int64_t lo, int64_t hi)
{
  return v < lo ? lo : v > hi ? hi : v;
}

/* What saturates in the meanings: by lane type. */
#define QFK_SAT_ub(v) (uint8_t) qfk_hvx_clamp(v, 0, UINT8_MAX)
#define QFK_SAT_b(v) (int8_t) qfk_hvx_clamp(v, INT8_MIN, INT8_MAX)
#define QFK_SAT_uh(v) (uint16_t) qfk_hvx_clamp(v, 0, UINT16_MAX)
#define QFK_SAT_h(v) (int16_t) qfk_hvx_clamp(v, INT16_MIN, INT16_MAX)
#define QFK_SAT_w(v) (int32_t) qfk_hvx_clamp(v, INT32_MIN, INT32_MAX)
#define QFK_SAT(type, v) QFK_SAT_##type(v)
/* A shift to the right, halves up. */
#define QFK_RND(v, s) (((int64_t)(v) + ((s) ? (int64_t)1 << ((s)-1) : 0)) >> (s))
/* Four bytes of a word by four of another, or of R. */
#define QFK_DOT4(p, q)                                                                                       \
  (p[4 * i] * q[4 * i] + p[4 * i + 1] * q[4 * i + 1] + p[4 * i + 2] * q[4 * i + 2] +                         \
   p[4 * i + 3] * q[4 * i + 3])
#define QFK_DOT4R(p, type)                                                                                   \
  (p[4 * i] * (type)R + p[4 * i + 1] * (type)(R >> 8) + p[4 * i + 2] * (type)(R >> 16) +                     \
   p[4 * i + 3] * (type)(R >> 24))
/* A table of 256 bytes is two vectors of 64 halfwords, in whose low and high bytes are 64 entries each; R chooses the 32 that a
 * look-up answers, others give @none. */
#define QFK_LUT32(none) (int8_t)(a.ub[i] >> 5 == (R & 7) ? b.ub[2 * (a.ub[i] & 63) + (R >> 1 & 1)] : (none))

/* Six bits and their sign. */
#define QFK_SIX(v) ((int32_t)(((v)&63) ^ 32) - 32)

/* To the right, or to the left by -n. */
static inline int32_t qfk_hvx_shift(int32_t v, int32_t n)
{
  return n < 0 ? (int32_t)((uint64_t)(int64_t)v << -n) : (int32_t)((int64_t)v >> n);
}

/* Byte k of @high, for k without the bit @offset, changes places with byte k + @offset of @low. */
static inline void qfk_hvx_swap(QfkHvx *low, QfkHvx *high, int offset)
{
  for (int k = 0; k < 128; k++)
    if (!(k & offset)) {
      const uint8_t byte = high->ub[k];
      high->ub[k] = low->ub[k + offset];
      low->ub[k + offset] = byte;
    }
}

/* To the right by six bits of @by with their sign: below 0 to the left. */
static inline uint32_t qfk_hvx_shift_either(uint32_t v, int32_t by)
{
  const int32_t n = (by & 31) - (by & 32);
  return n < 0 ? v << (-n - 1) << 1 : v >> n;
}

/* Bytes whose control has the bit @offset take the place of those @offset away. */
static inline void qfk_hvx_cross(QfkHvx *v, const QfkHvx *control, int offset)
{
  const QfkHvx from = *v;
  for (int k = 0; k < 128; k++)
    v->ub[k] = from.ub[control->ub[k] & offset ? k ^ offset : k];
}

/* Four bytes from place @at on of word @i in @low, going on in the same word of @high, by the bytes of @weights. */
static inline int32_t qfk_hvx_window(const QfkHvx *low, const QfkHvx *high, int32_t weights, int i, int at)
{
  int32_t sum = 0;
  for (int k = 0; k < 4; k++)
    sum += (at + k < 4 ? low : high)->ub[4 * i + ((at + k) & 3)] * (int8_t)(weights >> (8 * k));
  return sum;
}

/* With the sanitizers a call each: what they add to all that is inlined takes the compiler minutes. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define QFK_HVX_FN static __attribute__((noinline, unused))
#endif
#endif
#ifndef QFK_HVX_FN
#define QFK_HVX_FN static inline __attribute__((always_inline, unused))
#endif

/* One macro a signature: results, then operands. V a vector, W a pair, Q a predicate, R a scalar, X an accumulator, M memory. */
#define QFK_HVX_LANES(lanes, ...)                                                                            \
  for (int i = 0; i < lanes; i++) {                                                                          \
    __VA_ARGS__;                                                                                             \
  }
#define QFK_HVX_V(name, params, operands, lanes, ...)                                                        \
  QFK_HVX_FN HVX_Vector name params                                                                          \
  {                                                                                                          \
    operands;                                                                                                \
    QFK_HVX_LANES(lanes, __VA_ARGS__)                                                                        \
    return r.v;                                                                                              \
  }
#define QFK_HVX_W(name, params, operands, lanes, ...)                                                        \
  QFK_HVX_FN HVX_VectorPair name params                                                                      \
  {                                                                                                          \
    operands;                                                                                                \
    QFK_HVX_LANES(lanes, __VA_ARGS__)                                                                        \
    return (HVX_VectorPair){{l.v, h.v}};                                                                     \
  }
#define QFK_HVX_Q(name, params, operands, lanes, ...)                                                        \
  QFK_HVX_FN HVX_VectorPred name params                                                                      \
  {                                                                                                          \
    operands;                                                                                                \
    QFK_HVX_LANES(lanes, __VA_ARGS__)                                                                        \
    return (HVX_VectorPred){q.v};                                                                            \
  }
#define QFK_HVX_V_(name, ...) QFK_HVX_V(name, (void), QfkHvx r, __VA_ARGS__)
#define QFK_HVX_V_R(name, ...) QFK_HVX_V(name, (int32_t R), QfkHvx r, __VA_ARGS__)
#define QFK_HVX_V_V(name, ...) QFK_HVX_V(name, (HVX_Vector va), QfkHvx r; QfkHvx a = {va}, __VA_ARGS__)
#define QFK_HVX_V_VV(name, ...)                                                                              \
  QFK_HVX_V(name, (HVX_Vector va, HVX_Vector vb), QfkHvx r; QfkHvx a = {va}; QfkHvx b = {vb}, __VA_ARGS__)
#define QFK_HVX_V_VR(name, ...)                                                                              \
  QFK_HVX_V(name, (HVX_Vector va, int32_t R), QfkHvx r; QfkHvx a = {va}, __VA_ARGS__)
#define QFK_HVX_V_VVR(name, ...)                                                                             \
  QFK_HVX_V(name, (HVX_Vector va, HVX_Vector vb, int32_t R), QfkHvx r; QfkHvx a = {va};                      \
            QfkHvx b = {vb}, __VA_ARGS__)
#define QFK_HVX_V_XR(name, ...) QFK_HVX_V(name, (HVX_Vector vx, int32_t R), QfkHvx r = {vx}, __VA_ARGS__)
#define QFK_HVX_V_XVR(name, ...)                                                                             \
  QFK_HVX_V(name, (HVX_Vector vx, HVX_Vector va, int32_t R), QfkHvx r = {vx}; QfkHvx a = {va}, __VA_ARGS__)
#define QFK_HVX_V_XVV(name, ...)                                                                             \
  QFK_HVX_V(name, (HVX_Vector vx, HVX_Vector va, HVX_Vector vb), QfkHvx r = {vx}; QfkHvx a = {va};           \
            QfkHvx b = {vb}, __VA_ARGS__)
#define QFK_HVX_V_XVVR(name, ...)                                                                            \
  QFK_HVX_V(name, (HVX_Vector vx, HVX_Vector va, HVX_Vector vb, int32_t R), QfkHvx r = {vx};                 \
            QfkHvx a = {va}; QfkHvx b = {vb}, __VA_ARGS__)
#define QFK_HVX_V_W(name, ...)                                                                               \
  QFK_HVX_V(name, (HVX_VectorPair w), QfkHvx r; QfkHvx l = {w.v[0]}; QfkHvx h = {w.v[1]}; (void)l;           \
            (void)h, __VA_ARGS__)
#define QFK_HVX_V_QR(name, ...)                                                                              \
  QFK_HVX_V(name, (HVX_VectorPred vq, int32_t R), QfkHvx r; QfkHvx q = {vq.v}, __VA_ARGS__)
#define QFK_HVX_V_QVV(name, ...)                                                                             \
  QFK_HVX_V(name, (HVX_VectorPred vq, HVX_Vector va, HVX_Vector vb), QfkHvx r; QfkHvx q = {vq.v};            \
            QfkHvx a = {va}; QfkHvx b = {vb}, __VA_ARGS__)
#define QFK_HVX_W_V(name, ...)                                                                               \
  QFK_HVX_W(name, (HVX_Vector va), QfkHvx l; QfkHvx h; QfkHvx a = {va}, __VA_ARGS__)
#define QFK_HVX_W_VV(name, ...)                                                                              \
  QFK_HVX_W(name, (HVX_Vector va, HVX_Vector vb), QfkHvx l; QfkHvx h; QfkHvx a = {va};                       \
            QfkHvx b = {vb}, __VA_ARGS__)
#define QFK_HVX_W_VR(name, ...)                                                                              \
  QFK_HVX_W(name, (HVX_Vector va, int32_t R), QfkHvx l; QfkHvx h; QfkHvx a = {va}, __VA_ARGS__)
/* The operands themselves are what is moved. */
#define QFK_HVX_W_VVR(name, ...)                                                                             \
  QFK_HVX_W(name, (HVX_Vector va, HVX_Vector vb, int32_t R), QfkHvx l = {vb}; QfkHvx h = {va}, __VA_ARGS__)
#define QFK_HVX_W_XVV(name, ...)                                                                             \
  QFK_HVX_W(name, (HVX_VectorPair x, HVX_Vector va, HVX_Vector vb), QfkHvx l = {x.v[0]};                     \
            QfkHvx h = {x.v[1]}; QfkHvx a = {va}; QfkHvx b = {vb}, __VA_ARGS__)
#define QFK_HVX_W_XWRI(name, ...)                                                                            \
  QFK_HVX_W(name, (HVX_VectorPair x, HVX_VectorPair w, int32_t R, int I), QfkHvx l = {x.v[0]};               \
            QfkHvx h = {x.v[1]}; QfkHvx a = {w.v[0]}; QfkHvx b = {w.v[1]}, __VA_ARGS__)
#define QFK_HVX_Q_R(name, ...) QFK_HVX_Q(name, (int32_t R), QfkHvx q, __VA_ARGS__)
#define QFK_HVX_Q_VR(name, ...)                                                                              \
  QFK_HVX_Q(name, (HVX_Vector va, int32_t R), QfkHvx q; QfkHvx a = {va}, __VA_ARGS__)
#define QFK_HVX_Q_VV(name, ...)                                                                              \
  QFK_HVX_Q(name, (HVX_Vector va, HVX_Vector vb), QfkHvx q; QfkHvx a = {va}; QfkHvx b = {vb}, __VA_ARGS__)
/* The second operand is p. */
#define QFK_HVX_Q_QQ(name, ...)                                                                              \
  QFK_HVX_Q(name, (HVX_VectorPred vq, HVX_VectorPred vp), QfkHvx q = {vq.v}; QfkHvx p = {vp.v}, __VA_ARGS__)
#define QFK_HVX_R_VR(name, lanes, ...)                                                                       \
  QFK_HVX_FN int32_t name(HVX_Vector va, int32_t R)                                                          \
  {                                                                                                          \
    QfkHvx a = {va};                                                                                         \
    int32_t r;                                                                                               \
    __VA_ARGS__;                                                                                             \
    return r;                                                                                                \
  }
#define QFK_HVX_M_QV(name, lanes, ...)                                                                       \
  QFK_HVX_FN void name(HVX_VectorPred vq, HVX_Vector *at, HVX_Vector va)                                     \
  {                                                                                                          \
    QfkHvx q = {vq.v}, a = {va};                                                                             \
    uint8_t *p = (uint8_t *)at;                                                                              \
    QFK_HVX_LANES(lanes, __VA_ARGS__)                                                                        \
  }

#define QFK_HVX(signature, name, ...) QFK_HVX_##signature(name, __VA_ARGS__)
#include "intrinsics.inc"
#undef QFK_HVX

#endif

/* A vector anywhere in memory, as the compiler sees fit: in loops it may share aligned loads. */
static inline __attribute__((always_inline)) HVX_Vector qfk_hvx_load_open(const void *p)
{
#if defined(__hexagon__)
  return *(const HVX_UVector *)p;
#else
  HVX_Vector v;
  memcpy(&v, p, sizeof(v));
  return v;
#endif
}

/* By one instruction, alone in its packet. */
static inline __attribute__((always_inline)) HVX_Vector qfk_hvx_load(const void *p)
{
#if defined(__hexagon__)
  HVX_Vector v;
  __asm__("%0 = vmemu(%1+#0)" : "=v"(v) : "r"(p), "m"(*(const HVX_UVector *)p));
  return v;
#else
  return qfk_hvx_load_open(p);
#endif
}

static inline __attribute__((always_inline)) void qfk_hvx_store(void *p, HVX_Vector v)
{
#if defined(__hexagon__)
  *(HVX_UVector *)p = v;
#else
  memcpy(p, &v, sizeof(v));
#endif
}

#endif
