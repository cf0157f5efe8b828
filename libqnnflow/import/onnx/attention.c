/* SPDX-License-Identifier: MIT */
/*
 * attention.c - Attention of the standard operators, written out: scores, what is masked as a sum of biases of 0 and -inf,
 * Softmax, weighted values; and what stands around it in decoders, RotaryEmbedding and TensorScatter. A row in which all is
 * masked gives 0.
 */
#include "attention.h"

#include <math.h>
#include <string.h>

static const QfInts swap_heads = {4, {0, 2, 1, 3}};

/* [B,L,H*D] to [B,H,L,D]; four dimensions are that already. */
QfTensor *qf_onnx_split_heads(QfOnnxNode *n, QfTensor *x, int64_t heads, GError **error)
{
  if (x->rank == 4)
    return x;
  if (x->rank != 3 || heads < 1 || x->dims[2] % heads) {
    qf_onnx_fail(n, error, QF_ERROR_SHAPE,
                 "input '%s' must be [batch, heads, length, size], or [batch, length, heads * size] with the "
                 "number of "
                 "heads as an attribute",
                 x->name);
    return NULL;
  }
  QfInts shape = {4, {x->dims[0], x->dims[1], heads, x->dims[2] / heads}};
  return qf_build_transpose(n->b, qf_build_reshape(n->b, x, &shape, NULL, error), &swap_heads, NULL, error);
}

QfTensor *qf_onnx_concat2(QfOnnxNode *n, QfTensor *a, QfTensor *b, int32_t axis, QfTensor *out,
                          GError **error)
{
  QfTensor *in[] = {a, b};
  if (!a || !b)
    return NULL;
  QfNode *node = qf_build_begin(n->b, "Concat", in, 2, out);
  ((QfConcatAttrs *)node->attrs)->axis = axis;
  return qf_build_end(n->b, node, error);
}

/* Each head @times times in a row. */
static QfTensor *repeat_heads(QfOnnxNode *n, QfTensor *x, int64_t times, GError **error)
{
  if (!x || times == 1)
    return x;
  const int64_t *d = x->dims;
  QfInts apart = {5, {d[0], d[1], 1, d[2], d[3]}}, joined = {4, {d[0], d[1] * times, d[2], d[3]}};
  x = qf_build_reshape(n->b, x, &apart, NULL, error);
  if (!x)
    return NULL;
  QfNode *node = qf_build_begin(n->b, "Tile", &x, 1, NULL);
  ((QfTileAttrs *)node->attrs)->multiples = (QfInts){5, {1, 1, times, 1, 1}};
  return qf_build_reshape(n->b, qf_build_end(n->b, node, error), &joined, NULL, error);
}

QfTensor *qf_onnx_matmul2(QfOnnxNode *n, QfTensor *a, QfTensor *b, gboolean transpose_b, QfTensor *out,
                          GError **error)
{
  QfTensor *in[] = {a, b};
  if (!a || !b)
    return NULL;
  QfNode *node = qf_build_begin(n->b, "MatMul", in, 2, out);
  ((QfMatMulAttrs *)node->attrs)->transpose_in1 = transpose_b;
  return qf_build_end(n->b, node, error);
}

/* 0 where @allowed holds, else -inf. */
QfTensor *qf_onnx_mask_bias(QfOnnxNode *n, QfTensor *allowed, GError **error)
{
  return qf_onnx_select(n, allowed, qf_build_scalar(n->b, 0, QF_DTYPE_FLOAT32),
                        qf_build_scalar(n->b, -INFINITY, QF_DTYPE_FLOAT32), NULL, error);
}

/* The sum of two biases, either of which may be absent. */
QfTensor *qf_onnx_add_bias(QfOnnxNode *n, QfTensor *a, QfTensor *b, GError **error)
{
  return a && b ? qf_build_apply2(n->b, "ElementWiseAdd", a, b, NULL, error) : a ? a : b;
}

/* The mask as a bias, as wide as there are keys. */
static QfTensor *wide_mask_bias(QfOnnxNode *n, QfTensor *mask, int64_t n_keys, GError **error)
{
  int64_t missing = mask->rank ? n_keys - mask->dims[mask->rank - 1] : 0;
  QfTensor *bias = mask->dtype == QF_DTYPE_BOOL ? qf_onnx_mask_bias(n, mask, error) : mask;
  if (!bias || missing <= 0)
    return bias;
  QfNode *node = qf_build_begin(n->b, "Pad", &bias, 1, NULL);
  QfPadAttrs *a = node->attrs;
  a->before.n = a->after.n = bias->rank;
  a->after.v[bias->rank - 1] = missing;
  a->value = -INFINITY;
  return qf_build_end(n->b, node, error);
}

