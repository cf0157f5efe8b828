/* SPDX-License-Identifier: MIT */
/*
 * matmul.c - rows of FullyConnected and MatMul.
 */
#include "weighted.h"
#include "fixed.h"
#include "litert.h"
#include "kernels/gemm/gemm.h"

typedef struct {
  QfkGemmShape shape;
  QfRefWeighted w;
} Params;

static void run_fc_real(const void *params, const void *const *in, void *const *out)
{
  const Params *p = params;
  QfkEpilogue act = qf_ref_weighted_act(&p->w, in);
  qfk_gemm_f32_ref(&p->shape, in[0], in[1], qf_ref_weighted_bias(&p->w, in),
                   qf_ref_weighted_residual(&p->w, in), &act, out[0]);
}

static void run_fc_int(const void *params, const void *const *in, void *const *out)
{
  const Params *p = params;
  qfk_gemm_int_ref(&p->shape, &p->w.q, in[0], in[1], out[0]);
}

gboolean qf_ref_lower_fully_connected(QfLower *lower, QfNode *node, GError **error)
{
  const QfFullyConnectedAttrs *a = node->attrs;
  const int64_t m = node->inputs[1]->dims[0], k = node->inputs[1]->dims[1];
  const int64_t rows = qf_tensor_count(node->inputs[0]) / k;
  Params *p = qf_lower_alloc(lower, sizeof(*p));
  if (rows > INT32_MAX / 2)
    return qf_ref_unsupported(node, error, "it has too many rows", "use a smaller batch");
  if (!qf_ref_weighted_init(&p->w, lower, node, &a->epi, m, error))
    return FALSE;
  p->shape = (QfkGemmShape){.m = (int32_t)rows,
                            .n = (int32_t)m,
                            .k = (int32_t)k,
                            .a_row = k,
                            .a_col = 1,
                            .b_row = 1,
                            .b_col = k,
                            .c_row = m};
  p->w.q.requant.single = TRUE;
  if (p->w.integer)
    qf_ref_lower_plain(lower, node, "gemm_int_ref", run_fc_int, p);
  else
    qf_ref_lower_real(lower, node, "gemm_f32_ref", run_fc_real, p, p->w.real_in, 1);
  return TRUE;
}

/* One product for each step of the nest over the leading dimensions; offsets count matrices' elements. */
typedef struct {
  QfkGemmShape shape;
  QfkNd batch; /* operands c, a, b */
  QfkIntArgs q;
  size_t size[3]; /* bytes an element of c, a, b */
} MatMul;

typedef void (*ProductFunc)(const MatMul *p, const void *a, const void *b, void *c);

static void product_f32(const MatMul *p, const void *a, const void *b, void *c)
{
  qfk_gemm_f32_ref(&p->shape, a, b, NULL, NULL, &(QfkEpilogue){0}, c);
}

static void product_int(const MatMul *p, const void *a, const void *b, void *c)
{
  qfk_gemm_int_ref(&p->shape, &p->q, a, b, c);
}

static void product_i64(const MatMul *p, const void *a, const void *b, void *c)
{
  qfk_gemm_i64_ref(&p->shape, a, b, c);
}

static void for_batch(const MatMul *p, ProductFunc product, const void *const *in, void *const *out)
{
  const QfkNd *nd = &p->batch;
  const int32_t last = nd->rank - 1;
  QfkNdWalk walk = {0};
  if (!qfk_nd_count(nd))
    return;
  do
    for (int64_t i = 0; i < nd->dims[last]; i++)
      product(p, (const char *)in[0] + (walk.offset[1] + i * nd->stride[1][last]) * (int64_t)p->size[1],
              (const char *)in[1] + (walk.offset[2] + i * nd->stride[2][last]) * (int64_t)p->size[2],
              (char *)out[0] + (walk.offset[0] + i * nd->stride[0][last]) * (int64_t)p->size[0]);
  while (qfk_nd_next(nd, &walk));
}

static void run_matmul_real(const void *params, const void *const *in, void *const *out)
{
  for_batch(params, product_f32, in, out);
}

static void run_matmul_int(const void *params, const void *const *in, void *const *out)
{
  for_batch(params, product_int, in, out);
}

static void run_matmul_i64(const void *params, const void *const *in, void *const *out)
{
  for_batch(params, product_i64, in, out);
}

/* Strides of one matrix, which a vector is a row (left) or a column (right) of. */
static void describe_matrix(const QfTensor *t, gboolean right, gboolean transpose, int64_t size[2],
                            ptrdiff_t stride[2])
{
  gboolean vector = t->rank == 1;
  int64_t inner = t->dims[t->rank - 1], outer = vector ? 1 : t->dims[t->rank - 2];
  int swap = vector ? right : transpose;
  size[swap] = outer;
  size[!swap] = inner;
  stride[swap] = inner;
  stride[!swap] = 1;
}

