/* SPDX-License-Identifier: MIT */
/*
 * attention.h - what the standard operators (attention.c) and those of com.microsoft (attention_ms.c) share: tensors of heads are
 * [batch, heads, length, size], what is masked is a bias of the scores. All but bind_heads return NULL on error.
 */
#ifndef QF_IMPORT_ONNX_ATTENTION_H
#define QF_IMPORT_ONNX_ATTENTION_H

#include "map.h"

/* Which keys a query may see: by how far behind it a key is, lo <= distance <= hi. */
typedef struct {
  double lo, hi;
  int64_t n_queries, n_keys, past;
  QfTensor *lengths; /* [B,1,1,1], float32: keys of each entry of the batch; NULL: all */
} QfOnnxWindow;

/* [B,L,H*D] to [B,H,L,D]; four dimensions are that already. */
QfTensor *qf_onnx_split_heads(QfOnnxNode *n, QfTensor *x, int64_t heads, GError **error);
/* [B,H,L,D] as output 0: as it is with @split, else [B,L,H*D]. */
gboolean qf_onnx_bind_heads(QfOnnxNode *n, QfTensor *y, gboolean split, GError **error);
QfTensor *qf_onnx_concat2(QfOnnxNode *n, QfTensor *a, QfTensor *b, int32_t axis, QfTensor *out,
                          GError **error);
QfTensor *qf_onnx_matmul2(QfOnnxNode *n, QfTensor *a, QfTensor *b, gboolean transpose_b, QfTensor *out,
                          GError **error);
/* 0 where @allowed holds, else -inf. */
QfTensor *qf_onnx_mask_bias(QfOnnxNode *n, QfTensor *allowed, GError **error);
/* The sum of two biases, either of which may be absent. */
QfTensor *qf_onnx_add_bias(QfOnnxNode *n, QfTensor *a, QfTensor *b, GError **error);
/* NULL without an error: all is seen. */
QfTensor *qf_onnx_window_bias(QfOnnxNode *n, const QfOnnxWindow *w, GError **error);
/* Softmax over keys; with @bias a row in which all is masked is 0, not NaN. */
QfTensor *qf_onnx_weigh(QfOnnxNode *n, QfTensor *scores, QfTensor *bias, GError **error);
/* x [B,H,L,D] turned by angles [B or 1,1,L,D/2]. */
QfTensor *qf_onnx_rotate(QfOnnxNode *n, QfTensor *x, QfTensor *c, QfTensor *s, gboolean interleaved,
                         GError **error);

#endif
