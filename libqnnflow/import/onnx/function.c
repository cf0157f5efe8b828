/* SPDX-License-Identifier: MIT */
/*
 * function.c - functions that a file defines: each call is replaced by the function's nodes, with names of their own, before
 * anybody looks at the nodes. New records share attributes with the file's; graphs inside a function are parsed once a call.
 * What calls make of a file is bounded, because functions that call each other twice grow like 2^n.
 */
#include "reader.h"
#include "map.h"

#include <stdlib.h>
#include <string.h>

#define MAX_DEPTH 16
#define MAX_BYTES ((uint64_t)32 << 20)

/* One call: what names and attributes inside the function stand for. */
struct QfOnnxCall {
  const Onnx__FunctionProto *function;
  const Onnx__NodeProto *node;
  struct QfOnnxCall *caller; /* of the call that this one stands in; NULL: the model */
  GHashTable *names;         /* inside -> outside, owned by the file */
  uint32_t number;
  int64_t opset;
};

/* Memory that lives as long as the file. */
static void *take(QfOnnxFile *file, size_t size)
{
  void *p = g_malloc0(size + 1);
  file->made_bytes += size + sizeof(void *);
  g_ptr_array_add(file->made, p);
  return p;
}

static void free_call(gpointer data)
{
  QfOnnxCall *call = data;
  g_hash_table_unref(call->names);
  g_free(call);
}

void qf_onnx_functions_open(QfOnnxFile *file)
{
  file->made = g_ptr_array_new_with_free_func(g_free);
  file->calls = g_ptr_array_new_with_free_func(free_call);
  file->functions = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  file->call_of = g_hash_table_new(NULL, NULL);
  file->replaced = g_array_new(FALSE, FALSE, sizeof(QfOnnxReplaced));
  for (size_t i = 0; i < file->model->n_functions; i++) {
    Onnx__FunctionProto *f = file->model->functions[i];
    g_hash_table_replace(file->functions, g_strdup_printf("%s:%s", f->domain, f->name), f);
  }
}

/* The lists of nodes are the file's own again, so that they can be freed. */
void qf_onnx_functions_close(QfOnnxFile *file)
{
  if (!file->made)
    return;
  for (guint i = 0; i < file->replaced->len; i++) {
    QfOnnxReplaced *r = &g_array_index(file->replaced, QfOnnxReplaced, i);
    g_free(r->graph->node);
    r->graph->node = r->nodes;
    r->graph->n_node = r->n_nodes;
  }
  g_array_unref(file->replaced);
  g_hash_table_unref(file->functions);
  g_hash_table_unref(file->call_of);
  g_ptr_array_unref(file->calls);
  g_ptr_array_unref(file->made);
}

static const Onnx__FunctionProto *find_function(const QfOnnxFile *file, const Onnx__NodeProto *node)
{
  if (!g_hash_table_size(file->functions) || qf_onnx_find_row(node->domain, node->op_type))
    return NULL;
  g_autofree char *key = g_strdup_printf("%s:%s", node->domain, node->op_type);
  return g_hash_table_lookup(file->functions, key);
}

/* The name outside of the call for @name inside; local ones get the call's number. */
static char *rename_value(QfOnnxFile *file, QfOnnxCall *call, char *name)
{
  if (!call || !*name)
    return name;
  char *known = g_hash_table_lookup(call->names, name);
  if (known)
    return known;
  size_t length = strlen(name);
  char *inside = take(file, 2 * length + 20), *outside = inside + length + 1;
  memcpy(inside, name, length);
  g_snprintf(outside, length + 16, "f%u/%s", call->number, name);
  g_hash_table_insert(call->names, inside, outside);
  return outside;
}

static Onnx__AttributeProto *attribute_of(const Onnx__NodeProto *node, const char *name)
{
  for (size_t i = 0; i < node->n_attribute; i++)
    if (!strcmp(node->attribute[i]->name, name))
      return node->attribute[i];
  return NULL;
}

/* What an attribute of the function is in this call; NULL: it is not given. */
static const Onnx__AttributeProto *given_attribute(const QfOnnxCall *call, const char *name)
{
  const Onnx__AttributeProto *a = attribute_of(call->node, name);
  for (size_t i = 0; !a && i < call->function->n_attribute_proto; i++)
    if (!strcmp(call->function->attribute_proto[i]->name, name))
      a = call->function->attribute_proto[i];
  return a;
}

/* Attributes of a node inside a call: those of the caller where they are referred to, and graphs that know their call. */
static void copy_attributes(QfOnnxFile *file, QfOnnxCall *call, const Onnx__NodeProto *from,
                            Onnx__NodeProto *to)
{
  to->attribute = take(file, from->n_attribute * sizeof(*to->attribute));
  to->n_attribute = 0;
  for (size_t i = 0; i < from->n_attribute; i++) {
    const Onnx__AttributeProto *a = from->attribute[i], *value = a;
    if (*a->ref_attr_name)
      value = given_attribute(call, a->ref_attr_name);
    if (!value)
      continue;
    Onnx__AttributeProto *copy = take(file, sizeof(*copy));
    *copy = *value;
    copy->name = a->name;
    to->attribute[to->n_attribute++] = copy;
    QfOnnxCall *scope = value == a ? call : g_hash_table_lookup(file->call_of, value);
    if (copy->g.len && scope)
      g_hash_table_insert(file->call_of, copy, scope);
  }
}

