/* SPDX-License-Identifier: MIT */
/*
 * map_matmul.c - products: linear layers, matrices, attention.
 */
#include "map.h"

#include <math.h>
#include <string.h>

static const int64_t swap[] = {1, 0};

static gboolean map_linear(QfPt2Node *n, GError **error)
{
  const char *x = qf_pt2_tensor(n, "input"), *weight = qf_pt2_tensor(n, "weight"),
             *bias = qf_pt2_tensor(n, "bias");
  if (qf_pt2_rank(n, weight) != 2)
    return qf_pt2_fail(n, error, QF_ERROR_UNSUPPORTED, "its weight must be a matrix");
  weight = qf_pt2_permute(n, weight, swap, 2, NULL);
  x = qf_pt2_emit(n, "MatMul", bias ? NULL : n->out[0], 2, x, weight);
  if (bias)
    qf_pt2_emit(n, "Add", n->out[0], 2, x, bias);
  return TRUE;
}

/* beta * self + alpha * (a times b). data: the names of a and b. */
static gboolean map_addmm(QfPt2Node *n, GError **error)
{
  g_auto(GStrv) names = g_strsplit(n->row->data, " ", 2);
  const double beta = qf_pt2_arg_float(n, "beta", 1), alpha = qf_pt2_arg_float(n, "alpha", 1);
  const char *c = qf_pt2_tensor(n, "self");
  const char *y = qf_pt2_emit(n, "MatMul", NULL, 2, qf_pt2_tensor(n, names[0]), qf_pt2_tensor(n, names[1]));
  if (alpha != 1)
    y = qf_pt2_emit(n, "Mul", NULL, 2, y, qf_pt2_number(n, alpha));
  if (beta != 1)
    c = qf_pt2_emit(n, "Mul", NULL, 2, c, qf_pt2_number(n, beta));
  qf_pt2_emit(n, "Add", n->out[0], 2, y, c);
  return TRUE;
}

static gboolean map_einsum(QfPt2Node *n, GError **error)
{
  g_autoptr(GPtrArray) in = qf_pt2_arg_tensors(n, "tensors");
  Onnx__NodeProto *node =
      qf_pt2_node(n->p->emit, "Einsum", n->name, (const char *const *)in->pdata, in->len, n->out, 1);
  qf_pt2_attr_string(n->p->emit, node, "equation", qf_pt2_arg_text(n, "equation", ""));
  return TRUE;
}

typedef struct {
  QfPt2Tensor q, k;
  const char *query, *key, *value;
} Attention;

/* Zeros on and below the diagonal, minus infinity above: what an earlier position may not see. */
static const char *causal_mask(QfPt2Node *n, int64_t rows, int64_t columns, GError **error)
{
  const int64_t dims[] = {rows, columns};
  float *mask = qf_pt2_take(n, rows * columns, error);
  for (int64_t r = 0; mask && r < rows; r++)
    for (int64_t c = r + 1; c < columns; c++)
      mask[r * columns + c] = -INFINITY;
  return mask ? qf_pt2_constant(n->p->emit, NULL, QF_PT2_FLOAT, dims, 2,
                                g_bytes_new_take(mask, (gsize)(rows * columns) * sizeof(float)))
              : NULL;
}

/* Fewer heads of keys than of queries: each serves several neighbours. */
static const char *repeat_heads(QfPt2Node *n, const char *x, const QfPt2Tensor *meta, int64_t heads)
{
  const int64_t times = heads / meta->dims[1];
  const int64_t wide[] = {meta->dims[0], meta->dims[1], times, meta->dims[2], meta->dims[3]},
                split[] = {meta->dims[0], meta->dims[1], 1, meta->dims[2], meta->dims[3]},
                joined[] = {meta->dims[0], heads, meta->dims[2], meta->dims[3]};
  x = qf_pt2_reshape(n, x, split, 5, NULL);
  x = qf_pt2_emit(n, "Expand", NULL, 2, x, qf_pt2_const_ints(n->p->emit, wide, 5));
  return qf_pt2_reshape(n, x, joined, 4, NULL);
}

static gboolean share_heads(QfPt2Node *n, Attention *a, GError **error)
{
  QfPt2Tensor v;
  gboolean known = a->q.rank == 4 && a->k.rank == 4 && qf_pt2_meta(n, a->value, &v) && v.rank == 4;
  for (int i = 0; known && i < 4; i++)
    known = a->k.dims[i] > 0 && v.dims[i] > 0;
  if (!known || a->q.dims[1] < 1 || a->q.dims[1] % a->k.dims[1] || v.dims[1] != a->k.dims[1])
    return qf_pt2_fail(n, error, QF_ERROR_UNSUPPORTED, "grouped heads need known sizes of four dimensions");
  a->key = repeat_heads(n, a->key, &a->k, a->q.dims[1]);
  a->value = repeat_heads(n, a->value, &v, a->q.dims[1]);
  return TRUE;
}