/* first, first + 1, ...: as a row, or as a column. */
static QfTensor *count_up(QfOnnxNode *n, int64_t count, int64_t first, gboolean column)
{
  QfInts shape = {2, {column ? count : 1, column ? 1 : count}};
  g_autofree float *values = g_new(float, count + 1);
  for (int64_t i = 0; i < count; i++)
    values[i] = (float)(first + i);
  return qf_build_floats(n->b, &shape, values);
}

/* query - key, the first query being at position @first: [L,S]. */
static QfTensor *distances(QfOnnxNode *n, const QfOnnxWindow *w, int64_t first, GError **error)
{
  return qf_build_apply2(n->b, "ElementWiseSubtract", count_up(n, w->n_queries, first, TRUE),
                         count_up(n, w->n_keys, 0, FALSE), NULL, error);
}

static QfTensor *bounded(QfOnnxNode *n, const QfOnnxWindow *w, QfTensor *distance, GError **error)
{
  QfTensor *above = NULL, *below = NULL;
  if (isfinite(w->lo))
    above = qf_onnx_mask_bias(n,
                              qf_build_apply2(n->b, "ElementWiseGreaterEqual", distance,
                                              qf_build_scalar(n->b, w->lo, QF_DTYPE_FLOAT32), NULL, error),
                              error);
  if (isfinite(w->hi))
    below = qf_onnx_mask_bias(n,
                              qf_build_apply2(n->b, "ElementWiseLessEqual", distance,
                                              qf_build_scalar(n->b, w->hi, QF_DTYPE_FLOAT32), NULL, error),
                              error);
  return qf_onnx_add_bias(n, above, below, error);
}

/* With lengths, the last query is at the last key of its entry, and keys beyond are not seen. */
QfTensor *qf_onnx_window_bias(QfOnnxNode *n, const QfOnnxWindow *w, GError **error)
{
  QfTensor *bias = NULL;
  if (isfinite(w->lo) || isfinite(w->hi)) {
    QfTensor *distance = distances(n, w, w->lengths ? -w->n_queries : w->past, error);
    if (w->lengths)
      distance = qf_build_apply2(n->b, "ElementWiseAdd", distance, w->lengths, NULL, error);
    bias = distance ? bounded(n, w, distance, error) : NULL;
  }
  if (!w->lengths)
    return bias;
  QfOnnxWindow row = {.n_queries = 1, .n_keys = w->n_keys};
  QfTensor *behind =
      qf_build_apply2(n->b, "ElementWiseAdd", distances(n, &row, 0, error), w->lengths, NULL, error);
  QfTensor *seen = behind ? qf_build_apply2(n->b, "ElementWiseGreater", behind,
                                            qf_build_scalar(n->b, 0, QF_DTYPE_FLOAT32), NULL, error)
                          : NULL;
  return qf_onnx_add_bias(n, bias, seen ? qf_onnx_mask_bias(n, seen, error) : NULL, error);
}

static gboolean read_window(QfOnnxNode *n, QfOnnxWindow *w, GError **error)
{
  int32_t left = qf_onnx_int(n, "left_window_size", -1), right = qf_onnx_int(n, "right_window_size", -1);
  QfTensor *lengths = qf_onnx_input(n, 6);
  w->lo = qf_onnx_int(n, "is_causal", 0) ? 0 : right >= 0 ? -right : -INFINITY;
  w->hi = left >= 0 ? left : INFINITY;
  if (w->n_queries + w->n_keys > 1 << 24)
    return qf_onnx_fail(n, error, QF_ERROR_LIMIT, "it has more than 2^24 queries and keys");
  if (!lengths)
    return TRUE;
  QfInts shape = {4, {qf_tensor_count(lengths), 1, 1, 1}};
  w->lengths = qf_build_cast(n->b, qf_build_reshape(n->b, lengths, &shape, NULL, error), QF_DTYPE_FLOAT32,
                             NULL, error);
  return w->lengths != NULL;
}