static void describe_batch(QfkNd *nd, const QfNode *node, const int64_t *matrix)
{
  const QfTensor *a = node->inputs[0], *b = node->inputs[1], *y = node->outputs[0];
  const int32_t y_rank = y->rank - (a->rank > 1) - (b->rank > 1);
  const QfTensor *tensors[] = {y, a, b};
  const int32_t ranks[] = {y_rank, MAX(a->rank - 2, 0), MAX(b->rank - 2, 0)};
  *nd = (QfkNd){.rank = MAX(y_rank, 1), .n_operands = 3, .dims = {1}};
  for (int32_t i = 0; i < y_rank; i++)
    nd->dims[i] = y->dims[i];
  for (int k = 0; k < 3; k++) {
    int64_t stride = matrix[k];
    for (int32_t i = ranks[k] - 1; i >= 0; i--) {
      nd->stride[k][y_rank - ranks[k] + i] = tensors[k]->dims[i] == 1 ? 0 : stride;
      stride *= tensors[k]->dims[i];
    }
  }
  qfk_nd_collapse(nd);
}

static gboolean describe_integers(MatMul *p, QfLower *lower, const QfNode *node)
{
  QfkEncoding a, b, y;
  if (!qf_ref_is_encoded(node->inputs[0], &a) || !qf_ref_is_encoded(node->inputs[1], &b) ||
      !qf_ref_is_encoded(node->outputs[0], &y))
    return FALSE;
  float *m = qf_lower_alloc(lower, sizeof(*m));
  int32_t *zero = qf_lower_alloc(lower, (size_t)p->shape.n * sizeof(*zero));
  *m = qfk_requant_scale(a.scale, b.scale, y.scale);
  for (int32_t i = 0; i < p->shape.n; i++)
    zero[i] = b.zero;
  p->q = (QfkIntArgs){.x_type = a.type,
                      .w_type = b.type,
                      .y_type = y.type,
                      .x_zero = a.zero,
                      .w_zero = b.zero ? zero : NULL,
                      .requant = {.m = m, .zero_point = y.zero}};
  qf_ref_bounds(&y, QF_ACT_NONE, 0, 0, &p->q.requant.lo, &p->q.requant.hi);
  if (lower->requant == QF_REQUANT_TFLITE) {
    p->q.requant.fixed = qf_ref_litert_multipliers(lower, node, 1);
    p->q.requant.wide = a.type > QFK_S8;
    p->q.requant.single = !p->q.requant.wide;
  }
  qf_ref_fixed_requant(lower, node, 1, a.type > QFK_S8, &p->q.requant);
  return TRUE;
}

gboolean qf_ref_lower_matmul(QfLower *lower, QfNode *node, GError **error)
{
  const QfMatMulAttrs *attrs = node->attrs;
  const QfTensor *a = node->inputs[0], *b = node->inputs[1], *y = node->outputs[0];
  int64_t sa[2], sb[2];
  MatMul *p = qf_lower_alloc(lower, sizeof(*p));
  if (!qf_ref_fits_int32(a) || !qf_ref_fits_int32(b))
    return qf_ref_unsupported(node, error, "a dimension is beyond 2^30", "use a smaller one");
  ptrdiff_t ta[2], tb[2];
  describe_matrix(a, FALSE, attrs->transpose_in0, sa, ta);
  describe_matrix(b, TRUE, attrs->transpose_in1, sb, tb);
  p->shape = (QfkGemmShape){.m = (int32_t)sa[0],
                            .n = (int32_t)sb[1],
                            .k = (int32_t)sa[1],
                            .a_row = ta[0],
                            .a_col = ta[1],
                            .b_row = tb[0],
                            .b_col = tb[1],
                            .c_row = sb[1]};
  describe_batch(&p->batch, node, (const int64_t[]){sa[0] * sb[1], sa[0] * sa[1], sb[0] * sb[1]});
  if (describe_integers(p, lower, node)) {
    p->size[0] = qf_dtype_size(y->dtype);
    p->size[1] = qf_dtype_size(a->dtype);
    p->size[2] = qf_dtype_size(b->dtype);
    qf_ref_lower_plain(lower, node, "gemm_int_ref", run_matmul_int, p);
    return TRUE;
  }
  if (qf_ref_domain(a) == QF_DTYPE_INT64 && qf_ref_domain(y) == QF_DTYPE_INT64) {
    p->size[0] = p->size[1] = p->size[2] = sizeof(int64_t);
    qf_ref_lower_as(lower, node, "gemm_i64_ref", run_matmul_i64, p,
                    (QfRefPorts){.as = QF_DTYPE_INT64, .in = 3, .out = 1});
    return TRUE;
  }
  p->size[0] = p->size[1] = p->size[2] = sizeof(float);
  qf_ref_lower_real(lower, node, "gemm_f32_ref", run_matmul_real, p, 3, 1);
  return TRUE;
}
