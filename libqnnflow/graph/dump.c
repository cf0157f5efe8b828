/* SPDX-License-Identifier: MIT */
/*
 * dump.c - a graph as text or as a Graphviz digraph, from the attribute tables.
 */
#include "graph.h"

static void append_tensor(GString *s, const QfTensor *t)
{
  if (!t) {
    g_string_append(s, "-");
    return;
  }
  g_autofree char *dims = qf_dims_to_string(t->dims, MAX(t->rank, 0));
  g_string_append_printf(s, "%s:%s[%s]", t->name, qf_dtype_name(t->dtype), dims);
  if (t->enc.count == 1)
    g_string_append_printf(s, "{%g,%d}", (double)t->enc.entries[0].scale, t->enc.entries[0].offset);
  else if (t->enc.count)
    g_string_append_printf(s, "{axis %d}", t->enc.axis);
  if (t->data)
    g_string_append(s, "=const");
}

static void append_scalars(GString *s, const QfAttrDef *d, const void *at)
{
  uint32_t n = d->count ? d->count : 1;
  for (uint32_t i = 0; i < n; i++) {
    const char *sep = i ? "," : "";
    int32_t v = ((const int32_t *)at)[i];
    if (d->kind == QF_ATTR_FLOAT)
      g_string_append_printf(s, "%s%g", sep, (double)((const float *)at)[i]);
    else if (d->kind == QF_ATTR_DTYPE)
      g_string_append_printf(s, "%s%s", sep, qf_dtype_name(v));
    else if (d->kind == QF_ATTR_ENUM && d->enum_names && v >= 0 &&
             v < (int)g_strv_length((char **)d->enum_names))
      g_string_append_printf(s, "%s%s", sep, d->enum_names[v]);
    else
      g_string_append_printf(s, "%s%d", sep, v);
  }
}

static gboolean is_default(const QfAttrDef *d, const void *at)
{
  uint32_t n = d->count ? d->count : 1;
  if (d->kind == QF_ATTR_INTS || d->kind >= QF_ATTR_AXES)
    return ((const QfInts *)at)->n == 0;
  for (uint32_t i = 0; i < n; i++) {
    double v = d->kind == QF_ATTR_FLOAT ? (double)((const float *)at)[i] : (double)((const int32_t *)at)[i];
    if (v != (d->kind == QF_ATTR_FLOAT ? (double)(float)d->def : d->def))
      return FALSE;
  }
  return TRUE;
}

static void append_attrs(GString *s, const QfNode *node)
{
  for (const QfAttrDef *d = node->op->attrs; d && d->name; d++) {
    const void *at = (const char *)node->attrs + d->offset;
    if (is_default(d, at))
      continue;
    g_string_append_printf(s, " %s=", d->name);
    if (d->kind != QF_ATTR_INTS && d->kind < QF_ATTR_AXES) {
      append_scalars(s, d, at);
      continue;
    }
    const QfInts *list = at;
    for (int i = 0; i < list->n; i++)
      g_string_append_printf(s, "%s%" G_GINT64_FORMAT, i ? "," : "", list->v[i]);
  }
}

char *qf_node_describe(const QfNode *node)
{
  GString *s = g_string_new(NULL);
  g_string_append_printf(s, "%s '%s' (", node->op->name, node->name);
  for (uint32_t i = 0; i < node->n_inputs; i++) {
    g_string_append(s, i ? ", " : "");
    append_tensor(s, node->inputs[i]);
  }
  g_string_append(s, ") -> (");
  for (uint32_t i = 0; i < node->n_outputs; i++) {
    g_string_append(s, i ? ", " : "");
    append_tensor(s, node->outputs[i]);
  }
  g_string_append(s, ")");
  append_attrs(s, node);
  return g_string_free(s, FALSE);
}

static char *escaped(const char *text)
{
  GString *s = g_string_new(NULL);
  for (; *text; text++) {
    if (*text == '"' || *text == '\\')
      g_string_append_c(s, '\\');
    g_string_append_c(s, *text);
  }
  return g_string_free(s, FALSE);
}

