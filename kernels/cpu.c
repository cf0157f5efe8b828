/* SPDX-License-Identifier: MIT */
/*
 * cpu.c - which instruction sets this CPU has, masked by QF_CPU.
 */
#include "common.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if defined(__aarch64__)
#include <sys/auxv.h>
#elif defined(__x86_64__)
#include <cpuid.h>
#endif

static const struct {
  const char *name;
  uint32_t bit;
} isa_names[] = {
    {"avx2", QFK_CPU_AVX2},
    {"avx512", QFK_CPU_AVX512},
    {"avx512vnni", QFK_CPU_AVX512VNNI},
    {"neon", QFK_CPU_NEON},
    {"dotprod", QFK_CPU_DOTPROD},
    {"avxvnni", QFK_CPU_AVXVNNI},
    {"avx512bf16", QFK_CPU_AVX512BF16},
    {"i8mm", QFK_CPU_I8MM},
    {"neonbf16", QFK_CPU_NEONBF16},
};

static const struct {
  const char *word;
  uint32_t mask;
} masks[] = {
    {"ref", QFK_CPU_REF},
    {"avx2", QFK_CPU_AVX2},
    {"avx512", QFK_CPU_AVX2 | QFK_CPU_AVX512},
    {"neon", QFK_CPU_NEON},
    {"dotprod", QFK_CPU_NEON | QFK_CPU_DOTPROD},
    {"native", QFK_CPU_ALL},
    {"avxvnni", QFK_CPU_AVX2 | QFK_CPU_AVXVNNI},
    {"avx512vnni", QFK_CPU_AVX2 | QFK_CPU_AVX512 | QFK_CPU_AVX512VNNI},
};

#if defined(__x86_64__)
/* clang 14 has no names for these in __builtin_cpu_supports(). */
static bool has_f16c(void)
{
  unsigned a, b, c, d;
  return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C);
}

/* EAX of leaf 7, subleaf 1: bit 4 AVX-VNNI, bit 5 AVX512-BF16. */
static unsigned leaf_7_1(void)
{
  unsigned a, b, c, d;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) && a >= 1 && __get_cpuid_count(7, 1, &a, &b, &c, &d) ? a : 0;
}

/* AMD's make a 512-bit vdpbf16ps a cycle, as many as products of floats. Intel's that have AMX too (all but Cooper Lake) need two cycles,
 * in which they make four vectors of products of floats: half the speed. */
static bool is_bf16_fast(void)
{
  unsigned a, b, c, d;
  __cpuid(0, a, b, c, d);
  if (b != signature_INTEL_ebx)
    return true;
  __cpuid(1, a, b, c, d);
  return (a >> 4 & 0xf) + (a >> 12 & 0xf0) == 0x55;
}
#endif

static uint32_t detect(void)
{
  uint32_t f = 0;
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c())
    f |= QFK_CPU_AVX2;
  if ((f & QFK_CPU_AVX2) && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
    f |= QFK_CPU_AVX512;
  if ((f & QFK_CPU_AVX512) && __builtin_cpu_supports("avx512vnni"))
    f |= QFK_CPU_AVX512VNNI;
  const unsigned more = leaf_7_1();
  if ((f & QFK_CPU_AVX2) && (more & 1u << 4))
    f |= QFK_CPU_AVXVNNI;
  if ((f & QFK_CPU_AVX512) && (more & 1u << 5) && is_bf16_fast())
    f |= QFK_CPU_AVX512BF16;
#elif defined(__aarch64__)
  f |= QFK_CPU_NEON;
  if (getauxval(AT_HWCAP) & (1ul << 20)) /* HWCAP_ASIMDDP */
    f |= QFK_CPU_DOTPROD;
  if ((f & QFK_CPU_DOTPROD) && (getauxval(AT_HWCAP2) & (1ul << 13))) /* HWCAP2_I8MM */
    f |= QFK_CPU_I8MM;
  if (getauxval(AT_HWCAP2) & (1ul << 14)) /* HWCAP2_BF16 */
    f |= QFK_CPU_NEONBF16;
#endif
  return f;
}

uint32_t qfk_cpu_features(void)
{
  static _Atomic uint32_t cached; /* bit 31 marks it as filled: no feature uses it */
  uint32_t f = atomic_load_explicit(&cached, memory_order_relaxed);
  if (f)
    return f & QFK_CPU_ALL;
  f = detect();
  const char *word = getenv("QF_CPU");
  for (size_t i = 0; word && i < sizeof(masks) / sizeof(masks[0]); i++)
    if (!strcmp(word, masks[i].word))
      f &= masks[i].mask;
  atomic_store_explicit(&cached, f | 0x80000000u, memory_order_relaxed);
  return f;
}

const char *qfk_cpu_features_string(uint32_t features, char *buf, size_t size)
{
  size_t n = 0;
  if (size)
    buf[0] = 0;
  for (size_t i = 0; i < sizeof(isa_names) / sizeof(isa_names[0]); i++)
    if ((features & isa_names[i].bit) && n < size)
      n += (size_t)snprintf(buf + n, size - n, "%s%s", n ? "," : "", isa_names[i].name);
  return buf;
}
