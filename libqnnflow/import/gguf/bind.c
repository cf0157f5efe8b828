/* SPDX-License-Identifier: MIT */
/*
 * bind.c - weights of a GGUF file for a graph that names them as inputs. See bind.h.
 */
#include "bind.h"
#include "reader.h"
#include "../../graph/numbers.h"
#include "../../ops/attrs.h"

#include <stdio.h>
#include <string.h>

typedef struct {
  QfGraph *graph;
  const QfGguf *gguf;
  const QfGgufTensor *stored;
  const QfkBlockDef *format;
  QfTensor *tensor; /* the input */
  QfTensor *blocks; /* its bytes as a constant, NULL: not made yet */
  GError **error;
} Binding;

gboolean qf_gguf_is_file(const char *path)
{
  char magic[4] = {0};
  FILE *file = fopen(path, "rb");
  const gboolean is = file && fread(magic, 1, 4, file) == 4 && !memcmp(magic, QF_GGUF_MAGIC, 4);
  if (file)
    fclose(file);
  return is;
}

static gboolean is_op(const QfNode *node, const char *op)
{
  return !node->dead && !strcmp(node->op->name, op);
}

/* The product's result is that of BlockQuantMatMul with weights [out, in]. */
static gboolean multiplies(const Binding *b, const QfNode *node)
{
  const QfTensor *x = node->inputs[0];
  if (node->n_inputs < 2 || node->inputs[1] != b->tensor || x == b->tensor || x->dtype != b->tensor->dtype)
    return FALSE;
  if (is_op(node, "FullyConnected"))
    return ((const QfFullyConnectedAttrs *)node->attrs)->keep_dims || x->rank == 2;
  if (!is_op(node, "MatMul") || x->rank < 2)
    return FALSE;
  const QfMatMulAttrs *a = node->attrs;
  return a->transpose_in1 && !a->transpose_in0;
}

static QfTensor *blocks_of(Binding *b)
{
  if (b->blocks)
    return b->blocks;
  const int64_t dims[] = {b->stored->dims[0], b->stored->dims[1] / b->format->values * b->format->bytes};
  g_autofree char *name = g_strdup_printf("%s (%s)", b->stored->name, b->stored->type);
  b->blocks = qf_graph_add_constant(b->graph, name, QF_DTYPE_UINT8, dims, 2,
                                    qf_gguf_tensor_bytes(b->gguf, b->stored));
  return b->blocks;
}

/* Puts a BlockQuantMatMul in the place of @node. */
static gboolean replace(Binding *b, QfNode *node)
{
  QfTensor *in[5] = {0}, *out = node->outputs[0];
  QfEpilogue epi = {0};
  for (uint32_t i = 0; i < node->n_inputs && i < 5; i++)
    in[i] = i == 1 ? blocks_of(b) : node->inputs[i];
  if (is_op(node, "FullyConnected"))
    epi = ((const QfFullyConnectedAttrs *)node->attrs)->epi;
  qf_node_remove(node);
  QfNode *with =
      qf_graph_new_node(b->graph, "BlockQuantMatMul", node->name, in, MIN(node->n_inputs, 5), &out, 1);
  QfBlockQuantMatMulAttrs *a = with->attrs;
  a->format = (int32_t)(b->format - qfk_block_formats);
  a->in_features = (int32_t)b->stored->dims[1];
  a->epi = epi;
  return qf_graph_insert_node(with, node, b->error);
}

/* Products with @b->tensor, or with its transpose as exporters write it, read the blocks. */
static gboolean keep_blocks(Binding *b)
{
  if (b->stored->rank != 2 || b->format->values == 1 || b->stored->dims[1] > INT32_MAX)
    return TRUE;
  for (guint i = 0; i < b->graph->nodes->len; i++) {
    QfNode *node = g_ptr_array_index(b->graph->nodes, i);
    if (!node->dead && multiplies(b, node) && !replace(b, node))
      return FALSE;
  }
  return TRUE;
}

