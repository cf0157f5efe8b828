/* SPDX-License-Identifier: MIT */
/*
 * lower.h - parts of graphs on a device: what it can run, a part as one graph of the device, and the step that runs it.
 */
#ifndef QF_BACKENDS_HTP_LOWER_H
#define QF_BACKENDS_HTP_LOWER_H

#include "../backend.h"
#include "device.h"
#include "events.h"

/* An open device with its settings; what the backend's functions get as unit. */
typedef struct {
  QfHtpDevice *device;
  const char *name;    /* of the backend */
  uint32_t n_threads;  /* jobs are made for */
  uint32_t tile_bytes; /* memory of a job */
  uint32_t vtcm_bytes; /* what tensors may have of it */
  QfHtpEventsLevel profiling;
  gint n_copies; /* of borders in memory that the DSP cannot map; atomic */
} QfHtpUnit;

gboolean qf_htp_supports(gpointer unit, const QfNode *node, GString *why);
gboolean qf_htp_lower(QfLower *lower, QfNode *const *nodes, uint32_t n_nodes, GError **error);

#endif