/* Softmax over keys; a row in which all is masked is 0, not NaN. */
QfTensor *qf_onnx_weigh(QfOnnxNode *n, QfTensor *scores, QfTensor *bias, GError **error)
{
  if (!scores)
    return NULL;
  QfNode *node = qf_build_begin(n->b, "Softmax", &scores, 1, NULL);
  QfAxisAttrs *a = node->attrs;
  a->axis = scores->rank - 1;
  a->beta = 1;
  QfTensor *y = qf_build_end(n->b, node, error);
  if (!y || !bias)
    return y;
  QfInts last = {1, {bias->rank - 1}};
  QfTensor *most = qf_build_reduce(n->b, "ReduceMax", bias, &last, TRUE, NULL, error);
  QfTensor *low = qf_build_scalar(n->b, -INFINITY, QF_DTYPE_FLOAT32);
  QfTensor *seen = qf_build_apply2(n->b, "ElementWiseGreater", most, low, NULL, error);
  return seen ? qf_onnx_select(n, seen, y, qf_build_scalar(n->b, 0, QF_DTYPE_FLOAT32), NULL, error) : NULL;
}

/* Queries, keys and values as [B,H,L,D], with the past before them; binds the presents. */
static gboolean read_heads(QfOnnxNode *n, QfTensor *t[3], int64_t *past, GError **error)
{
  QfTensor *pasts[3] = {NULL, qf_onnx_input(n, 4), qf_onnx_input(n, 5)};
  int32_t q_heads = qf_onnx_int(n, "q_num_heads", 0), kv_heads = qf_onnx_int(n, "kv_num_heads", q_heads);
  *past = 0;
  for (int i = 0; i < 3; i++) {
    t[i] = qf_onnx_split_heads(n, n->in[i], i ? kv_heads : q_heads, error);
    if (t[i] && pasts[i]) {
      *past = pasts[i]->rank == 4 ? pasts[i]->dims[2] : 0;
      t[i] = qf_onnx_concat2(n, pasts[i], t[i], 2, NULL, error);
    }
    if (!t[i])
      return FALSE;
    if (i && (uint32_t)i < n->n_out)
      n->out[i] = t[i];
  }
  int64_t groups = t[1]->dims[1] > 0 ? t[0]->dims[1] / t[1]->dims[1] : 0;
  if (groups < 1 || t[1]->dims[1] != t[2]->dims[1] || groups * t[1]->dims[1] != t[0]->dims[1])
    return qf_onnx_fail(n, error, QF_ERROR_SHAPE,
                        "its %" G_GINT64_FORMAT " heads cannot share %" G_GINT64_FORMAT
                        " heads of keys and values",
                        t[0]->dims[1], t[1]->dims[1]);
  t[1] = repeat_heads(n, t[1], groups, error);
  t[2] = repeat_heads(n, t[2], groups, error);
  return t[1] && t[2];
}

/* [B,H,L,D] as output 0, in the form that the queries have. */
gboolean qf_onnx_bind_heads(QfOnnxNode *n, QfTensor *y, gboolean split, GError **error)
{
  if (split)
    return qf_onnx_bind(n, 0, y);
  y = qf_build_transpose(n->b, y, &swap_heads, NULL, error);
  if (!y)
    return FALSE;
  QfInts shape = {3, {y->dims[0], y->dims[1], y->dims[2] * y->dims[3]}};
  return qf_onnx_bind(n, 0, qf_build_reshape(n->b, y, &shape, qf_onnx_output(n, 0), error));
}

/* tanh(x / cap) * cap */
static QfTensor *soften(QfOnnxNode *n, QfTensor *x, double cap, GError **error)
{
  x = qf_build_apply1(n->b, "Tanh", qf_build_with(n->b, "ElementWiseMultiply", x, 1 / cap, NULL, error), NULL,
                      error);
  return qf_build_with(n->b, "ElementWiseMultiply", x, cap, NULL, error);
}

static gboolean map_attention(QfOnnxNode *n, GError **error)
{
  QfTensor *t[3], *stages[4], *mask = qf_onnx_input(n, 3), *bias = NULL;
  QfOnnxWindow window = {0};
  double cap = qf_onnx_float(n, "softcap", 0);
  if (!read_heads(n, t, &window.past, error))
    return FALSE;
  window.n_queries = t[0]->dims[2];
  window.n_keys = t[1]->dims[2];
  double scale = qf_onnx_float(n, "scale", (float)(1 / sqrt((double)MAX(t[0]->dims[3], 1))));
  stages[0] = qf_onnx_matmul2(n, qf_build_with(n->b, "ElementWiseMultiply", t[0], scale, NULL, error), t[1],
                              TRUE, NULL, error);
  stages[1] = cap > 0 ? soften(n, stages[0], cap, error) : stages[0];
  if (!stages[1] || !read_window(n, &window, error))
    return FALSE;
  if (mask && !(bias = wide_mask_bias(n, mask, window.n_keys, error)))
    return FALSE;
  bias = qf_onnx_add_bias(n, bias, qf_onnx_window_bias(n, &window, error), error);
  if (error && *error)
    return FALSE;
  stages[2] = qf_onnx_add_bias(n, stages[1], bias, error);
  stages[3] = qf_onnx_weigh(n, stages[2], bias, error);
  if (n->n_out > 3)
    n->out[3] = stages[CLAMP(qf_onnx_int(n, "qk_matmul_output_mode", 0), 0, 3)];
  gboolean split = n->in[0]->rank == 4;
  return qf_onnx_bind_heads(n,
                            qf_onnx_matmul2(n, stages[3], t[2], FALSE, split ? qf_onnx_output(n, 0) : NULL,
                                            error),
                            split, error);
}

