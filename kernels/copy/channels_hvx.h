/* SPDX-License-Identifier: MIT */
/*
 * channels_hvx.h - images in planes of four channels (kernels/hvx/d4.h) whose channels are those of others in any order, for HVX: Concat and
 * Split along channels, whatever their numbers, slices of channels, channel shuffle, padding by channels. Exact copies.
 */
#ifndef QFK_CHANNELS_HVX_H
#define QFK_CHANNELS_HVX_H

#include "../common.h"

#define QFK_CHANNELS_HVX_FILL (-1)

/* Where a channel comes from; @input QFK_CHANNELS_HVX_FILL: it is the value that fills. */
typedef struct {
  int32_t input, channel;
} QfkChannelFrom;

/* Lanes of a plane that come from one plane of an input. */
typedef struct {
  int32_t input, plane;
  int32_t turn;  /* bytes a vector is turned by */
  uint32_t mask; /* 0xff for each lane; 0: none (the pieces end) */
} QfkChannelPiece;

typedef struct {
  int32_t channels, pixels; /* pixels of every image */
  uint8_t fill;
  const QfkChannelPiece *pieces; /* [planes][4] */
} QfkChannelsHvx;

/* FALSE: the tensors do not fit 2^31 bytes. */
bool qfk_channels_hvx_init(QfkChannelsHvx *p, int32_t channels, int32_t pixels, uint8_t fill);

/* Pieces: four for each plane of @channels. @from [channels]. */
size_t qfk_channels_hvx_pieces(const QfkChannelsHvx *p);
void qfk_channels_hvx_pack(const QfkChannelsHvx *p, const QfkChannelFrom *from, QfkChannelPiece *pieces);

/* Pixels [@first, @first + @n) of all planes; any of them at the same time. @x: the inputs, each of which may be read for 128 bytes beyond
 * its end. */
void qfk_channels_u8_hvx(const QfkChannelsHvx *p, const uint8_t *const *x, int32_t first, int32_t n,
                         uint8_t *y);

#endif
