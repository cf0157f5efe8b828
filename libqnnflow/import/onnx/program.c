/* SPDX-License-Identifier: MIT */
/*
 * program.c - a file as a program: its graph and the bodies inside as records of import/program.h, and parts of it as graphs,
 * made by the same rows as whole files. A value around a part is an input of the graph, until a row demands what it is.
 */
#include "map.h"

#include <string.h>

/* What the program keeps of the file. */
typedef struct {
  QfOnnxFile *file;
  char *name, *directory;
  int64_t opset;
  GMutex lock; /* of the file, which keeps what it has parsed: sessions on other threads import from it too */
} Records;

static void free_records(void *data)
{
  Records *r = data;
  qf_onnx_file_free(r->file);
  g_free(r->name);
  g_free(r->directory);
  g_mutex_clear(&r->lock);
  g_free(r);
}

QfTensor *qf_onnx_find_outer(QfOnnx *onnx, const char *name, GError **error)
{
  gboolean constant = FALSE;
  QfValue *value = onnx->source->find(onnx->source, name, &constant);
  if (!value)
    return NULL;
  if (qf_value_kind(value) != QF_VALUE_TENSOR) {
    g_autofree char *text = qf_value_describe(value);
    g_set_error(error, QF_ERROR, QF_ERROR_DYNAMIC, "%s: '%s' is %s, not a tensor", onnx->file->name, name,
                text);
    return NULL;
  }
  QfTensor *t;
  QfDType dtype = qf_value_dtype(value);
  const int64_t *dims = qf_value_dims(value);
  if (constant) {
    t = qf_graph_add_constant(onnx->graph, name, dtype, dims, qf_value_rank(value),
                              g_bytes_ref(qf_value_bytes(value)));
  } else {
    t = qf_graph_add_tensor(onnx->graph, name);
    qf_tensor_set_shape(t, dtype, dims, qf_value_rank(value));
    g_ptr_array_add(onnx->graph->inputs, t);
  }
  t = qf_onnx_widen(onnx, t, error);
  if (t)
    g_hash_table_insert(onnx->values, (gpointer)name, t);
  return t;
}

gboolean qf_onnx_demand(QfOnnx *onnx, QfTensor *t)
{
  gboolean constant;
  QfNode *cast = t && t->producer && !strcmp(t->producer->op->name, "Cast") ? t->producer : NULL;
  QfTensor *input = cast ? cast->inputs[0] : t; /* floats of other types are widened where they enter */
  if (!onnx->source || !t || t->data || !qf_graph_is_input(onnx->graph, input))
    return FALSE;
  QfValue *value = onnx->source->find(onnx->source, input->name, &constant);
  if (!value)
    return FALSE;
  onnx->source->demand(onnx->source, input->name);
  g_ptr_array_remove(onnx->graph->inputs, input);
  qf_tensor_set_data(onnx->graph, input, g_bytes_ref(qf_value_bytes(value)));
  if (!cast)
    return TRUE;
  qf_node_remove(cast);
  return onnx->graph->evaluate && onnx->graph->evaluate(cast, NULL);
}

static gboolean import_nodes(const QfProgram *program, QfGraph *graph, const QfProgramNode *nodes, uint32_t n,
                             const QfProgramSource *source, const GPtrArray *outputs, uint32_t *n_done,
                             GError **error)
{
  static const QfModelOptions defaults;
  Records *r = program->records;
  g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&r->lock);
  g_autoptr(GHashTable) initializers = g_hash_table_new(g_str_hash, g_str_equal);
  g_autoptr(GHashTable) values = g_hash_table_new(g_str_hash, g_str_equal);
  g_autoptr(GHashTable) channels_last = g_hash_table_new(NULL, NULL);
  QfOnnx onnx = {.graph = graph,
                 .file = r->file,
                 .options = &defaults,
                 .initializers = initializers,
                 .values = values,
                 .channels_last = channels_last,
                 .opset = r->opset,
                 .source = source};
  for (*n_done = 0; *n_done < n; ++*n_done)
    if (!qf_onnx_add_node(&onnx, nodes[*n_done].record, error))
      return FALSE;
  for (guint i = 0; i < outputs->len; i++) {
    Onnx__ValueInfoProto info = ONNX__VALUE_INFO_PROTO__INIT;
    info.name = g_ptr_array_index(outputs, i);
    if (!qf_onnx_add_output(&onnx, &info, error))
      return FALSE;
  }
  qf_graph_compact(graph);
  return TRUE;
}

/* What making a program needs at hand. */
typedef struct {
  QfProgram *program;
  Records *records;
  QfGraph *scratch; /* constants are read into it */
  GHashTable *seen;
  GString *missing; /* operators that nobody knows */
} Maker;

static void fill_tensor_port(QfProgramPort *port, const Onnx__TensorTypeProto *type)
{
  port->dtype = qf_onnx_stored_dtype(type->elem_type);
  port->rank = type->shape && type->shape->n_dim <= QF_MAX_RANK ? (int32_t)type->shape->n_dim : -1;
  for (int i = 0; i < port->rank; i++) {
    const Onnx__TensorShapeDim *d = type->shape->dim[i];
    gboolean known = d->value_case == ONNX__TENSOR_SHAPE_DIM__VALUE_DIM_VALUE && d->dim_value > 0;
    port->dims[i] = known ? d->dim_value : -1;
  }
}

