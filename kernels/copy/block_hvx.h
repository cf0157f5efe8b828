/* SPDX-License-Identifier: MIT */
/*
 * block_hvx.h - depth to space and back on planes of four channels, for HVX: a move of words (move_hvx.h) between a flat image and one whose
 * channels are [block row][block column][channel in whole planes], and an order of channels (channels_hvx.h) where that is not how they lie.
 */
#ifndef QFK_BLOCK_HVX_H
#define QFK_BLOCK_HVX_H

#include "../block/block.h"
#include "../nd.h"
#include "channels_hvx.h"

/* The move of words, of elements of 4 bytes, of one image. */
void qfk_block_hvx_nest(QfkNd *nd, const QfkBlock *b, bool to_depth);

/* Channels of the deep image as the move takes or gives them: those of b->c, filled up to whole planes, for each place in a block. */
int32_t qfk_block_hvx_channels(const QfkBlock *b);
/* TRUE: the deep image lies like that already, and the move is all. */
bool qfk_block_hvx_in_order(const QfkBlock *b);
/* Where channels come from. To space, before the move: those of the move [qfk_block_hvx_channels()] from the input. To depth, after the move:
 * those of the output [c * block_h * block_w] from the move. */
void qfk_block_hvx_order(const QfkBlock *b, bool to_depth, QfkChannelFrom *from);

#endif
