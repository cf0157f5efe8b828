/* SPDX-License-Identifier: MIT */
/*
 * attention_ms.c - Attention, MultiHeadAttention and RotaryEmbedding of com.microsoft, as exporters of transformers write
 * them. What is masked gets mask_filter_value, -10000 unless the file says else.
 */
#include "attention.h"

#include <math.h>
#include <string.h>

/* mask_filter_value where @seen (0 or 1, of any type) is 0, else 0; reshaped to @shape. */
static QfTensor *filter_bias(QfOnnxNode *n, QfTensor *seen, const QfInts *shape, GError **error)
{
  double low = qf_onnx_float(n, "mask_filter_value", -10000);
  seen = qf_build_reshape(n->b, seen, shape, NULL, error);
  seen = seen ? qf_build_cast(n->b, seen, QF_DTYPE_BOOL, NULL, error) : NULL;
  return seen ? qf_onnx_select(n, seen, qf_build_scalar(n->b, 0, QF_DTYPE_FLOAT32),
                               qf_build_scalar(n->b, low, QF_DTYPE_FLOAT32), NULL, error)
              : NULL;
}

/* Whether each key is within the length of its entry: [B,1,1,T]. */
static QfTensor *within(QfOnnxNode *n, QfTensor *lengths, int64_t n_keys, GError **error)
{
  QfInts column = {4, {qf_tensor_count(lengths), 1, 1, 1}}, row = {4, {1, 1, 1, n_keys}};
  g_autofree float *places = g_new(float, n_keys + 1);
  for (int64_t i = 0; i < n_keys; i++)
    places[i] = (float)i;
  QfTensor *ends = qf_build_cast(n->b, qf_build_reshape(n->b, lengths, &column, NULL, error),
                                 QF_DTYPE_FLOAT32, NULL, error);
  return ends ? qf_build_apply2(n->b, "ElementWiseLess", qf_build_floats(n->b, &row, places), ends, NULL,
                                error)
              : NULL;
}

/* A mask as a bias: [B] lengths, [B,T] or [B,L,T] of 0 and 1. */
static QfTensor *mask_of(QfOnnxNode *n, QfTensor *mask, int64_t batch, int64_t n_queries, int64_t n_keys,
                         GError **error)
{
  QfInts rows = {4, {batch, 1, 1, n_keys}}, full = {4, {batch, 1, n_queries, n_keys}};
  if (mask->rank == 1 && mask->dims[0] == batch) {
    mask = within(n, mask, n_keys, error);
    return mask ? filter_bias(n, mask, &rows, error) : NULL;
  }
  if (mask->rank == 2 && mask->dims[0] == batch && mask->dims[1] == n_keys)
    return filter_bias(n, mask, &rows, error);
  if (mask->rank == 3 && mask->dims[0] == batch && mask->dims[1] == n_queries && mask->dims[2] == n_keys)
    return filter_bias(n, mask, &full, error);
  qf_onnx_fail(n, error, QF_ERROR_UNSUPPORTED,
               "its mask '%s' must be [batch] lengths, [batch, keys] or [batch, queries, keys]", mask->name);
  return NULL;
}

/* Queries, keys, values; the bias of the scores; the heads' outputs as output 0. */
typedef struct {
  QfTensor *t[3], *mask, *bias;
} Heads;

static gboolean attend(QfOnnxNode *n, const Heads *h, GError **error)
{
  QfTensor *const *t = h->t, *bias = h->bias;
  QfOnnxWindow w = {.lo = qf_onnx_int(n, "unidirectional", 0) ? 0 : -INFINITY, .hi = INFINITY};
  int64_t batch = t[0]->dims[0], n_queries = t[0]->dims[2], n_keys = t[1]->dims[2];
  w.n_queries = n_queries;
  w.n_keys = n_keys;
  w.past = n_keys - n_queries;
  if (t[0]->dims[1] != t[1]->dims[1] || t[0]->dims[1] != t[2]->dims[1] || n_queries + n_keys > 1 << 24)
    return qf_onnx_fail(n, error, QF_ERROR_SHAPE, "its queries, keys and values do not fit each other");
  if (h->mask) {
    QfTensor *m = mask_of(n, h->mask, batch, n_queries, n_keys, error);
    if (!m)
      return FALSE;
    bias = qf_onnx_add_bias(n, bias, m, error);
  }
  QfTensor *causal = qf_onnx_window_bias(n, &w, error);
  if (error && *error)
    return FALSE;
  bias = qf_onnx_add_bias(n, bias, causal, error);
  double scale = qf_onnx_float(n, "scale", 0);
  scale = scale > 0 ? scale : 1 / sqrt((double)MAX(t[0]->dims[3], 1));
  QfTensor *scores = qf_onnx_matmul2(n, qf_build_with(n->b, "ElementWiseMultiply", t[0], scale, NULL, error),
                                     t[1], TRUE, NULL, error);
  if (scores && bias)
    scores = qf_build_apply2(n->b, "ElementWiseAdd", scores, bias, NULL, error);
  QfTensor *y = qf_onnx_matmul2(n, qf_onnx_weigh(n, scores, NULL, error), t[2], FALSE, NULL, error);
  return y && qf_onnx_bind_heads(n, y, FALSE, error);
}