static QfProgramPort make_port(const Onnx__ValueInfoProto *v)
{
  QfProgramPort port = {.name = v->name, .kind = QF_VALUE_TENSOR, .rank = -1};
  const Onnx__TypeProto *t = v->type;
  const Onnx__ContentTypeProto *content = t && t->optional_type ? t->optional_type->elem_type : NULL;
  const Onnx__TensorTypeProto *tensor = t ? t->tensor_type : NULL;
  const Onnx__SequenceTypeProto *sequence = t ? t->sequence_type : NULL;
  port.optional = t && t->optional_type;
  if (content) {
    tensor = content->tensor_type;
    sequence = content->sequence_type;
  }
  if (sequence)
    port.kind = QF_VALUE_SEQUENCE;
  if (sequence && sequence->elem_type)
    tensor = sequence->elem_type->tensor_type;
  if (tensor)
    fill_tensor_port(&port, tensor);
  return port;
}

static gboolean add_constants(Maker *m, QfProgramBody *body, const Onnx__GraphProto *g, GError **error)
{
  for (size_t i = 0; i < g->n_initializer; i++) {
    Onnx__TensorProto *record = g->initializer[i];
    const QfTensor *t = qf_onnx_read_tensor(m->records->file, m->scratch, record, record->name, error);
    g_autoptr(GBytes) bytes = t ? qf_tensor_ref_bytes(t) : NULL;
    QfValue *value = t ? qf_value_new_tensor(t->dtype, t->dims, t->rank, bytes, error) : NULL;
    if (!value)
      return FALSE;
    g_hash_table_insert(body->constants, record->name, value);
  }
  return TRUE;
}

static QfProgramBody *make_body(Maker *m, const Onnx__GraphProto *g, int depth, GError **error);

static gboolean make_attrs(Maker *m, QfProgramNode *node, const Onnx__NodeProto *p, int depth, GError **error)
{
  node->attrs = g_new0(QfProgramAttr, p->n_attribute + 1);
  for (size_t i = 0; i < p->n_attribute; i++) {
    const Onnx__AttributeProto *a = p->attribute[i];
    QfProgramAttr *attr = &node->attrs[node->n_attrs++];
    *attr = (QfProgramAttr){.name = a->name, .i = a->i, .ints = a->ints, .n_ints = a->n_ints};
    if (!a->g.len)
      continue;
    const Onnx__GraphProto *g = qf_onnx_subgraph(m->records->file, a, depth + 1, error);
    attr->body = g ? make_body(m, g, depth + 1, error) : NULL;
    if (!attr->body)
      return FALSE;
  }
  return TRUE;
}

static gboolean make_node(Maker *m, QfProgramNode *node, const Onnx__NodeProto *p, int depth, GError **error)
{
  *node = (QfProgramNode){
      .name = *p->name      ? p->name
              : p->n_output ? p->output[0]
                            : p->op_type,
      .op = p->op_type,
      .inputs = (const char *const *)p->input,
      .outputs = (const char *const *)p->output,
      .n_inputs = (uint32_t)p->n_input,
      .n_outputs = (uint32_t)p->n_output,
      .opset = qf_onnx_node_opset(m->records->file, p, m->records->opset),
      .graph = qf_onnx_find_row(p->domain, p->op_type) != NULL,
      .record = p,
  };
  if (!node->graph && !qf_onnx_is_program_op(p))
    qf_onnx_note_missing(m->seen, m->missing, p);
  return make_attrs(m, node, p, depth, error);
}

static QfProgramBody *make_body(Maker *m, const Onnx__GraphProto *g, int depth, GError **error)
{
  QfProgramBody *body = qf_program_add_body(m->program);
  if (!add_constants(m, body, g, error))
    return NULL;
  body->inputs = g_new0(QfProgramPort, g->n_input + 1);
  body->outputs = g_new0(QfProgramPort, g->n_output + 1);
  body->nodes = g_new0(QfProgramNode, g->n_node + 1);
  for (size_t i = 0; i < g->n_input; i++)
    if (depth || !g_hash_table_contains(body->constants, g->input[i]->name))
      body->inputs[body->n_inputs++] = make_port(g->input[i]);
  for (size_t i = 0; i < g->n_output; i++)
    body->outputs[body->n_outputs++] = make_port(g->output[i]);
  for (size_t i = 0; i < g->n_node; i++)
    if (!make_node(m, &body->nodes[body->n_nodes++], g->node[i], depth, error))
      return NULL;
  qf_program_finish_body(body);
  return body;
}

static gboolean make_program(Maker *m, GBytes *bytes, GError **error)
{
  Records *r = m->records;
  r->file = qf_onnx_file_open(bytes, r->name, r->directory, error);
  if (!r->file)
    return FALSE;
  r->opset = qf_onnx_opset(r->file);
  m->program->main = make_body(m, r->file->model->graph, 0, error);
  if (!m->program->main)
    return FALSE;
  if (m->missing->len)
    g_set_error(error, QF_ERROR, QF_ERROR_UNSUPPORTED,
                "%s: operators that are not supported: %s; export the model without them, or simplify it",
                r->name, m->missing->str);
  return !m->missing->len;
}

QfProgram *qf_onnx_program(GBytes *bytes, const char *name, const char *directory, GError **error)
{
  g_autoptr(QfProgram) program = qf_program_new(name, "onnx");
  g_autoptr(QfGraph) scratch = qf_graph_new(name);
  g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr(GString) missing = g_string_new(NULL);
  Records *records = g_new0(Records, 1);
  g_mutex_init(&records->lock);
  records->name = g_strdup(name);
  records->directory = g_strdup(directory);
  program->records = records;
  program->free_records = free_records;
  program->import_nodes = import_nodes;
  Maker maker = {program, records, scratch, seen, missing};
  return make_program(&maker, bytes, error) ? g_steal_pointer(&program) : NULL;
}
