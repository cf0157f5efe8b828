/* SPDX-License-Identifier: MIT */
/*
 * map.c - walks an ONNX graph: inputs, initializers, nodes by the tables of the families, outputs. The file must list nodes in
 * topological order with every name produced once, as the specification says; this is where that is checked.
 */
#include "body.h"

#include <string.h>

static const QfOnnxRow *const tables[] = {
#define QF_ONNX_TABLE(family) qf_onnx_##family##_rows,
#include "tables.inc"
#undef QF_ONNX_TABLE
};

const QfOnnxRow *qf_onnx_find_row(const char *domain, const char *op)
{
  if (!strcmp(domain, "ai.onnx"))
    domain = "";
  for (guint i = 0; i < G_N_ELEMENTS(tables); i++)
    for (const QfOnnxRow *row = tables[i]; row->op; row++)
      if (!strcmp(row->op, op) && !strcmp(row->domain, domain))
        return row;
  return NULL;
}

/* Those of the tables, and those that run on values in programs. */
static void list_operators(GString *text)
{
  for (guint i = 0; i < G_N_ELEMENTS(tables); i++)
    for (const QfOnnxRow *row = tables[i]; row->op; row++)
      g_string_append_printf(text, "%s%s%s\n", row->domain, *row->domain ? "." : "", row->op);
  for (const char *const *op = qf_program_op_names; *op; op++)
    if (!qf_onnx_find_row("", *op))
      g_string_append_printf(text, "%s\n", *op);
}

static gboolean fail(const QfOnnx *onnx, GError **error, QfError code, const char *what, const char *name,
                     const char *rule)
{
  g_set_error(error, QF_ERROR, code, "%s: %s '%s' %s", onnx->file->name, what, name, rule);
  return FALSE;
}

QfTensor *qf_onnx_widen(QfOnnx *onnx, QfTensor *t, GError **error)
{
  if (!t || (t->dtype != QF_DTYPE_FLOAT16 && t->dtype != QF_DTYPE_BFLOAT16))
    return t;
  g_autofree char *name = g_strdup_printf("%s/float32", t->name);
  QfTensor *y = qf_graph_add_tensor(onnx->graph, name);
  QfNode *node = qf_graph_new_node(onnx->graph, "Cast", name, &t, 1, &y, 1);
  ((QfCastAttrs *)node->attrs)->dtype = QF_DTYPE_FLOAT32;
  return qf_graph_add_node(node, error) ? y : NULL;
}

QfTensor *qf_onnx_find_value(QfOnnx *onnx, const char *name, GError **error)
{
  QfTensor *t = g_hash_table_lookup(onnx->values, name);
  Onnx__TensorProto *record = t ? NULL : g_hash_table_lookup(onnx->initializers, name);
  if (!record && !t && onnx->outer && !g_hash_table_contains(onnx->values, name))
    return qf_onnx_capture(onnx, name, error);
  if (!record && !t && onnx->source && !g_hash_table_contains(onnx->values, name))
    return qf_onnx_find_outer(onnx, name, error);
  if (!record)
    return t;
  t = qf_onnx_widen(onnx, qf_onnx_read_tensor(onnx->file, onnx->graph, record, name, error), error);
  if (t)
    g_hash_table_insert(onnx->values, (gpointer)name, t);
  return t;
}

gboolean qf_onnx_index_initializers(QfOnnx *onnx, const Onnx__GraphProto *g, GError **error)
{
  for (size_t i = 0; i < g->n_initializer; i++)
    if (!g_hash_table_insert(onnx->initializers, g->initializer[i]->name, g->initializer[i]))
      return fail(onnx, error, QF_ERROR_FORMAT, "initializer", g->initializer[i]->name,
                  "is there twice; export the model again");
  return TRUE;
}

