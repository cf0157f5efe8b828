/* SPDX-License-Identifier: MIT */
/*
 * window.h - the sliding window that ONNX convolutions and pools share: kernel, strides, dilations, pads, auto_pad.
 * Everything is kept for depth, height and width; what an input has not is 1 (padding 0), as qf_onnx_to_image() does with
 * one-dimensional tensors and qf_onnx_to_volume() with all.
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
  int32_t spatial; /* dimensions that the input has, 1 to 3 */
  int64_t in[3];   /* depth, height, width of the input */
  int64_t kernel[3], stride[3], dilation[3];
  int64_t extent[3]; /* (kernel - 1) * dilation + 1 */
  int64_t pad[6];    /* front, back, top, bottom, left, right; settled by one of the functions below */
} QfOnnxWindow;

/* Reads the attributes for input @x, [N,C,L], [N,C,H,W] or [N,C,D,H,W]. @kernel: the kernel from the weights, NULL: from the attribute. */
gboolean qf_onnx_window(const QfOnnxNode *n, const QfTensor *x, const int64_t *kernel, QfOnnxWindow *w,
                        GError **error);

/* Settles the pads by auto_pad. */
void qf_onnx_window_pad(QfOnnxWindow *w);

/* Lists of one to three spatial values, e.g. output_padding; @def where the input has no such dimension. */
gboolean qf_onnx_spatial(const QfOnnxNode *n, const char *attr, int32_t rank, int64_t def, int64_t *out,
                         gboolean *given, GError **error);

/* The tensor as [N,D,H,W,C], and a result of such as the input's rank wants it, @out, channels first. */
QfTensor *qf_onnx_to_volume(QfOnnxNode *n, QfTensor *x, GError **error);
QfTensor *qf_onnx_from_volume(QfOnnxNode *n, QfTensor *y, int32_t rank, QfTensor *out, GError **error);

#endif
