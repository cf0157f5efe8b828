/* SPDX-License-Identifier: MIT */
/*
 * gstqnnmeta.h - what travels with buffers: descriptions of tensors, the frame they came from, results.
 *
 * All three APIs have no tags, so every base transform and queue keeps them. A frame meta holds the only reference to
 * the original frame while it is on the line: who hands the frame on must be its sole owner for free write access.
 */
#ifndef GST_QNN_META_H
#define GST_QNN_META_H

#include "gstqnntensor.h"
#include <gst/gst.h>
#include <qnnflow/decode.h>

/* On tensor buffers: what the memories hold. */
typedef struct {
  GstMeta meta;
  GstQnnTensors *tensors; /* owned reference */
} GstQnnTensorMeta;

/* On tensor buffers: where they came from. A buffer of no bytes with a frame meta is a frame without inference. */
typedef struct {
  GstMeta meta;
  GstBuffer *frame;    /* the original, owned reference */
  QfGeometry geometry; /* where the frame lies in the tensor; all 0 on frames without inference */
  guint index, count;  /* this is tensor @index of @count made from the frame */
  guint64 number;      /* of the frame, from 0, since the converter started */
  guint64 entry_ns;    /* monotonic time at which the converter got the frame */
} GstQnnFrameMeta;

/* What one inference said about one frame. Immutable and reference counted; thread-safe. */
typedef struct {
  gint refcount;
  QfResults results; /* arrays are owned; labels are interned */
  guint64 number;    /* as in the frame meta */
  guint64 entry_ns;
  gboolean inferred; /* FALSE: the frame went by without inference, results are the last ones or none */
} GstQnnResults;

/* On the original frame, after the decoder; one for each decoder of the line. */
typedef struct {
  GstMeta meta;
  GstQnnResults *results; /* owned reference */
} GstQnnResultMeta;

const GstMetaInfo *gst_qnn_tensor_meta_get_info(void);
const GstMetaInfo *gst_qnn_frame_meta_get_info(void);
const GstMetaInfo *gst_qnn_result_meta_get_info(void);

/* The (first) meta of each kind; NULL: none. */
GstQnnTensorMeta *gst_qnn_buffer_get_tensor_meta(GstBuffer *buffer);
GstQnnFrameMeta *gst_qnn_buffer_get_frame_meta(GstBuffer *buffer);
/* The next one; @state starts as NULL. */
GstQnnResultMeta *gst_qnn_buffer_next_result_meta(GstBuffer *buffer, gpointer *state);

/* Add one. Tensors and results: a new reference is taken; @frame: the caller's is taken over. */
GstQnnTensorMeta *gst_qnn_buffer_add_tensor_meta(GstBuffer *buffer, GstQnnTensors *tensors);
GstQnnFrameMeta *gst_qnn_buffer_add_frame_meta(GstBuffer *buffer, GstBuffer *frame);
GstQnnResultMeta *gst_qnn_buffer_add_result_meta(GstBuffer *buffer, GstQnnResults *results);

/* Copies the frame meta, if there is one, to another tensor buffer. */
void gst_qnn_buffer_copy_frame_meta(GstBuffer *to, GstBuffer *from);

/* A deep copy of what a decoder returned; the results of a GAP when @results is NULL. */
GstQnnResults *gst_qnn_results_new(const QfResults *results);
GstQnnResults *gst_qnn_results_ref(GstQnnResults *results);
void gst_qnn_results_unref(GstQnnResults *results);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GstQnnResults, gst_qnn_results_unref)

/* A meta that calls @done(@object) and drops its reference on @object when the buffer it is on is done with; it is
 * not copied. Lets the converter know how many tensors inference still has. */
void gst_qnn_buffer_add_token(GstBuffer *buffer, GstObject *object, void (*done)(gpointer object));

#endif
