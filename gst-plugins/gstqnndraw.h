/* SPDX-License-Identifier: MIT */
/*
 * gstqnndraw.h - drawing straight into mapped video frames of 8 bits a component, whatever their format.
 *
 * Every component is a plane of its own to these functions (address, strides, subsampling), so that NV12, I420, YUY2
 * and RGB take the same code. All coordinates are frame pixels; what lies outside is clipped.
 */
#ifndef GST_QNN_DRAW_H
#define GST_QNN_DRAW_H

#include "gstqnnfont.h"
#include <gst/video/video.h>
#include <qnnflow/decode.h>

/* A colour as the components of the canvas have it. */
typedef struct {
  guint8 c[3];
} GstQnnColor;

typedef struct {
  gint width, height;
  guint n; /* components that carry colour: 3, or 1 for grey */
  struct {
    guint8 *data;
    gint stride, step;      /* bytes from row to row and from sample to sample */
    gint width, height;     /* samples */
    guint shift_x, shift_y; /* subsampling: samples = pixels >> shift */
  } comp[3];
  gboolean rgb, full_range;
  gdouble kr, kb; /* of the Y'CbCr matrix */
} GstQnnCanvas;

/* @frame must stay mapped for reading and writing while the canvas is used. */
void gst_qnn_canvas_init(GstQnnCanvas *canvas, GstVideoFrame *frame);

/* @rgb: 0xRRGGBB. */
GstQnnColor gst_qnn_canvas_color(const GstQnnCanvas *canvas, guint32 rgb);

void gst_qnn_canvas_fill(const GstQnnCanvas *canvas, gint x, gint y, gint width, gint height,
                         GstQnnColor color);

/* The outline of a box, @line pixels thick, inside it. */
void gst_qnn_canvas_box(const GstQnnCanvas *canvas, gint x, gint y, gint width, gint height, gint line,
                        GstQnnColor color);

void gst_qnn_canvas_disc(const GstQnnCanvas *canvas, gint x, gint y, gint radius, GstQnnColor color);

/* One line of text with its top left corner at x, y. */
void gst_qnn_canvas_text(const GstQnnCanvas *canvas, const GstQnnFont *font, gint x, gint y,
                         const gchar *text, GstQnnColor color);

/* Tints the pixels of each class but 0 with colors[class % n_colors]; @alpha: 0..256. */
void gst_qnn_canvas_mask(const GstQnnCanvas *canvas, const QfMask *mask, const GstQnnColor *colors,
                         guint n_colors, guint alpha);

#endif