/* Part @at of a vector of three parts of @sizes. */
static QfTensor *bias_part(QfOnnxNode *n, QfTensor *bias, const int64_t *sizes, int at, GError **error)
{
  int64_t begin = at ? sizes[0] + (at == 2 ? sizes[1] : 0) : 0;
  if (bias->rank == 1 && begin + sizes[at] <= bias->dims[0])
    return qf_build_slice(n->b, bias, 0, begin, begin + sizes[at], NULL, error);
  qf_onnx_fail(n, error, QF_ERROR_SHAPE, "its bias '%s' has not the size of its queries, keys and values",
               bias->name);
  return NULL;
}

static QfTensor *add_part(QfOnnxNode *n, QfTensor *x, QfTensor *bias, const int64_t *sizes, int at,
                          GError **error)
{
  QfTensor *b = bias && x ? bias_part(n, bias, sizes, at, error) : NULL;
  return bias && x ? qf_build_apply2(n->b, "ElementWiseAdd", x, b, NULL, error) : x;
}

/* Index @at of the first of five dimensions: keys or values of the past, [B,H,P,D]. */
static QfTensor *past_part(QfOnnxNode *n, QfTensor *past, int at, GError **error)
{
  if (past->rank != 5 || past->dims[0] != 2) {
    qf_onnx_fail(n, error, QF_ERROR_SHAPE, "its past '%s' must be [2, batch, heads, length, size]",
                 past->name);
    return NULL;
  }
  QfInts shape = {4, {past->dims[1], past->dims[2], past->dims[3], past->dims[4]}};
  return qf_build_reshape(n->b, qf_build_slice(n->b, past, 0, at, at + 1, NULL, error), &shape, NULL, error);
}

/* Keys and values in one tensor, [2,B,H,T,D]. */
static gboolean bind_present(QfOnnxNode *n, QfTensor *const t[3], GError **error)
{
  QfTensor *part[2];
  if (n->n_out < 2 || !n->out_names[1])
    return TRUE;
  for (int i = 0; i < 2; i++) {
    const int64_t *d = t[1 + i]->dims;
    QfInts shape = {5, {1, d[0], d[1], d[2], d[3]}};
    part[i] = qf_build_reshape(n->b, t[1 + i], &shape, NULL, error);
  }
  return qf_onnx_bind(n, 1, qf_onnx_concat2(n, part[0], part[1], 0, qf_onnx_output(n, 1), error));
}

/* One product makes queries, keys and values of the input. */
static gboolean map_attention(QfOnnxNode *n, GError **error)
{
  QfTensor *x = n->in[0], *w = n->in[1], *bias = qf_onnx_input(n, 2), *past = qf_onnx_input(n, 4);
  Heads h = {.mask = qf_onnx_input(n, 3), .bias = qf_onnx_input(n, 5)};
  int32_t heads = qf_onnx_int(n, "num_heads", 0);
  QfInts sizes;
  if (!qf_onnx_ints(n, "qkv_hidden_sizes", &sizes, error))
    return FALSE;
  if (qf_onnx_input(n, 6) || qf_onnx_int(n, "do_rotary", 0))
    return qf_onnx_fail(n, error, QF_ERROR_UNSUPPORTED,
                        "a shared past buffer and do_rotary are not supported");
  if (x->rank != 3 || w->rank != 2 || w->dims[0] != x->dims[2] || heads < 1)
    return qf_onnx_fail(n, error, QF_ERROR_SHAPE,
                        "it needs an input [batch, length, size], weights [size, 3 * hidden] and num_heads");
  for (int i = 0; !sizes.n && i < 3; i++)
    sizes.v[i] = w->dims[1] / 3;
  if (sizes.v[0] < 1 || sizes.v[1] < 1 || sizes.v[2] < 1 || sizes.v[0] > w->dims[1] ||
      sizes.v[1] > w->dims[1] || sizes.v[2] > w->dims[1] ||
      sizes.v[0] + sizes.v[1] + sizes.v[2] != w->dims[1])
    return qf_onnx_fail(n, error, QF_ERROR_SHAPE,
                        "its weights are not as wide as queries, keys and values together");
  QfTensor *all = qf_onnx_matmul2(n, x, w, FALSE, NULL, error);
  int64_t at = 0;
  for (int i = 0; i < 3; at += sizes.v[i++]) {
    QfTensor *part = all ? qf_build_slice(n->b, all, 2, at, at + sizes.v[i], NULL, error) : NULL;
    part = add_part(n, part, bias, sizes.v, i, error);
    h.t[i] = part ? qf_onnx_split_heads(n, part, heads, error) : NULL;
    if (h.t[i] && i && past)
      h.t[i] = qf_onnx_concat2(n, past_part(n, past, i - 1, error), h.t[i], 2, NULL, error);
    if (!h.t[i])
      return FALSE;
  }
  return bind_present(n, h.t, error) && attend(n, &h, error);
}

