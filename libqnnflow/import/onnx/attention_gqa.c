/* SPDX-License-Identifier: MIT */
/*
 * attention_gqa.c - GroupQueryAttention and EmbedLayerNormalization of com.microsoft, as decoders and encoders of language models are
 * exported. New keys and values are written behind those that each sequence has in its cache, which may be longer than that.
 */
#include "attention.h"

#include <math.h>

/* What GroupQueryAttention works with; all of heads are [B,heads,length,D]. */
typedef struct {
  QfTensor *q, *k, *v;
  QfTensor *first;                   /* [B,1,1,1] int64: where new keys go, the number of old ones */
  int64_t batch, steps, past, total; /* past: of the cache's memory; total: with the new ones */
} Group;

/* Columns [begin, end) of @x [B,S,...] as heads of size @size. */
static QfTensor *heads_of(QfOnnxNode *n, QfTensor *x, int64_t begin, int64_t heads, int64_t size,
                          GError **error)
{
  if (begin || heads * size != x->dims[2])
    x = qf_build_slice(n->b, x, 2, begin, begin + heads * size, NULL, error);
  return x ? qf_onnx_split_heads(n, x, heads, error) : NULL;
}

/* Queries, keys and values of their own, or all in the first input. */
static gboolean read_group(QfOnnxNode *n, Group *g, GError **error)
{
  QfTensor *x = n->in[0], *k = qf_onnx_input(n, 1), *v = qf_onnx_input(n, 2), *past = qf_onnx_input(n, 3);
  const int64_t heads = qf_onnx_int(n, "num_heads", 0), shared = qf_onnx_int(n, "kv_num_heads", 0);
  if (x->rank != 3 || heads < 1 || shared < 1 || heads % shared || (k != NULL) != (v != NULL) ||
      (k && (k->rank != 3 || v->rank != 3)) || (past && (past->rank != 4 || !qf_onnx_input(n, 4))))
    return qf_onnx_fail(
        n, error, QF_ERROR_SHAPE,
        "it needs queries [batch, length, size], num_heads a multiple of kv_num_heads, and keys with "
        "values, or neither");
  const int64_t size = x->dims[2] / (k ? heads : heads + 2 * shared);
  if (size < 1 || size * (k ? heads : heads + 2 * shared) != x->dims[2])
    return qf_onnx_fail(n, error, QF_ERROR_SHAPE, "its queries do not divide into %" G_GINT64_FORMAT " heads",
                        heads);
  g->batch = x->dims[0];
  g->steps = x->dims[1];
  g->past = past ? past->dims[2] : 0;
  g->q = heads_of(n, x, 0, heads, size, error);
  g->k = k ? qf_onnx_split_heads(n, k, shared, error) : heads_of(n, x, heads * size, shared, size, error);
  g->v = v ? qf_onnx_split_heads(n, v, shared, error)
           : heads_of(n, x, (heads + shared) * size, shared, size, error);
  return g->q && g->k && g->v;
}

static QfTensor *iota(QfOnnxNode *n, int64_t count, const QfInts *shape, GError **error)
{
  if (count > 1 << 24) {
    qf_onnx_fail(n, error, QF_ERROR_LIMIT, "a sequence of %" G_GINT64_FORMAT " is too long", count);
    return NULL;
  }
  g_autofree int64_t *values = g_new(int64_t, count + 1);
  for (int64_t i = 0; i < count; i++)
    values[i] = i;
  return qf_graph_add_constant_copy(n->onnx->graph, NULL, QF_DTYPE_INT64, shape->v, shape->n, values);
}

