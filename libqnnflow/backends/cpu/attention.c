/* SPDX-License-Identifier: MIT */
/*
 * attention.c - one step for softmax(scale * q k^T + mask) v that is written as MatMul, Multiply or Divide, Add, Softmax, MatMul, with
 * the transpositions that part and join heads.
 *
 * This is no pass over the graph: other units want the small operators, and integer tensors in between keep the encodings that say
 * what is computed. Nothing in between may have another reader. Integers give the bytes that the single steps would.
 */
#include "product.h"
#include "../../ops/list.h"
#include "kernels/attention/attention.h"
#include "kernels/binary/binary.h"

#include <math.h>

enum { MAX_NODES = 9, MAX_SCRATCH = 16 << 20 };

typedef struct {
  const QfNode *nodes[MAX_NODES]; /* in no order; the last of the graph's order makes the step */
  uint32_t n_nodes;
  const QfNode *last, *qk, *scale, *softmax, *pv;
  const QfTensor *q, *k, *v, *y, *mask;
  QfkAttention p;
} Match;

typedef struct {
  const QfExec *exec;
  const QfkAttention *p;
  uint32_t shares;
  const void *q, *k, *v, *mask;
  void *y;
} Run;

static void run_item(void *arg, uint32_t index, uint32_t thread)
{
  const Run *r = arg;
  const uint64_t rows = (uint64_t)r->p->rows, share = index % r->shares;
  qfk_attention_run(r->p, index / r->shares, (uint32_t)(rows * share / r->shares),
                    (uint32_t)(rows * (share + 1) / r->shares), r->q, r->k, r->v, r->mask, r->y,
                    r->exec->scratch + thread * r->exec->scratch_stride);
}

static void run_step(const QfStep *step, const QfExec *exec)
{
  const QfkAttention *p = step->params;
  Run r = {.exec = exec,
           .p = p,
           .shares = 1,
           .q = qf_step_in(step, exec, 0),
           .k = qf_step_in(step, exec, 1),
           .v = qf_step_in(step, exec, 2),
           .mask = qf_step_in(step, exec, 3),
           .y = qf_step_out(step, exec, 0)};
  const uint32_t heads = (uint32_t)(p->n_batch * p->n_heads),
                 wanted = exec->n_threads > 1 ? 2 * exec->n_threads : 1;
  if (heads < wanted)
    r.shares = MIN((uint32_t)p->rows, (wanted + heads - 1) / heads);
  qf_pool_run(exec->pool, heads * r.shares, run_item, &r);
}

/* The node's only output goes to one node alone. */
static QfNode *only_user(const QfNode *node)
{
  return qf_graph_is_output(node->graph, node->outputs[0])
             ? NULL
             : qf_graph_single_user(node->graph, node->outputs[0]);
}

static void take(Match *m, const QfNode *node)
{
  m->nodes[m->n_nodes++] = node;
}

/* Strides of a dense tensor of rank 3 or 4, of its dimensions after @perm (NULL: as they are). */
static QfkHeads dense(const QfTensor *t, const int64_t *perm)
{
  int64_t stride[4] = {0}, s = 1;
  for (int32_t i = t->rank - 1; i >= 0; s *= t->dims[i--])
    stride[i] = s;
  const int32_t shift = t->rank - 4;
  int64_t of[4] = {0};
  for (int32_t i = MAX(-shift, 0); i < 4; i++)
    of[i] = stride[perm ? perm[i + shift] : i + shift];
  return (QfkHeads){of[0], of[1], of[2], of[3]};
}

/* Dimension @i of 4; a missing first one is 1. */
static int64_t dim(const QfTensor *t, int32_t i)
{
  return i + t->rank - 4 < 0 ? 1 : t->dims[i + t->rank - 4];
}

/* Reads @t, or what it is transposed from. */
static const QfTensor *read_heads(Match *m, const QfTensor *t, gboolean dense_columns, QfkHeads *h)
{
  const QfNode *transpose = t->producer;
  *h = dense(t, NULL);
  if (!transpose || transpose->op != &qf_op_Transpose || only_user(transpose) == NULL)
    return t;
  const QfkHeads from = dense(transpose->inputs[0], ((const QfTransposeAttrs *)transpose->attrs)->perm.v);
  if (dense_columns ? from.col != 1 : from.col != 1 && from.row != 1)
    return t;
  *h = from;
  take(m, transpose);
  return transpose->inputs[0];
}

