/* SPDX-License-Identifier: MIT */
/*
 * window.h - the sliding window that ONNX convolutions and pools share: kernel, strides, dilations, pads, auto_pad.
 * One-dimensional ones are widened to two with a height of 1, as qf_onnx_to_image() does with their tensors.
 */
#ifndef QF_IMPORT_ONNX_WINDOW_H
#define QF_IMPORT_ONNX_WINDOW_H

#include "map.h"

typedef enum {
  QF_AUTO_PAD_NOTSET = 0,
  QF_AUTO_PAD_VALID,
  QF_AUTO_PAD_SAME_UPPER,
  QF_AUTO_PAD_SAME_LOWER
} QfAutoPad;

typedef struct {
  int32_t auto_pad;
  int64_t in[2]; /* height, width of the input */
  int64_t kernel[2], stride[2], dilation[2];
  int64_t extent[2]; /* (kernel - 1) * dilation + 1 */
  int64_t pad[4];    /* top, bottom, left, right; settled by one of the functions below */
} QfOnnxWindow;

/* Reads the attributes for input @x, [N,C,L] or [N,C,H,W]. @kernel: the kernel from the weights, NULL: from the attribute. */
gboolean qf_onnx_window(const QfOnnxNode *n, const QfTensor *x, const int64_t *kernel, QfOnnxWindow *w,
                        GError **error);

/* Settles the pads by auto_pad. */
void qf_onnx_window_pad(QfOnnxWindow *w);

/* Lists of one or two spatial values, e.g. output_padding: [0] is 0 for one-dimensional inputs. */
gboolean qf_onnx_spatial(const QfOnnxNode *n, const char *attr, int32_t rank, int64_t def, int64_t *out,
                         gboolean *given, GError **error);

#endif
