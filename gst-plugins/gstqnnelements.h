/* SPDX-License-Identifier: MIT */
/*
 * gstqnnelements.h - the elements of the plugin, and what they say to each other beside buffers and caps.
 */
#ifndef GST_QNN_ELEMENTS_H
#define GST_QNN_ELEMENTS_H

#include <gst/gst.h>
#include <time.h>

GST_ELEMENT_REGISTER_DECLARE(qnnconvert)
GST_ELEMENT_REGISTER_DECLARE(qnninfer)
GST_ELEMENT_REGISTER_DECLARE(qnndecode)
GST_ELEMENT_REGISTER_DECLARE(qnnoverlay)
GST_ELEMENT_REGISTER_DECLARE(qnnprofile)

/*
 * A custom query that qnnprofile sends upstream and the nearest qnninfer answers. In: "profile" (boolean), to have
 * layers timed from now on. Out: "model", "backend" (strings), "inferences" (uint64), "layers" (GBytes of
 * QfLayerProfile; absent when none were timed).
 */
#define GST_QNN_INFERENCE_QUERY "qnnflow-inference"

/* Name of the structures of the element messages of qnndecode and qnnprofile. */
#define GST_QNN_RESULTS_MESSAGE "qnnflow-results"
#define GST_QNN_PROFILE_MESSAGE "qnnflow-profile"

/* Monotonic time in nanoseconds. */
static inline guint64 gst_qnn_now_ns(void)
{
  struct timespec t;

  clock_gettime(CLOCK_MONOTONIC, &t);
  return (guint64)t.tv_sec * 1000000000u + (guint64)t.tv_nsec;
}

#endif