static Onnx__NodeProto *copy_node(QfOnnxFile *file, QfOnnxCall *call, const Onnx__NodeProto *from)
{
  Onnx__NodeProto *to = take(file, sizeof(*to));
  *to = *from;
  to->input = take(file, from->n_input * sizeof(*to->input));
  to->output = take(file, from->n_output * sizeof(*to->output));
  for (size_t i = 0; i < from->n_input; i++)
    to->input[i] = rename_value(file, call, from->input[i]);
  for (size_t i = 0; i < from->n_output; i++)
    to->output[i] = rename_value(file, call, from->output[i]);
  to->name = take(file, strlen(from->name) + 180);
  g_snprintf(to->name, strlen(from->name) + 180, "%.80s/%s",
             *call->node->name ? call->node->name : call->node->op_type,
             *from->name ? from->name : from->op_type);
  copy_attributes(file, call, from, to);
  g_hash_table_insert(file->call_of, to, call);
  return to;
}

static QfOnnxCall *make_call(QfOnnxFile *file, const Onnx__FunctionProto *f, const Onnx__NodeProto *node,
                             QfOnnxCall *caller)
{
  QfOnnxCall *call = g_new0(QfOnnxCall, 1);
  *call = (QfOnnxCall){.function = f, .node = node, .caller = caller, .number = file->calls->len};
  call->names = g_hash_table_new(g_str_hash, g_str_equal);
  g_ptr_array_add(file->calls, call);
  file->made_bytes += sizeof(*call) + 256;
  for (size_t i = 0; i < f->n_input; i++)
    g_hash_table_insert(call->names, f->input[i], i < node->n_input ? node->input[i] : (char *)"");
  for (size_t i = 0; i < f->n_output && i < node->n_output; i++)
    if (*node->output[i])
      g_hash_table_insert(call->names, f->output[i], node->output[i]);
  for (size_t i = 0; i < f->n_opset_import; i++)
    if (!*f->opset_import[i]->domain || !strcmp(f->opset_import[i]->domain, "ai.onnx"))
      call->opset = f->opset_import[i]->version;
  return call;
}

static gboolean fail(const QfOnnxFile *file, const Onnx__NodeProto *node, const char *rule, GError **error)
{
  g_set_error(error, QF_ERROR, QF_ERROR_LIMIT,
              "%s: node '%.80s' (%.80s): %s; export the model with functions inlined", file->name, node->name,
              node->op_type, rule);
  return FALSE;
}

static gboolean expand_node(QfOnnxFile *file, Onnx__NodeProto *node, QfOnnxCall *caller, int depth,
                            GPtrArray *nodes, GError **error)
{
  const Onnx__FunctionProto *f = find_function(file, node);
  if (!f) {
    g_ptr_array_add(nodes, node);
    return TRUE;
  }
  if (depth >= MAX_DEPTH)
    return fail(file, node, "functions call each other more than 16 deep", error);
  if (f->n_input < node->n_input || f->n_output < node->n_output)
    return fail(file, node, "the call has more inputs or outputs than the function", error);
  QfOnnxCall *call = make_call(file, f, node, caller);
  for (size_t i = 0; i < f->n_node; i++) {
    if (file->made_bytes > MAX_BYTES)
      return fail(file, node, "its functions become more than 32 MB of nodes", error);
    if (!expand_node(file, copy_node(file, call, f->node[i]), call, depth + 1, nodes, error))
      return FALSE;
  }
  return TRUE;
}

/* A name in a record that protobuf-c will free. */
static void rename_record(QfOnnxFile *file, QfOnnxCall *call, char **name)
{
  char *to = rename_value(file, call, *name);
  if (to == *name)
    return;
  free(*name); /* not empty, so from its allocator, which is malloc */
  *name = strdup(to);
}

/* Names that a graph inside a function declares. */
static void rename_graph(QfOnnxFile *file, QfOnnxCall *call, Onnx__GraphProto *graph)
{
  for (size_t i = 0; i < graph->n_input; i++)
    rename_record(file, call, &graph->input[i]->name);
  for (size_t i = 0; i < graph->n_output; i++)
    rename_record(file, call, &graph->output[i]->name);
  for (size_t i = 0; i < graph->n_initializer; i++)
    rename_record(file, call, &graph->initializer[i]->name);
}

gboolean qf_onnx_functions_expand(QfOnnxFile *file, Onnx__GraphProto *graph,
                                  const Onnx__AttributeProto *attribute, GError **error)
{
  QfOnnxCall *call = attribute ? g_hash_table_lookup(file->call_of, attribute) : NULL;
  if (!g_hash_table_size(file->functions))
    return TRUE;
  g_autoptr(GPtrArray) nodes = g_ptr_array_new();
  if (call)
    rename_graph(file, call, graph);
  for (size_t i = 0; i < graph->n_node; i++) {
    Onnx__NodeProto *node = call ? copy_node(file, call, graph->node[i]) : graph->node[i];
    if (!expand_node(file, node, call, 0, nodes, error))
      return FALSE;
  }
  QfOnnxReplaced replaced = {graph, graph->node, graph->n_node};
  g_array_append_val(file->replaced, replaced);
  graph->n_node = nodes->len;
  graph->node = (Onnx__NodeProto **)g_ptr_array_free(g_steal_pointer(&nodes), FALSE);
  return TRUE;
}

int64_t qf_onnx_node_opset(const QfOnnxFile *file, const Onnx__NodeProto *node, int64_t def)
{
  const QfOnnxCall *call = g_hash_table_lookup(file->call_of, node);
  return call && call->opset ? call->opset : def;
}
