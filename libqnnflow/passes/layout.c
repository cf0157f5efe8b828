/* SPDX-License-Identifier: MIT */
/*
 * layout.c - makes Transposes disappear: each is carried down through the operators that allow it (their attributes are remapped by
 * kind) until it meets its inverse, or an operator whose dimensions have a meaning, where it is made for real.
 *
 * Invariant: a tensor with a view is the permutation `perm` of the tensor `base`: dimension i of it is dimension perm[i] of base.
 */
#include "util.h"

#include <string.h>

typedef struct {
  QfTensor *base;
  int64_t perm[QF_MAX_RANK];
  gboolean made; /* a node that computes the tensor itself is in the new list */
} View;

typedef struct {
  QfGraph *graph;
  GPtrArray *nodes;  /* the new list */
  GHashTable *views; /* QfTensor* -> View* */
} Layout;

static View *view_of(const Layout *l, const QfTensor *t)
{
  return t ? g_hash_table_lookup(l->views, t) : NULL;
}

static gboolean is_identity(const int64_t *perm, int32_t rank)
{
  for (int i = 0; i < rank; i++)
    if (perm[i] != i)
      return FALSE;
  return TRUE;
}

/* A permutation that keeps the order of all dimensions that are not 1 moves no data. */
static gboolean moves_data(const QfTensor *base, const int64_t *perm)
{
  int64_t last = -1;
  for (int i = 0; i < base->rank; i++) {
    if (base->dims[perm[i]] == 1)
      continue;
    if (perm[i] < last)
      return TRUE;
    last = perm[i];
  }
  return FALSE;
}

static void set_view(Layout *l, QfTensor *t, QfTensor *base, const int64_t *perm, int32_t rank)
{
  View *v = qf_graph_alloc(l->graph, sizeof(*v));
  v->base = base;
  memcpy(v->perm, perm, rank * sizeof(*perm));
  g_hash_table_insert(l->views, t, v);
}

static gboolean emit(Layout *l, QfNode *node, GError **error)
{
  if (!qf_node_infer(node, error))
    return FALSE;
  for (uint32_t i = 0; i < node->n_outputs; i++)
    node->outputs[i]->producer = node;
  g_ptr_array_add(l->nodes, node);
  return TRUE;
}

/* Emits a Transpose of @base into @t, or a Reshape when no data moves. */
static gboolean emit_transpose(Layout *l, QfTensor *base, QfTensor *t, const int64_t *perm, GError **error)
{
  gboolean reshape = !moves_data(base, perm);
  QfNode *node = qf_graph_new_node(l->graph, reshape ? "Reshape" : "Transpose", t->name, &base, 1, &t, 1);
  QfInts *list = reshape ? &((QfReshapeAttrs *)node->attrs)->shape : &((QfTransposeAttrs *)node->attrs)->perm;
  list->n = base->rank;
  for (int i = 0; i < base->rank; i++)
    list->v[i] = reshape ? base->dims[perm[i]] : perm[i];
  return emit(l, node, error);
}

static gboolean materialise(Layout *l, QfTensor *t, GError **error)
{
  View *v = view_of(l, t);
  if (!v || v->made)
    return TRUE;
  v->made = TRUE;
  return emit_transpose(l, v->base, t, v->perm, error);
}

static gboolean keep(Layout *l, QfNode *node, GError **error)
{
  for (uint32_t i = 0; i < node->n_inputs; i++)
    if (node->inputs[i] && !materialise(l, node->inputs[i], error))
      return FALSE;
  return emit(l, node, error);
}

static void absorb_transpose(Layout *l, QfNode *node)
{
  const QfInts *perm = &((QfTransposeAttrs *)node->attrs)->perm;
  QfTensor *in = node->inputs[0];
  View *v = view_of(l, in);
  int64_t composed[QF_MAX_RANK];
  for (int i = 0; i < perm->n; i++)
    composed[i] = v ? v->perm[perm->v[i]] : perm->v[i];
  set_view(l, node->outputs[0], v ? v->base : in, composed, perm->n);
}

