/* SPDX-License-Identifier: MIT */
/*
 * map.c - walks a frozen graph: puts its nodes in order (the file may list them in any), maps each by its row, and makes what nobody
 * reads the outputs. A node on a branch that is not taken gives nothing (QF_TF_DEAD), and so do those that read it.
 */
#include "map.h"

#include <string.h>

static const QfTfRow *const tables[] = {
    qf_tf_conv_rows,  qf_tf_math_rows, qf_tf_reduce_rows, qf_tf_shape_rows,  qf_tf_slice_rows,
    qf_tf_image_rows, qf_tf_flow_rows, qf_tf_speech_rows, qf_tf_einsum_rows,
};

static const QfTfRow *find_row(const char *op)
{
  for (guint i = 0; i < G_N_ELEMENTS(tables); i++)
    for (const QfTfRow *row = tables[i]; row->op; row++)
      if (!strcmp(row->op, op))
        return row;
  return NULL;
}

/* "^name" is a control input, "name:1" an output. The node's index, or -1 when there is none. */
static int64_t parse_input(const QfTf *tf, const char *input, uint32_t *output, gboolean *control)
{
  *control = *input == '^';
  input += *control;
  const char *colon = strrchr(input, ':');
  guint64 number = 0;
  if (colon && g_ascii_string_to_unsigned(colon + 1, 10, 0, 1 << 20, &number, NULL)) {
    g_autofree char *name = g_strndup(input, (gsize)(colon - input));
    *output = (uint32_t)number;
    return (int64_t)GPOINTER_TO_UINT(g_hash_table_lookup(tf->by_name, name)) - 1;
  }
  *output = 0;
  return (int64_t)GPOINTER_TO_UINT(g_hash_table_lookup(tf->by_name, input)) - 1;
}

static gboolean fail(const QfTf *tf, GError **error, QfError code, const Tf__NodeDef *p, const char *rule)
{
  QfBuild b = {.graph = tf->graph, .what = "node", .name = p->name, .type = p->op};
  return qf_build_fail(&b, error, code, "%s", rule);
}

/* All operators that have no row, in one message, with the advice for the first that has one. */
static gboolean check_supported(const QfTf *tf, GError **error)
{
  const Tf__GraphDef *g = tf->file->graph;
  g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
  g_autoptr(GString) list = g_string_new(NULL);
  const char *advice = NULL;
  for (size_t i = 0; i < g->n_node; i++) {
    const Tf__NodeDef *p = g->node[i];
    if (find_row(p->op) || !g_hash_table_add(seen, p->op) || g_hash_table_size(seen) > 40)
      continue;
    g_string_append_printf(list, "%s%.80s (node '%.80s')", list->len ? ", " : "", p->op, p->name);
    advice = advice ? advice : qf_tf_advice(p->op);
  }
  if (!list->len)
    return TRUE;
  g_set_error(error, QF_ERROR, QF_ERROR_UNSUPPORTED, "%s: operators that are not supported: %s; %s",
              tf->file->name, list->str,
              advice ? advice : "convert the model to TFLite or ONNX, or cut these nodes off");
  return FALSE;
}

static gboolean index_nodes(QfTf *tf, GError **error)
{
  const Tf__GraphDef *g = tf->file->graph;
  for (size_t i = 0; i < g->n_node; i++)
    if (!*g->node[i]->name ||
        !g_hash_table_insert(tf->by_name, g->node[i]->name, GUINT_TO_POINTER((guint)i + 1)))
      return fail(tf, error, QF_ERROR_FORMAT, g->node[i],
                  "its name is there twice, or empty; freeze the graph again");
  return TRUE;
}

typedef struct {
  uint32_t from, to;
} Edge;

/* The users of each node, as lists in one array. */
typedef struct {
  GArray *edges;
  uint32_t *first, *user; /* users of i: user[first[i]] to user[first[i + 1]] */
  uint32_t *waiting;      /* inputs of i that are not done */
} Users;

static void users_clear(Users *u)
{
  g_clear_pointer(&u->edges, g_array_unref);
  g_free(u->first);
  g_free(u->user);
  g_free(u->waiting);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Users, users_clear)

