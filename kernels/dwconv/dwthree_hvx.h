/* SPDX-License-Identifier: MIT */
/*
 * dwthree_hvx.h - depthwise filters of up to 3x3 with stride 1 or 2, for HVX: what dwconv_hvx.h does with most of them.
 *
 * A word is four rows of one channel at one pixel: bytes of four rows of a plane, transposed, give words of four channels. So a
 * column of the filter is one vrmpy by a scalar, for 32 pixels, and with stride 1 the same word serves two output rows. Words of an
 * image follow each other with the padding of one side between rows; small images fill vectors too. Internal to dwconv_hvx.
 */
#ifndef QFK_DWTHREE_HVX_H
#define QFK_DWTHREE_HVX_H

#include "dwconv_hvx.h"

/* Fills p->three, if a shape is one of these. */
void qfk_dwthree_hvx_init(QfkDwconvHvx *p);

/* Words of weights of a channel: three columns, of each output row; whole pairs, and in the last whether the channel is narrow. */
static inline int32_t qfk_dwthree_hvx_words(const QfkDwconvHvx *p)
{
  return p->three.rows == 2 ? 8 : 4;
}

/* Whether a channel's sums, between @least and @most, may be cut to 16 bits: signed, or unsigned where the output has no zero point. */
bool qfk_dwthree_hvx_narrow(const QfkDwconvHvx *p, QfkFixed f, int64_t least, int64_t most);

/* Whether all channels of a plane are; by its weights. */
static inline bool qfk_dwthree_hvx_is_narrow(const QfkDwconvHvx *p, int32_t plane)
{
  const int32_t words = qfk_dwthree_hvx_words(p), *w = p->weights + 4 * plane * words + words - 1;
  return w[0] & w[words] & w[2 * words] & w[3 * words] & 1;
}

/* Bytes of a channel's words; of a run. */
size_t qfk_dwthree_hvx_part(const QfkDwconvHvx *p);
size_t qfk_dwthree_hvx_scratch(const QfkDwconvHvx *p);

void qfk_dwthree_hvx_run(const QfkDwconvHvx *p, const uint8_t *x, int32_t y0, uint8_t *y, void *scratch);

#endif