/* @t as the inner layout wants it: the tensor whose permutation by @perm is @t. NULL without an error: cannot be had cheaply. */
static QfTensor *inner(Layout *l, QfTensor *t, const int64_t *perm, int32_t rank, GError **error)
{
  View *v = view_of(l, t);
  int64_t inverse[QF_MAX_RANK];
  if (v && t->rank == rank && !memcmp(v->perm, perm, rank * sizeof(*perm)))
    return v->base;
  if (t->data && qf_tensor_count(t) == 1 && t->enc.count <= 1)
    return t;
  for (int i = 0; i < rank; i++)
    inverse[perm[i]] = i;
  if (t->data && t->rank <= rank && (t->enc.count <= 1 || t->rank == rank)) {
    int64_t padded[QF_MAX_RANK];
    for (int i = 0; i < rank; i++)
      padded[i] = i < rank - t->rank ? 1 : t->dims[i - (rank - t->rank)];
    QfTensor *full = qf_graph_add_shared(l->graph, t->name, padded, rank, t);
    full->enc = t->enc;
    return qf_transpose_constant(l->graph, full, inverse, rank, error);
  }
  if (t->data || t->rank != rank || !materialise(l, t, error))
    return NULL;
  QfTensor *moved = qf_graph_add_tensor(l->graph, NULL);
  moved->dtype = t->dtype;
  moved->enc = t->enc;
  if (t->enc.count > 1)
    moved->enc.axis = (int32_t)perm[t->enc.axis];
  return emit_transpose(l, t, moved, inverse, error) ? moved : NULL;
}

/* The permutation that the larger part of the node's data has in common; NULL: leave the node alone. */
static const int64_t *common_perm(const Layout *l, const QfNode *node)
{
  const View *best = NULL;
  int64_t with = 0, without = 0;
  int32_t rank = node->outputs[0]->rank;
  for (uint32_t i = 0; i < node->n_inputs; i++) {
    const View *v = view_of(l, node->inputs[i]);
    if (v && !best && node->inputs[i]->rank == rank && !is_identity(v->perm, rank))
      best = v;
  }
  if (!best)
    return NULL;
  for (uint32_t i = 0; i < node->n_inputs; i++) {
    const QfTensor *t = node->inputs[i];
    const View *v = view_of(l, t);
    if (!t || (t->data && t->rank <= rank))
      continue;
    if (t->rank != rank)
      return NULL;
    gboolean same = v && !memcmp(v->perm, best->perm, rank * sizeof(*best->perm));
    *(same ? &with : &without) += qf_tensor_count(t);
  }
  return with >= without ? best->perm : NULL;
}

static void remap_attrs(QfNode *node, const int64_t *perm)
{
  for (const QfAttrDef *d = node->op->attrs; d && d->name; d++) {
    void *at = (char *)node->attrs + d->offset;
    QfInts *list = at, old = {0};
    if (d->kind == QF_ATTR_AXIS)
      *(int32_t *)at = (int32_t)perm[*(int32_t *)at];
    if (d->kind == QF_ATTR_AXES || d->kind == QF_ATTR_PER_AXIS)
      old = *list;
    for (int i = 0; i < old.n; i++) {
      if (d->kind == QF_ATTR_AXES)
        list->v[i] = perm[old.v[i]];
      else
        list->v[perm[i]] = old.v[i];
    }
  }
}

static gboolean same_rank(const QfNode *node)
{
  int32_t rank = node->outputs[0]->rank;
  for (uint32_t i = 0; i < node->n_outputs; i++)
    if (node->outputs[i]->rank != rank)
      return FALSE;
  for (uint32_t i = 0; node->op->move == QF_MOVE_AXES && i < node->n_inputs; i++)
    if (node->inputs[i] && node->inputs[i]->rank != rank)
      return FALSE;
  return TRUE;
}

