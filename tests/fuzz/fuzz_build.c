/* SPDX-License-Identifier: MIT */
/*
 * fuzz_build.c - bytes as instructions that build a graph: tensors, constants, nodes of every operator with any attributes, and edits of what
 * is there. So the verifier, shape inference, the passes and the reference kernels see what no importer makes.
 */
#include "fuzz.h"

#include "libqnnflow/backends/backend.h"

#include <math.h>
#include <string.h>

#define MAX_PORTS 6
#define MAX_NODES 24

typedef struct {
  QfGraph *graph;
  const uint8_t *at, *end;
} Builder;

static uint8_t byte(Builder *b)
{
  return b->at < b->end ? *b->at++ : 0;
}

/* Mostly small numbers, now and then one from the edge. */
static int64_t number(Builder *b)
{
  static const int64_t edges[] = {-1,    INT32_MAX,        INT32_MIN, 255,       256,
                                  65536, (int64_t)1 << 40, INT64_MAX, INT64_MIN, -128};
  uint8_t v = byte(b);
  return v < 200 ? v % 12 : v < 240 ? -(v % 8) : edges[v % G_N_ELEMENTS(edges)];
}

static int32_t number32(Builder *b)
{
  return (int32_t)CLAMP(number(b), INT32_MIN, INT32_MAX);
}

static float real(Builder *b)
{
  static const float odd[] = {0, 1, -1, .5f, 2, 1e-5f, 1e30f, -1e30f, INFINITY, NAN};
  return odd[byte(b) % G_N_ELEMENTS(odd)];
}

static void set_encoding(Builder *b, QfTensor *t)
{
  uint8_t how = byte(b);
  uint32_t n = how < 160 ? 0 : how < 230 ? 1 : (uint32_t)(how % 5);
  QfScaleOffset entries[5];
  for (uint32_t i = 0; i < n; i++)
    entries[i] = (QfScaleOffset){.01f * (float)(byte(b) % 50), byte(b) - 128};
  qf_tensor_set_encoding(b->graph, t, n, byte(b) % 6, entries);
}

static void set_shape(Builder *b, QfTensor *t)
{
  int64_t dims[QF_MAX_RANK];
  int32_t rank = byte(b) % 6;
  for (int i = 0; i < rank; i++)
    dims[i] = byte(b) % 8;
  qf_tensor_set_shape(t, 1 + byte(b) % (QF_N_DTYPES - 1), dims, rank);
}

static QfTensor *new_input(Builder *b)
{
  QfTensor *t = qf_graph_add_tensor(b->graph, NULL);
  set_shape(b, t);
  set_encoding(b, t);
  g_ptr_array_add(b->graph->inputs, t);
  return t;
}

static QfTensor *new_constant(Builder *b)
{
  QfTensor *t = qf_graph_add_tensor(b->graph, NULL);
  set_shape(b, t);
  size_t size = qf_tensor_size_bytes(t);
  uint8_t *data = g_malloc0(size + 1);
  int64_t n = qf_tensor_count(t);
  for (int64_t i = 0; i < MIN(n, 64); i++) {
    int64_t v = number(b);
    if (t->dtype == QF_DTYPE_FLOAT32)
      ((float *)data)[i] = real(b);
    else
      memcpy(data + (size_t)i * qf_dtype_size(t->dtype), &v, qf_dtype_size(t->dtype));
    if (t->dtype == QF_DTYPE_BOOL)
      data[i] &= 1;
  }
  qf_tensor_set_data(b->graph, t, g_bytes_new_take(data, size));
  set_encoding(b, t);
  return t;
}

static QfTensor *any_tensor(Builder *b)
{
  uint8_t how = byte(b);
  if (how < 50 || !b->graph->tensors->len)
    return new_constant(b);
  return b->graph->tensors->pdata[how % b->graph->tensors->len];
}

