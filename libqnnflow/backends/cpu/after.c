/* SPDX-License-Identifier: MIT */
/*
 * after.c - finds what follows 8-bit tensors. A chain is a set of nodes that read one tensor, constants of one element and each other, and of
 * which only the last one's output is read elsewhere; the reference computes it for all 256 bytes.
 */
#include "after.h"
#include "../../ops/list.h"
#include "kernels/binary/binary.h"

#include <string.h>

enum { MAX_CHAIN = 8, WINDOW = 24 /* nodes behind a tensor's producer that are looked at */ };

struct QfCpuAfter {
  QfNode *host;             /* makes x; NULL: a step of its own */
  QfNode *nodes[MAX_CHAIN]; /* in order */
  uint32_t n_nodes;
  const QfTensor *x, *y;
  const QfTensor *other; /* sums */
  QfkAfter *function;    /* owned by the model */
  gboolean taken;
};

/* Operators that work element by element. */
static const QfOpDef *const elementwise[] = {
    &qf_op_ElementWiseAdd,
    &qf_op_ElementWiseSubtract,
    &qf_op_ElementWiseMultiply,
    &qf_op_ElementWiseDivide,
    &qf_op_ElementWiseMaximum,
    &qf_op_ElementWiseMinimum,
    &qf_op_ElementWiseAbs,
    &qf_op_ElementWiseNeg,
    &qf_op_ElementWiseExp,
    &qf_op_ElementWiseSquareRoot,
    &qf_op_Relu,
    &qf_op_Relu6,
    &qf_op_ReluMinMax,
    &qf_op_LeakyRelu,
    &qf_op_Elu,
    &qf_op_Sigmoid,
    &qf_op_HardSigmoid,
    &qf_op_HardSwish,
    &qf_op_Silu,
    &qf_op_Tanh,
    &qf_op_Gelu,
    &qf_op_Erf,
    &qf_op_Convert,
};

static gboolean is_elementwise(const QfNode *node, gboolean reals)
{
  if (node->op == &qf_op_Quantize || node->op == &qf_op_Dequantize)
    return reals;
  for (size_t i = 0; i < G_N_ELEMENTS(elementwise); i++)
    if (elementwise[i] == node->op)
      return TRUE;
  return FALSE;
}

static gboolean is_bytes(const QfTensor *t)
{
  return (t->dtype == QF_DTYPE_UINT8 || t->dtype == QF_DTYPE_INT8) && t->enc.count == 1;
}

static gboolean same_shape(const QfTensor *a, const QfTensor *b)
{
  return a->rank == b->rank && !memcmp(a->dims, b->dims, (size_t)a->rank * sizeof(*a->dims));
}

/* A search in one list of nodes. */
typedef struct {
  QfLower *lower;
  QfNode *const *nodes;
  uint32_t n_nodes;
  GHashTable *found;  /* QfNode -> QfCpuAfter */
  GHashTable *others; /* nodes that somebody else takes */
} Search;

static gboolean is_free(const Search *s, const QfNode *node)
{
  return !g_hash_table_contains(s->found, node) && !g_hash_table_contains(s->others, node);
}

/* Whether @t is x or an output of the chain. */
static gboolean in_chain(const QfCpuAfter *a, const QfTensor *t)
{
  for (uint32_t i = 0; i < a->n_nodes; i++)
    if (a->nodes[i]->outputs[0] == t)
      return TRUE;
  return t == a->x;
}

static gboolean joins(const Search *s, const QfCpuAfter *a, const QfNode *node, gboolean reals)
{
  gboolean any = FALSE;
  if (!is_elementwise(node, reals) || node->n_outputs != 1 || !is_free(s, node) ||
      !same_shape(node->outputs[0], a->x))
    return FALSE;
  for (uint32_t i = 0; i < node->n_inputs; i++) {
    const QfTensor *t = node->inputs[i];
    const gboolean inside = t && in_chain(a, t);
    any |= inside;
    if (t && !inside && !(t->data && qf_tensor_count(t) == 1 && t->rank <= a->x->rank))
      return FALSE;
  }
  return any;
}

