/* SPDX-License-Identifier: MIT */
/*
 * share.c - common subexpressions: nodes of one operator with equal attributes and the same inputs become one, small constants of
 * equal contents too. One walk in topological order finds whole chains. What draws random numbers and what has bodies stays.
 * After fusion and quantization, which want each reader to have its own producer.
 */
#include "util.h"

#include <string.h>

/* Larger constants are weights, which nobody stores twice. */
#define MAX_CONSTANT 4096

static guint mix(guint hash, guint value)
{
  return (hash ^ value) * 16777619u;
}

static guint hash_bytes(guint hash, const void *data, size_t size)
{
  for (size_t i = 0; i < size; i++)
    hash = mix(hash, ((const uint8_t *)data)[i]);
  return hash;
}

/* Where an attribute's values are, and their bytes. */
static const void *attr_bytes(const QfNode *node, const QfAttrDef *d, size_t *size)
{
  const char *at = (const char *)node->attrs + d->offset;
  const QfInts *list = (const QfInts *)at;
  gboolean is_list = d->kind == QF_ATTR_INTS || d->kind >= QF_ATTR_AXES;
  *size = is_list ? (size_t)list->n * sizeof(*list->v) : MAX(d->count, 1) * sizeof(int32_t);
  return is_list ? (const void *)list->v : at;
}

static guint node_hash(gconstpointer key)
{
  const QfNode *node = key;
  guint hash = mix(g_direct_hash(node->op), node->n_outputs);
  for (uint32_t i = 0; i < node->n_inputs; i++)
    hash = mix(hash, g_direct_hash(node->inputs[i]));
  for (const QfAttrDef *d = node->op->attrs; d && d->name; d++) {
    size_t size;
    const void *bytes = attr_bytes(node, d, &size);
    hash = hash_bytes(hash, bytes, size);
  }
  return hash;
}

static gboolean same_kind(const QfTensor *a, const QfTensor *b)
{
  return a->dtype == b->dtype && a->rank == b->rank &&
         !memcmp(a->dims, b->dims, (size_t)a->rank * sizeof(*a->dims)) && qf_encoding_equal(&a->enc, &b->enc);
}

static gboolean node_equal(gconstpointer first, gconstpointer second)
{
  const QfNode *a = first, *b = second;
  if (a->op != b->op || a->n_inputs != b->n_inputs || a->n_outputs != b->n_outputs ||
      memcmp(a->inputs, b->inputs, a->n_inputs * sizeof(*a->inputs)))
    return FALSE;
  for (const QfAttrDef *d = a->op->attrs; d && d->name; d++) {
    size_t size, other;
    const void *x = attr_bytes(a, d, &size), *y = attr_bytes(b, d, &other);
    if (size != other || memcmp(x, y, size))
      return FALSE;
  }
  for (uint32_t i = 0; i < a->n_outputs; i++)
    if (!same_kind(a->outputs[i], b->outputs[i]))
      return FALSE;
  return TRUE;
}

static guint constant_hash(gconstpointer key)
{
  gsize size;
  const void *data = g_bytes_get_data(((const QfTensor *)key)->data, &size);
  return hash_bytes(mix((guint)size, (guint)((const QfTensor *)key)->dtype), data, size);
}

static gboolean constant_equal(gconstpointer first, gconstpointer second)
{
  const QfTensor *a = first, *b = second;
  return same_kind(a, b) && g_bytes_equal(a->data, b->data);
}

static void share_constants(QfNode *node, GHashTable *constants)
{
  for (uint32_t i = 0; i < node->n_inputs; i++) {
    QfTensor *t = node->inputs[i];
    if (!t || !t->data || g_bytes_get_size(t->data) > MAX_CONSTANT)
      continue;
    QfTensor *first = g_hash_table_lookup(constants, t);
    if (!first)
      g_hash_table_add(constants, t);
    else if (first != t)
      qf_node_set_input(node, i, first);
  }
}

/* FALSE when both have an output of the model at one place: each needs its own. */
static gboolean may_replace(const QfNode *node, const QfNode *first)
{
  for (uint32_t i = 0; i < node->n_outputs; i++)
    if (qf_graph_is_output(node->graph, node->outputs[i]) &&
        qf_graph_is_output(node->graph, first->outputs[i]))
      return FALSE;
  return TRUE;
}

static void replace(QfNode *node, QfNode *first)
{
  for (uint32_t i = 0; i < node->n_outputs; i++) {
    QfTensor *old = node->outputs[i], *with = first->outputs[i];
    if (qf_graph_is_output(node->graph, old)) {
      with->name = old->name;
      with->layout = old->layout;
    }
    qf_graph_replace_uses(node->graph, old, with);
  }
  qf_node_remove(node);
}

static gboolean run(QfGraph *graph, GError **error)
{
  g_autoptr(GHashTable) nodes = g_hash_table_new(node_hash, node_equal);
  g_autoptr(GHashTable) constants = g_hash_table_new(constant_hash, constant_equal);
  qf_foreach_node (node, graph) {
    if (node->op->random || node->n_subgraphs)
      continue;
    share_constants(node, constants);
    QfNode *first = g_hash_table_lookup(nodes, node);
    if (!first)
      g_hash_table_add(nodes, node);
    else if (may_replace(node, first))
      replace(node, first);
  }
  return TRUE;
}

const QfPass qf_pass_share = {"share", "makes one of equal nodes and of equal small constants", TRUE, run};