/* The shape in the file; open dimensions are -1. A missing shape is taken from the options. */
static gboolean read_input_shape(QfOnnx *onnx, const Onnx__ValueInfoProto *v, int64_t *dims, int32_t *rank,
                                 GError **error)
{
  const Onnx__TensorShapeProto *shape = v->type->tensor_type->shape;
  if (shape && shape->n_dim > QF_MAX_RANK)
    return fail(onnx, error, QF_ERROR_UNSUPPORTED, "input", v->name, "has more than 8 dimensions");
  *rank = shape ? (int32_t)shape->n_dim : -1;
  for (int i = 0; i < *rank; i++) {
    const Onnx__TensorShapeDim *d = shape->dim[i];
    gboolean known = d->value_case == ONNX__TENSOR_SHAPE_DIM__VALUE_DIM_VALUE && d->dim_value > 0;
    dims[i] = known ? d->dim_value : -1;
  }
  for (uint32_t i = 0; *rank < 0 && i < onnx->options->n_input_dims; i++) {
    const QfInputDims *given = &onnx->options->input_dims[i];
    if (given->name ? !strcmp(given->name, v->name) : i == onnx->graph->inputs->len)
      *rank = CLAMP(given->rank, 0, QF_MAX_RANK);
    for (int d = 0; d < *rank; d++)
      dims[d] = -1;
  }
  if (*rank < 0)
    return fail(onnx, error, QF_ERROR_SHAPE, "input", v->name,
                "has no shape in the file; give its dimensions (QfModelOptions.input_dims)");
  uint32_t index = onnx->graph->inputs->len;
  if (!qf_import_resolve_dims(onnx->graph, onnx->options, index, v->name, dims, *rank, error))
    return FALSE;
  for (int i = 0; shape && i < *rank; i++)
    if (shape->dim[i]->value_case == ONNX__TENSOR_SHAPE_DIM__VALUE_DIM_PARAM)
      qf_graph_name_dim(onnx->graph, index, i, shape->dim[i]->dim_param);
  return TRUE;
}

/* A guess for those who fill images: few channels stand in one place or the other. */
static QfLayout guess_layout(const QfTensor *t)
{
  if (t->rank != 4)
    return QF_LAYOUT_ANY;
  if (t->dims[1] <= 4)
    return QF_LAYOUT_NCHW;
  return t->dims[3] <= 4 ? QF_LAYOUT_NHWC : QF_LAYOUT_ANY;
}

static gboolean add_input(QfOnnx *onnx, const Onnx__ValueInfoProto *v, GError **error)
{
  int64_t dims[QF_MAX_RANK] = {0};
  int32_t rank = 0; /* compilers do not see that it is set where it is read */
  const char *type_name;
  if (g_hash_table_contains(onnx->initializers, v->name))
    return TRUE; /* older files list their weights as inputs too */
  if (!*v->name || g_hash_table_contains(onnx->values, v->name))
    return fail(onnx, error, QF_ERROR_FORMAT, "input", v->name,
                "has no name of its own; export the model again");
  if (!v->type || !v->type->tensor_type)
    return fail(onnx, error, QF_ERROR_DYNAMIC, "input", v->name, "is not a tensor");
  QfDType dtype = qf_onnx_stored_dtype(v->type->tensor_type->elem_type);
  qf_onnx_dtype(v->type->tensor_type->elem_type, &type_name);
  if (dtype == QF_DTYPE_INVALID) {
    g_set_error(error, QF_ERROR, QF_ERROR_UNSUPPORTED,
                "%s: input '%s' has the type %s, which is not supported", onnx->file->name, v->name,
                type_name);
    return FALSE;
  }
  if (!read_input_shape(onnx, v, dims, &rank, error))
    return FALSE;
  if (qf_dims_count(dims, rank) < 0)
    return fail(onnx, error, QF_ERROR_LIMIT, "input", v->name, "is too large for any memory");
  QfTensor *t = qf_graph_add_tensor(onnx->graph, v->name);
  qf_tensor_set_shape(t, dtype, dims, rank);
  t->layout = guess_layout(t);
  g_ptr_array_add(onnx->graph->inputs, t);
  t = qf_onnx_widen(onnx, t, error);
  if (t)
    g_hash_table_insert(onnx->values, v->name, t);
  return t != NULL;
}