/* Every second of @x along the last axis from @first on, or one half of it. */
static QfTensor *rotary_part(QfOnnxNode *n, QfTensor *x, gboolean interleaved, int first, GError **error)
{
  int64_t half = x->dims[3] / 2;
  if (!interleaved)
    return qf_build_slice(n->b, x, 3, first * half, (first + 1) * half, NULL, error);
  QfInts pairs = {5, {x->dims[0], x->dims[1], x->dims[2], half, 2}};
  QfInts shape = {4, {x->dims[0], x->dims[1], x->dims[2], half}};
  QfTensor *y =
      qf_build_slice(n->b, qf_build_reshape(n->b, x, &pairs, NULL, error), 4, first, first + 1, NULL, error);
  return qf_build_reshape(n->b, y, &shape, NULL, error);
}

/* The inverse of rotary_part(). */
static QfTensor *rotary_join(QfOnnxNode *n, QfTensor *a, QfTensor *b, gboolean interleaved, GError **error)
{
  if (!a || !b || !interleaved)
    return qf_onnx_concat2(n, a, b, 3, NULL, error);
  const int64_t *d = a->dims;
  QfInts single = {5, {d[0], d[1], d[2], d[3], 1}}, joined = {4, {d[0], d[1], d[2], 2 * d[3]}};
  a = qf_build_reshape(n->b, a, &single, NULL, error);
  b = qf_build_reshape(n->b, b, &single, NULL, error);
  return qf_build_reshape(n->b, qf_onnx_concat2(n, a, b, 4, NULL, error), &joined, NULL, error);
}

/* A table of angles as [B,1,L,D/2]: rows by position, or given for each place. */
static QfTensor *rotary_angles(QfOnnxNode *n, QfTensor *table, QfTensor *positions, GError **error)
{
  if (positions) {
    QfTensor *in[] = {table, positions};
    table = qf_build_end(n->b, qf_build_begin(n->b, "Gather", in, 2, NULL), error);
  }
  if (!table)
    return NULL;
  if (table->rank != 3) {
    qf_onnx_fail(n, error, QF_ERROR_SHAPE,
                 "its tables must be [batch, length, size / 2], or have positions [batch, length]");
    return NULL;
  }
  QfInts shape = {4, {table->dims[0], 1, table->dims[1], table->dims[2]}};
  return qf_build_reshape(n->b, table, &shape, NULL, error);
}

/* x [B,H,L,D] by the angles: (x0 + i x1) * (cos + i sin). */
QfTensor *qf_onnx_rotate(QfOnnxNode *n, QfTensor *x, QfTensor *c, QfTensor *s, gboolean interleaved,
                         GError **error)
{
  static const char *const combine[] = {"ElementWiseSubtract", "ElementWiseAdd"};
  QfTensor *part[2], *y[2];
  for (int i = 0; i < 2; i++)
    part[i] = rotary_part(n, x, interleaved, i, error);
  for (int i = 0; i < 2; i++) {
    QfTensor *a = qf_build_apply2(n->b, "ElementWiseMultiply", part[0], i ? s : c, NULL, error);
    QfTensor *b = qf_build_apply2(n->b, "ElementWiseMultiply", part[1], i ? c : s, NULL, error);
    y[i] = qf_build_apply2(n->b, combine[i], a, b, NULL, error);
  }
  return rotary_join(n, y[0], y[1], interleaved, error);
}

