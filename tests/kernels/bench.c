/* SPDX-License-Identifier: MIT */
/*
 * bench.c - the shortest of many times (on a shared machine the median measures the neighbours), and the peak of the machine, measured
 * each time: its clock moves.
 */
#include "check.h"

#include <stdio.h>
#include <time.h>
#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#define SECONDS 0.06

static double now(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

double chk_time(void (*fn)(void *arg), void *arg)
{
  double best = 1e9;
  fn(arg);
  for (double end = now() + SECONDS; now() < end;) {
    double start = now();
    fn(arg);
    double t = now() - start;
    best = t < best ? t : best;
  }
  return best;
}

#define ROUNDS 100000
#define CHAINS 12

#if defined(__x86_64__)
__attribute__((target("avx2,fma"))) static double fma_avx2(void)
{
  __m256 a[CHAINS], x = _mm256_set1_ps(1e-9f), y = _mm256_set1_ps(0.5f);
  _Pragma("GCC unroll 12") for (int i = 0; i < CHAINS; i++) a[i] = _mm256_set1_ps((float)i);
  double start = now();
  for (int k = 0; k < ROUNDS; k++)
    _Pragma("GCC unroll 12") for (int i = 0; i < CHAINS; i++) __asm__ volatile("vfmadd213ps %2, %1, %0" :
                                                                               "+x"(a[i]) : "x"(x), "x"(y));
  return 8.0 * CHAINS * ROUNDS / (now() - start);
}

__attribute__((target("avx512f"))) static double fma_avx512(void)
{
  __m512 a[CHAINS], x = _mm512_set1_ps(1e-9f), y = _mm512_set1_ps(0.5f);
  _Pragma("GCC unroll 12") for (int i = 0; i < CHAINS; i++) a[i] = _mm512_set1_ps((float)i);
  double start = now();
  for (int k = 0; k < ROUNDS; k++)
    _Pragma("GCC unroll 12") for (int i = 0; i < CHAINS; i++) __asm__ volatile("vfmadd213ps %2, %1, %0" :
                                                                               "+v"(a[i]) : "v"(x), "v"(y));
  return 16.0 * CHAINS * ROUNDS / (now() - start);
}
#elif defined(__aarch64__)
static double fma_neon(void)
{
  float32x4_t a[CHAINS], x = vdupq_n_f32(1e-9f);
  _Pragma("GCC unroll 12") for (int i = 0; i < CHAINS; i++) a[i] = vdupq_n_f32((float)i);
  double start = now();
  for (int k = 0; k < ROUNDS; k++)
    _Pragma("GCC unroll 12") for (int i = 0; i < CHAINS;
                                  i++) __asm__ volatile("fmla %0.4s, %1.4s, %1.4s" : "+w"(a[i]) : "w"(x));
  return 4.0 * CHAINS * ROUNDS / (now() - start);
}
#endif

double chk_peak(uint32_t isa)
{
  double best = 1e9;
  for (int i = 0; i < 5; i++) {
    double rate = 0;
#if defined(__x86_64__)
    if ((isa & QFK_CPU_AVX512) && (qfk_cpu_features() & QFK_CPU_AVX512))
      rate = fma_avx512();
    else if (qfk_cpu_features() & QFK_CPU_AVX2)
      rate = fma_avx2();
#elif defined(__aarch64__)
    rate = fma_neon();
#endif
    if (rate > best)
      best = rate;
  }
  return best;
}

void chk_bench_row(const char *kernel, const char *shape, double seconds, double macs, double peak)
{
  printf("%-28s %-34s %10.1f us %8.1f GMAC/s %6.2f of peak\n", kernel, shape, seconds * 1e6,
         macs / seconds * 1e-9, macs / seconds / peak);
}

void chk_bench_bytes(const char *kernel, const char *shape, double seconds, double bytes)
{
  printf("%-28s %-34s %10.1f us %8.1f GB/s\n", kernel, shape, seconds * 1e6, bytes / seconds * 1e-9);
}
