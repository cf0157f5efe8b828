/* SPDX-License-Identifier: MIT */
/*
 * inputs.h - files to input tensors: .npy arrays, pictures, raw bytes.
 */
#ifndef QF_TOOLS_INPUTS_H
#define QF_TOOLS_INPUTS_H

#include <qnnflow/image.h>
#include <qnnflow/session.h>

G_BEGIN_DECLS

/* How a picture becomes a tensor. Zero-initialise. */
typedef struct {
  QfFit fit;
  QfChannelOrder channels;
  gboolean has_mean, has_std;
  float mean[3], std[3];
} QfPictureOptions;

/*
 * Reads @path into @data, a buffer of @desc's size. An array must have the input's dimensions (ones aside) and its type,
 * or be float32 for a quantized input. A picture needs a 4-D input of 1 or 3 channels; without mean and std a quantized
 * input takes the pixels as they are. Anything else is raw bytes and must have the input's size.
 */
gboolean qf_input_read(const char *path, const QfTensorDesc *desc, const QfPictureOptions *options,
                       void *data, GError **error);

/* The same as a value, for an input whose dimensions may be open: those are the array's then. */
QfValue *qf_input_read_value(const char *path, const QfTensorDesc *desc, const QfPictureOptions *options,
                             GError **error);

G_END_DECLS

#endif
