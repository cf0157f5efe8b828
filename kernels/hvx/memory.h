/* SPDX-License-Identifier: MIT */
/*
 * memory.h - runs of bytes in HVX: whole vectors while they last, then a store of what is left and not a byte more.
 */
#ifndef QFK_HVX_MEMORY_H
#define QFK_HVX_MEMORY_H

#include "hvx.h"

/* The first @n bytes of @v, 1..128, to anywhere. */
static inline void qfk_hvx_store_n(void *to, HVX_Vector v, int32_t n)
{
  const int32_t at = (int32_t)((uintptr_t)to & 127), end = at + n;
  HVX_Vector *p = (HVX_Vector *)((uintptr_t)to & ~(uintptr_t)127);
  const HVX_Vector turned = Q6_V_vror_VR(v, -at);
  Q6_vmem_QRIV(Q6_Q_and_QQn(Q6_Q_vsetq2_R(end < 128 ? end : 128), Q6_Q_vsetq_R(at)), p, turned);
  if (end > 128)
    Q6_vmem_QRIV(Q6_Q_vsetq_R(end - 128), p + 1, turned);
}

/* @n bytes, reading up to 127 beyond. */
static inline void qfk_hvx_copy(uint8_t *to, const uint8_t *from, int32_t n)
{
  for (; n >= 128; n -= 128, to += 128, from += 128)
    qfk_hvx_store(to, qfk_hvx_load(from));
  if (n > 0)
    qfk_hvx_store_n(to, qfk_hvx_load(from), n);
}

/* @rows of @n bytes, @pitch apart, to one after the other. They are drawn together in @between first (@n * @rows bytes and 128 more),
 * whole vectors at a time, each over what the one before wrote too much. */
static inline void qfk_hvx_copy_rows(uint8_t *to, uint8_t *between, const uint8_t *from, int32_t n,
                                     int32_t pitch, int32_t rows)
{
  uint8_t *at = between;
  if (n >= pitch) {
    qfk_hvx_copy(to, from, n * rows);
    return;
  }
  if (n <= 128)
    for (int32_t r = 0; r < rows; r++, at += n, from += pitch)
      qfk_hvx_store(at, qfk_hvx_load(from));
  else
    for (int32_t r = 0; r < rows; r++, at += n, from += pitch)
      for (int32_t i = 0; i < n; i += 128)
        qfk_hvx_store(at + i, qfk_hvx_load(from + i));
  qfk_hvx_copy(to, between, n * rows);
}

#endif
