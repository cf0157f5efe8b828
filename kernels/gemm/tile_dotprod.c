/* SPDX-License-Identifier: MIT */
/*
 * tile_dotprod.c - tiles of bytes by sdot, four of A in a lane.
 */
#include "tile_neon.h"

#define STEP_DOT(lane)                                                                                       \
  {                                                                                                          \
    int8x16_t w[NV];                                                                                         \
    UNROLL for (unsigned v = 0; v < nv; v++) w[v] = vld1q_s8(b + 16 * (lane * nv + v));                      \
    UNROLL for (unsigned r = 0; r < m; r++) UNROLL for (unsigned v = 0; v < nv; v++)                         \
        acc[lane % sets][r][v] = vdotq_laneq_s32(acc[lane % sets][r][v], w[v], x[r], lane);                  \
  }

INLINE void tile_dot(const QfkTile *t, const unsigned m, const unsigned nv)
{
  const unsigned sets = SETS_OF(m);
  int32x4_t acc[SETS][MR][NV];
  const int8_t *b = t->b;
  const int8x16_t flip = vdupq_n_s8((int8_t)t->flip);
  UNROLL for (unsigned s = 0; s < sets; s++) UNROLL for (unsigned v = 0; v < nv; v++)
      UNROLL for (unsigned r = 0; r < m; r++) acc[s][r][v] =
          s ? vdupq_n_s32(0) : vld1q_s32((const int32_t *)t->bias + 4 * v);
  for (uint32_t s = 0; s < t->n_seg; s++) {
    const int8_t *a[MR];
    size_t k = 0;
    UNROLL for (unsigned r = 0; r < m; r++) a[r] = t->a[r * t->n_seg + s];
    for (; k + 4 <= t->steps; k += 4, b += 64 * nv) {
      int8x16_t x[MR];
      UNROLL for (unsigned r = 0; r < m; r++) x[r] = veorq_s8(vld1q_s8(a[r] + 4 * k), flip);
      STEP_DOT(0)
      STEP_DOT(1)
      STEP_DOT(2)
      STEP_DOT(3)
    }
    for (; k < t->steps; k++, b += 16 * nv) {
      int8x16_t x[MR];
      UNROLL for (unsigned r = 0; r < m; r++)
      {
        int32_t group;
        memcpy(&group, a[r] + 4 * k, sizeof(group));
        x[r] = veorq_s8(vreinterpretq_s8_s32(vdupq_n_s32(group)), flip);
      }
      STEP_DOT(0)
    }
  }
  UNROLL for (unsigned s = 1; s < sets; s++) UNROLL for (unsigned r = 0; r < m; r++)
      UNROLL for (unsigned v = 0; v < nv; v++) acc[0][r][v] = vaddq_s32(acc[0][r][v], acc[s][r][v]);
  store_ints(t, m, nv, acc[0]);
}

TILE(qfk_tile_dot_8x8_dotprod, tile_dot)