/* Control inputs do not count: they order side effects, of which there are none here. */
static gboolean list_edges(QfTf *tf, GArray *edges, GError **error)
{
  const Tf__GraphDef *g = tf->file->graph;
  for (size_t i = 0; i < g->n_node; i++) {
    for (size_t k = 0; k < g->node[i]->n_input; k++) {
      uint32_t output;
      gboolean control;
      int64_t from = parse_input(tf, g->node[i]->input[k], &output, &control);
      if (control)
        continue;
      if (from < 0) {
        g_autofree char *rule =
            g_strdup_printf("its input '%.200s' is made by no node; freeze the graph again",
                            g->node[i]->input[k]);
        return fail(tf, error, QF_ERROR_FORMAT, g->node[i], rule);
      }
      tf->consumed[from] |= strcmp(g->node[i]->op, "Assert") && strcmp(g->node[i]->op, "NoOp");
      Edge edge = {(uint32_t)from, (uint32_t)i};
      g_array_append_val(edges, edge);
    }
  }
  return TRUE;
}

static gboolean list_users(QfTf *tf, Users *u, GError **error)
{
  size_t n = tf->file->graph->n_node;
  u->edges = g_array_new(FALSE, FALSE, sizeof(Edge));
  if (!list_edges(tf, u->edges, error))
    return FALSE;
  const Edge *e = (const Edge *)(void *)u->edges->data;
  u->first = g_new0(uint32_t, n + 2);
  u->waiting = g_new0(uint32_t, n + 1);
  u->user = g_new0(uint32_t, u->edges->len + 1);
  for (guint i = 0; i < u->edges->len; i++) {
    u->first[e[i].from + 2]++; /* filling moves each start by one place down */
    u->waiting[e[i].to]++;
  }
  for (size_t i = 2; i < n + 2; i++)
    u->first[i] += u->first[i - 1];
  for (guint i = 0; i < u->edges->len; i++)
    u->user[u->first[e[i].from + 1]++] = e[i].to;
  return TRUE;
}

static GPtrArray *order_nodes(QfTf *tf, GError **error)
{
  const Tf__GraphDef *g = tf->file->graph;
  g_auto(Users) u = {0};
  if (!list_users(tf, &u, error))
    return NULL;
  g_autoptr(GPtrArray) order = g_ptr_array_sized_new((guint)g->n_node);
  for (size_t i = 0; i < g->n_node; i++)
    if (!u.waiting[i])
      g_ptr_array_add(order, GUINT_TO_POINTER((guint)i));
  for (guint at = 0; at < order->len; at++) {
    uint32_t i = GPOINTER_TO_UINT(order->pdata[at]);
    for (uint32_t k = u.first[i]; k < u.first[i + 1]; k++)
      if (!--u.waiting[u.user[k]])
        g_ptr_array_add(order, GUINT_TO_POINTER(u.user[k]));
  }
  for (size_t i = 0; i < g->n_node && order->len < g->n_node; i++)
    if (u.waiting[i]) {
      fail(tf, error, QF_ERROR_UNSUPPORTED, g->node[i],
           "it is part of a loop, which is not supported; unroll it, or convert the model to TFLite (LSTM "
           "and GRU layers "
           "of Keras become one operator there)");
      return NULL;
    }
  return g_steal_pointer(&order);
}

/* FALSE with an error. @dead: an input lies on a branch that is not taken. */
static gboolean resolve_inputs(QfTfNode *n, gboolean *dead, GError **error)
{
  *dead = FALSE;
  for (size_t k = 0; k < n->p->n_input; k++) {
    uint32_t output;
    gboolean control;
    int64_t from = parse_input(n->tf, n->p->input[k], &output, &control);
    if (control)
      continue;
    GPtrArray *made = n->tf->outputs[from];
    if (made && made->len == 1 && !made->pdata[0])
      output = 0; /* all of a node on a dead branch are dead */
    if (!made || output >= made->len)
      return qf_build_fail(&n->build, error, QF_ERROR_UNSUPPORTED,
                           "its input '%.200s' is an output that its node does not give here",
                           n->p->input[k]);
    n->in[n->n_in++] = made->pdata[output];
    *dead |= made->pdata[output] == QF_TF_DEAD;
  }
  if (n->n_in >= (uint32_t)n->row->min_in && (n->row->max_in < 0 || n->n_in <= (uint32_t)n->row->max_in))
    return TRUE;
  return qf_build_fail(&n->build, error, QF_ERROR_FORMAT,
                       "it has %u inputs, but %d to %d (-1: any number) are needed", n->n_in, n->row->min_in,
                       n->row->max_in);
}

/* Floats are computed in float32, whatever the file has. */
static gboolean widen(QfTfNode *n, GError **error)
{
  for (guint i = 0; i < n->out->len; i++) {
    QfTensor *t = n->out->pdata[i];
    if (t && qf_dtype_is_float(t->dtype) && t->dtype != QF_DTYPE_FLOAT32)
      n->out->pdata[i] = qf_build_cast(&n->build, t, QF_DTYPE_FLOAT32, NULL, error);
    if (t && !n->out->pdata[i])
      return FALSE;
  }
  return TRUE;
}