static void write_heads(Match *m)
{
  const QfNode *transpose = only_user(m->pv);
  m->y = m->pv->outputs[0];
  m->last = m->pv;
  m->p.y = dense(m->y, NULL);
  if (!transpose || transpose->op != &qf_op_Transpose)
    return;
  const int64_t *perm = ((const QfTransposeAttrs *)transpose->attrs)->perm.v;
  int64_t back[4] = {0};
  for (int32_t i = 0; i < m->y->rank; i++)
    back[perm[i]] = i;
  const QfkHeads to = dense(transpose->outputs[0], back);
  if (to.col != 1)
    return;
  take(m, transpose);
  m->y = transpose->outputs[0];
  m->last = transpose;
  m->p.y = to;
}

/* Leading dimensions of @t are those of y, or 1: then they repeat. */
static gboolean broadcast(const QfTensor *t, const QfTensor *y, QfkHeads *h)
{
  h->batch = dim(t, 0) == 1 ? 0 : h->batch;
  h->head = dim(t, 1) == 1 ? 0 : h->head;
  return (dim(t, 0) == 1 || dim(t, 0) == dim(y, 0)) && (dim(t, 1) == 1 || dim(t, 1) == dim(y, 1));
}

static gboolean is_plain_binary(const QfNode *node)
{
  return (node->op == &qf_op_ElementWiseMultiply || node->op == &qf_op_ElementWiseDivide ||
          node->op == &qf_op_ElementWiseAdd) &&
         ((const QfBinaryAttrs *)node->attrs)->epi.act == QF_ACT_NONE;
}

/* A product with or quotient by one constant: which input that is, or -1. */
static int constant_side(const QfNode *node)
{
  for (int i = 0; i < 2; i++)
    if (node->inputs[i]->data && qf_tensor_count(node->inputs[i]) == 1 && !node->inputs[1 - i]->data &&
        (i == 1 || node->op == &qf_op_ElementWiseMultiply))
      return i;
  return -1;
}

/* The mask's side of an Add: it has the last dimension of the scores (or 1) and broadcasts; -1: neither. */
static int mask_side(const QfNode *add)
{
  const QfTensor *y = add->outputs[0];
  for (int i = 1; i >= 0; i--) {
    const QfTensor *t = add->inputs[i], *s = add->inputs[1 - i];
    if (t->dtype == QF_DTYPE_FLOAT32 && s->producer && !t->enc.count && s->rank == y->rank &&
        qf_tensor_count(s) == qf_tensor_count(y) && t->rank >= 1 && t->rank <= 4 &&
        (s->producer->op == &qf_op_MatMul || is_plain_binary(s->producer)))
      return i;
  }
  return -1;
}

static void set_mask(Match *m, const QfTensor *t)
{
  m->mask = t;
  m->p.mask = dense(t, NULL);
  ptrdiff_t *strides[] = {&m->p.mask.batch, &m->p.mask.head, &m->p.mask.row, &m->p.mask.col};
  for (int32_t i = 0; i < 4; i++)
    if (dim(t, i) == 1)
      *strides[i] = 0;
}

/* From the Softmax up to the product of q and k. */
static gboolean find_scores(Match *m)
{
  const QfTensor *t = m->softmax->inputs[0];
  m->p.scale = 1;
  for (int i = 0; i < 3; i++) {
    const QfNode *node = t->producer;
    if (!node || !only_user(node))
      return FALSE;
    take(m, node);
    if (node->op == &qf_op_MatMul) {
      m->qk = node;
      return TRUE;
    }
    if (!is_plain_binary(node))
      return FALSE;
    if (node->op == &qf_op_ElementWiseAdd) {
      const int side = m->mask || m->scale ? -1 : mask_side(node);
      if (side < 0)
        return FALSE;
      set_mask(m, node->inputs[side]);
      t = node->inputs[1 - side];
      continue;
    }
    const int side = m->scale ? -1 : constant_side(node);
    if (side < 0)
      return FALSE;
    const float value = (float)qf_tensor_get_real(node->inputs[side], 0);
    m->scale = node;
    m->p.scale = node->op == &qf_op_ElementWiseDivide ? 1 / value : value;
    t = node->inputs[1 - side];
  }
  return FALSE;
}