static gboolean missing_input(const QfOnnxNode *n, const char *name, GError **error)
{
  if (g_hash_table_contains(n->onnx->values, name))
    return qf_onnx_fail(n, error, QF_ERROR_UNSUPPORTED,
                        "input '%s' is an optional output of another node that is not supported (a mask, "
                        "indices, statistics); export the model for inference",
                        name);
  return qf_onnx_fail(
      n, error, QF_ERROR_FORMAT,
      "input '%s' is made by no earlier node, input or initializer: nodes are missing, out of "
      "order or in a cycle; export the model again",
      name);
}

static gboolean resolve_inputs(QfOnnxNode *n, GError **error)
{
  const Onnx__NodeProto *p = n->proto;
  for (uint32_t i = 0; i < n->n_in; i++) {
    GError *e = NULL;
    if (!*p->input[i])
      continue;
    n->in[i] = qf_onnx_find_value(n->onnx, p->input[i], &e);
    if (e) {
      g_propagate_error(error, e);
      return FALSE;
    }
    if (!n->in[i])
      return missing_input(n, p->input[i], error);
  }
  int got = (int)n->n_in;
  while (got && !n->in[got - 1])
    got--;
  gboolean fits = got >= n->row->min_inputs && (n->row->max_inputs < 0 || got <= n->row->max_inputs);
  for (int i = 0; fits && i < n->row->min_inputs; i++)
    fits = n->in[i] != NULL;
  if (!fits)
    return qf_onnx_fail(n, error, QF_ERROR_FORMAT,
                        "it has %d inputs, but %d to %d (-1: any number) are needed", got, n->row->min_inputs,
                        n->row->max_inputs);
  return TRUE;
}

/* Outputs that the map function left out are known by name only: an error when somebody needs them. */
static gboolean bind_outputs(QfOnnxNode *n, GError **error)
{
  for (uint32_t i = 0; i < n->n_out; i++) {
    const char *name = n->out_names[i];
    if (!name)
      continue;
    if (g_hash_table_contains(n->onnx->initializers, name) ||
        !g_hash_table_insert(n->onnx->values, (gpointer)name, n->out[i]))
      return qf_onnx_fail(n, error, QF_ERROR_FORMAT,
                          "its output '%s' is produced twice; export the model again", name);
  }
  return TRUE;
}

static gboolean map_node(QfOnnxNode *n, GError **error)
{
  const Onnx__NodeProto *p = n->proto;
  for (uint32_t i = 0; i < n->n_out; i++)
    n->out_names[i] = *p->output[i] ? p->output[i] : NULL;
  const char *first = NULL; /* outputs before it may be left out */
  for (uint32_t i = n->n_out; i--;)
    first = n->out_names[i] ? n->out_names[i] : first;
  n->b->name = n->name = *p->name ? p->name : first ? first : p->op_type;
  if (!first)
    return qf_onnx_fail(n, error, QF_ERROR_FORMAT, "it has no output");
  return resolve_inputs(n, error) && qf_onnx_settle_floats(n, error) && n->row->map(n, error) &&
         bind_outputs(n, error);
}

gboolean qf_onnx_map_as(QfOnnxNode *n, const char *op, QfTensor **in, uint32_t n_in, QfTensor **result,
                        GError **error)
{
  QfTensor *out[1] = {NULL};
  const char *out_names[1] = {NULL};
  QfOnnxNode sub = *n;
  sub.row = qf_onnx_find_row("", op);
  sub.opset = qf_onnx_int(n, "opset", qf_build_i32(n->opset)); /* QLinearSoftmax says whose meaning it has */
  sub.in = in;
  sub.n_in = n_in;
  sub.out = out;
  sub.out_names = out_names;
  sub.n_out = 1;
  if (!sub.row || !sub.row->map(&sub, error))
    return FALSE;
  *result = out[0];
  return TRUE;
}

/* Contrib operators keep one meaning: that of the newest standard form. */
static int64_t opset_of(const QfOnnx *onnx, const Onnx__NodeProto *p)
{
  return *p->domain && strcmp(p->domain, "ai.onnx") ? G_MAXINT32
                                                    : qf_onnx_node_opset(onnx->file, p, onnx->opset);
}