/* How long each sequence is before: seqlens_k + 1 - steps; nothing without a cache. */
static gboolean read_lengths(QfOnnxNode *n, Group *g, GError **error)
{
  QfTensor *lengths = n->in[5], *total = qf_onnx_constant(n->in[6]) ? n->in[6] : NULL;
  QfInts column = {4, {g->batch, 1, 1, 1}};
  double wanted = (double)(g->past + g->steps);
  if (qf_tensor_count(lengths) != g->batch || (total && !qf_onnx_number(n, 6, &wanted, error)))
    return qf_onnx_fail(n, error, QF_ERROR_SHAPE, "it needs a length for each of its sequences");
  g->total = wanted > 0 && wanted < 1 << 24 ? MAX(g->past, (int64_t)wanted) : g->past + g->steps;
  g->total = MAX(g->total, g->steps);
  lengths =
      qf_build_cast(n->b, qf_build_reshape(n->b, lengths, &column, NULL, error), QF_DTYPE_INT64, NULL, error);
  QfTensor *shift = qf_build_scalar(n->b, (double)(1 - g->steps), QF_DTYPE_INT64),
           *zero = qf_build_scalar(n->b, 0, QF_DTYPE_INT64);
  lengths = qf_build_apply2(n->b, "ElementWiseAdd", lengths, shift, NULL, error);
  if (!g->past)
    lengths = qf_build_apply2(n->b, "ElementWiseMultiply", lengths, zero, NULL, error);
  g->first = qf_build_apply2(n->b, "ElementWiseMaximum", lengths, zero, NULL, error);
  return g->first != NULL;
}

/* @x written into the cache behind what is there; output @index. */
static QfTensor *into_cache(QfOnnxNode *n, const Group *g, QfTensor *x, QfTensor *past, uint32_t index,
                            GError **error)
{
  const int64_t *d = x->dims;
  QfInts row = {4, {1, 1, g->steps, 1}}, all = qf_build_dims(x);
  gboolean wanted = index < n->n_out && n->out_names[index];
  if (past && (past->dims[0] != d[0] || past->dims[1] != d[1] || past->dims[3] != d[3])) {
    qf_onnx_fail(n, error, QF_ERROR_SHAPE, "its cache '%s' does not fit its keys and values", past->name);
    return NULL;
  }
  if (past && g->total > g->past) {
    QfNode *pad = qf_build_begin(n->b, "Pad", &past, 1, NULL);
    QfPadAttrs *a = pad->attrs;
    a->before = a->after = (QfInts){4, {0}};
    a->after.v[2] = g->total - g->past;
    past = qf_build_end(n->b, pad, error);
  }
  QfTensor *at =
      past ? qf_build_apply2(n->b, "ElementWiseAdd", iota(n, g->steps, &row, error), g->first, NULL, error)
           : NULL;
  if (past) {
    QfNode *node = qf_build_begin(n->b, "BroadcastTo", &at, 1, NULL);
    ((QfTileAttrs *)node->attrs)->multiples = all;
    QfTensor *in[] = {past, at ? qf_build_end(n->b, node, error) : NULL, x};
    if (!in[1])
      return NULL;
    node = qf_build_begin(n->b, "ScatterElements", in, 3, wanted ? qf_onnx_output(n, index) : NULL);
    ((QfGatherAttrs *)node->attrs)->axis = 2;
    x = qf_build_end(n->b, node, error);
  }
  if (wanted)
    n->out[index] = x;
  return x;
}

/* Rows of a table of angles at the places of the new tokens: [B,1,S,R / 2]. */
static QfTensor *angles(QfOnnxNode *n, const Group *g, QfTensor *table, GError **error)
{
  QfInts row = {2, {1, g->steps}}, column = {2, {g->batch, 1}};
  QfTensor *first = qf_build_reshape(n->b, g->first, &column, NULL, error), *given = qf_onnx_input(n, 9);
  QfTensor *at =
      given ? given
            : qf_build_apply2(n->b, "ElementWiseAdd", iota(n, g->steps, &row, error), first, NULL, error);
  QfTensor *y = at && table ? qf_build_apply2(n->b, "Gather", table, at, NULL, error) : NULL;
  if (!y || y->rank != 3)
    return NULL;
  QfInts shape = {4, {y->dims[0], 1, y->dims[1], y->dims[2]}};
  return qf_build_reshape(n->b, y, &shape, NULL, error);
}

static QfTensor *rotated(QfOnnxNode *n, QfTensor *x, QfTensor *c, QfTensor *s, GError **error)
{
  const int64_t turned = 2 * c->dims[3], size = x->dims[3];
  if (turned > size || s->dims[3] != c->dims[3])
    return NULL;
  QfTensor *rest = turned < size ? qf_build_slice(n->b, x, 3, turned, size, NULL, error) : NULL;
  x = rest ? qf_build_slice(n->b, x, 3, 0, turned, NULL, error) : x;
  x = x ? qf_onnx_rotate(n, x, c, s, qf_onnx_int(n, "rotary_interleaved", 0) != 0, error) : NULL;
  return rest ? qf_onnx_concat2(n, x, rest, 3, NULL, error) : x;
}