static gboolean map_multi_head(QfOnnxNode *n, GError **error)
{
  QfTensor *bias = qf_onnx_input(n, 3), *pasts[3] = {NULL, qf_onnx_input(n, 6), qf_onnx_input(n, 7)};
  Heads h = {.mask = qf_onnx_input(n, 4), .bias = qf_onnx_input(n, 5)};
  int64_t sizes[3] = {0};
  int32_t heads = qf_onnx_int(n, "num_heads", 0);
  for (int i = 0; i < 3; i++) {
    QfTensor *x = qf_onnx_input(n, (uint32_t)i);
    if (!x || (x->rank != 3 && !(i && x->rank == 4)))
      return qf_onnx_fail(
          n, error, QF_ERROR_UNSUPPORTED,
          "packed queries, keys and values are not supported: give each as [batch, length, size]");
    sizes[i] = x->dims[2];
    if (x->rank == 3)
      x = add_part(n, x, bias, sizes, i, error);
    h.t[i] = x ? qf_onnx_split_heads(n, x, heads, error) : NULL;
    if (h.t[i] && pasts[i])
      h.t[i] = qf_onnx_concat2(n, pasts[i], h.t[i], 2, NULL, error);
    if (!h.t[i])
      return FALSE;
    if (i && (uint32_t)i < n->n_out)
      n->out[i] = h.t[i];
  }
  return attend(n, &h, error);
}

/* Rows of a table of angles, [B,1,L,D/2]: by position, or from one position on. */
static QfTensor *angles(QfOnnxNode *n, QfTensor *table, int64_t length, GError **error)
{
  QfTensor *at = n->in[1];
  if (at->rank < 2) {
    QfInts one = {1, {1}}, row = {2, {1, length}};
    g_autofree int64_t *steps = g_new(int64_t, length + 1);
    for (int64_t i = 0; i < length; i++)
      steps[i] = i;
    QfTensor *up = qf_graph_add_constant_copy(n->onnx->graph, NULL, QF_DTYPE_INT64, row.v, 2, steps);
    at = qf_build_apply2(n->b, "ElementWiseAdd", up, qf_build_reshape(n->b, at, &one, NULL, error), NULL,
                         error);
  }
  QfTensor *in[] = {table, at};
  QfTensor *y = at ? qf_build_end(n->b, qf_build_begin(n->b, "Gather", in, 2, NULL), error) : NULL;
  if (!y || y->rank != 3)
    return NULL;
  QfInts shape = {4, {y->dims[0], 1, y->dims[1], y->dims[2]}};
  return qf_build_reshape(n->b, y, &shape, NULL, error);
}

static gboolean map_rotary(QfOnnxNode *n, GError **error)
{
  QfTensor *x = n->in[0], *c, *s;
  int64_t half = n->in[2]->rank == 2 ? n->in[2]->dims[1] : 0, heads = qf_onnx_int(n, "num_heads", 0);
  int64_t rotated = qf_onnx_int(n, "rotary_embedding_dim", 0);
  if (half < 1 || n->in[3]->rank != 2 || n->in[3]->dims[1] != half || (x->rank != 3 && x->rank != 4) ||
      n->in[1]->rank > 2 || (rotated && rotated != 2 * half))
    return qf_onnx_fail(n, error, QF_ERROR_SHAPE,
                        "its tables must be [positions, size / 2], its input [batch, length, size] or "
                        "[batch, heads, length, size]");
  x = qf_onnx_split_heads(n, x, heads ? heads : x->rank == 3 ? x->dims[2] / (2 * half) : 0, error);
  c = x ? angles(n, n->in[2], x->dims[2], error) : NULL;
  s = c ? angles(n, n->in[3], x->dims[2], error) : NULL;
  if (!s)
    return qf_onnx_fail(n, error, QF_ERROR_SHAPE, "its positions do not fit its input");
  int64_t size = x->dims[3];
  QfTensor *rest = 2 * half < size ? qf_build_slice(n->b, x, 3, 2 * half, size, NULL, error) : NULL;
  if (rest)
    x = qf_build_slice(n->b, x, 3, 0, 2 * half, NULL, error);
  if (!x || x->dims[3] != 2 * half)
    return qf_onnx_fail(n, error, QF_ERROR_SHAPE, "its tables are wider than its heads");
  QfTensor *y = qf_onnx_rotate(n, x, c, s, qf_onnx_int(n, "interleaved", 0) != 0, error);
  if (rest)
    y = qf_onnx_concat2(n, y, rest, 3, NULL, error);
  return y && qf_onnx_bind_heads(n, y, n->in[0]->rank == 4, error);
}

#define MS "com.microsoft"
const QfOnnxRow qf_onnx_attention_ms_rows[] = {
    {MS, "Attention", map_attention, 2, 7, "MatMul", 0},
    {MS, "MultiHeadAttention", map_multi_head, 3, 8, "MatMul", 0},
    {MS, "RotaryEmbedding", map_rotary, 4, 4, NULL, 0},
    {NULL},
};
