/* SPDX-License-Identifier: MIT */
/*
 * graph.c - making graphs: tensors, constants, nodes.
 * Everything allocated here lives as long as the graph. Editing is in edit.c, checks in verify.c, text in dump.c.
 */
#include "packed.h"

#include <math.h>
#include <string.h>

#include "numbers.h"

static QfGraph *new_graph(const char *name, size_t chunk)
{
  QfGraph *graph = g_new0(QfGraph, 1);
  graph->name = g_strdup(name ? name : "model");
  graph->format = "none";
  graph->tensors = g_ptr_array_new();
  graph->nodes = g_ptr_array_new();
  graph->inputs = g_ptr_array_new();
  graph->outputs = g_ptr_array_new();
  graph->strings = g_string_chunk_new(chunk);
  graph->blocks = g_ptr_array_new_with_free_func(g_free);
  graph->constants = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
  graph->deferred = g_ptr_array_new();
  graph->dim_names = g_ptr_array_new();
  graph->subgraphs = g_ptr_array_new_with_free_func((GDestroyNotify)qf_graph_free);
  return graph;
}

QfGraph *qf_graph_new(const char *name)
{
  return new_graph(name, 4096);
}

QfGraph *qf_graph_new_subgraph(QfGraph *outer, GError **error)
{
  if (outer->depth >= QF_MAX_DEPTH) {
    g_set_error(error, QF_ERROR, QF_ERROR_LIMIT,
                "%s: its bodies of control flow are nested more than %d deep; flatten the model", outer->name,
                QF_MAX_DEPTH);
    return NULL;
  }
  QfGraph *graph = new_graph(outer->name, 256); /* most are small, and a file may have many */
  graph->format = outer->format;
  graph->evaluate = outer->evaluate;
  graph->outer = outer;
  graph->depth = outer->depth + 1;
  g_ptr_array_add(outer->subgraphs, graph);
  return graph;
}

void qf_node_add_subgraph(QfNode *node, QfGraph *body)
{
  QfGraph **list = qf_graph_alloc(node->graph, (node->n_subgraphs + 1) * sizeof(*list));
  g_assert(body->outer == node->graph);
  if (node->n_subgraphs)
    memcpy(list, node->subgraphs, node->n_subgraphs * sizeof(*list));
  list[node->n_subgraphs++] = body;
  node->subgraphs = list;
}

void qf_graph_add_state(QfGraph *graph, QfTensor *before, QfTensor *after, GBytes *initial)
{
  g_ptr_array_add(graph->inputs, before);
  g_ptr_array_add(graph->outputs, after);
  graph->states = g_renew(QfState, graph->states, graph->n_states + 1);
  graph->states[graph->n_states++].initial = initial ? g_bytes_ref(initial) : NULL;
}

void qf_graph_free(QfGraph *graph)
{
  if (!graph)
    return;
  for (uint32_t i = 0; i < graph->n_states; i++)
    g_bytes_unref(graph->states[i].initial);
  g_free(graph->states);
  g_ptr_array_unref(graph->subgraphs);
  g_ptr_array_unref(graph->dim_names);
  g_ptr_array_unref(graph->tensors);
  g_ptr_array_unref(graph->nodes);
  g_ptr_array_unref(graph->inputs);
  g_ptr_array_unref(graph->outputs);
  g_ptr_array_unref(graph->constants);
  qf_graph_release_deferred(graph);
  g_clear_pointer(&graph->output_counts, g_hash_table_unref);
  if (graph->packed)
    g_array_unref(graph->packed->made);
  g_string_chunk_free(graph->strings);
  g_ptr_array_unref(graph->blocks);
  g_free(graph->name);
  g_free(graph);
}

void *qf_graph_alloc(QfGraph *graph, size_t size_bytes)
{
  void *p = g_malloc0(size_bytes ? size_bytes : 1);
  g_ptr_array_add(graph->blocks, p);
  return p;
}

QfTensor *qf_graph_add_tensor(QfGraph *graph, const char *name)
{
  QfTensor *t = qf_graph_alloc(graph, sizeof(*t));
  t->id = graph->tensors->len;
  if (name) {
    t->name = g_string_chunk_insert(graph->strings, name);
  } else {
    char made[32];
    g_snprintf(made, sizeof(made), "t%u", t->id);
    t->name = g_string_chunk_insert(graph->strings, made);
  }
  t->rank = -1;
  g_ptr_array_add(graph->tensors, t);
  return t;
}

