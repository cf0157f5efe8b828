/* SPDX-License-Identifier: MIT */
/*
 * gstqnnconvert.h - the instance of qnnconvert, shared by its two files: streaming and negotiation.
 */
#ifndef GST_QNN_CONVERT_H
#define GST_QNN_CONVERT_H

#include "gstqnnallocator.h"
#include "gstqnnprop.h"
#include "gstqnntensor.h"
#include <gst/video/video.h>

G_DECLARE_FINAL_TYPE(GstQnnConvert, gst_qnn_convert, GST, QNN_CONVERT, GstBaseTransform)

struct _GstQnnConvert {
  GstBaseTransform parent;

  /* properties, under the object lock */
  gint fit, filter, channels;
  gchar *mean, *std, *border;
  guint interval, max_in_flight, frames_held;
  gboolean skip_late;
  guint64 n_frames, n_skipped, n_converted, total_ns, average_ns;
  gchar *kernel;
  GstClockTime earliest; /* running time up to which frames are late already */

  gint in_flight; /* atomic: tensors that inference has not let go of */

  /* of the streaming thread, from set_caps to stop */
  GstVideoInfo info;
  QfImage image; /* the frame as the engine's image; planes are set for each */
  GstQnnTensors *tensors;
  QfImageConverter *converter;
  GstAllocator *allocator;
  gboolean explained;
};

extern GstDebugCategory *gst_qnn_convert_debug;

/* Pad templates and the virtual functions for caps and allocation. */
void gst_qnn_convert_caps_class_init(GstQnnConvertClass *klass);

#endif
