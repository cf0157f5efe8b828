/* SPDX-License-Identifier: MIT */
/*
 * formats.c - the table of pixel formats and the colour matrices of ITU-R BT.601-7, BT.709-6 and BT.2020-2.
 */
#include "formats.h"

#include <string.h>

#define PACKED_RGB(name, lower, size, r, g, b)                                                               \
  {                                                                                                          \
    name, lower, QF_FAMILY_RGB, 1, {{0, size}},                                                              \
    {                                                                                                        \
      {0, r, size, 0, 0}, {0, g, size, 0, 0},                                                                \
      {                                                                                                      \
        0, b, size, 0, 0                                                                                     \
      }                                                                                                      \
    }                                                                                                        \
  }
#define PACKED_YUV(name, lower, y, cb, cr)                                                                   \
  {                                                                                                          \
    name, lower, QF_FAMILY_YUV, 1, {{1, 4}},                                                                 \
    {                                                                                                        \
      {0, y, 2, 0, 0}, {0, cb, 4, 1, 0},                                                                     \
      {                                                                                                      \
        0, cr, 4, 1, 0                                                                                       \
      }                                                                                                      \
    }                                                                                                        \
  }
#define SEMI_PLANAR(name, lower, cb, cr)                                                                     \
  {                                                                                                          \
    name, lower, QF_FAMILY_YUV, 2, {{0, 1}, {1, 2}},                                                         \
    {                                                                                                        \
      {0, 0, 1, 0, 0}, {1, cb, 2, 1, 1},                                                                     \
      {                                                                                                      \
        1, cr, 2, 1, 1                                                                                       \
      }                                                                                                      \
    }                                                                                                        \
  }

static const QfPixelInfo pixels[QF_N_PIXELS] = {
    [QF_PIXEL_NV12] = SEMI_PLANAR("NV12", "nv12", 0, 1),
    [QF_PIXEL_NV21] = SEMI_PLANAR("NV21", "nv21", 1, 0),
    [QF_PIXEL_I420] = {"I420",
                       "i420",
                       QF_FAMILY_YUV,
                       3,
                       {{0, 1}, {1, 1}, {1, 1}},
                       {{0, 0, 1, 0, 0}, {1, 0, 1, 1, 1}, {2, 0, 1, 1, 1}}},
    [QF_PIXEL_YUY2] = PACKED_YUV("YUY2", "yuy2", 0, 1, 3),
    [QF_PIXEL_UYVY] = PACKED_YUV("UYVY", "uyvy", 1, 0, 2),
    [QF_PIXEL_RGB] = PACKED_RGB("RGB", "rgb", 3, 0, 1, 2),
    [QF_PIXEL_BGR] = PACKED_RGB("BGR", "bgr", 3, 2, 1, 0),
    [QF_PIXEL_RGBA] = PACKED_RGB("RGBA", "rgba", 4, 0, 1, 2),
    [QF_PIXEL_BGRA] = PACKED_RGB("BGRA", "bgra", 4, 2, 1, 0),
    [QF_PIXEL_ARGB] = PACKED_RGB("ARGB", "argb", 4, 1, 2, 3),
    [QF_PIXEL_ABGR] = PACKED_RGB("ABGR", "abgr", 4, 3, 2, 1),
    [QF_PIXEL_GRAY8] = {"GRAY8", "gray8", QF_FAMILY_GRAY, 1, {{0, 1}}, {{0, 0, 1, 0, 0}}},
};

const QfPixelInfo *qf_pixel_info(QfPixelFormat format)
{
  return (unsigned)format < QF_N_PIXELS && pixels[format].name ? &pixels[format] : NULL;
}

int32_t qf_pixel_n_planes(QfPixelFormat format)
{
  const QfPixelInfo *info = qf_pixel_info(format);
  return info ? info->n_planes : 0;
}

const char *qf_pixel_name(QfPixelFormat format)
{
  const QfPixelInfo *info = qf_pixel_info(format);
  return info ? info->name : NULL;
}

QfPixelFormat qf_pixel_from_name(const char *name)
{
  for (int i = 0; name && i < QF_N_PIXELS; i++)
    if (pixels[i].name && !strcmp(pixels[i].name, name))
      return (QfPixelFormat)i;
  return QF_PIXEL_INVALID;
}

int32_t qf_pixel_row_bytes(const QfPixelInfo *info, int32_t p, int32_t width)
{
  int32_t shift = info->plane[p].shift_x;
  return ((width + (1 << shift) - 1) >> shift) * info->plane[p].bytes;
}

/* Weights of R and B in luma; G has the rest. */
static const double luma_weights[][2] = {
    [QF_MATRIX_BT601] = {0.299, 0.114},
    [QF_MATRIX_BT709] = {0.2126, 0.0722},
    [QF_MATRIX_BT2020] = {0.2627, 0.0593},
};

/* R, G, B from Y, Cb, Cr. */
static void yuv_matrix(const QfImage *frame, double m[3][3], double bias[3])
{
  double kr = luma_weights[frame->matrix][0], kb = luma_weights[frame->matrix][1], kg = 1 - kr - kb;
  double sy = frame->full_range ? 1 : 255.0 / 219, sc = frame->full_range ? 1 : 255.0 / 224;
  double black = frame->full_range ? 0 : 16;
  const double rows[3][3] = {
      {sy, 0, 2 * (1 - kr) * sc},
      {sy, -2 * kb * (1 - kb) / kg * sc, -2 * kr * (1 - kr) / kg * sc},
      {sy, 2 * (1 - kb) * sc, 0},
  };
  memcpy(m, rows, sizeof rows);
  for (int c = 0; c < 3; c++)
    bias[c] = -rows[c][0] * black - (rows[c][1] + rows[c][2]) * 128;
}

static void rgb_matrix(const QfPixelInfo *info, double m[3][3])
{
  for (int c = 0; c < 3; c++)
    m[c][info->family == QF_FAMILY_GRAY ? 0 : c] = 1;
}

void qf_color_setup(const QfPixelInfo *info, const QfImage *frame, QfChannelOrder channels,
                    QfkImageSpec *spec)
{
  static const double luma[3] = {0.299, 0.587, 0.114};
  double m[3][3] = {{0}}, bias[3] = {0};
  if (info->family == QF_FAMILY_YUV)
    yuv_matrix(frame, m, bias);
  else
    rgb_matrix(info, m);
  spec->channels = channels == QF_CHANNELS_GRAY ? 1 : 3;
  spec->n_components = info->family == QF_FAMILY_GRAY ? 1 : 3;
  memcpy(spec->component, info->component, sizeof spec->component);
  if (channels == QF_CHANNELS_GRAY && info->family == QF_FAMILY_YUV) {
    spec->n_components = 1;
    spec->matrix[0][0] = m[0][0];
    spec->bias[0] = frame->full_range ? 0 : -16 * m[0][0];
  } else if (channels == QF_CHANNELS_GRAY) {
    for (int k = 0; k < 3; k++)
      spec->matrix[0][k] = info->family == QF_FAMILY_GRAY ? m[0][k] : luma[k];
  } else {
    for (int c = 0; c < 3; c++) {
      int from = channels == QF_CHANNELS_BGR ? 2 - c : c;
      memcpy(spec->matrix[c], m[from], sizeof m[from]);
      spec->bias[c] = bias[from];
    }
  }
}