/* Shapes and strides of the products. */
static gboolean find_matrices(Match *m)
{
  const QfMatMulAttrs *first = m->qk->attrs, *second = m->pv->attrs;
  const QfTensor *q = m->qk->inputs[0], *k = m->qk->inputs[1], *v = m->pv->inputs[1], *s = m->qk->outputs[0],
                 *y = m->pv->outputs[0];
  const QfTensor *all[] = {q, k, v, s, y};
  QfkAttention *p = &m->p;
  for (size_t i = 0; i < G_N_ELEMENTS(all); i++)
    if (all[i]->rank < 3 || all[i]->rank > 4 || !qf_tensor_count(all[i]) ||
        qf_tensor_count(all[i]) > INT32_MAX / 4)
      return FALSE;
  if (first->transpose_in0 || second->transpose_in0 || m->pv->inputs[0] != m->softmax->outputs[0])
    return FALSE;
  p->n_batch = (int32_t)dim(y, 0);
  p->n_heads = (int32_t)dim(y, 1);
  p->rows = (int32_t)dim(s, 2);
  p->keys = (int32_t)dim(s, 3);
  p->depth = (int32_t)dim(q, 3);
  p->width = (int32_t)dim(y, 3);
  m->q = read_heads(m, q, TRUE, &p->q);
  m->k = read_heads(m, k, FALSE, &p->k);
  m->v = read_heads(m, v, FALSE, &p->v);
  if (!broadcast(q, y, &p->q) || !broadcast(k, y, &p->k) || !broadcast(v, y, &p->v))
    return FALSE;
  if (!first->transpose_in1)
    p->k = (QfkHeads){p->k.batch, p->k.head, p->k.col, p->k.row};
  if (second->transpose_in1)
    p->v = (QfkHeads){p->v.batch, p->v.head, p->v.col, p->v.row};
  write_heads(m);
  return TRUE;
}

static gboolean one_encoding(const QfTensor *t, QfkEncoding *e)
{
  if (t->enc.count != 1 || !qf_cpu_int_type(t->dtype, &e->type) || e->type > QFK_S8)
    return FALSE;
  *e = (QfkEncoding){e->type, t->enc.entries[0].scale, qf_cpu_zero_point(t)};
  return TRUE;
}

/* The table from the bytes of the scores to what softmax takes. */
static gboolean find_map(Match *m)
{
  QfkEncoding from, to, by;
  uint8_t bytes[256];
  if (!one_encoding(m->qk->outputs[0], &from) || !one_encoding(m->softmax->inputs[0], &to))
    return FALSE;
  for (int i = 0; i < 256; i++)
    bytes[i] = m->p.map[i] = (uint8_t)i;
  if (m->scale) {
    const int side = constant_side(m->scale);
    const void *value = qf_tensor_data(m->scale->inputs[side]);
    QfkBinary b = {.op = m->scale->op == &qf_op_ElementWiseMultiply ? QFK_BINARY_MUL : QFK_BINARY_DIV,
                   .nd = {1, 3, {256}, {{1}, {side != 0}, {side == 0}}}};
    if (!one_encoding(m->scale->inputs[side], &by))
      return FALSE;
    qfk_binary_int_init(&b, side ? from : by, side ? by : from, to);
    qfk_binary_int_ref(&b, side ? (const void *)bytes : value, side ? value : (const void *)bytes, m->p.map);
  }
  m->p.mapped = FALSE;
  for (int i = 0; i < 256; i++) {
    m->p.mapped |= m->p.map[i] != i;
    m->p.map[i] ^= to.type == QFK_S8 ? 0x80 : 0;
  }
  return TRUE;
}

static gboolean find_softmax(Match *m)
{
  const QfAxisAttrs *a = m->softmax->attrs;
  const QfTensor *x = m->softmax->inputs[0], *y = m->softmax->outputs[0];
  QfkEncoding ex, ey;
  if (a->axis != x->rank - 1)
    return FALSE;
  if (!x->enc.count)
    return a->beta == 1 && isfinite(m->p.scale) && m->p.scale != 0;
  if (m->mask || !(a->beta >= 0) || !one_encoding(x, &ex) || !one_encoding(y, &ey) || !find_map(m))
    return FALSE;
  m->p.integer = (QfkSoftmaxInt){.x_type = QFK_U8, .y_type = ey.type, .y_scale = ey.scale, .y_zero = ey.zero};
  qfk_softmax_int_init(&m->p.integer, a->beta, ex.scale);
  return TRUE;
}