static void set_attr(Builder *b, const QfAttrDef *d, void *at)
{
  uint32_t n = MAX(d->count, 1);
  gboolean list = d->kind == QF_ATTR_INTS || d->kind >= QF_ATTR_AXES;
  if (list) {
    QfInts *ints = at;
    ints->n = byte(b) % (QF_MAX_RANK + 1);
    for (int i = 0; i < ints->n; i++)
      ints->v[i] = number(b);
  }
  for (uint32_t i = 0; !list && i < n; i++) {
    if (d->kind == QF_ATTR_FLOAT)
      ((float *)at)[i] = real(b);
    else if (d->kind == QF_ATTR_BOOL)
      ((int32_t *)at)[i] = byte(b) & 1;
    else if (d->kind == QF_ATTR_DTYPE)
      ((int32_t *)at)[i] = byte(b) % QF_N_DTYPES;
    else if (d->kind == QF_ATTR_ENUM && d->enum_names)
      ((int32_t *)at)[i] = byte(b) % (int32_t)g_strv_length((char **)d->enum_names);
    else
      ((int32_t *)at)[i] = number32(b);
  }
}

static gboolean add_node(Builder *b, GError **error)
{
  uint32_t count;
  const QfOpDef *const *ops = qf_op_list(&count);
  const QfOpDef *op = ops[byte(b) % count];
  int most = op->max_inputs < 0 ? MAX_PORTS : MIN(op->max_inputs, MAX_PORTS), n_in = most,
      n_out = op->min_outputs;
  QfTensor *in[MAX_PORTS] = {NULL}, *out[MAX_PORTS];
  uint8_t how = byte(b);
  if (op->n_bodies)
    return TRUE; /* bodies are what qnnf files bring */
  n_in = MAX(MIN(op->min_inputs, MAX_PORTS), most - how % 4);
  n_out = MIN(n_out + (op->max_outputs != n_out && how & 16), MAX_PORTS);
  for (int i = 0; i < n_in; i++)
    in[i] = i < op->min_inputs || byte(b) % 4 ? any_tensor(b) : NULL;
  for (int i = 0; i < n_out; i++) {
    out[i] = qf_graph_add_tensor(b->graph, NULL);
    if (how & 32) {
      out[i]->dtype = 1 + byte(b) % (QF_N_DTYPES - 1);
      set_encoding(b, out[i]);
    }
  }
  QfNode *node = qf_graph_new_node(b->graph, op->name, NULL, in, (uint32_t)n_in, out, (uint32_t)n_out);
  for (const QfAttrDef *d = op->attrs; d && d->name; d++)
    if (byte(b) & 1)
      set_attr(b, d, (char *)node->attrs + d->offset);
  return qf_graph_add_node(node, error);
}

/* What a faulty pass might do. */
static void edit(Builder *b)
{
  QfGraph *graph = b->graph;
  if (!graph->nodes->len)
    return;
  QfNode *node = graph->nodes->pdata[byte(b) % graph->nodes->len];
  QfTensor *t = graph->tensors->pdata[byte(b) % graph->tensors->len];
  uint8_t how = byte(b);
  if (how < 60 && node->n_inputs)
    qf_node_set_input(node, how % node->n_inputs, t);
  else if (how < 90)
    qf_node_remove(node);
  else if (how < 120 && !t->data && !t->producer)
    set_shape(b, t);
  else if (how < 150)
    qf_graph_replace_uses(graph, t, graph->tensors->pdata[how % graph->tensors->len]);
  else if (how < 160)
    qf_graph_compact(graph);
  else
    for (const QfAttrDef *d = node->op->attrs; d && d->name; d++)
      if (byte(b) % 4 == 0)
        set_attr(b, d, (char *)node->attrs + d->offset);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  g_autoptr(GError) error = NULL;
  Builder b = {qf_graph_new("fuzz"), data, data + size};
  uint8_t seed = byte(&b);
  gboolean ok = TRUE;
  b.graph->evaluate = seed & 4 ? qf_ref_evaluate : NULL;
  for (int i = 0; i <= seed >> 6; i++)
    new_input(&b);
  while (ok && b.at < b.end && b.graph->nodes->len < MAX_NODES) {
    uint8_t what = byte(&b);
    if (what < 220)
      ok = add_node(&b, &error);
    else
      edit(&b);
    if (!ok && seed & 8) { /* what cannot be added is left out, as if it had not been there */
      g_clear_error(&error);
      ok = TRUE;
    }
  }
  for (guint i = b.graph->nodes->len; i-- > 0 && b.graph->outputs->len < 4;) {
    QfNode *node = b.graph->nodes->pdata[i];
    if (!qf_graph_is_output(b.graph, node->outputs[0]))
      g_ptr_array_add(b.graph->outputs, node->outputs[0]);
  }
  qf_fuzz_graph(b.graph, ok, &error, seed);
  return 0;
}
