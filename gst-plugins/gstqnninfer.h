/* SPDX-License-Identifier: MIT */
/*
 * gstqnninfer.h - the instance of qnninfer, shared by its two files: running and negotiation.
 */
#ifndef GST_QNN_INFER_H
#define GST_QNN_INFER_H

#include "gstqnnallocator.h"
#include "gstqnnprop.h"
#include "gstqnntensor.h"
#include <qnnflow/profile.h>

G_DECLARE_FINAL_TYPE(GstQnnInfer, gst_qnn_infer, GST, QNN_INFER, GstBaseTransform)

struct _GstQnnInfer {
  GstBaseTransform parent;

  /* properties, under the object lock */
  gchar *path, *backend, *backend_library, *backend_config, *fallback, *weights, *signature, *requant,
      *input_dims;
  guint threads;
  gboolean enable_fast_math;
  guint64 n_inferences, n_copies, last_ns, average_ns, latency_ns;
  gchar *active_backend, *placement;

  /* from start to stop */
  QfModel *loaded;
  GstQnnTensors *in, *out;
  gint image_width, image_height; /* of the first input, when it is an image; else 0 */
  GstAllocator *allocator;
  gboolean explained;

  GMutex lock; /* of the session: runs against questions about its layers */
  QfSession *session;
  gboolean profiling; /* the session times its layers */
  gint want_profile;  /* atomic: somebody asked for that */
  guint64 total_ns;
};

extern GstDebugCategory *gst_qnn_infer_debug;

/* What the declared latency exceeds the measured by: it never shrinks, and seldom grows. */
#define GST_QNN_INFER_LATENCY(ns) ((ns) + (ns) / 8)

/* Makes the session, and runs it: the first run is slow, the second says what latency to expect. What the model keeps from run to run
 * is as it was. */
gboolean gst_qnn_infer_open_session(GstQnnInfer *self, GError **error);

/* Loads the model on the unit of the properties, or where its device is not there or fails, on the CPU, when they allow that. */
gboolean gst_qnn_infer_load(GstQnnInfer *self, GError **error);
void gst_qnn_infer_unload(GstQnnInfer *self);

/* After the unit has failed with @why: the same model on the CPU from now on, when the properties allow that. FALSE: they do not, or the CPU
 * cannot either. */
gboolean gst_qnn_infer_fall_back(GstQnnInfer *self, const GError *why);

/* Pad templates and the virtual functions for caps, queries and allocation. */
void gst_qnn_infer_caps_class_init(GstQnnInferClass *klass);

#endif