/* Lets the node work on the inner layout; its outputs become views. */
static gboolean move_node(Layout *l, QfNode *node, const int64_t *perm_in, GError **error)
{
  int32_t rank = node->outputs[0]->rank;
  int64_t perm[QF_MAX_RANK];
  g_autofree QfTensor **inputs = g_new0(QfTensor *, node->n_inputs + 1);
  GError *e = NULL;
  memcpy(perm, perm_in, rank * sizeof(*perm));
  for (uint32_t i = 0; i < node->n_inputs; i++) {
    if (node->inputs[i] && !(inputs[i] = inner(l, node->inputs[i], perm, rank, &e))) {
      if (!e)
        return keep(l, node, error);
      g_propagate_error(error, e);
      return FALSE;
    }
  }
  qf_node_set_inputs(node, inputs, node->n_inputs);
  remap_attrs(node, perm);
  for (uint32_t i = 0; i < node->n_outputs; i++) {
    QfTensor *outer = node->outputs[i], *t = qf_graph_add_tensor(l->graph, outer->name);
    t->dtype = outer->dtype;
    t->enc = outer->enc;
    if (t->enc.count > 1)
      t->enc.axis = (int32_t)perm[outer->enc.axis];
    outer->producer = NULL;
    node->outputs[i] = t;
    set_view(l, outer, t, perm, rank);
  }
  return emit(l, node, error);
}

/* Dimensions of a Reshape's input and output that hold the same elements: input [in0, in1), output [out0, out1). */
typedef struct {
  int32_t in0, in1, out0, out1;
  int64_t key; /* place of its first dimension in the base; groups of size 1 keep their turn */
} Group;

/* Splits a Reshape into groups of equal size, as fine as possible. Returns their number, or 0 for empty tensors. */
static int32_t group_dims(const QfTensor *in, const QfTensor *out, Group *groups)
{
  int32_t i = 0, j = 0, n = 0;
  if (qf_tensor_count(in) < 1)
    return 0;
  while (i < in->rank || j < out->rank) {
    Group *g = &groups[n++];
    *g = (Group){i, i, j, j, 0};
    int64_t a = i < in->rank ? in->dims[g->in1++] : 1, b = j < out->rank ? out->dims[g->out1++] : 1;
    while (a != b) {
      if (a < b)
        a *= in->dims[g->in1++];
      else
        b *= out->dims[g->out1++];
    }
    i = g->in1;
    j = g->out1;
  }
  return n;
}

/* TRUE when the group's dimensions other than 1 lie side by side in the base, in whatever order. */
static gboolean lies_together(const QfTensor *in, const View *v, Group *g, int64_t turn)
{
  int64_t first = QF_MAX_RANK, last = -1, members = 0, between = 0;
  for (int i = g->in0; i < g->in1; i++) {
    if (in->dims[i] == 1)
      continue;
    first = MIN(first, v->perm[i]);
    last = MAX(last, v->perm[i]);
    members++;
  }
  for (int64_t k = first; k <= last; k++)
    between += v->base->dims[k] != 1;
  g->key = members ? first : turn;
  return members == between || !members;
}

/* The base with each group's dimensions in the group's order: itself, or a Transpose of it. */
static QfTensor *arrange(Layout *l, const View *v, Group *const *order, int32_t n, GError **error)
{
  int64_t perm[QF_MAX_RANK];
  int32_t at = 0;
  for (int i = 0; i < n; i++)
    for (int k = order[i]->in0; k < order[i]->in1; k++)
      perm[at++] = v->perm[k];
  if (!moves_data(v->base, perm))
    return v->base;
  QfTensor *arranged = qf_graph_add_tensor(l->graph, NULL);
  arranged->dtype = v->base->dtype;
  arranged->enc = v->base->enc;
  return emit_transpose(l, v->base, arranged, perm, error) ? arranged : NULL;
}

/* A Reshape of a view that only splits and merges dimensions which lie together in the base is done on the base; a channel shuffle then moves
 * the channels only. */
