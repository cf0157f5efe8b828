/* SPDX-License-Identifier: MIT */
/*
 * format.c - the table of storage formats, and what works on any of them.
 */
#include "decode.h"

#include <string.h>

const QfkBlockDef qfk_block_formats[QFK_N_BLOCK_FORMATS] = {
#define QFK_BLOCK(name, number, values, bytes, decoder, ...)                                                 \
  {#name, number, values, bytes, {__VA_ARGS__}, qfk_decode_##decoder},
#include "formats.inc"
#undef QFK_BLOCK
};

const QfkBlockDef *qfk_block_by_number(int64_t number)
{
  for (int i = 0; number >= 0 && i < QFK_N_BLOCK_FORMATS; i++)
    if (qfk_block_formats[i].number == number)
      return &qfk_block_formats[i];
  return NULL;
}

void qfk_block_decode(const QfkBlockDef *format, const uint8_t *blocks, size_t n_blocks, float *values)
{
  for (size_t i = 0; i < n_blocks; i++, blocks += format->bytes, values += format->values)
    format->decode(blocks, values);
}

static void swap_run(const QfkBlockRun *run, uint8_t *block)
{
  for (uint8_t *p = block + run->offset, *end = p + run->size * run->count; p < end; p += run->size)
    for (int i = 0; i < run->size / 2; i++) {
      const uint8_t b = p[i];
      p[i] = p[run->size - 1 - i];
      p[run->size - 1 - i] = b;
    }
}

void qfk_block_swap(const QfkBlockDef *format, const uint8_t *blocks, size_t n_blocks, uint8_t *swapped)
{
  memcpy(swapped, blocks, n_blocks * format->bytes);
  for (size_t i = 0; i < n_blocks; i++, swapped += format->bytes)
    for (int k = 0; k < 2; k++)
      swap_run(&format->numbers[k], swapped);
}