void qf_graph_name_dim(QfGraph *graph, uint32_t index, int32_t dim, const char *name)
{
  if (graph->dim_names->len <= index)
    g_ptr_array_set_size(graph->dim_names, (gint)index + 1);
  const char **names = graph->dim_names->pdata[index];
  if (!names)
    names = graph->dim_names->pdata[index] = qf_graph_alloc(graph, QF_MAX_RANK * sizeof(*names));
  names[dim] = g_string_chunk_insert(graph->strings, name);
}

void qf_tensor_set_data(QfGraph *graph, QfTensor *tensor, GBytes *data)
{
  tensor->data = data;
  tensor->deferred = NULL;
  tensor->producer = NULL;
  g_ptr_array_add(graph->constants, data);
}

QfTensor *qf_graph_add_constant(QfGraph *graph, const char *name, QfDType dtype, const int64_t *dims,
                                int32_t rank, GBytes *data)
{
  QfTensor *t = qf_graph_add_tensor(graph, name);
  qf_tensor_set_shape(t, dtype, dims, rank);
  qf_tensor_set_data(graph, t, data);
  g_assert(g_bytes_get_size(data) == qf_tensor_size_bytes(t));
  return t;
}

QfTensor *qf_graph_add_constant_copy(QfGraph *graph, const char *name, QfDType dtype, const int64_t *dims,
                                     int32_t rank, const void *values)
{
  size_t size = (size_t)qf_dims_count(dims, rank) * qf_dtype_size(dtype);
  return qf_graph_add_constant(graph, name, dtype, dims, rank, g_bytes_new(values, size));
}

void qf_tensor_set_encoding(QfGraph *graph, QfTensor *tensor, uint32_t count, int32_t axis,
                            const QfScaleOffset *entries)
{
  tensor->enc = (QfEncoding){.count = count, .axis = axis};
  if (count) {
    tensor->enc.entries = qf_graph_alloc(graph, count * sizeof(*entries));
    memcpy(tensor->enc.entries, entries, count * sizeof(*entries));
  }
}

void qf_tensor_set_shape(QfTensor *tensor, QfDType dtype, const int64_t *dims, int32_t rank)
{
  tensor->dtype = dtype;
  tensor->rank = rank;
  memset(tensor->dims, 0, sizeof(tensor->dims));
  for (int i = 0; i < rank; i++)
    tensor->dims[i] = dims[i];
}

QfPackedStore *qf_graph_packed(QfGraph *graph)
{
  while (graph->outer)
    graph = graph->outer;
  if (!graph->packed) {
    graph->packed = qf_graph_alloc(graph, sizeof(*graph->packed));
    graph->packed->made = g_array_new(FALSE, FALSE, sizeof(QfPackedBlock));
  }
  return graph->packed;
}

const void *qf_packed_take(QfPackedStore *store, uint64_t key, size_t size_bytes)
{
  const QfPackedBlock *next = store->used < store->n_stored ? &store->stored[store->used] : NULL;
  if (!next || next->key != key || next->size_bytes != size_bytes)
    return NULL;
  store->used++;
  return next->data;
}

int64_t qf_tensor_count(const QfTensor *tensor)
{
  return tensor->rank < 0 ? -1 : qf_dims_count(tensor->dims, tensor->rank);
}

size_t qf_tensor_size_bytes(const QfTensor *tensor)
{
  int64_t n = qf_tensor_count(tensor);
  return n < 0 ? 0 : (size_t)n * qf_dtype_size(tensor->dtype);
}

const void *qf_tensor_data(const QfTensor *tensor)
{
  if (!tensor || !tensor->data)
    return NULL;
  return tensor->deferred ? qf_deferred_data(tensor) : g_bytes_get_data(tensor->data, NULL);
}

int32_t qf_tensor_get_ints(const QfTensor *tensor, int64_t *values, int32_t max)
{
  const void *data = qf_tensor_data(tensor);
  int64_t n = data ? qf_tensor_count(tensor) : -1;
  if (n < 0 || n > max || qf_dtype_is_float(tensor->dtype))
    return -1;
  for (int64_t i = 0; i < n; i++)
    values[i] = qf_number_int(tensor->dtype, data, i);
  return (int32_t)n;
}

double qf_tensor_get_real(const QfTensor *tensor, int64_t index)
{
  double v = qf_number_real(tensor->dtype, qf_tensor_data(tensor), index);
  const QfEncoding *e = &tensor->enc;
  if (!e->count)
    return v;
  int64_t k = 0;
  if (e->count > 1) {
    int64_t inner = qf_dims_count(tensor->dims + e->axis + 1, tensor->rank - e->axis - 1);
    k = index / inner % tensor->dims[e->axis];
  }
  return (v + e->entries[k].offset) * e->entries[k].scale;
}

