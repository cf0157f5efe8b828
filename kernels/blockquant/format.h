/* SPDX-License-Identifier: MIT */
/*
 * format.h - storage formats of weights in blocks, as data: how many values a block holds, in how many bytes, and what they are.
 *
 * Bytes of a block are little endian. Decoding does each operation in float32, in the order that the formulas of
 * README.md have, so that results are the same bits everywhere.
 */
#ifndef QFK_BLOCKQUANT_FORMAT_H
#define QFK_BLOCKQUANT_FORMAT_H

#include <stddef.h>
#include <stdint.h>

typedef enum {
#define QFK_BLOCK(name, number, values, bytes, decoder, ...) QFK_BLOCK_##name,
#include "formats.inc"
#undef QFK_BLOCK
  QFK_N_BLOCK_FORMATS
} QfkBlockFormat;

/* The most values and bytes of a block. */
#define QFK_BLOCK_MAX_VALUES 256
#define QFK_BLOCK_MAX_BYTES 292

/* Multi-byte numbers that follow each other inside a block. */
typedef struct {
  uint16_t offset;
  uint8_t size, count; /* bytes of each; how many; 0: none */
} QfkBlockRun;

typedef struct {
  const char *name;       /* "Q4_0" */
  int32_t number;         /* type number in GGUF files; -1: not used there */
  uint16_t values, bytes; /* of one block */
  QfkBlockRun numbers[2]; /* what byte order changes */
  void (*decode)(const uint8_t *block, float *values);
} QfkBlockDef;

/* By QfkBlockFormat. */
extern const QfkBlockDef qfk_block_formats[QFK_N_BLOCK_FORMATS];

/* The format with that number in GGUF files; NULL: there is none. */
const QfkBlockDef *qfk_block_by_number(int64_t number);

/* Decodes @n_blocks. F64, I32 and I64 round to float32. */
void qfk_block_decode(const QfkBlockDef *format, const uint8_t *blocks, size_t n_blocks, float *values);

/* Copies @n_blocks with the bytes of each number reversed. */
void qfk_block_swap(const QfkBlockDef *format, const uint8_t *blocks, size_t n_blocks, uint8_t *swapped);

/* The inputs of ONNX's MatMulNBits. */
typedef struct {
  uint32_t bits;            /* 4 or 8 */
  uint32_t block_size;      /* a power of two, 16 or more */
  size_t rows, k;           /* of the weight: N and K */
  const uint8_t *codes;     /* B: [rows][blocks][block_size * bits / 8] */
  const float *scales;      /* [rows][blocks] */
  const uint8_t *zeros;     /* packed, each row in whole bytes; NULL: 8 or 128 */
  const float *float_zeros; /* [rows][blocks], in place of zeros; NULL: none */
} QfkNbits;

/* The format that holds such weights; NULL when there is none for these parameters. */
const QfkBlockDef *qfk_block_nbits(uint32_t bits, uint32_t block_size);

/* Writes rows * ceil(k / values) blocks of that format. */
void qfk_block_pack_nbits(const QfkNbits *n, uint8_t *blocks);

#endif
