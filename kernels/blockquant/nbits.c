/* SPDX-License-Identifier: MIT */
/*
 * nbits.c - from the separate inputs of ONNX's MatMulNBits to blocks. Runs when a model is made: clear before fast.
 */
#include "format.h"

#include <string.h>

const QfkBlockDef *qfk_block_nbits(uint32_t bits, uint32_t block_size)
{
  static const QfkBlockFormat formats[2][4] = {{QFK_BLOCK_NB4_16, QFK_BLOCK_NB4_32, QFK_BLOCK_NB4_64,
                                                QFK_BLOCK_NB4_128},
                                               {QFK_BLOCK_NB8_16, QFK_BLOCK_NB8_32, QFK_BLOCK_NB8_64,
                                                QFK_BLOCK_NB8_128}};
  if ((bits != 4 && bits != 8) || block_size < 16 || (block_size & (block_size - 1)))
    return NULL;
  int i = 0;
  while (i < 3 && (16u << i) < block_size)
    i++;
  return &qfk_block_formats[formats[bits == 8][i]];
}

/* The zero point of source block @i of row @row. */
static float zero_point(const QfkNbits *n, size_t row, size_t n_blocks, size_t i)
{
  if (n->float_zeros)
    return n->float_zeros[row * n_blocks + i];
  if (!n->zeros)
    return n->bits == 4 ? 8 : 128;
  if (n->bits == 8)
    return n->zeros[row * n_blocks + i];
  return (float)(n->zeros[row * ((n_blocks + 1) / 2) + i / 2] >> (i % 2 * 4) & 15);
}

static void store_float(uint8_t *p, float f)
{
  uint32_t u;
  memcpy(&u, &f, 4);
  for (int i = 0; i < 4; i++)
    p[i] = (uint8_t)(u >> 8 * i);
}

void qfk_block_pack_nbits(const QfkNbits *n, uint8_t *blocks)
{
  const QfkBlockDef *f = qfk_block_nbits(n->bits, n->block_size);
  const size_t n_blocks = (n->k + n->block_size - 1) / n->block_size, code_bytes = f->bytes - 8u;
  const size_t source_bytes = (size_t)n->block_size * n->bits / 8;
  for (size_t row = 0; row < n->rows; row++)
    for (size_t k = 0; k < n->k; k += f->values, blocks += f->bytes) {
      const size_t i = k / n->block_size, within = k % n->block_size * n->bits / 8;
      store_float(blocks, n->scales[row * n_blocks + i]);
      store_float(blocks + 4, zero_point(n, row, n_blocks, i));
      memcpy(blocks + 8, n->codes + (row * n_blocks + i) * source_bytes + within, code_bytes);
    }
}
