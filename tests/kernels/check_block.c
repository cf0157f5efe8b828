/* SPDX-License-Identifier: MIT */
/*
 * check_block.c - storage formats: decoded values bit for bit as the gguf package has them (block_values.inc), byte order, and the
 * blocks made of MatMulNBits' inputs.
 */
#include "check.h"
#include "kernels/blockquant/format.h"

#include <stdio.h>
#include <string.h>

#define BLOCKS 64

static uint32_t crc32_of(const uint8_t *p, size_t n)
{
  uint32_t crc = UINT32_MAX;
  for (size_t i = 0; i < n; i++) {
    crc ^= p[i];
    for (int k = 0; k < 8; k++)
      crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
  }
  return ~crc;
}

/* The bytes that block_values.py makes too. */
static void make_blocks(const QfkBlockDef *f, uint8_t *blocks)
{
  uint32_t state = (uint32_t)f->number + 1;
  for (size_t i = 0; i < (size_t)BLOCKS * f->bytes; i++) {
    state = state * 1664525u + 1013904223u;
    blocks[i] = (uint8_t)(state >> 24);
  }
  for (size_t i = 0; i < BLOCKS; i++)
    for (int k = 0; k < 2; k++)
      for (int j = 0; j < f->numbers[k].count; j++)
        blocks[i * f->bytes + f->numbers[k].offset + (j + 1) * f->numbers[k].size - 1] &= 0xbf;
  const bool iq1_m = f == &qfk_block_formats[QFK_BLOCK_IQ1_M];
  for (size_t i = 0; (iq1_m || f == &qfk_block_formats[QFK_BLOCK_MXFP4]) && i < BLOCKS; i++)
    blocks[i * f->bytes + (iq1_m ? 55 : 0)] &= 0xbf;
}

static void check_values(QfkBlockFormat format, uint32_t crc, float first, float last)
{
  const QfkBlockDef *f = &qfk_block_formats[format];
  const size_t n = (size_t)BLOCKS * f->values;
  uint8_t *blocks = chk_alloc((size_t)BLOCKS * f->bytes), *swapped = chk_alloc((size_t)BLOCKS * f->bytes),
          *back = chk_alloc((size_t)BLOCKS * f->bytes);
  float *y = chk_alloc(n * sizeof(float));
  make_blocks(f, blocks);
  qfk_block_decode(f, blocks, BLOCKS, y);
  bool ok = crc32_of((const uint8_t *)y, n * sizeof(float)) == crc && chk_same(y, &first, 4) &&
            chk_same(y + n - 1, &last, 4);
  qfk_block_swap(f, blocks, BLOCKS, swapped);
  qfk_block_swap(f, swapped, BLOCKS, back);
  ok &= chk_same(blocks, back, (size_t)BLOCKS * f->bytes);
  for (int k = 0; k < 2; k++)
    for (int i = 0; i < f->numbers[k].size && f->numbers[k].count; i++)
      ok &= swapped[f->numbers[k].offset + i] == blocks[f->numbers[k].offset + f->numbers[k].size - 1 - i];
  ok &= chk_free_all() && qfk_block_by_number(f->number) == f;
  chk_result(ok, f->name, "%d blocks", BLOCKS);
}

/* value = (q - zero) * scale, with the codes and zero points where MatMulNBits has them. */
static void check_nbits(uint32_t bits, uint32_t block_size, uint32_t k, int zeros)
{
  enum { ROWS = 3 };
  const QfkBlockDef *f = qfk_block_nbits(bits, block_size);
  const size_t n_blocks = (k + block_size - 1) / block_size, code_bytes = (size_t)block_size * bits / 8,
               per_row = (k + f->values - 1u) / f->values;
  uint8_t *codes = chk_alloc(ROWS * n_blocks * code_bytes), *zero = chk_alloc(ROWS * n_blocks);
  float *scales = chk_alloc(ROWS * n_blocks * 4), *float_zero = chk_alloc(ROWS * n_blocks * 4);
  uint8_t *blocks = chk_alloc(ROWS * per_row * f->bytes);
  chk_fill_bytes(codes, ROWS * n_blocks * code_bytes, CHK_PLAIN);
  chk_fill_bytes(zero, ROWS * n_blocks, CHK_PLAIN);
  chk_fill_f32(scales, ROWS * n_blocks, CHK_PLAIN);
  chk_fill_f32(float_zero, ROWS * n_blocks, CHK_PLAIN);
  const QfkNbits in = {
      bits, block_size, ROWS, k, codes, scales, zeros == 1 ? zero : NULL, zeros == 2 ? float_zero : NULL};
  qfk_block_pack_nbits(&in, blocks);
  bool ok = true;
  for (size_t r = 0; r < ROWS; r++)
    for (size_t i = 0; i < k; i++) {
      const size_t b = r * n_blocks + i / block_size, at = i % block_size;
      const uint8_t byte = codes[b * code_bytes + at * bits / 8];
      const int q = bits == 8 ? byte : at % 2 ? byte >> 4 : byte & 15;
      const size_t zero_row = bits == 8 ? n_blocks : (n_blocks + 1) / 2;
      const uint8_t z = zero[r * zero_row + i / block_size * bits / 8];
      const float zp = zeros == 2   ? float_zero[b]
                       : zeros == 0 ? (bits == 8 ? 128.0f : 8.0f)
                       : bits == 8  ? z
                                    : (float)(i / block_size % 2 ? z >> 4 : z & 15);
      float v[QFK_BLOCK_MAX_VALUES];
      f->decode(blocks + (r * per_row + i / f->values) * f->bytes, v);
      ok &= v[i % f->values] == ((float)q - zp) * scales[b];
    }
  ok &= chk_free_all();
  chk_result(ok, f->name, "from blocks of %u, k %u, zero points %d", block_size, k, zeros);
}

void chk_block(void)
{
#define BLOCK(format, crc, first, last) check_values(QFK_BLOCK_##format, crc, first, last);
#include "block_values.inc"
#undef BLOCK
  for (uint32_t bits = 4; bits <= 8; bits += 4)
    for (uint32_t size = 16; size <= 256; size *= 2)
      for (int zeros = 0; zeros < 3; zeros++)
        check_nbits(bits, size, zeros == 1 ? 3 * size : 2 * size + 5, zeros);
  chk_result(!qfk_block_nbits(2, 32) && !qfk_block_nbits(4, 8) && !qfk_block_nbits(4, 48) &&
                 !qfk_block_by_number(-1) && !qfk_block_by_number(4) && !qfk_block_by_number(1000),
             "blocks", "that do not exist");
}