/* Whether only the first @n nodes of the chain read @t. */
static gboolean read_inside(const Search *s, const QfCpuAfter *a, uint32_t n, const QfTensor *t)
{
  if (qf_graph_is_output(s->lower->graph, t))
    return FALSE;
  g_autoptr(GPtrArray) users = qf_graph_users(s->lower->graph, t);
  for (guint i = 0; i < users->len; i++) {
    uint32_t k = 0;
    while (k < n && a->nodes[k] != users->pdata[i])
      k++;
    if (k == n)
      return FALSE;
  }
  return TRUE;
}

/* The longest beginning of the chain that one tensor of bytes leaves; 0: none does. */
static uint32_t closed(const Search *s, const QfCpuAfter *a)
{
  for (uint32_t n = a->n_nodes; n > 0; n--) {
    gboolean ok = is_bytes(a->nodes[n - 1]->outputs[0]);
    for (uint32_t i = 0; ok && i + 1 < n; i++)
      ok = read_inside(s, a, n, a->nodes[i]->outputs[0]);
    if (ok)
      return n;
  }
  return 0;
}

/* A copy of @t in @graph: the constant, or what a node will make. */
static QfTensor *copy_tensor(QfGraph *graph, const QfTensor *t)
{
  QfTensor *copy =
      t->data ? qf_graph_add_constant(graph, t->name, t->dtype, t->dims, t->rank, g_bytes_ref(t->data))
              : qf_graph_add_tensor(graph, NULL);
  copy->dtype = t->dtype;
  if (t->enc.count)
    qf_tensor_set_encoding(graph, copy, t->enc.count, t->enc.axis, t->enc.entries);
  return copy;
}

/* Appends a copy of @node, whose inputs are constants of @graph in @made (by tensor); the graph computes it. */
static gboolean compute(QfGraph *graph, const QfNode *node, GHashTable *made)
{
  g_autofree QfTensor **inputs = g_new0(QfTensor *, node->n_inputs + 1);
  for (uint32_t i = 0; i < node->n_inputs; i++) {
    if (!node->inputs[i])
      continue;
    inputs[i] = g_hash_table_lookup(made, node->inputs[i]);
    if (!inputs[i])
      inputs[i] = copy_tensor(graph, node->inputs[i]);
  }
  QfTensor *output = copy_tensor(graph, node->outputs[0]);
  QfNode *copy = qf_graph_new_node(graph, node->op->name, node->name, inputs, node->n_inputs, &output, 1);
  if (node->op->attrs_size)
    memcpy(copy->attrs, node->attrs, node->op->attrs_size);
  g_hash_table_insert(made, node->outputs[0], output);
  if (!qf_graph_add_node(copy, NULL) ||
      (!output->data && !qf_ref_evaluate(copy, NULL))) /* Dequantize is not folded */
    return FALSE;
  return output->data != NULL;
}

/* All 256 bytes through the chain. */
static gboolean make_table(const QfCpuAfter *a, uint8_t *table)
{
  g_autoptr(QfGraph) graph = qf_graph_new("table");
  g_autoptr(GHashTable) made = g_hash_table_new(NULL, NULL);
  uint8_t bytes[256];
  int64_t dims[QF_MAX_RANK];
  graph->evaluate = qf_ref_evaluate;
  for (int i = 0; i < 256; i++)
    bytes[i] = (uint8_t)i;
  for (int32_t i = 0; i < a->x->rank; i++)
    dims[i] = i + 1 < a->x->rank ? 1 : 256;
  QfTensor *x = qf_graph_add_constant_copy(graph, "x", a->x->dtype, dims, a->x->rank, bytes);
  qf_tensor_set_encoding(graph, x, 1, 0, a->x->enc.entries);
  g_hash_table_insert(made, (gpointer)a->x, x);
  for (uint32_t i = 0; i < a->n_nodes; i++)
    if (!compute(graph, a->nodes[i], made))
      return FALSE;
  const QfTensor *y = g_hash_table_lookup(made, a->y);
  if (qf_tensor_size_bytes(y) != 256)
    return FALSE;
  memcpy(table, qf_tensor_data(y), 256);
  return TRUE;
}