/* The scores with what the mask adds, or takes out where it is false. */
static gboolean add_mask(QfPt2Node *n, const Attention *a, const char **scores, GError **error)
{
  const char *mask = qf_pt2_tensor(n, qf_pt2_arg(n, "attn_bias") ? "attn_bias" : "attn_mask");
  const int64_t rows = a->q.dims[a->q.rank - 2], columns = a->k.dims[a->k.rank - 2];
  if (mask && qf_pt2_type(n, mask) == QF_PT2_BOOL)
    *scores = qf_pt2_emit(n, "Where", NULL, 3, mask, *scores, qf_pt2_number(n, -(double)INFINITY));
  else if (mask)
    *scores = qf_pt2_emit(n, "Add", NULL, 2, *scores, mask);
  if (!qf_pt2_arg_bool(n, "is_causal", FALSE))
    return TRUE;
  if (rows < 1 || columns < 1 || rows > 1 << 14 || columns > 1 << 14)
    return qf_pt2_fail(n, error, QF_ERROR_UNSUPPORTED, "a causal mask needs known lengths up to 16384");
  mask = causal_mask(n, rows, columns, error);
  if (mask)
    *scores = qf_pt2_emit(n, "Add", NULL, 2, *scores, mask);
  return mask != NULL;
}

/* softmax(q k' * scale + mask) v, in every variant that exports name. */
static gboolean map_attention(QfPt2Node *n, GError **error)
{
  Attention a = {.query = qf_pt2_tensor(n, "query"),
                 .key = qf_pt2_tensor(n, "key"),
                 .value = qf_pt2_tensor(n, "value")};
  int64_t perm[QF_MAX_RANK] = {0, 1, 2, 3, 4, 5, 6, 7};
  if (!qf_pt2_meta(n, a.query, &a.q) || !qf_pt2_meta(n, a.key, &a.k) || a.q.rank < 2 || a.k.rank < 2 ||
      a.q.dims[a.q.rank - 1] < 1)
    return qf_pt2_fail(n, error, QF_ERROR_UNSUPPORTED, "the sizes of query and key must be known");
  if (qf_pt2_arg_bool(n, "enable_gqa", FALSE) && !share_heads(n, &a, error))
    return FALSE;
  const double scale = qf_pt2_arg_float(n, "scale", 1 / sqrt((double)a.q.dims[a.q.rank - 1]));
  perm[a.k.rank - 1] = a.k.rank - 2;
  perm[a.k.rank - 2] = a.k.rank - 1;
  const char *q = qf_pt2_emit(n, "Mul", NULL, 2, a.query, qf_pt2_number(n, scale));
  const char *scores =
      qf_pt2_emit(n, "MatMul", NULL, 2, q, qf_pt2_permute(n, a.key, perm, (uint32_t)a.k.rank, NULL));
  if (!add_mask(n, &a, &scores, error))
    return FALSE;
  scores = qf_pt2_emit(n, "Softmax", NULL, 1, scores);
  qf_pt2_attr_int(n->p->emit, qf_pt2_last(n), "axis", -1);
  qf_pt2_emit(n, "MatMul", n->out[0], 2, scores, a.value);
  return TRUE;
}

const QfPt2Row qf_pt2_matmul_rows[] = {
    {"linear", map_linear, NULL},
    {"addmm", map_addmm, "mat1 mat2"},
    {"baddbmm", map_addmm, "batch1 batch2"},
    {"mm", qf_pt2_map_simple, "MatMul self mat2"},
    {"bmm", qf_pt2_map_simple, "MatMul self mat2"},
    {"matmul", qf_pt2_map_simple, "MatMul self other"},
    {"dot", qf_pt2_map_simple, "MatMul self tensor"},
    {"mv", qf_pt2_map_simple, "MatMul self vec"},
    {"einsum", map_einsum, NULL},
    {"scaled_dot_product_attention", map_attention, NULL},
    {"_scaled_dot_product_flash_attention_for_cpu", map_attention, NULL},
    {"_scaled_dot_product_efficient_attention", map_attention, NULL},
    {"_scaled_dot_product_flash_attention", map_attention, NULL},
    {"_scaled_dot_product_attention_math", map_attention, NULL},
    {NULL},
};
