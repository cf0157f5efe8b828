/* SPDX-License-Identifier: MIT */
/*
 * decode.h - the decoders of all formats, for the table in format.c.
 */
#ifndef QFK_BLOCKQUANT_DECODE_H
#define QFK_BLOCKQUANT_DECODE_H

#include "format.h"

#define QFK_BLOCK(name, number, values, bytes, decoder, ...)                                                 \
  void qfk_decode_##decoder(const uint8_t *block, float *y);
#include "formats.inc"
#undef QFK_BLOCK

/* Signed 4-bit code -> value: IQ4_NL and IQ4_XS; twice a 4-bit float (E2M1): MXFP4 and NVFP4. */
extern const int8_t qfk_iq4_values[16], qfk_e2m1_values[16];

/* The grids of the IQ formats: each entry packs the codes of its values, first value in the lowest bits. */
extern const uint16_t qfk_grid_iq2_xxs[256], qfk_grid_iq2_xs[512], qfk_grid_iq2_s[1024];
extern const uint16_t qfk_grid_iq3_xxs[256], qfk_grid_iq3_s[512];
extern const uint16_t qfk_grid_iq1[2048];

#endif