static gboolean apply_rotary(QfOnnxNode *n, Group *g, GError **error)
{
  QfTensor *c, *s;
  if (!qf_onnx_int(n, "do_rotary", 0))
    return TRUE;
  c = angles(n, g, qf_onnx_input(n, 7), error);
  s = c ? angles(n, g, qf_onnx_input(n, 8), error) : NULL;
  g->q = s ? rotated(n, g->q, c, s, error) : NULL;
  g->k = g->q ? rotated(n, g->k, c, s, error) : NULL;
  return g->k || qf_onnx_fail(n, error, QF_ERROR_SHAPE, "its tables of angles do not fit its heads");
}

/* Keys up to the query's own place, and with a local window only the last of them. */
static QfTensor *seen_bias(QfOnnxNode *n, const Group *g, GError **error)
{
  QfInts row = {4, {1, 1, 1, g->total}}, column = {4, {1, 1, g->steps, 1}};
  const int32_t window = qf_onnx_int(n, "local_window_size", -1);
  QfTensor *place =
      qf_build_apply2(n->b, "ElementWiseAdd", iota(n, g->steps, &column, error), g->first, NULL, error);
  QfTensor *behind =
      qf_build_apply2(n->b, "ElementWiseSubtract", place, iota(n, g->total, &row, error), NULL, error);
  QfTensor *seen = qf_build_apply2(n->b, "ElementWiseGreaterEqual", behind,
                                   qf_build_scalar(n->b, 0, QF_DTYPE_INT64), NULL, error);
  if (window >= 0) {
    QfTensor *near = qf_build_apply2(n->b, "ElementWiseLess", behind,
                                     qf_build_scalar(n->b, window, QF_DTYPE_INT64), NULL, error);
    seen = qf_build_apply2(n->b, "ElementWiseAnd", seen, near, NULL, error);
  }
  return seen ? qf_onnx_mask_bias(n, seen, error) : NULL;
}

/* [B,G * M,S,D] as [B,G,M,S,D], or with @shared [B,G,1,T,D]. */
static QfTensor *grouped(QfOnnxNode *n, QfTensor *x, int64_t groups, GError **error)
{
  QfInts shape = {5, {x->dims[0], groups, x->dims[1] / groups, x->dims[2], x->dims[3]}};
  return qf_build_reshape(n->b, x, &shape, NULL, error);
}

static QfTensor *attend(QfOnnxNode *n, const Group *g, GError **error)
{
  const int64_t shared = g->k->dims[1], *d = g->q->dims;
  const float given = qf_onnx_float(n, "scale", 0), cap = qf_onnx_float(n, "softcap", 0);
  const double scale = given > 0 ? (double)given : 1 / sqrt((double)d[3]);
  QfInts flat = {4, {d[0], d[1], d[2], g->total}}, heads = {4, {d[0], d[1], d[2], d[3]}};
  QfTensor *q =
      grouped(n, qf_build_with(n->b, "ElementWiseMultiply", g->q, scale, NULL, error), shared, error);
  QfTensor *scores = qf_onnx_matmul2(n, q, grouped(n, g->k, shared, error), TRUE, NULL, error);
  scores = qf_build_reshape(n->b, scores, &flat, NULL, error);
  if (cap > 0) {
    scores = qf_build_apply1(n->b, "Tanh",
                             qf_build_with(n->b, "ElementWiseMultiply", scores, 1 / (double)cap, NULL, error),
                             NULL, error);
    scores = qf_build_with(n->b, "ElementWiseMultiply", scores, (double)cap, NULL, error);
  }
  QfTensor *bias = qf_onnx_add_bias(n, qf_onnx_input(n, 10), seen_bias(n, g, error), error);
  scores = bias && scores ? qf_build_apply2(n->b, "ElementWiseAdd", scores, bias, NULL, error) : NULL;
  scores = qf_onnx_weigh(n, scores, NULL, error);
  if (!scores)
    return NULL;
  QfTensor *y = qf_onnx_matmul2(n, grouped(n, scores, shared, error), grouped(n, g->v, shared, error), FALSE,
                                NULL, error);
  return qf_build_reshape(n->b, y, &heads, NULL, error);
}