gboolean qf_tensor_is_quantized(const QfTensor *tensor)
{
  return tensor && tensor->enc.count > 0;
}

gboolean qf_encoding_equal(const QfEncoding *a, const QfEncoding *b)
{
  if (a->count != b->count || (a->count > 1 && a->axis != b->axis))
    return FALSE;
  return !a->count || !memcmp(a->entries, b->entries, a->count * sizeof(*a->entries));
}

static void set_defaults(const QfAttrDef *def, void *attrs)
{
  void *at = (char *)attrs + def->offset;
  uint32_t n = def->count ? def->count : 1;
  if (def->kind == QF_ATTR_INTS || def->kind >= QF_ATTR_AXES)
    return; /* lists start empty */
  for (uint32_t i = 0; i < n; i++) {
    if (def->kind == QF_ATTR_FLOAT)
      ((float *)at)[i] = (float)def->def;
    else
      ((int32_t *)at)[i] = (int32_t)def->def;
  }
}

QfNode *qf_graph_new_node(QfGraph *graph, const char *op, const char *name, QfTensor *const *inputs,
                          uint32_t n_inputs, QfTensor *const *outputs, uint32_t n_outputs)
{
  QfNode *node = qf_graph_alloc(graph, sizeof(*node));
  node->op = qf_op_find(op);
  if (!node->op)
    g_error("operator %s is not in ops.inc", op);
  node->graph = graph;
  node->name =
      g_string_chunk_insert(graph->strings, name && *name ? name : (n_outputs ? outputs[0]->name : op));
  node->attrs = qf_graph_alloc(graph, node->op->attrs_size);
  for (const QfAttrDef *d = node->op->attrs; d && d->name; d++)
    set_defaults(d, node->attrs);
  if (node->op->init)
    node->op->init(node->attrs);
  qf_node_set_inputs(node, inputs, n_inputs);
  node->outputs = qf_graph_alloc(graph, n_outputs * sizeof(*outputs));
  memcpy(node->outputs, outputs, n_outputs * sizeof(*outputs));
  node->n_outputs = n_outputs;
  return node;
}

/* For the lists of readers, if they are kept. */
static void register_inputs(QfNode *node)
{
  node->listed = TRUE;
  for (uint32_t i = 0; node->graph->indexed && i < node->n_inputs; i++)
    qf_node_set_input(node, i, node->inputs[i]);
}

void qf_node_set_inputs(QfNode *node, QfTensor *const *inputs, uint32_t n_inputs)
{
  QfTensor **copy = qf_graph_alloc(node->graph, n_inputs * sizeof(*inputs));
  memcpy(copy, inputs, n_inputs * sizeof(*inputs));
  while (n_inputs && !copy[n_inputs - 1])
    n_inputs--; /* trailing absent inputs do not count */
  node->inputs = copy;
  node->n_inputs = n_inputs;
  if (node->listed)
    register_inputs(node);
}

static gboolean all_constant(const QfNode *node)
{
  for (uint32_t i = 0; i < node->n_inputs; i++)
    if (node->inputs[i] && !node->inputs[i]->data)
      return FALSE;
  return TRUE;
}

/* A Dequantize of constant weights is what the qdq pass looks for: it is not folded while importing. */
static gboolean keep_for_passes(const QfNode *node)
{
  if (node->op->random)
    return TRUE;
  return !strcmp(node->op->name, "Dequantize") && node->n_inputs && node->inputs[0]->data;
}

gboolean qf_graph_add_node(QfNode *node, GError **error)
{
  if (!qf_node_infer(node, error))
    return FALSE;
  if (node->graph->evaluate && !node->n_subgraphs && (all_constant(node) || node->op->shape_only) &&
      !keep_for_passes(node))
    return node->graph->evaluate(node, error);
  for (uint32_t i = 0; i < node->n_outputs; i++)
    node->outputs[i]->producer = node;
  register_inputs(node);
  g_ptr_array_add(node->graph->nodes, node);
  return TRUE;
}

gboolean qf_graph_insert_node(QfNode *node, const QfNode *position, GError **error)
{
  guint at;
  if (!qf_node_infer(node, error))
    return FALSE;
  if (!position || !g_ptr_array_find(node->graph->nodes, position, &at))
    at = node->graph->nodes->len;
  for (uint32_t i = 0; i < node->n_outputs; i++)
    node->outputs[i]->producer = node;
  register_inputs(node);
  g_ptr_array_insert(node->graph->nodes, (gint)at, node);
  return TRUE;
}
