/* SPDX-License-Identifier: MIT */
/*
 * formats.h - what a pixel format is, as data, and what a colour matrix is, in numbers.
 * Adding a format with 8-bit samples is one row in formats.c.
 */
#ifndef QF_IMAGE_FORMATS_H
#define QF_IMAGE_FORMATS_H

#include <qnnflow/image.h>

#include "kernels/image/image.h"

typedef enum { QF_FAMILY_YUV, QF_FAMILY_RGB, QF_FAMILY_GRAY } QfPixelFamily;

typedef struct {
  const char *name;  /* GStreamer's spelling */
  const char *lower; /* for kernel names */
  QfPixelFamily family;
  int32_t n_planes;
  struct {
    int32_t shift_x; /* log2 of the pixels that share a unit */
    int32_t bytes;   /* of a unit */
  } plane[3];
  QfkImageComponent component[3]; /* Y, Cb, Cr or R, G, B or Y */
} QfPixelInfo;

/* NULL when @format is not one. */
const QfPixelInfo *qf_pixel_info(QfPixelFormat format);

/* Bytes of a row of plane @p without padding. */
int32_t qf_pixel_row_bytes(const QfPixelInfo *info, int32_t p, int32_t width);

/*
 * The matrix and bias from the components of @frame to the channels of @target. @spec gets its components too: one when
 * one is enough.
 */
void qf_color_setup(const QfPixelInfo *info, const QfImage *frame, QfChannelOrder channels,
                    QfkImageSpec *spec);

/* What @converter was last asked for, for tests that compare its kernels with the reference. */
const QfkImageSpec *qf_image_converter_spec(const QfImageConverter *converter);

#endif
