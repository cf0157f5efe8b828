/* SPDX-License-Identifier: MIT */
/*
 * rearrange.c - operators with a graph operator of their own that fit no other family: ReverseSequence, Col2Im, determinants and
 * inverses, n-grams.
 */
#include "map.h"

#include <string.h>

static gboolean map_reverse_sequence(QfOnnxNode *n, GError **error)
{
  QfReverseAttrs a;
  if (!qf_onnx_axis(n, qf_onnx_int(n, "time_axis", 0), n->in[0]->rank, &a.time_axis, error) ||
      !qf_onnx_axis(n, qf_onnx_int(n, "batch_axis", 1), n->in[0]->rank, &a.batch_axis, error))
    return FALSE;
  QfNode *node = qf_build_begin(n->b, "ReverseSequence", n->in, 2, qf_onnx_output(n, 0));
  *(QfReverseAttrs *)node->attrs = a;
  return qf_onnx_bind(n, 0, qf_build_end(n->b, node, error));
}

/* A list attribute of @count values, all @def when it is missing. */
static gboolean list_or(const QfOnnxNode *n, const char *name, int32_t count, int64_t def, QfInts *out,
                        GError **error)
{
  if (!qf_onnx_ints(n, name, out, error))
    return FALSE;
  if (out->n && out->n != count)
    return qf_onnx_fail(n, error, QF_ERROR_FORMAT, "attribute %s has %d numbers, but %d are needed", name,
                        out->n, count);
  for (int i = out->n; i < count; i++)
    out->v[i] = def;
  out->n = count;
  return TRUE;
}

static gboolean map_col2im(QfOnnxNode *n, GError **error)
{
  QfCol2ImAttrs a = {0};
  QfInts pads;
  if (!qf_onnx_list(n, NULL, 1, &a.image, NULL, error) || !qf_onnx_list(n, NULL, 2, &a.block, NULL, error))
    return FALSE;
  const int32_t rank = a.image.n;
  if (rank < 1 || rank > QF_MAX_RANK / 2 || a.block.n != rank)
    return qf_onnx_fail(n, error, QF_ERROR_UNSUPPORTED,
                        "image_shape and block_shape must have the same 1 to %d sizes", QF_MAX_RANK / 2);
  if (!list_or(n, "dilations", rank, 1, &a.dilation, error) ||
      !list_or(n, "strides", rank, 1, &a.stride, error) || !list_or(n, "pads", 2 * rank, 0, &pads, error))
    return FALSE;
  a.pad_before.n = a.pad_after.n = rank;
  for (int i = 0; i < rank; i++) {
    a.pad_before.v[i] = pads.v[i];
    a.pad_after.v[i] = pads.v[rank + i];
  }
  QfNode *node = qf_build_begin(n->b, "Col2Im", n->in, 1, qf_onnx_output(n, 0));
  *(QfCol2ImAttrs *)node->attrs = a;
  return qf_onnx_bind(n, 0, qf_build_end(n->b, node, error));
}

static gboolean map_matrix(QfOnnxNode *n, GError **error)
{
  return qf_onnx_bind(n, 0, qf_build_apply1(n->b, n->row->target, n->in[0], qf_onnx_output(n, 0), error));
}

/* A list attribute as a constant of int64. */
static QfTensor *list_constant(QfOnnxNode *n, const char *name, GError **error)
{
  const Onnx__AttributeProto *a = qf_onnx_attr(n, name);
  int64_t count = a ? (int64_t)a->n_ints : 0;
  if (!count) {
    qf_onnx_fail(n, error, QF_ERROR_UNSUPPORTED,
                 "its attribute %s is missing or empty; a pool of strings is not supported: number the "
                 "words, and give "
                 "pool_int64s",
                 name);
    return NULL;
  }
  return qf_graph_add_constant_copy(n->onnx->graph, NULL, QF_DTYPE_INT64, &count, 1, a->ints);
}

static gboolean map_tf_idf(QfOnnxNode *n, GError **error)
{
  static const char *const modes[] = {"TF", "IDF", "TFIDF", NULL};
  static const char *const lists[] = {"pool_int64s", "ngram_counts", "ngram_indexes"};
  QfTensor *in[5] = {n->in[0]};
  int32_t mode;
  if (!qf_onnx_enum(n, "mode", modes, 0, &mode, error))
    return FALSE;
  for (int i = 0; i < 3; i++) {
    in[1 + i] = list_constant(n, lists[i], error);
    if (!in[1 + i])
      return FALSE;
  }
  const Onnx__AttributeProto *weights = qf_onnx_attr(n, "weights");
  if (weights && weights->n_floats) {
    QfInts shape = {1, {(int64_t)weights->n_floats}};
    in[4] = qf_build_floats(n->b, &shape, weights->floats);
  }
  QfNode *node = qf_build_begin(n->b, "TfIdfVectorizer", in, 5, qf_onnx_output(n, 0));
  *(QfTfIdfAttrs *)node->attrs = (QfTfIdfAttrs){.mode = mode,
                                                .min_gram = qf_onnx_int(n, "min_gram_length", 1),
                                                .max_gram = qf_onnx_int(n, "max_gram_length", 1),
                                                .max_skip = qf_onnx_int(n, "max_skip_count", 0)};
  return qf_onnx_bind(n, 0, qf_build_end(n->b, node, error));
}

const QfOnnxRow qf_onnx_rearrange_rows[] = {
    {"", "ReverseSequence", map_reverse_sequence, 2, 2, "ReverseSequence", 0},
    {"", "Col2Im", map_col2im, 3, 3, "Col2Im", 0},
    {"", "Det", map_matrix, 1, 1, "Det", 0},
    {"com.microsoft", "Inverse", map_matrix, 1, 1, "Inverse", 0},
    {"", "TfIdfVectorizer", map_tf_idf, 1, 1, "TfIdfVectorizer", 0},
    {NULL},
};
