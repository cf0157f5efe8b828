/* SPDX-License-Identifier: MIT */
/*
 * gstqnndecode.h - the instance of qnndecode, shared by its files: negotiation and streaming, and results.
 */
#ifndef GST_QNN_DECODE_H
#define GST_QNN_DECODE_H

#include "gstqnnmeta.h"
#include "gstqnnprop.h"
#include <gst/video/video.h>
#include <stdio.h>

G_DECLARE_FINAL_TYPE(GstQnnDecode, gst_qnn_decode, GST, QNN_DECODE, GstBaseTransform)

struct _GstQnnDecode {
  GstBaseTransform parent;

  /* properties, under the object lock */
  gchar *name, *labels, *params, *json_path, *active;
  gdouble threshold, iou_threshold;
  guint max_results, hold;
  gboolean message;
  guint64 average_ns;
  gint serial; /* atomic: counts settings */

  /* of the streaming thread, from set_caps to stop */
  gboolean caps_suit;  /* caps that suit both sides have been found */
  gboolean text;       /* downstream takes JSON, not frames */
  GstCaps *frame_caps; /* NULL when text */
  GstQnnTensors *tensors;
  gint image_width, image_height;
  gint used_serial;
  QfDecoder *decoder;
  GPtrArray *pending; /* GstQnnResults of the tensors of one frame */
  GstQnnResults *last;
  guint age; /* frames since @last */
  guint64 n_buffers, n_decoded, total_ns;
  guint next_id;
  FILE *json_file;
  gboolean has_labels;     /* the decoder was given a file of labels */
  gboolean labels_doubted; /* it lacked one, and that was told */
};

/* Attaches results to a frame (metas for readers of GStreamer's and of ours). @frame must be writable. */
void gst_qnn_decode_attach(GstQnnDecode *self, GstBuffer *frame, const GstVideoInfo *info,
                           GstQnnResults *results);

/* Writes a line to the JSON file and posts the message, as the properties want. @json: without a newline. FALSE when the
 * line cannot be written, which is posted as an error. */
gboolean gst_qnn_decode_publish(GstQnnDecode *self, GstQnnResults *results, GstClockTime pts,
                                const gchar *json);

#endif