static gboolean set_function(const Search *s, QfCpuAfter *a, QfkAfterKind kind)
{
  const QfkKernel *kernel = qfk_kernel_find(qfk_after_kernels, qfk_cpu_features(), kind);
  a->function = qf_lower_alloc(s->lower, sizeof(*a->function));
  a->function->kind = kind;
  a->function->run = (QfkAfterFunc)kernel->function;
  return kind != QFK_AFTER_TABLE || make_table(a, a->function->table);
}

/* A chain behind @x, made by node @at; through real numbers in between if that closes. */
static gboolean find_chain(const Search *s, uint32_t at, gboolean host, QfCpuAfter *a)
{
  *a = (QfCpuAfter){.x = s->nodes[at]->outputs[0]};
  if (a->x->rank < 1)
    return FALSE;
  for (int reals = 1; reals >= 0 && !a->n_nodes; reals--) {
    for (uint32_t i = at + 1; i < s->n_nodes && i <= at + WINDOW && a->n_nodes < MAX_CHAIN; i++)
      if (joins(s, a, s->nodes[i], reals))
        a->nodes[a->n_nodes++] = s->nodes[i];
    a->n_nodes = closed(s, a);
  }
  if (!a->n_nodes)
    return FALSE;
  a->y = a->nodes[a->n_nodes - 1]->outputs[0];
  if (host && read_inside(s, a, a->n_nodes, a->x))
    a->host = s->nodes[at];
  return (a->host || a->n_nodes > 1) && set_function(s, a, QFK_AFTER_TABLE);
}

static QfkEncoding encoding(const QfTensor *t)
{
  return (QfkEncoding){t->dtype == QF_DTYPE_INT8 ? QFK_S8 : QFK_U8, t->enc.entries[0].scale,
                       qf_cpu_zero_point(t)};
}

/* The addition of another tensor to what node @at makes. */
static gboolean find_sum(const Search *s, uint32_t at, QfCpuAfter *a)
{
  *a = (QfCpuAfter){.host = s->nodes[at], .x = s->nodes[at]->outputs[0], .n_nodes = 1};
  QfNode *add =
      qf_graph_is_output(s->lower->graph, a->x) ? NULL : qf_graph_single_user(s->lower->graph, a->x);
  if (!add || add->op != &qf_op_ElementWiseAdd || !is_free(s, add))
    return FALSE;
  const QfBinaryAttrs *attrs = add->attrs;
  const gboolean second = add->inputs[1] == a->x;
  a->nodes[0] = add;
  a->y = add->outputs[0];
  a->other = add->inputs[second ? 0 : 1];
  if (a->other->data || a->other == a->x || !is_bytes(a->other) || !is_bytes(a->y) ||
      a->y->dtype != a->x->dtype || a->other->dtype != a->x->dtype || !same_shape(a->other, a->x) ||
      !same_shape(a->y, a->x) || attrs->epi.act > QF_ACT_CLAMP || attrs->epi.residual)
    return FALSE;
  uint32_t place = at + 1;
  while (place < s->n_nodes && s->nodes[place] != add)
    place++;
  if (place == s->n_nodes ||
      !set_function(s, a, a->x->dtype == QF_DTYPE_INT8 ? QFK_AFTER_SUM_S8 : QFK_AFTER_SUM_U8))
    return FALSE;
  QfkBinary binary = {.op = QFK_BINARY_ADD,
                      .act = {.act = attrs->epi.act, .lo = attrs->epi.lo, .hi = attrs->epi.hi}};
  qfk_binary_int_init(&binary, encoding(add->inputs[0]), encoding(add->inputs[1]), encoding(a->y));
  QfkAfter *f = a->function;
  f->y_scale = second ? binary.q.mb : binary.q.ma;
  f->x_scale = second ? binary.q.ma : binary.q.mb;
  f->constant = binary.q.ca;
  f->lo = (float)binary.q.lo;
  f->hi = (float)binary.q.hi;
  return TRUE;
}

static void keep(const Search *s, const QfCpuAfter *a)
{
  QfCpuAfter *kept = qf_lower_alloc(s->lower, sizeof(*kept));
  *kept = *a;
  if (a->host)
    g_hash_table_insert(s->found, a->host, kept);
  for (uint32_t i = 0; i < a->n_nodes; i++)
    g_hash_table_insert(s->found, a->nodes[i], kept);
}