static gboolean find_kernels(QfLower *lower, Match *m)
{
  QfkAttention *p = &m->p;
  const QfTensor *q = m->qk->inputs[0];
  const QfkKernel *kernel = qfk_kernel_find(qfk_attention_kernels, qfk_cpu_features(),
                                            q->enc.count ? QFK_ATTENTION_INT : QFK_ATTENTION_F32);
  p->softmax = (QfkAttentionRows)kernel->function;
  p->qk.s = (QfkGemmShape){.k = p->depth, .n = p->keys};
  p->pv.s = (QfkGemmShape){.k = p->keys, .n = p->width};
  if (!qf_cpu_product(lower, &p->qk, q, m->qk->inputs[1], m->qk->outputs[0]) ||
      !qf_cpu_product(lower, &p->pv, m->pv->inputs[0], m->pv->inputs[1], m->pv->outputs[0]) ||
      p->qk.kernel->kind != p->pv.kernel->kind)
    return FALSE;
  qfk_attention_init(p);
  return qfk_attention_scratch(p) <= MAX_SCRATCH;
}

/* NULL: it is not attention. */
static const Match *match(QfLower *lower, const QfNode *softmax)
{
  Match m = {.softmax = softmax, .pv = only_user(softmax)};
  if (!m.pv || m.pv->op != &qf_op_MatMul)
    return NULL;
  take(&m, softmax);
  take(&m, m.pv);
  if (!find_scores(&m) || !find_matrices(&m) || !find_softmax(&m) || !find_kernels(lower, &m))
    return NULL;
  Match *kept = qf_lower_alloc(lower, sizeof(m));
  *kept = m;
  return kept;
}

GHashTable *qf_cpu_attention_find(QfLower *lower, QfNode *const *nodes, uint32_t n_nodes)
{
  g_autoptr(GHashTable) here = g_hash_table_new(NULL, NULL), found = g_hash_table_new(NULL, NULL);
  for (uint32_t i = 0; i < n_nodes; i++)
    g_hash_table_add(here, nodes[i]);
  for (uint32_t i = 0; i < n_nodes && lower->graph->optimized && lower->requant == QF_REQUANT_FLOAT; i++) {
    const Match *m = nodes[i]->op == &qf_op_Softmax ? match(lower, nodes[i]) : NULL;
    gboolean all = m != NULL;
    for (uint32_t k = 0; all && k < m->n_nodes; k++)
      all = g_hash_table_contains(here, m->nodes[k]) && !g_hash_table_contains(found, m->nodes[k]);
    for (uint32_t k = 0; all && k < m->n_nodes; k++)
      g_hash_table_insert(found, (gpointer)m->nodes[k], (gpointer)m);
  }
  return g_steal_pointer(&found);
}

gboolean qf_cpu_attention_take(QfLower *lower, GHashTable *found, const QfNode *node)
{
  const Match *m = g_hash_table_lookup(found, node);
  if (!m || node != m->last)
    return m != NULL;
  const QfkKernel *kernel = qfk_attention_kernels;
  while ((QfkAttentionRows)kernel->function != m->p.softmax)
    kernel++;
  QfStep *step =
      qf_lower_step(lower, m->pv, QF_CPU_UNIT, kernel->name, run_step, &m->p, qfk_attention_scratch(&m->p));
  const QfTensor *in[] = {m->q, m->k, m->v, m->mask};
  uint32_t *ids = qf_lower_alloc(lower, (G_N_ELEMENTS(in) + 1) * sizeof(*ids));
  for (uint32_t i = 0; i < G_N_ELEMENTS(in); i++)
    ids[i] = in[i] ? in[i]->id : QF_NO_TENSOR;
  ids[G_N_ELEMENTS(in)] = m->y->id;
  step->in = ids;
  step->n_in = G_N_ELEMENTS(in);
  step->out = ids + G_N_ELEMENTS(in);
  step->n_out = 1;
  return TRUE;
}
