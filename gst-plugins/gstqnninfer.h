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

/* Pad templates and the virtual functions for caps, queries and allocation. */
void gst_qnn_infer_caps_class_init(GstQnnInferClass *klass);

#endif