GHashTable *qf_cpu_after_find(QfLower *lower, QfNode *const *nodes, uint32_t n_nodes, GHashTable *others)
{
  const Search s = {lower, nodes, n_nodes, g_hash_table_new(NULL, NULL), others};
  QfCpuAfter a;
  if (lower->requant != QF_REQUANT_FLOAT)
    return s.found;
  for (uint32_t i = n_nodes; i-- > 0;) { /* of two convolutions that are added, the later one does it */
    const QfNode *node = nodes[i];
    const gboolean host =
        node->op == &qf_op_Conv2d || node->op == &qf_op_TransposeConv2d || node->op == &qf_op_FullyConnected;
    if (node->n_outputs != 1 || !is_bytes(node->outputs[0]) || !is_free(&s, node))
      continue;
    if ((host && find_sum(&s, i, &a)) || find_chain(&s, i, host, &a))
      keep(&s, &a);
  }
  return s.found;
}

QfCpuAfter *qf_cpu_after_of(const QfLower *lower, const QfNode *node)
{
  QfCpuAfter *a = lower->after ? g_hash_table_lookup(lower->after, node) : NULL;
  return a && a->host == node ? a : NULL;
}

const QfkAfter *qf_cpu_after_function(const QfCpuAfter *after)
{
  return after->function;
}

gboolean qf_cpu_after_is_sum(const QfCpuAfter *after)
{
  return after->other != NULL;
}

void qf_cpu_after_take(QfLower *lower, QfCpuAfter *after)
{
  QfStep *step = &g_array_index(lower->steps, QfStep, lower->steps->len - 1);
  uint32_t *in = qf_lower_alloc(lower, 4 * sizeof(*in)), *out = qf_lower_alloc(lower, sizeof(*out));
  for (uint32_t i = 0; i < 4; i++)
    in[i] = i < step->n_in ? step->in[i] : QF_NO_TENSOR;
  if (after->other)
    in[3] = after->other->id;
  out[0] = after->y->id;
  step->in = in;
  step->n_in = 4;
  step->out = out;
  after->taken = TRUE;
}

typedef struct {
  const QfkAfter *p;
  const uint8_t *x;
  uint8_t *y;
} Call;

static void table_range(void *arg, size_t begin, size_t end, uint32_t thread)
{
  const Call *call = arg;
  call->p->run(call->p, call->x + begin, call->y + begin, end - begin);
}

static void run_table(const QfStep *step, const QfExec *exec)
{
  const QfCpuAfter *a = step->params;
  Call call = {a->function, qf_step_in(step, exec, 0), qf_step_out(step, exec, 0)};
  qf_cpu_parallel(exec, (size_t)qf_tensor_count(a->y), 16384, table_range, &call);
}

static void lower_table(QfLower *lower, const QfCpuAfter *a)
{
  g_autoptr(GPtrArray) in = g_ptr_array_new(), out = g_ptr_array_new();
  g_ptr_array_add(in, (gpointer)a->x);
  g_ptr_array_add(out, (gpointer)a->y);
  qf_lower_part(lower, a->nodes[a->n_nodes - 1], QF_CPU_UNIT, "lookup_u8", run_table, a, in, out);
}

gboolean qf_cpu_after_lower(QfLower *lower, QfNode *node,
                            gboolean (*each)(QfLower *lower, QfNode *node, GError **error), gboolean *ok,
                            GError **error)
{
  QfCpuAfter *a = g_hash_table_lookup(lower->after, node);
  *ok = TRUE;
  if (!a || node != a->nodes[a->n_nodes - 1])
    return a != NULL;
  if (a->host)
    *ok = each(lower, a->host, error);
  if (a->taken)
    return TRUE;
  if (a->function->kind == QFK_AFTER_TABLE)
    lower_table(lower, a);
  else
    for (uint32_t i = 0; *ok && i < a->n_nodes; i++)
      *ok = each(lower, a->nodes[i], error);
  return TRUE;
}
