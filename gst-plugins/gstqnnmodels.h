/* SPDX-License-Identifier: MIT */
/*
 * gstqnnmodels.h - models shared by the elements of a process.
 *
 * Elements with the same file (same size and time of change) and the same options get the same QfModel. Thread-safe.
 */
#ifndef GST_QNN_MODELS_H
#define GST_QNN_MODELS_H

#include <qnnflow/model.h>

/* Loads, or takes the one that is loaded; give it back with gst_qnn_models_release(). */
QfModel *gst_qnn_models_acquire(const gchar *path, const QfModelOptions *options, GError **error);
void gst_qnn_models_release(QfModel *model);

#endif