gboolean qf_onnx_add_node(QfOnnx *onnx, const Onnx__NodeProto *p, GError **error)
{
  QfBuild b = {.graph = onnx->graph,
               .what = "node",
               .type = p->op_type,
               .channels_last = onnx->channels_last,
               .before_add = qf_onnx_carry_encoding};
  QfOnnxNode n = {.onnx = onnx,
                  .proto = p,
                  .b = &b,
                  .row = qf_onnx_find_row(p->domain, p->op_type),
                  .opset = opset_of(onnx, p),
                  .n_in = (uint32_t)p->n_input,
                  .n_out = (uint32_t)p->n_output};
  if (!n.row) {
    g_set_error(error, QF_ERROR, qf_onnx_is_program_op(p) ? QF_ERROR_DYNAMIC : QF_ERROR_UNSUPPORTED,
                "%s: node '%s' in a body of control flow: operator %s%s%s is not supported; export the model "
                "without it",
                onnx->file->name, p->name, p->domain, *p->domain ? "." : "", p->op_type);
    return FALSE;
  }
  b.target = n.row->target;
  n.in = g_new0(QfTensor *, n.n_in + 1);
  n.out = g_new0(QfTensor *, n.n_out + 1);
  n.out_names = g_new0(const char *, n.n_out + 1);
  gboolean ok = map_node(&n, error);
  g_free(n.in);
  g_free(n.out);
  g_free(n.out_names);
  return ok;
}

gboolean qf_onnx_is_program_op(const Onnx__NodeProto *node)
{
  return (!*node->domain || !strcmp(node->domain, "ai.onnx")) && qf_program_has_op(node->op_type);
}

void qf_onnx_note_missing(GHashTable *seen, GString *text, const Onnx__NodeProto *p)
{
  char *op = g_strdup_printf("%s%s%s", p->domain, *p->domain ? "." : "", p->op_type);
  if (!g_hash_table_add(seen, op) || g_hash_table_size(seen) > 40)
    return;
  g_string_append_printf(text, "%s%.80s (node '%.80s')", text->len ? ", " : "", op,
                         *p->name      ? p->name
                         : p->n_output ? p->output[0]
                                       : "");
  qf_onnx_add_remedy(text, p->domain, p->op_type);
}

/* All operators that have no row, in one message. */
static gboolean check_supported(QfOnnx *onnx, GError **error)
{
  const Onnx__GraphProto *g = onnx->file->model->graph;
  g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr(GString) list = g_string_new(NULL);
  const Onnx__NodeProto *dynamic = NULL;
  for (size_t i = 0; i < g->n_node; i++) {
    if (qf_onnx_find_row(g->node[i]->domain, g->node[i]->op_type))
      continue;
    if (qf_onnx_is_program_op(g->node[i]))
      dynamic = g->node[i];
    else
      qf_onnx_note_missing(seen, list, g->node[i]);
  }
  if (list->len)
    g_set_error(error, QF_ERROR, QF_ERROR_UNSUPPORTED,
                "%s: operators that are not supported: %s; export the model without them, or simplify it",
                onnx->file->name, list->str);
  else if (dynamic)
    g_set_error(error, QF_ERROR, QF_ERROR_DYNAMIC, "%s: what %s (node '%s') gives depends on values",
                onnx->file->name, dynamic->op_type, dynamic->name);
  return !list->len && !dynamic;
}

/* The float type that the file declares for an output, when it is not the one computed in. */
static QfDType declared_dtype(const Onnx__ValueInfoProto *v, QfDType computed)
{
  QfDType dtype = v->type && v->type->tensor_type ? qf_onnx_dtype(v->type->tensor_type->elem_type, NULL)
                                                  : QF_DTYPE_INVALID;
  return qf_dtype_is_float(dtype) ? dtype : computed;
}

