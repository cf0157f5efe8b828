/* SPDX-License-Identifier: MIT */
/*
 * picture.h - image files as packed RGB, decoded by GStreamer. Only in builds with GStreamer.
 */
#ifndef QF_TOOLS_PICTURE_H
#define QF_TOOLS_PICTURE_H

#include <qnnflow/image.h>

G_BEGIN_DECLS

/* A picture in memory. Zero-initialise; free with qf_picture_clear(). */
typedef struct {
  int32_t width, height;
  int32_t stride_bytes;
  uint8_t *rgb; /* owned; rows of width * 3 bytes, stride_bytes apart */
} QfPicture;

/* TRUE when the file starts as a PNG, JPEG, BMP or GIF does. */
gboolean qf_picture_is_one(const uint8_t *bytes, size_t length);

/* Decodes a file. FALSE with QF_ERROR_FILE or _FORMAT. Starts GStreamer when nobody did. */
gboolean qf_picture_read(const char *path, QfPicture *picture, GError **error);

void qf_picture_clear(QfPicture *picture);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(QfPicture, qf_picture_clear)

G_END_DECLS

#endif