static gboolean move_reshape(Layout *l, QfNode *node, gboolean *moved, GError **error)
{
  QfTensor *in = node->inputs[0], *out = node->outputs[0];
  const View *v = view_of(l, in);
  Group groups[2 * QF_MAX_RANK], *order[2 * QF_MAX_RANK];
  int64_t perm[QF_MAX_RANK];
  int32_t n = v ? group_dims(in, out, groups) : 0, at = 0;
  *moved = FALSE;
  for (int i = 0; i < n; i++)
    if (!lies_together(in, v, &groups[i], groups[i].in0))
      return TRUE;
  for (int i = 0; i < n; i++) {
    int k = i;
    for (; k > 0 && order[k - 1]->key > groups[i].key; k--)
      order[k] = order[k - 1];
    order[k] = &groups[i];
  }
  if (!n)
    return TRUE;
  QfTensor *arranged = arrange(l, v, order, n, error), *base = qf_graph_add_tensor(l->graph, out->name);
  if (!arranged)
    return FALSE;
  QfNode *inside = qf_graph_new_node(l->graph, "Reshape", node->name, &arranged, 1, &base, 1);
  QfInts *shape = &((QfReshapeAttrs *)inside->attrs)->shape;
  base->dtype = out->dtype;
  base->enc = out->enc;
  for (int i = 0; i < n; i++) {
    for (int j = order[i]->out0; j < order[i]->out1; j++) {
      shape->v[at] = out->dims[j];
      perm[j] = at++;
    }
  }
  shape->n = at;
  *moved = TRUE;
  set_view(l, out, base, perm, out->rank);
  return emit(l, inside, error);
}

/* Transposes that have cancelled: the node reads the tensor before them. */
static void skip_identities(Layout *l, QfNode *node)
{
  for (uint32_t i = 0; i < node->n_inputs; i++) {
    const View *v = view_of(l, node->inputs[i]);
    if (v && is_identity(v->perm, node->inputs[i]->rank))
      qf_node_set_input(node, i, v->base);
  }
}

static gboolean visit(Layout *l, QfNode *node, GError **error)
{
  skip_identities(l, node);
  if (qf_node_is(node, "Transpose")) {
    absorb_transpose(l, node);
    return TRUE;
  }
  if (qf_node_is(node, "Reshape") && node->outputs[0]->enc.count <= 1) {
    gboolean moved;
    if (!move_reshape(l, node, &moved, error))
      return FALSE;
    if (moved)
      return TRUE;
  }
  const int64_t *perm = node->op->move != QF_MOVE_FIXED && same_rank(node) ? common_perm(l, node) : NULL;
  if (!perm)
    return keep(l, node, error);
  return move_node(l, node, perm, error);
}

/* An output of the model that is an identity view of an inner tensor takes that tensor over. */
static gboolean finish_output(Layout *l, guint index, GError **error)
{
  QfTensor *t = l->graph->outputs->pdata[index];
  View *v = view_of(l, t);
  if (!v || v->made || !is_identity(v->perm, t->rank) || v->base->data ||
      qf_graph_is_input(l->graph, v->base) || qf_graph_is_output(l->graph, v->base))
    return materialise(l, t, error);
  v->base->name = t->name;
  v->base->layout = t->layout;
  qf_graph_set_output(l->graph, index, v->base);
  return TRUE;
}

static gboolean run(QfGraph *graph, GError **error)
{
  Layout l = {graph, g_ptr_array_new(), g_hash_table_new(NULL, NULL)};
  gboolean ok = TRUE;
  for (guint i = 0; ok && i < graph->nodes->len; i++)
    ok = visit(&l, graph->nodes->pdata[i], error);
  for (guint i = 0; ok && i < graph->outputs->len; i++)
    ok = finish_output(&l, i, error);
  g_hash_table_unref(l.views);
  g_ptr_array_unref(graph->nodes);
  graph->nodes = l.nodes;
  return ok;
}

const QfPass qf_pass_layout = {"layout", "carries Transposes down until they cancel", TRUE, run};
