/* SPDX-License-Identifier: MIT */
/*
 * common.h - what every kernel family shares: CPU features and their mask, aligned access, the requantisation formula.
 *
 * Kernels know no graph, allocate nothing, cannot fail and use no GLib. A family is <family>.h (contract), <family>.inc (one
 * QFK_KERNEL line each), <family>_ref.c (the truth) and one file an instruction set.
 */
#ifndef QFK_COMMON_H
#define QFK_COMMON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Instruction sets a kernel may need; bits. */
enum {
  QFK_CPU_REF = 0,
  QFK_CPU_AVX2 = 1 << 0,       /* AVX2, FMA, F16C */
  QFK_CPU_AVX512 = 1 << 1,     /* F, BW, DQ, VL */
  QFK_CPU_AVX512VNNI = 1 << 2, /* AVX512 and VNNI */
  QFK_CPU_NEON = 1 << 3,       /* ARMv8-A Advanced SIMD */
  QFK_CPU_DOTPROD = 1 << 4,    /* NEON and sdot/udot */
  QFK_CPU_I8MM = 1 << 5,       /* that and smmla */
  QFK_CPU_AVXVNNI = 1 << 6,    /* AVX2 and the VEX form of VNNI, 256 bits */
  QFK_CPU_AVX512BF16 = 1 << 7, /* AVX512 and bfloat16 dot products that are faster than products of floats */
  QFK_CPU_NEONBF16 = 1 << 8,   /* NEON and bfdot */
  QFK_CPU_ALL = 0x7fffffff,
};

/*
 * The features of this CPU, masked by the environment variable QF_CPU: "ref" (none), "avx2" (up to AVX2), "avxvnni"
 * (and that), "avx512" (without VNNI), "avx512vnni", "neon", "dotprod", "native" or unset (all). An unknown word masks nothing.
 * Read once; thread-safe.
 */
uint32_t qfk_cpu_features(void);

/* "avx2,avx512,..." of @features into @buf; returns @buf. */
const char *qfk_cpu_features_string(uint32_t features, char *buf, size_t size);

/* Parameters of the `float` requantisation: q = clamp(rint(acc * m) + zero_point, lo, hi), one multiply in float32, round
 * half to even, the sum in int32. Exact to reproduce in any instruction set; no FMA. */
typedef struct {
  const float *m; /* one per output channel, or one (per_channel false) */
  bool per_channel;
  int32_t zero_point; /* of the output */
  int32_t lo, hi;     /* inclusive, within the output type */
  /* The `tflite` and `fixed` schemes: one for each of m, used in their place. References and HVX only; NULL elsewhere. */
  const struct QfkFixed *fixed;
  bool wide;   /* with fixed: sums of 16-bit data */
  bool single; /* with fixed, before wide: one rounding of the whole product */
  bool once;   /* the `fixed` scheme: qfk_once_mul(), or if wide qfk_once_mul_wide() */
} QfkRequant;

#endif
