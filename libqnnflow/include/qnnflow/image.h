/* SPDX-License-Identifier: MIT */
/*
 * image.h - video frames to tensors in one fused pass: crop, resize, colour, normalise or quantise, layout.
 *
 * The formula, for output pixel (x, y) and channel c, with the region `crop` fitted into `fit`:
 *   source position  sx = crop.x + (x - fit.x + 0.5) * crop.width / fit.width - 0.5, clamped to the crop (same for y)
 *   sample           bilinear in each plane at that position (chroma at its own resolution, sited at the
 *                    centre of its block), or the area average when QF_FILTER_AREA shrinks
 *   colour           Y'CbCr -> R'G'B' with the matrix and range of the frame (ITU-R BT.601-7, BT.709-6, BT.2020-2),
 *                    in 0..255, clamped
 *   value            v = (rgb - mean[c]) / std[c]
 *   stored           float: v; integer: clamp(round-half-even(v / scale) - offset)
 * Pixels outside `fit` (letterbox) hold `border` in place of rgb.
 */
#ifndef QNNFLOW_IMAGE_H
#define QNNFLOW_IMAGE_H

#include <qnnflow/tensor.h>

G_BEGIN_DECLS

typedef enum {
  QF_PIXEL_INVALID = 0,
  QF_PIXEL_NV12, /* Y; CbCr interleaved at half width and height */
  QF_PIXEL_NV21, /* Y; CrCb interleaved */
  QF_PIXEL_I420, /* Y; Cb; Cr */
  QF_PIXEL_YUY2, /* Y0 Cb Y1 Cr */
  QF_PIXEL_UYVY, /* Cb Y0 Cr Y1 */
  QF_PIXEL_RGB,  /* 3 bytes a pixel, in memory order */
  QF_PIXEL_BGR,
  QF_PIXEL_RGBA, /* 4 bytes a pixel, in memory order; alpha or padding is ignored */
  QF_PIXEL_BGRA,
  QF_PIXEL_ARGB,
  QF_PIXEL_ABGR,
  QF_PIXEL_GRAY8,
  QF_N_PIXELS
} QfPixelFormat;

typedef enum {
  QF_MATRIX_BT601 = 0,
  QF_MATRIX_BT709,
  QF_MATRIX_BT2020,
} QfColorMatrix;

/* A frame in the caller's memory; nothing is kept after the call it is passed to. */
typedef struct {
  QfPixelFormat format;
  int32_t width, height;    /* pixels, 1 to 32768 */
  QfColorMatrix matrix;     /* Y'CbCr formats only */
  gboolean full_range;      /* Y'CbCr formats only: TRUE 0..255, FALSE 16..235/240 */
  const uint8_t *planes[3]; /* as many as the format has */
  int32_t strides[3];       /* bytes from one row to the next; may be padded */
} QfImage;

typedef struct {
  int32_t x, y, width, height; /* pixels */
} QfRect;

typedef enum {
  QF_FIT_STRETCH = 0,   /* fill the tensor, aspect ratio not kept */
  QF_FIT_LETTERBOX,     /* keep the aspect ratio, centre, fill the rest with the border */
  QF_FIT_LETTERBOX_TOP, /* keep the aspect ratio, top left, fill the rest with the border */
  QF_FIT_CROP,          /* keep the aspect ratio, cut off what is outside (centre crop) */
} QfFit;

typedef enum {
  QF_FILTER_BILINEAR = 0, /* two taps: what OpenCV, PIL's reducing-free resize and most training code use */
  QF_FILTER_AREA,         /* average of the covered pixels when shrinking */
} QfFilter;

typedef enum {
  QF_CHANNELS_RGB = 0,
  QF_CHANNELS_BGR,
  QF_CHANNELS_GRAY, /* luma: 0.299 R + 0.587 G + 0.114 B for R'G'B' frames, Y' expanded to full range otherwise */
} QfChannelOrder;

/* What to make. Zero-initialise: zero fields mean the defaults named here. */
typedef struct {
  QfDType dtype;           /* float32, float16, uint8, int8, int16 or uint16; required */
  QfLayout layout;         /* QF_LAYOUT_ANY means NHWC */
  int32_t width, height;   /* of the tensor; required */
  QfChannelOrder channels; /* 3 channels, or 1 with QF_CHANNELS_GRAY */
  QfFit fit;
  QfFilter filter;
  float mean[3], std[3]; /* in 0..255 units; std 0 means 1 */
  float scale;           /* for integer types: real = (q + offset) * scale; scale 0 means 1 */
  int32_t offset;
  uint8_t border[3]; /* R, G, B of the letterbox */
} QfImageTarget;

/* Where the frame went: decoders invert it. Exact: rectangles are integers. */
typedef struct {
  QfRect crop;                       /* region of the frame that was read, in frame pixels */
  QfRect fit;                        /* where it lies in the tensor, in tensor pixels */
  int32_t frame_width, frame_height; /* of the whole frame */
  int32_t width, height;             /* of the tensor */
} QfGeometry;

typedef struct _QfImageConverter QfImageConverter;

/*
 * Makes a converter for frames of one format, size, matrix and range (@frame's planes are not looked at) into
 * @target. All tables are made here; runs allocate nothing. NULL with QF_ERROR_ARGUMENT or _UNSUPPORTED.
 */
QF_API QfImageConverter *qf_image_converter_new(const QfImage *frame, const QfImageTarget *target,
                                                GError **error);
QF_API void qf_image_converter_free(QfImageConverter *converter);

/*
 * Converts @frame, or its region @crop (NULL: all of it; else clipped to the frame), into @tensor, which must
 * have room for width * height * channels elements. @geometry (may be NULL) is filled in. The frame must have the
 * format and size the converter was made for. A converter belongs to one thread at a time. FALSE with
 * QF_ERROR_ARGUMENT when the frame or the crop does not fit; @tensor is untouched then.
 */
QF_API gboolean qf_image_convert(QfImageConverter *converter, const QfImage *frame, const QfRect *crop,
                                 void *tensor, QfGeometry *geometry, GError **error);

/* Name of the kernel that was chosen ("nv12_bilinear_avx2", ...). Static. */
QF_API const char *qf_image_converter_kernel(const QfImageConverter *converter);

/* The number of planes of a format, and its name in GStreamer's spelling ("NV12"). 0 and NULL when invalid. */
QF_API int32_t qf_pixel_n_planes(QfPixelFormat format);
QF_API const char *qf_pixel_name(QfPixelFormat format);
QF_API QfPixelFormat qf_pixel_from_name(const char *name);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(QfImageConverter, qf_image_converter_free)

G_END_DECLS

#endif