static gboolean map_rotary(QfOnnxNode *n, GError **error)
{
  gboolean interleaved = qf_onnx_int(n, "interleaved", 0) != 0;
  QfTensor *x = qf_onnx_split_heads(n, n->in[0], qf_onnx_int(n, "num_heads", 0), error);
  QfTensor *c = rotary_angles(n, n->in[1], qf_onnx_input(n, 3), error);
  QfTensor *s = rotary_angles(n, n->in[2], qf_onnx_input(n, 3), error);
  if (!x || !c || !s)
    return FALSE;
  int64_t size = x->dims[3], rotated = qf_onnx_int(n, "rotary_embedding_dim", 0);
  rotated = rotated ? rotated : size;
  if (rotated < 2 || rotated > size || rotated % 2 || c->dims[3] != rotated / 2 || s->dims[3] != rotated / 2)
    return qf_onnx_fail(n, error, QF_ERROR_SHAPE,
                        "it rotates %" G_GINT64_FORMAT " of %" G_GINT64_FORMAT
                        " numbers, which its tables do not fit",
                        rotated, size);
  QfTensor *rest = rotated < size ? qf_build_slice(n->b, x, 3, rotated, size, NULL, error) : NULL;
  if (rest)
    x = qf_build_slice(n->b, x, 3, 0, rotated, NULL, error);
  QfTensor *y = x ? qf_onnx_rotate(n, x, c, s, interleaved, error) : NULL;
  if (rest)
    y = qf_onnx_concat2(n, y, rest, 3, NULL, error);
  return y && qf_onnx_bind_heads(n, y, n->in[0]->rank == 4, error);
}

/* Where along the axis each element of the update goes: the entry's own index + its place. */
static QfTensor *cache_places(QfOnnxNode *n, const QfTensor *update, int32_t axis, int64_t length,
                              gboolean circular, GError **error)
{
  QfInts row = {.n = update->rank}, batch = row, all = qf_build_dims(update);
  for (int i = 0; i < row.n; i++)
    row.v[i] = batch.v[i] = 1;
  row.v[axis] = update->dims[axis];
  batch.v[0] = update->dims[0];
  g_autofree int64_t *places = g_new(int64_t, row.v[axis] + 1);
  for (int64_t i = 0; i < row.v[axis]; i++)
    places[i] = i;
  QfTensor *at = qf_graph_add_constant_copy(n->onnx->graph, NULL, QF_DTYPE_INT64, row.v, row.n, places);
  QfTensor *first = qf_onnx_input(n, 2), *y = at;
  if (first)
    y = qf_build_apply2(n->b, "ElementWiseAdd", qf_build_reshape(n->b, first, &batch, NULL, error), at, NULL,
                        error);
  if (y && circular)
    y = qf_build_apply2(n->b, "ElementWiseMod", y, qf_build_scalar(n->b, (double)length, QF_DTYPE_INT64),
                        NULL, error);
  if (!y)
    return NULL;
  QfNode *node = qf_build_begin(n->b, "BroadcastTo", &y, 1, NULL);
  ((QfTileAttrs *)node->attrs)->multiples = all;
  return qf_build_end(n->b, node, error);
}

static gboolean map_tensor_scatter(QfOnnxNode *n, GError **error)
{
  static const char *const modes[] = {"linear", "circular", NULL};
  QfTensor *x = n->in[0], *update = n->in[1];
  int32_t axis, circular;
  if (!qf_onnx_enum(n, "mode", modes, 0, &circular, error) ||
      !qf_onnx_axis(n, qf_onnx_int(n, "axis", -2), x->rank, &axis, error))
    return FALSE;
  if (update->rank != x->rank || !axis || update->dims[axis] > x->dims[axis] ||
      (qf_onnx_input(n, 2) && qf_tensor_count(n->in[2]) != x->dims[0]))
    return qf_onnx_fail(n, error, QF_ERROR_SHAPE, "its update does not fit into its cache");
  QfTensor *in[] = {x, cache_places(n, update, axis, x->dims[axis], circular != 0, error), update};
  if (!in[1])
    return FALSE;
  QfNode *node = qf_build_begin(n->b, "ScatterElements", in, 3, qf_onnx_output(n, 0));
  ((QfGatherAttrs *)node->attrs)->axis = axis;
  return qf_onnx_bind(n, 0, qf_build_end(n->b, node, error));
}

const QfOnnxRow qf_onnx_attention_rows[] = {
    {"", "Attention", map_attention, 3, 7, "MatMul", 0},
    {"", "RotaryEmbedding", map_rotary, 3, 4, NULL, 0},
    {"", "TensorScatter", map_tensor_scatter, 2, 3, "ScatterElements", 0},
    {NULL},
};
