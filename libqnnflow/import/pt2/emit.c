/* SPDX-License-Identifier: MIT */
/*
 * emit.c - see emit.h. All records are the emitter's memory, so the file that is handed on gives none of them back.
 */
#include "emit.h"
#include "../import.h"
#include "../../graph/numbers.h"

#include <string.h>

#define MAX_ATTRIBUTES 16

extern const QfFormat qf_format_onnx;

static void *get(QfPt2Emit *e, size_t size)
{
  void *p = g_malloc0(MAX(size, 1));
  g_ptr_array_add(e->memory, p);
  return p;
}

static char *text(QfPt2Emit *e, const char *s)
{
  return g_string_chunk_insert(e->strings, s ? s : "");
}

QfPt2Emit *qf_pt2_emit_new(void)
{
  QfPt2Emit *e = g_new0(QfPt2Emit, 1);
  onnx__model_proto__init(&e->model);
  onnx__graph_proto__init(&e->graph);
  onnx__operator_set_id_proto__init(&e->opset);
  e->opset.version = QF_PT2_OPSET;
  e->opsets[0] = &e->opset;
  e->model.graph = &e->graph;
  e->model.n_opset_import = 1;
  e->model.opset_import = e->opsets;
  e->nodes = g_ptr_array_new();
  e->initializers = g_ptr_array_new();
  e->inputs = g_ptr_array_new();
  e->outputs = g_ptr_array_new();
  e->memory = g_ptr_array_new_with_free_func(g_free);
  e->strings = g_string_chunk_new(1024);
  e->values = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)g_bytes_unref);
  return e;
}

void qf_pt2_emit_free(QfPt2Emit *e)
{
  g_ptr_array_unref(e->nodes);
  g_ptr_array_unref(e->initializers);
  g_ptr_array_unref(e->inputs);
  g_ptr_array_unref(e->outputs);
  g_ptr_array_unref(e->memory);
  g_string_chunk_free(e->strings);
  g_hash_table_unref(e->values);
  g_free(e);
}

const char *qf_pt2_name(QfPt2Emit *e, const char *name)
{
  g_autofree char *made = name ? NULL : g_strdup_printf("<%u>", e->n_names++);
  return text(e, name ? name : made);
}

Onnx__NodeProto *qf_pt2_node(QfPt2Emit *e, const char *op, const char *node_name, const char *const *in,
                             uint32_t n_in, const char *const *out, uint32_t n_out)
{
  Onnx__NodeProto *node = get(e, sizeof(*node));
  onnx__node_proto__init(node);
  node->op_type = text(e, op);
  node->name = text(e, node_name);
  node->n_input = n_in;
  node->input = get(e, n_in * sizeof(char *));
  for (uint32_t i = 0; i < n_in; i++)
    node->input[i] = text(e, in[i]);
  node->n_output = MAX(n_out, 1);
  node->output = get(e, node->n_output * sizeof(char *));
  for (uint32_t i = 0; i < node->n_output; i++)
    node->output[i] = (char *)(i < n_out && out[i] ? text(e, out[i])
                               : i                 ? text(e, "")
                                                   : qf_pt2_name(e, NULL));
  node->attribute = get(e, MAX_ATTRIBUTES * sizeof(*node->attribute));
  g_ptr_array_add(e->nodes, node);
  return node;
}

static Onnx__AttributeProto *attribute(QfPt2Emit *e, Onnx__NodeProto *node, const char *name, int type)
{
  Onnx__AttributeProto *a = get(e, sizeof(*a));
  g_assert(node->n_attribute < MAX_ATTRIBUTES); /* the rows of the map have fewer */
  onnx__attribute_proto__init(a);
  a->name = text(e, name);
  a->type = type;
  node->attribute[node->n_attribute++] = a;
  return a;
}

void qf_pt2_attr_int(QfPt2Emit *e, Onnx__NodeProto *node, const char *name, int64_t value)
{
  attribute(e, node, name, 2)->i = value;
}

void qf_pt2_attr_float(QfPt2Emit *e, Onnx__NodeProto *node, const char *name, double value)
{
  attribute(e, node, name, 1)->f = (float)value;
}

void qf_pt2_attr_ints(QfPt2Emit *e, Onnx__NodeProto *node, const char *name, const int64_t *values,
                      uint32_t n)
{
  Onnx__AttributeProto *a = attribute(e, node, name, 7);
  a->n_ints = n;
  a->ints = get(e, n * sizeof(int64_t));
  memcpy(a->ints, values, n * sizeof(int64_t));
}

void qf_pt2_attr_string(QfPt2Emit *e, Onnx__NodeProto *node, const char *name, const char *value)
{
  Onnx__AttributeProto *a = attribute(e, node, name, 3);
  a->s.data = (uint8_t *)text(e, value);
  a->s.len = strlen(value);
}

