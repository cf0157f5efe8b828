/* SPDX-License-Identifier: MIT */
/*
 * gstqnnfont.h - a small font drawn from strokes, ASCII 32 to 126, at any height.
 */
#ifndef GST_QNN_FONT_H
#define GST_QNN_FONT_H

#include <glib.h>

#define GST_QNN_FONT_FIRST 32
#define GST_QNN_FONT_COUNT 95

typedef struct {
  gint width, height; /* of a cell, in pixels */
  guint8 *alpha;      /* coverage, 0..255: glyph after glyph, height rows of width */
} GstQnnFont;

/* @height: of a cell, 8 to 256 pixels. Free with gst_qnn_font_free(). */
GstQnnFont *gst_qnn_font_new(gint height);
void gst_qnn_font_free(GstQnnFont *font);

/* Coverage of a character; others than ASCII 32..126 look like '?'. */
const guint8 *gst_qnn_font_glyph(const GstQnnFont *font, guchar character);

#endif
