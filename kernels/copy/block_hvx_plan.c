/* SPDX-License-Identifier: MIT */
/*
 * block_hvx_plan.c - depth to space and back as a move of words and an order of channels. Plain C, for any machine. See block_hvx.h.
 */
#include "block_hvx.h"
#include "../hvx/d4.h"

static int32_t planes_of(const QfkBlock *b)
{
  return qfk_d4_planes((int32_t)b->c);
}

/* Dimensions: plane, row of blocks, row in a block, column of blocks, column in a block. */
void qfk_block_hvx_nest(QfkNd *nd, const QfkBlock *b, bool to_depth)
{
  const int64_t planes = planes_of(b), gh = (int64_t)(b->h / b->block_h), gw = (int64_t)(b->w / b->block_w);
  const int64_t bh = (int64_t)b->block_h, bw = (int64_t)b->block_w, w = (int64_t)b->w;
  const int64_t dims[] = {planes, gh, bh, gw, bw};
  const int64_t flat[] = {(int64_t)b->h * w, bh * w, w, bw, 1};
  const int64_t deep[] = {gh * gw, gw, bw * planes * gh * gw, 1, planes * gh * gw};
  /* The output's own order, so that what is dense in both is joined. */
  static const int order[2][5] = {{0, 1, 2, 3, 4}, {2, 4, 0, 1, 3}};
  *nd = (QfkNd){.rank = 5, .n_operands = 2};
  for (int i = 0; i < 5; i++) {
    const int d = order[to_depth][i];
    nd->dims[i] = dims[d];
    nd->stride[to_depth][i] = flat[d];
    nd->stride[!to_depth][i] = deep[d];
  }
}

int32_t qfk_block_hvx_channels(const QfkBlock *b)
{
  return planes_of(b) * 4 * (int32_t)(b->block_h * b->block_w);
}

bool qfk_block_hvx_in_order(const QfkBlock *b)
{
  return b->c % 4 == 0 && (!b->crd || b->block_h * b->block_w == 1);
}

void qfk_block_hvx_order(const QfkBlock *b, bool to_depth, QfkChannelFrom *from)
{
  const int32_t blocks = (int32_t)(b->block_h * b->block_w), c = (int32_t)b->c, filled = planes_of(b) * 4;
  for (int32_t place = 0; place < blocks; place++)
    for (int32_t i = 0; i < filled; i++) {
      const int32_t deep = b->crd ? i * blocks + place : place * c + i, at = place * filled + i;
      if (!to_depth)
        from[at] = i < c ? (QfkChannelFrom){0, deep} : (QfkChannelFrom){QFK_CHANNELS_HVX_FILL, 0};
      else if (i < c)
        from[deep] = (QfkChannelFrom){0, at};
    }
}
