/* SPDX-License-Identifier: MIT */
/*
 * d4.h - how an image of 8-bit values lies in memory for HVX: planes of four channels, [(c + 3) / 4][h][w][4].
 *
 * A vector is 32 neighbouring pixels of four channels, whose word is what one vrmpy takes in. Channels that fill up the last plane
 * may hold anything. Planes are dense, so vectors begin at any multiple of 4. A buffer can be read for QFK_D4_SLACK bytes
 * beyond its end; nothing is written there.
 *
 * An image of 16-bit values is one of bytes with twice as many planes: of each four channels the low bytes, then the high ones. What
 * moves planes needs to know no more of it.
 */
#ifndef QFK_D4_H
#define QFK_D4_H

#include <stddef.h>
#include <stdint.h>

#define QFK_D4_SLACK 256

static inline int32_t qfk_d4_planes(int32_t channels)
{
  return (channels + 3) / 4;
}

/* Bytes of one image of 8-bit values, without the slack; of 16-bit values it is twice that. */
static inline size_t qfk_d4_bytes(int32_t channels, int32_t h, int32_t w)
{
  return (size_t)qfk_d4_planes(channels) * (size_t)h * (size_t)w * 4;
}

#endif
