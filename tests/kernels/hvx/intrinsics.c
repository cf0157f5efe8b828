/* SPDX-License-Identifier: MIT */
/*
 * intrinsics.c - every line of kernels/hvx/intrinsics.inc on the same inputs: prints results, a line a case, as hexadecimal.
 *
 * Built for the host and for Hexagon; the script `intrinsics` compares what both print. Inputs are the edges of all lane types
 * and random bytes; scalars run through what shifts, lanes and tables distinguish.
 */
#include "kernels/hvx/hvx.h"

#include <stdio.h>

#define CASES 40
#define EDGES 8

typedef struct {
  HVX_Vector a, b, x, y; /* operands, accumulators */
  int32_t r;
} Input;

static union {
  HVX_Vector v[2];
  uint8_t bytes[256];
} out;
static Input in;
static uint32_t state = 1;

static uint8_t random_byte(void)
{
  state = state * 1664525u + 1013904223u;
  return (uint8_t)(state >> 24);
}

/* Lanes of 1, 2 and 4 bytes at their least, largest, -1, 0 and 1. */
static void fill(HVX_Vector *v, uint32_t edge)
{
  static const uint32_t words[EDGES] = {0,          0x80808080, 0x7f7f7f7f, 0xffffffff,
                                        0x80008000, 0x7fff7fff, 0x80000000, 0x7fffffff};
  union {
    HVX_Vector v;
    uint32_t w[32];
    uint8_t b[128];
  } u;
  for (int i = 0; i < 32; i++)
    u.w[i] = words[(edge + (edge > EDGES ? random_byte() : 0)) % EDGES];
  for (int i = 0; i < 128 && edge > EDGES; i++)
    if (edge % 2 || random_byte() % 4 == 0)
      u.b[i] = random_byte();
  *v = u.v;
}

static void make(uint32_t index)
{
  fill(&in.a, index < EDGES ? index : EDGES + index);
  fill(&in.b, index < EDGES ? index * 3 % EDGES : EDGES + index);
  fill(&in.x, index < EDGES ? index * 5 % EDGES : EDGES + index);
  fill(&in.y, EDGES + index);
  in.r = 0;
  for (int i = 0; i < 4; i++)
    in.r = (int32_t)((uint32_t)in.r << 8 | random_byte());
  if (index < CASES / 2)
    in.r = (int32_t)index - 2;
}

static void print(const char *name, uint32_t index, int n)
{
  printf("%s %u ", name, index);
  for (int i = 0; i < n; i++)
    printf("%02x", out.bytes[i]);
  putchar('\n');
}

#define V(value) out.v[0] = value, 128
#define W(value)                                                                                             \
  ({                                                                                                         \
    const HVX_VectorPair pair = value;                                                                       \
    out.v[0] = Q6_V_lo_W(pair);                                                                              \
    out.v[1] = Q6_V_hi_W(pair);                                                                              \
    256;                                                                                                     \
  })
/* A predicate by what it selects. */
#define Q(value) out.v[0] = Q6_V_vand_QR(value, 0x01010101), 128
#define MASK Q6_Q_vand_VR(in.y, 0x10204080)
#define RUN_V_(name) V(name())
#define RUN_V_R(name) V(name(in.r))
#define RUN_V_V(name) V(name(in.a))
#define RUN_V_VV(name) V(name(in.a, in.b))
#define RUN_V_VR(name) V(name(in.a, in.r))
#define RUN_V_VVR(name) V(name(in.a, in.b, in.r))
#define RUN_V_XR(name) V(name(in.x, in.r))
#define RUN_V_XVR(name) V(name(in.x, in.a, in.r))
#define RUN_V_XVV(name) V(name(in.x, in.a, in.b))
#define RUN_V_XVVR(name) V(name(in.x, in.a, in.b, in.r))
#define RUN_V_W(name) V(name(Q6_W_vcombine_VV(in.a, in.b)))
#define RUN_V_QR(name) V(name(MASK, in.r))
#define RUN_V_QVV(name) V(name(MASK, in.a, in.b))
#define RUN_W_V(name) W(name(in.a))
#define RUN_W_VV(name) W(name(in.a, in.b))
#define RUN_W_VR(name) W(name(in.a, in.r))
#define RUN_W_VVR(name) W(name(in.a, in.b, in.r))
#define RUN_W_XVV(name) W(name(Q6_W_vcombine_VV(in.x, in.y), in.a, in.b))
/* Both immediates, by the scalar's last bit. */
#define PAIR(high, low) Q6_W_vcombine_VV(in.high, in.low)
#define RUN_W_XWRI(name)                                                                                     \
  in.r & 1 ? W(name(PAIR(x, y), PAIR(b, a), in.r, 1)) : W(name(PAIR(x, y), PAIR(b, a), in.r, 0))
#define RUN_Q_R(name) Q(name(in.r))
#define RUN_Q_VR(name) Q(name(in.a, in.r))
#define RUN_Q_VV(name) Q(name(in.a, in.b))
#define RUN_Q_QQ(name) Q(name(MASK, Q6_Q_vand_VR(in.x, 0x01020408)))
#define RUN_R_VR(name) V(Q6_V_vsplat_R(name(in.a, in.r)))
#define RUN_M_QV(name) (out.v[0] = in.x, name(MASK, &out.v[0], in.a), 128)

#define QFK_HVX(signature, name, ...)                                                                        \
  static int run_##name(void)                                                                                \
  {                                                                                                          \
    return RUN_##signature(name);                                                                            \
  }
#include "kernels/hvx/intrinsics.inc"
#undef QFK_HVX

static const struct {
  const char *name;
  int (*run)(void);
} lines[] = {
#define QFK_HVX(signature, name, ...) {#name, run_##name},
#include "kernels/hvx/intrinsics.inc"
#undef QFK_HVX
};

int main(void)
{
  for (uint32_t c = 0; c < CASES; c++) {
    make(c);
    for (uint32_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
      print(lines[i].name, c, lines[i].run());
  }
  return 0;
}
