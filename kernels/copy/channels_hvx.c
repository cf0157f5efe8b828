/* SPDX-License-Identifier: MIT */
/*
 * channels_hvx.c - channels in another order for HVX; see channels_hvx.h. A plane is pieces of others: each is loaded, turned so that its
 * channels meet their lanes, and masked; a piece that is the whole plane is copied.
 */
#include "channels_hvx.h"
#include "../hvx/d4.h"
#include "../hvx/memory.h"

#include <stddef.h>

typedef struct {
  const uint8_t *x[4];
  int32_t turn[4];
  HVX_Vector mask[4];
} Pieces;

/* @n pieces, known where it is inlined. */
static inline __attribute__((always_inline)) void join(const Pieces *p, int n, HVX_Vector fill, uint8_t *y,
                                                       int32_t bytes)
{
  for (int32_t i = 0; i < bytes; i += 128) {
    HVX_Vector v = fill;
    for (int k = 0; k < n; k++)
      v = Q6_V_vor_VV(v, Q6_V_vand_VV(Q6_V_vror_VR(qfk_hvx_load(p->x[k] + i), p->turn[k]), p->mask[k]));
    if (bytes - i >= 128)
      qfk_hvx_store(y + i, v);
    else
      qfk_hvx_store_n(y + i, v, bytes - i);
  }
}

void qfk_channels_u8_hvx(const QfkChannelsHvx *p, const uint8_t *const *x, int32_t first, int32_t n,
                         uint8_t *y)
{
  const uint32_t fill = p->fill * 0x01010101u;
  const QfkChannelPiece *piece = p->pieces;
  n = p->pixels - first < n ? p->pixels - first : n;
  for (int32_t plane = 0; plane < qfk_d4_planes(p->channels); plane++, piece += 4) {
    uint8_t *to = y + ((ptrdiff_t)plane * p->pixels + first) * 4;
    Pieces all;
    uint32_t filled = 0;
    int count = 0;
    for (int k = 0; k < 4 && piece[k].mask; k++) {
      if (piece[k].input == QFK_CHANNELS_HVX_FILL) {
        filled = piece[k].mask;
        continue;
      }
      all.x[count] = x[piece[k].input] + ((ptrdiff_t)piece[k].plane * p->pixels + first) * 4;
      all.turn[count] = piece[k].turn;
      all.mask[count++] = Q6_V_vsplat_R((int32_t)piece[k].mask);
    }
    const HVX_Vector rest = Q6_V_vsplat_R((int32_t)(filled & fill));
    if (count == 1 && piece[0].mask == UINT32_MAX && !piece[0].turn)
      qfk_hvx_copy(to, all.x[0], n * 4);
    else if (count == 0)
      join(&all, 0, rest, to, n * 4);
    else if (count == 1)
      join(&all, 1, rest, to, n * 4);
    else if (count == 2)
      join(&all, 2, rest, to, n * 4);
    else if (count == 3)
      join(&all, 3, rest, to, n * 4);
    else
      join(&all, 4, rest, to, n * 4);
  }
}
