/* SPDX-License-Identifier: MIT */
/*
 * channels_hvx_plan.c - which planes make up a plane. Plain C, for any machine.
 *
 * Lanes that come from the same plane with the same distance are one piece, so whole planes are copies and a Concat of any channels has
 * two pieces a plane.
 */
#include "channels_hvx.h"
#include "../hvx/d4.h"

bool qfk_channels_hvx_init(QfkChannelsHvx *p, int32_t channels, int32_t pixels, uint8_t fill)
{
  *p = (QfkChannelsHvx){.channels = channels, .pixels = pixels, .fill = fill};
  return channels > 0 && pixels > 0 && ((int64_t)channels + 3) * pixels <= INT32_MAX;
}

size_t qfk_channels_hvx_pieces(const QfkChannelsHvx *p)
{
  return (size_t)qfk_d4_planes(p->channels) * 4;
}

void qfk_channels_hvx_pack(const QfkChannelsHvx *p, const QfkChannelFrom *from, QfkChannelPiece *pieces)
{
  for (int32_t plane = 0; plane < qfk_d4_planes(p->channels); plane++, pieces += 4) {
    int32_t n = 0;
    for (int32_t lane = 0; lane < 4 && plane * 4 + lane < p->channels; lane++) {
      const QfkChannelFrom *f = &from[plane * 4 + lane];
      const bool fill = f->input == QFK_CHANNELS_HVX_FILL;
      const QfkChannelPiece one = {f->input, fill ? 0 : f->channel / 4, fill ? 0 : f->channel % 4 - lane,
                                   (uint32_t)0xff << (8 * lane)};
      int32_t at = 0;
      while (at < n &&
             (pieces[at].input != one.input || pieces[at].plane != one.plane || pieces[at].turn != one.turn))
        at++;
      if (at == n)
        pieces[n++] = one;
      else
        pieces[at].mask |= one.mask;
    }
    if (n == 1 && pieces[0].turn == 0) /* lanes beyond the channels may hold anything */
      pieces[0].mask = UINT32_MAX;
    for (; n < 4; n++)
      pieces[n] = (QfkChannelPiece){0};
  }
}