const char *qf_pt2_constant(QfPt2Emit *e, const char *name, int32_t type, const int64_t *dims, int32_t rank,
                            GBytes *bytes)
{
  Onnx__TensorProto *t = get(e, sizeof(*t));
  onnx__tensor_proto__init(t);
  t->name = (char *)qf_pt2_name(e, name);
  t->data_type = type;
  t->n_dims = (size_t)rank;
  t->dims = get(e, (size_t)rank * sizeof(int64_t));
  if (rank)
    memcpy(t->dims, dims, (size_t)rank * sizeof(int64_t));
  g_ptr_array_add(e->initializers, t);
  g_hash_table_insert(e->values, t, bytes);
  return t->name;
}

const char *qf_pt2_const_ints(QfPt2Emit *e, const int64_t *values, uint32_t n)
{
  const int64_t dims[] = {n};
  return qf_pt2_constant(e, NULL, QF_PT2_INT64, dims, 1, g_bytes_new(values, n * sizeof(int64_t)));
}

const char *qf_pt2_const_number(QfPt2Emit *e, int32_t type, double value)
{
  const QfDType dtype = qf_onnx_dtype(type, NULL);
  uint8_t bytes[8] = {0};
  if (type == QF_PT2_INT64) {
    const int64_t i = value >= 0x1p63 ? INT64_MAX : value <= -0x1p63 ? INT64_MIN : (int64_t)value;
    memcpy(bytes, &i, 8);
  } else {
    qf_number_store(dtype, bytes, 0, value);
  }
  return qf_pt2_constant(e, NULL, type, NULL, 0, g_bytes_new(bytes, qf_dtype_size(dtype)));
}

static Onnx__ValueInfoProto *value_info(QfPt2Emit *e, const char *name, int32_t type)
{
  Onnx__ValueInfoProto *v = get(e, sizeof(*v));
  onnx__value_info_proto__init(v);
  v->name = text(e, name);
  v->type = get(e, sizeof(*v->type));
  onnx__type_proto__init(v->type);
  v->type->tensor_type = get(e, sizeof(*v->type->tensor_type));
  onnx__tensor_type_proto__init(v->type->tensor_type);
  v->type->tensor_type->elem_type = type;
  return v;
}

void qf_pt2_add_input(QfPt2Emit *e, const char *name, int32_t type, const int64_t *dims, int32_t rank)
{
  Onnx__ValueInfoProto *v = value_info(e, name, type);
  Onnx__TensorShapeProto *shape = get(e, sizeof(*shape));
  onnx__tensor_shape_proto__init(shape);
  shape->n_dim = (size_t)rank;
  shape->dim = get(e, (size_t)rank * sizeof(*shape->dim));
  for (int32_t i = 0; i < rank; i++) {
    shape->dim[i] = get(e, sizeof(**shape->dim));
    onnx__tensor_shape_dim__init(shape->dim[i]);
    shape->dim[i]->value_case =
        dims[i] < 0 ? ONNX__TENSOR_SHAPE_DIM__VALUE_DIM_PARAM : ONNX__TENSOR_SHAPE_DIM__VALUE_DIM_VALUE;
    if (dims[i] < 0)
      shape->dim[i]->dim_param = text(e, "?");
    else
      shape->dim[i]->dim_value = dims[i];
  }
  v->type->tensor_type->shape = shape;
  g_ptr_array_add(e->inputs, v);
}

void qf_pt2_add_output(QfPt2Emit *e, const char *name, int32_t type)
{
  g_ptr_array_add(e->outputs, value_info(e, name, type));
}

gboolean qf_pt2_emit_import(QfPt2Emit *e, QfGraph *graph, const QfModelOptions *options, GError **error)
{
  e->graph.n_node = e->nodes->len;
  e->graph.node = (Onnx__NodeProto **)e->nodes->pdata;
  e->graph.n_initializer = e->initializers->len;
  e->graph.initializer = (Onnx__TensorProto **)e->initializers->pdata;
  e->graph.n_input = e->inputs->len;
  e->graph.input = (Onnx__ValueInfoProto **)e->inputs->pdata;
  e->graph.n_output = e->outputs->len;
  e->graph.output = (Onnx__ValueInfoProto **)e->outputs->pdata;
  QfOnnxFile *file = qf_onnx_file_new(&e->model, graph->name, NULL);
  g_hash_table_unref(file->tensors);
  file->tensors = g_hash_table_ref(e->values);
  const gboolean ok = qf_format_onnx.map(graph, file, options, error);
  file->model = NULL; /* the emitter's */
  qf_onnx_file_free(file);
  return ok;
}