static gboolean map_node(QfTfNode *n, GError **error)
{
  gboolean dead;
  if (!resolve_inputs(n, &dead, error))
    return FALSE;
  if (dead && strcmp(n->p->op, "Merge") && strcmp(n->p->op, "DecodeWav")) {
    g_ptr_array_set_size(n->out, 1);
    return TRUE;
  }
  return n->row->map(n, error) && widen(n, error);
}

static gboolean add_node(QfTf *tf, uint32_t index, GError **error)
{
  const Tf__NodeDef *p = tf->file->graph->node[index];
  QfTfNode n = {.tf = tf, .p = p, .row = find_row(p->op)};
  n.build = (QfBuild){.graph = tf->graph,
                      .what = "node",
                      .name = p->name,
                      .type = p->op,
                      .target = n.row->target,
                      .channels_last = tf->channels_last};
  n.in = g_new0(QfTensor *, p->n_input + 1);
  n.out = tf->outputs[index] = g_ptr_array_new();
  gboolean ok = map_node(&n, error);
  g_free(n.in);
  return ok;
}

/* What nobody reads and is no input; constants (the rest of a switch, sizes) only where there is nothing else. */
static gboolean add_outputs(QfTf *tf, gboolean constants, GError **error)
{
  g_autoptr(GHashTable) taken = g_hash_table_new(NULL, NULL);
  const Tf__GraphDef *g = tf->file->graph;
  for (size_t i = 0; i < g->n_node; i++) {
    gboolean input = !strcmp(g->node[i]->op, "Placeholder") || !strcmp(g->node[i]->op, "Const");
    for (guint k = 0; !tf->consumed[i] && !input && k < tf->outputs[i]->len; k++) {
      QfTensor *t = tf->outputs[i]->pdata[k];
      g_autofree char *name = k ? g_strdup_printf("%s:%u", g->node[i]->name, k) : g_strdup(g->node[i]->name);
      if (t && (t->data != NULL) == constants && !qf_build_add_output(tf->graph, t, name, taken, error))
        return FALSE;
    }
  }
  if (tf->graph->outputs->len)
    return TRUE;
  if (!constants)
    return add_outputs(tf, TRUE, error);
  if (tf->strings)
    g_set_error(error, QF_ERROR, QF_ERROR_UNSUPPORTED,
                "%s: node '%.200s' (Placeholder): its type string is not supported; cut the graph behind "
                "what reads it",
                tf->file->name, tf->strings);
  else
    g_set_error(error, QF_ERROR, QF_ERROR_FORMAT,
                "%s: the graph has no output; freeze it again with its output nodes", tf->file->name);
  return FALSE;
}

static gboolean map_graph(QfTf *tf, GError **error)
{
  if (!index_nodes(tf, error) || !check_supported(tf, error))
    return FALSE;
  g_autoptr(GPtrArray) order = order_nodes(tf, error);
  if (!order)
    return FALSE;
  for (guint i = 0; i < order->len; i++)
    if (!add_node(tf, GPOINTER_TO_UINT(order->pdata[i]), error))
      return FALSE;
  if (!add_outputs(tf, FALSE, error))
    return FALSE;
  qf_graph_compact(tf->graph);
  return TRUE;
}

static gboolean import_tensorflow(QfGraph *graph, GBytes *bytes, const char *directory,
                                  const QfModelOptions *options, GError **error)
{
  (void)directory;
  g_autoptr(QfTfFile) file = qf_tf_open(bytes, graph->name, error);
  if (!file)
    return FALSE;
  g_autoptr(GHashTable) by_name = g_hash_table_new(g_str_hash, g_str_equal);
  g_autoptr(GHashTable) channels_last = g_hash_table_new(NULL, NULL);
  size_t n = file->graph->n_node;
  g_autofree GPtrArray **outputs = g_new0(GPtrArray *, n + 1);
  g_autofree gboolean *consumed = g_new0(gboolean, n + 1);
  QfTf tf = {graph, file, options, by_name, outputs, consumed, channels_last, NULL};
  gboolean ok = map_graph(&tf, error);
  for (size_t i = 0; i < n; i++)
    if (outputs[i])
      g_ptr_array_unref(outputs[i]);
  return ok;
}

const QfFormat qf_format_tensorflow = {
    .name = "tensorflow",
    .extensions = ".pb",
    .probe = qf_tf_probe,
    .import = import_tensorflow,
};