/* Graph outputs are tensors of their own, with the file's name and float type. */
gboolean qf_onnx_add_output(QfOnnx *onnx, const Onnx__ValueInfoProto *v, GError **error)
{
  GError *e = NULL;
  QfTensor *t = qf_onnx_find_value(onnx, v->name, &e);
  if (e) {
    g_propagate_error(error, e);
    return FALSE;
  }
  if (!t && g_hash_table_contains(onnx->values, v->name))
    return fail(onnx, error, QF_ERROR_UNSUPPORTED, "output", v->name,
                "is a node's optional output that is not supported; export the model without it");
  if (!t)
    return fail(onnx, error, QF_ERROR_FORMAT, "output", v->name,
                "is made by no node; export the model again");
  if (!qf_onnx_check_declared(onnx, v, t, error))
    return FALSE;
  QfDType dtype = qf_dtype_is_float(t->dtype) ? declared_dtype(v, t->dtype) : t->dtype;
  gboolean is_border = qf_graph_is_input(onnx->graph, t) || qf_graph_is_output(onnx->graph, t);
  if (dtype != t->dtype || is_border || strcmp(t->name, v->name)) {
    QfTensor *y = qf_graph_add_tensor(onnx->graph, v->name);
    gboolean cast = dtype != t->dtype;
    QfNode *node = qf_graph_new_node(onnx->graph, cast ? "Cast" : "Reshape", v->name, &t, 1, &y, 1);
    if (cast)
      ((QfCastAttrs *)node->attrs)->dtype = dtype;
    if (!cast)
      ((QfReshapeAttrs *)node->attrs)->shape = qf_build_dims(t);
    if (!cast && qf_tensor_is_quantized(t))
      qf_tensor_set_encoding(onnx->graph, y, t->enc.count, t->enc.axis, t->enc.entries);
    if (!qf_graph_add_node(node, error))
      return FALSE;
    t = y;
  }
  if (t->layout == QF_LAYOUT_ANY)
    t->layout = guess_layout(t);
  g_ptr_array_add(onnx->graph->outputs, t);
  return TRUE;
}

int64_t qf_onnx_opset(const QfOnnxFile *file)
{
  const Onnx__ModelProto *m = file->model;
  int64_t opset = 1;
  for (size_t i = 0; i < m->n_opset_import; i++)
    if (!*m->opset_import[i]->domain || !strcmp(m->opset_import[i]->domain, "ai.onnx"))
      opset = m->opset_import[i]->version;
  return opset;
}

static gboolean map_graph(QfOnnx *onnx, GError **error)
{
  const Onnx__GraphProto *g = onnx->file->model->graph;
  onnx->opset = qf_onnx_opset(onnx->file);
  if (!g->n_output)
    return fail(onnx, error, QF_ERROR_FORMAT, "graph", g->name, "has no outputs");
  if (!qf_onnx_index_initializers(onnx, g, error) || !check_supported(onnx, error))
    return FALSE;
  for (size_t i = 0; i < g->n_input; i++)
    if (!add_input(onnx, g->input[i], error))
      return FALSE;
  for (size_t i = 0; i < g->n_node; i++)
    if (!qf_onnx_add_node(onnx, g->node[i], error))
      return FALSE;
  for (size_t i = 0; i < g->n_output; i++)
    if (!qf_onnx_add_output(onnx, g->output[i], error))
      return FALSE;
  qf_graph_compact(onnx->graph);
  return TRUE;
}

static gboolean map_file(QfGraph *graph, void *records, const QfModelOptions *options, GError **error)
{
  g_autoptr(GHashTable) initializers = g_hash_table_new(g_str_hash, g_str_equal);
  g_autoptr(GHashTable) values = g_hash_table_new(g_str_hash, g_str_equal);
  g_autoptr(GHashTable) channels_last = g_hash_table_new(NULL, NULL);
  QfOnnx onnx = {.graph = graph,
                 .file = records,
                 .options = options,
                 .initializers = initializers,
                 .values = values,
                 .channels_last = channels_last,
                 .opset = 1};
  return map_graph(&onnx, error);
}

static void *open_file(GBytes *bytes, const char *name, const char *directory, GError **error)
{
  return qf_onnx_file_open(bytes, name, directory, error);
}

static void close_file(void *records)
{
  qf_onnx_file_free(records);
}

const QfFormat qf_format_onnx = {
    .name = "onnx",
    .extensions = ".onnx",
    .probe = qf_onnx_probe,
    .open = open_file,
    .map = map_file,
    .close = close_file,
    .program = qf_onnx_program,
    .operators = list_operators,
};