/* MatMul(x, Transpose(w)) becomes MatMul(x, w) with its second operand transposed. */
static void absorb_transposes(QfGraph *graph, const QfTensor *w)
{
  for (guint i = 0; i < graph->nodes->len; i++) {
    QfNode *node = g_ptr_array_index(graph->nodes, i);
    if (!is_op(node, "MatMul") || !node->inputs[1]->producer)
      continue;
    const QfNode *before = node->inputs[1]->producer;
    QfMatMulAttrs *a = node->attrs;
    if (is_op(before, "Transpose") && before->inputs[0] == w && w->rank == 2 &&
        ((const QfTransposeAttrs *)before->attrs)->perm.v[0] == 1) {
      QfTensor *in[] = {node->inputs[0], before->inputs[0]};
      a->transpose_in1 = !a->transpose_in1;
      qf_node_set_inputs(node, in, 2);
    }
  }
}

/* Values for whoever still reads the tensor. */
static void decode(const Binding *b)
{
  const uint64_t n = b->stored->n_values;
  const size_t size = qf_dtype_size(b->tensor->dtype);
  uint8_t *values = g_malloc(MAX(n * size, 1));
  if (b->tensor->dtype == QF_DTYPE_FLOAT32) {
    qf_gguf_decode(b->gguf, b->stored, 0, n, (float *)(void *)values);
  } else {
    float some[QFK_BLOCK_MAX_VALUES];
    for (uint64_t at = 0; at < n; at += b->format->values) {
      qf_gguf_decode(b->gguf, b->stored, at, b->format->values, some);
      for (uint32_t i = 0; i < b->format->values; i++)
        qf_number_store(b->tensor->dtype, values, (int64_t)(at + i), (double)some[i]);
    }
  }
  qf_tensor_set_data(b->graph, b->tensor, g_bytes_new_take(values, n * size));
}

static gboolean check_input(const Binding *b)
{
  const QfTensor *t = b->tensor;
  const QfGgufTensor *s = b->stored;
  if (qf_dtype_is_float(t->dtype) && t->rank == s->rank &&
      !memcmp(t->dims, s->dims, (size_t)t->rank * sizeof(*t->dims)))
    return TRUE;
  g_autofree char *want = qf_dims_to_string(t->dims, t->rank), *got = qf_dims_to_string(s->dims, s->rank);
  g_set_error(b->error, QF_ERROR, QF_ERROR_SHAPE,
              "%s: input '%s' is %s %s, but the tensor of that name in the weights is %s %s; they must be "
              "equal, and floating",
              b->graph->name, t->name, qf_dtype_name(t->dtype), want, s->type, got);
  return FALSE;
}

static gboolean bind_input(Binding *b)
{
  if (!check_input(b))
    return FALSE;
  g_ptr_array_remove(b->graph->inputs, b->tensor);
  absorb_transposes(b->graph, b->tensor);
  if (!keep_blocks(b))
    return FALSE;
  if (qf_graph_count_uses(b->graph, b->tensor))
    decode(b);
  return TRUE;
}

gboolean qf_gguf_bind(QfGraph *graph, const char *path, GError **error)
{
  g_autoptr(QfGguf) gguf = qf_gguf_open(path, error);
  uint32_t bound = 0;
  for (guint i = graph->inputs->len; gguf && i-- > 0;) {
    QfTensor *t = g_ptr_array_index(graph->inputs, i);
    const QfGgufTensor *stored = qf_gguf_find_tensor(gguf, t->name);
    Binding b = {graph, gguf, stored, stored ? qf_gguf_format(stored) : NULL, t, NULL, error};
    if (stored && !bind_input(&b))
      return FALSE;
    bound += stored != NULL;
  }
  if (gguf && !bound)
    g_set_error(error, QF_ERROR, QF_ERROR_ARGUMENT,
                "%s: no input of the model has the name of one of the %u tensors of %s; give the model "
                "inputs where its weights "
                "belong, named as the tensors are",
                graph->name, qf_gguf_n_tensors(gguf), path);
  if (!bound)
    return FALSE;
  qf_graph_compact(graph);
  return TRUE;
}
