/* SPDX-License-Identifier: MIT */
/*
 * fc_product_hvx.h - the loop over the inputs of a fully connected layer: 32 outputs, weights as uint8, inputs as int8 (fc_hvx.h).
 */
#ifndef QFK_FC_PRODUCT_HVX_H
#define QFK_FC_PRODUCT_HVX_H

#include "../hvx/hvx.h"

#if defined(__hexagon__)

/* A packet a step: its weights are loaded in the packet before, its inputs two steps at a time. */
static inline HVX_Vector qfk_fc_multiply(const uint8_t *weights, const int8_t *x, HVX_Vector sum,
                                         int32_t steps)
{
  const int64_t *in = (const int64_t *)x;
  HVX_Vector w, v, other = Q6_V_vzero();
  int64_t two = *in++;
  const int32_t rounds = steps / 2;
  if (rounds)
    __asm__ volatile("{ %[w] = vmem(%[at]++#1) }\n"
                     "{ loop0(1f, %[n]) }\n"
                     ".balign 16\n"
                     "1:\n"
                     "{ %[sum].w += vrmpy(%[w].ub, %L[two].b)\n %[v] = vmem(%[at]++#1) }\n"
                     "{ %[other].w += vrmpy(%[v].ub, %H[two].b)\n %[w] = vmem(%[at]++#1)\n"
                     "  %[two] = memd(%[in]++#8) }:endloop0\n"
                     : [sum] "+v"(sum), [other] "+v"(other), [w] "=&v"(w), [v] "=&v"(v), [at] "+r"(weights),
                       [in] "+r"(in), [two] "+r"(two)
                     : [n] "r"(rounds)
                     : "lc0", "sa0", "memory");
  else
    w = *(const HVX_Vector *)weights;
  if (steps % 2)
    sum = Q6_Vw_vrmpyacc_VwVubRb(sum, w, (int32_t)two);
  return Q6_Vw_vadd_VwVw(sum, other);
}

#else

static inline HVX_Vector qfk_fc_multiply(const uint8_t *weights, const int8_t *x, HVX_Vector sum,
                                         int32_t steps)
{
  for (int32_t k = 0; k < steps; k++, weights += 128)
    sum = Q6_Vw_vrmpyacc_VwVubRb(sum, *(const HVX_Vector *)weights, ((const int32_t *)x)[k]);
  return sum;
}

#endif

#endif
