/* SPDX-License-Identifier: MIT */
/*
 * peak.c - what the machine's units can do: loops without memory, one an instruction set and kind of number. Twelve chains hide the
 * latency of an instruction; what they compute is of no interest. Times are taken by bench.c, together with those of kernels.
 */
#include "check.h"

#define ROUNDS 4000
#define CHAINS 12
#define EACH(statement) _Pragma("GCC unroll 12") for (int i = 0; i < CHAINS; i++) statement

#if defined(__x86_64__)
typedef float Ymm __attribute__((vector_size(32)));
typedef float Zmm __attribute__((vector_size(64)));

/* A loop of @code over CHAINS registers of @type; %0 is the chain, %1 spare, %2 a constant. */
#define PEAK(name, isa, type, reg, code)                                                                     \
  __attribute__((target(isa))) static void name(void)                                                        \
  {                                                                                                          \
    type a[CHAINS], t, x = {0};                                                                              \
    EACH(a[i] = x);                                                                                          \
    for (int k = 0; k < ROUNDS; k++)                                                                         \
      EACH(__asm__ volatile(code : "+" reg(a[i]), "=&" reg(t) : reg(x)));                                    \
  }
PEAK(f32_avx2, "avx2,fma", Ymm, "x", "vfmadd231ps %2, %2, %0")
PEAK(s16_avx2, "avx2", Ymm, "x", "vpmaddwd %2, %2, %1\n\tvpaddd %1, %0, %0")
PEAK(f32_avx512, "avx512f", Zmm, "v", "vfmadd231ps %2, %2, %0")
PEAK(s16_avx512, "avx512f,avx512bw", Zmm, "v", "vpmaddwd %2, %2, %1\n\tvpaddd %1, %0, %0")
PEAK(dot_avx512, "avx512f,avx512vnni", Zmm, "v", "vpdpbusd %2, %2, %0")
#elif defined(__aarch64__)
typedef float Quad __attribute__((vector_size(16)));

#define PEAK(name, isa, code)                                                                                \
  __attribute__((target(isa))) static void name(void)                                                        \
  {                                                                                                          \
    Quad a[CHAINS], x = {0};                                                                                 \
    EACH(a[i] = x);                                                                                          \
    for (int k = 0; k < ROUNDS; k++)                                                                         \
      EACH(__asm__ volatile(code : "+w"(a[i]) : "w"(x)));                                                    \
  }
PEAK(f32_neon, "+simd", "fmla %0.4s, %1.4s, %1.4s")
PEAK(s16_neon, "+simd", "smlal %0.4s, %1.4h, %1.4h")
PEAK(dot_neon, "arch=armv8.2-a+dotprod", "sdot %0.4s, %1.16b, %1.16b")
#endif

static const struct {
  ChkUnit unit;
  uint32_t isa;
  void (*loop)(void);
  double macs; /* of one instruction, or pair */
} peaks[] = {
#if defined(__x86_64__)
    {CHK_UNIT_F32, QFK_CPU_AVX512, f32_avx512, 16},
    {CHK_UNIT_F32, QFK_CPU_AVX2, f32_avx2, 8},
    {CHK_UNIT_S16, QFK_CPU_AVX512, s16_avx512, 32},
    {CHK_UNIT_S16, QFK_CPU_AVX2, s16_avx2, 16},
    {CHK_UNIT_DOT, QFK_CPU_AVX512VNNI, dot_avx512, 64},
#elif defined(__aarch64__)
    {CHK_UNIT_F32, QFK_CPU_NEON, f32_neon, 4},
    {CHK_UNIT_S16, QFK_CPU_NEON, s16_neon, 4},
    {CHK_UNIT_DOT, QFK_CPU_DOTPROD, dot_neon, 16},
#endif
    {0, 0, NULL, 0},
};

void (*chk_peak_loop(ChkUnit unit, uint32_t isa, double *macs))(void)
{
  for (int i = 0; peaks[i].loop; i++)
    if (peaks[i].unit == unit && (peaks[i].isa & isa) && !(peaks[i].isa & ~qfk_cpu_features())) {
      *macs = peaks[i].macs * CHAINS * ROUNDS;
      return peaks[i].loop;
    }
  return NULL;
}

#define TOUCH(name, isa, type, load, store)                                                                  \
  __attribute__((target(isa))) static void name(const ChkWalk *w)                                            \
  {                                                                                                          \
    const size_t n = w->bytes / sizeof(type);                                                                \
    for (size_t p = 0; p < w->pixels; p++)                                                                   \
      for (size_t i = 0; i < n; i++) {                                                                       \
        type v = {0};                                                                                        \
        for (size_t t = 0; t < w->taps; t++)                                                                 \
          __asm__ volatile(load((const type *)(w->x + w->at[t] + p * w->step) + i));                         \
        __asm__ volatile(store((type *)(w->y + p * w->bytes) + i));                                          \
      }                                                                                                      \
  }
#if defined(__x86_64__)
#define LOAD(from) "vmovups %1, %0" : "=x"(v) : "m"(*(from))
#define STORE(to) "vmovups %1, %0" : "=m"(*(to)) : "x"(v)
TOUCH(touch_avx2, "avx2", Ymm, LOAD, STORE)
#undef LOAD
#undef STORE
#define LOAD(from) "vmovups %1, %0" : "=v"(v) : "m"(*(from))
#define STORE(to) "vmovups %1, %0" : "=m"(*(to)) : "v"(v)
TOUCH(touch_avx512, "avx512f", Zmm, LOAD, STORE)
#elif defined(__aarch64__)
#define LOAD(from) "ldr %q0, %1" : "=w"(v) : "m"(*(from))
#define STORE(to) "str %q1, %0" : "=m"(*(to)) : "w"(v)
TOUCH(touch_neon, "+simd", Quad, LOAD, STORE)
#endif

void chk_walk(const ChkWalk *w)
{
#if defined(__x86_64__)
  ((w->isa & QFK_CPU_AVX512) ? touch_avx512 : touch_avx2)(w);
#elif defined(__aarch64__)
  touch_neon(w);
#endif
}