static gboolean map_group_query(QfOnnxNode *n, GError **error)
{
  Group g;
  if (!qf_onnx_input(n, 5) || !qf_onnx_input(n, 6))
    return qf_onnx_fail(n, error, QF_ERROR_FORMAT, "the lengths of its sequences are missing");
  if (qf_onnx_int(n, "smooth_softmax", 0) > 0 || qf_onnx_input(n, 11))
    return qf_onnx_fail(n, error, QF_ERROR_UNSUPPORTED, "smooth_softmax and head_sink are not supported");
  if (!read_group(n, &g, error) || !read_lengths(n, &g, error) || !apply_rotary(n, &g, error))
    return FALSE;
  g.k = into_cache(n, &g, g.k, qf_onnx_input(n, 3), 1, error);
  g.v = g.k ? into_cache(n, &g, g.v, qf_onnx_input(n, 4), 2, error) : NULL;
  if (!g.v)
    return FALSE;
  g.total = g.k->dims[2];
  QfTensor *y = attend(n, &g, error);
  return y && qf_onnx_bind_heads(n, y, FALSE, error);
}

/* Words, places and segments are looked up, added and normalised; the second output counts each mask. */
static gboolean map_embed_norm(QfOnnxNode *n, GError **error)
{
  QfTensor *ids = n->in[0], *segments = qf_onnx_input(n, 1), *table = qf_onnx_input(n, 4),
           *mask = qf_onnx_input(n, 7);
  QfTensor *places = qf_onnx_input(n, 8);
  if (ids->rank != 2 || !qf_onnx_input(n, 2) || !qf_onnx_input(n, 3))
    return qf_onnx_fail(n, error, QF_ERROR_SHAPE,
                        "it needs words [batch, length] and tables of words and places");
  QfInts row = {2, {1, ids->dims[1]}}, last = {1, {1}};
  QfTensor *x = qf_build_apply2(n->b, "Gather", n->in[2], ids, NULL, error);
  places = places ? places : iota(n, ids->dims[1], &row, error);
  x = x && places
          ? qf_build_apply2(n->b, "ElementWiseAdd", x,
                            qf_build_apply2(n->b, "Gather", n->in[3], places, NULL, error), NULL, error)
          : NULL;
  if (x && segments && table)
    x = qf_build_apply2(n->b, "ElementWiseAdd", x,
                        qf_build_apply2(n->b, "Gather", table, segments, NULL, error), NULL, error);
  if (!x)
    return FALSE;
  if (n->n_out > 2 && n->out_names[2])
    n->out[2] = x;
  if (n->n_out > 1 && n->out_names[1]) {
    QfInts batch = {1, {ids->dims[0]}};
    QfTensor *count =
        mask ? qf_build_reduce(n->b, "ReduceSum", qf_build_cast(n->b, mask, QF_DTYPE_INT32, NULL, error),
                               &last, FALSE, qf_onnx_output(n, 1), error)
             : NULL;
    g_autofree int32_t *zeros = g_new0(int32_t, ids->dims[0] + 1);
    if (!mask)
      count = qf_graph_add_constant_copy(n->onnx->graph, n->out_names[1], QF_DTYPE_INT32, batch.v, 1, zeros);
    if (!qf_onnx_bind(n, 1, count))
      return FALSE;
  }
  QfTensor *in[] = {x, qf_onnx_input(n, 5), qf_onnx_input(n, 6)};
  QfNode *node = qf_build_begin(n->b, "LayerNorm", in, 3, qf_onnx_output(n, 0));
  QfNormAttrs *a = node->attrs;
  a->epsilon = qf_onnx_float(n, "epsilon", 1e-12f);
  a->axes = (QfInts){1, {x->rank - 1}};
  return qf_onnx_bind(n, 0, qf_build_end(n->b, node, error));
}

const QfOnnxRow qf_onnx_attention_gqa_rows[] = {
    {"com.microsoft", "GroupQueryAttention", map_group_query, 1, 12, "MatMul", 0},
    {"com.microsoft", "EmbedLayerNormalization", map_embed_norm, 1, 9, "LayerNorm", 0},
    {NULL},
};
