/* SPDX-License-Identifier: MIT */
/*
 * binary_hvx_v68.c - elementwise arithmetic of half floats for HVX v68; see binary_hvx_v68.h.
 */
#include "binary_hvx_v68.h"
#include "../hvx/hvx_v68.h"
#include "../hvx/memory.h"

static HVX_Vector add(HVX_Vector a, HVX_Vector b)
{
  return Q6_Vhf_equals_Vqf16(Q6_Vqf16_vadd_VhfVhf(a, b));
}

static HVX_Vector sub(HVX_Vector a, HVX_Vector b)
{
  return Q6_Vhf_equals_Vqf16(Q6_Vqf16_vsub_VhfVhf(a, b));
}

static HVX_Vector mul(HVX_Vector a, HVX_Vector b)
{
  return Q6_Vhf_equals_Vqf16(Q6_Vqf16_vmpy_VhfVhf(a, b));
}

static HVX_Vector max(HVX_Vector a, HVX_Vector b)
{
  return Q6_Vhf_vmax_VhfVhf(a, b);
}

static HVX_Vector min(HVX_Vector a, HVX_Vector b)
{
  return Q6_Vhf_vmin_VhfVhf(a, b);
}

bool qfk_binary_f16_hvx_v68(QfkBinaryOp op, const uint16_t *a, const uint16_t *b, uint16_t *y, size_t n)
{
  static HVX_Vector (*const table[])(HVX_Vector, HVX_Vector) = {
      [QFK_BINARY_ADD] = add, [QFK_BINARY_SUB] = sub, [QFK_BINARY_MUL] = mul,
      [QFK_BINARY_MAX] = max, [QFK_BINARY_MIN] = min,
  };
  if ((size_t)op >= sizeof(table) / sizeof(table[0]) || !table[op])
    return false;
  for (size_t i = 0; i < n; i += 64) {
    const size_t left = 2 * (n - i);
    qfk_hvx_store_n((uint8_t *)(y + i), table[op](qfk_hvx_load(a + i), qfk_hvx_load(b + i)),
                    left < 128 ? (int32_t)left : 128);
  }
  return true;
}