static void graphviz_graph(GString *s, const QfGraph *graph, const char *prefix);

static void graphviz_node(GString *s, const QfNode *node, const char *prefix, guint index)
{
  g_autofree char *name = escaped(node->name);
  GString *attrs = g_string_new(NULL);
  append_attrs(attrs, node);
  g_string_append_printf(s, "  %sn%u [shape=box, label=\"%s\\n%s\\n%s\"];\n", prefix, index, node->op->name,
                         name, attrs->str);
  g_string_free(attrs, TRUE);
  for (uint32_t i = 0; i < node->n_inputs; i++)
    if (node->inputs[i] && !node->inputs[i]->data)
      g_string_append_printf(s, "  %st%u -> %sn%u;\n", prefix, node->inputs[i]->id, prefix, index);
  for (uint32_t i = 0; i < node->n_outputs; i++)
    g_string_append_printf(s, "  %sn%u -> %st%u;\n", prefix, index, prefix, node->outputs[i]->id);
  for (uint32_t i = 0; i < node->n_subgraphs; i++) {
    g_autofree char *inner = g_strdup_printf("%sn%ub%u", prefix, index, i);
    g_string_append_printf(s, "  subgraph cluster_%s {\n  label=\"%s, body %u\";\n", inner, name, i);
    graphviz_graph(s, node->subgraphs[i], inner);
    g_string_append(s, "  }\n");
  }
}

/* Names in the digraph begin with the place of the node whose body this is. */
static void graphviz_graph(GString *s, const QfGraph *graph, const char *prefix)
{
  for (guint i = 0; i < graph->tensors->len; i++) {
    const QfTensor *t = g_ptr_array_index(graph->tensors, i);
    if (t->data)
      continue;
    g_autofree char *name = escaped(t->name), *dims = qf_dims_to_string(t->dims, MAX(t->rank, 0));
    g_string_append_printf(s, "  %st%u [shape=ellipse, label=\"%s\\n%s %s\"];\n", prefix, t->id, name,
                           qf_dtype_name(t->dtype), dims);
  }
  qf_foreach_node (node, graph)
    graphviz_node(s, node, prefix, node_i);
}

static char *dump_graphviz(const QfGraph *graph)
{
  GString *s = g_string_new("digraph model {\n  rankdir=TB;\n");
  graphviz_graph(s, graph, "");
  g_string_append(s, "}\n");
  return g_string_free(s, FALSE);
}

static void dump_border(GString *s, const char *what, const GPtrArray *tensors, uint32_t n_states, int indent)
{
  for (guint i = 0; i < tensors->len; i++) {
    g_string_append_printf(s, "%*s%s%s ", indent, "", i + n_states >= tensors->len ? "state " : "", what);
    append_tensor(s, g_ptr_array_index(tensors, i));
    g_string_append_c(s, '\n');
  }
}

static void dump_text(GString *s, const QfGraph *graph, int indent)
{
  dump_border(s, "input", graph->inputs, graph->n_states, indent);
  dump_border(s, "output", graph->outputs, graph->n_states, indent);
  qf_foreach_node (node, graph) {
    g_autofree char *line = qf_node_describe(node);
    g_string_append_printf(s, "%*s%4u %s\n", indent, "", node_i, line);
    for (uint32_t i = 0; i < node->n_subgraphs; i++) {
      const QfGraph *body = node->subgraphs[i];
      g_string_append_printf(s, "%*sbody %u of %u, %u nodes\n", indent + 5, "", i, node_i, body->nodes->len);
      dump_text(s, body, indent + 7);
    }
  }
}

char *qf_graph_dump(const QfGraph *graph, gboolean graphviz)
{
  if (graphviz)
    return dump_graphviz(graph);
  GString *s = g_string_new(NULL);
  g_string_append_printf(s, "model %s (%s), %u nodes\n", graph->name, graph->format, graph->nodes->len);
  dump_text(s, graph, 0);
  return g_string_free(s, FALSE);
}
