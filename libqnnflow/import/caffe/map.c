/* SPDX-License-Identifier: MIT */
/*
 * map.c - walks the layers of a net in the file's order: those of the test phase, each by its row. A blob that a layer writes in
 * place is a new tensor under the old name. What no layer reads is an output, in the order of the names, as in Caffe.
 */
#include "map.h"

#include <string.h>

/* Left out of inference: losses, statistics, and what writes files. */
static const QfCaffeRow skipped_rows[] = {
    {"SoftmaxWithLoss", NULL, 0, -1, -1, NULL},
    {"SoftmaxLoss", NULL, 0, -1, -1, NULL},
    {"EuclideanLoss", NULL, 0, -1, -1, NULL},
    {"HingeLoss", NULL, 0, -1, -1, NULL},
    {"ContrastiveLoss", NULL, 0, -1, -1, NULL},
    {"InfogainLoss", NULL, 0, -1, -1, NULL},
    {"MultinomialLogisticLoss", NULL, 0, -1, -1, NULL},
    {"SigmoidCrossEntropyLoss", NULL, 0, -1, -1, NULL},
    {"SmoothL1Loss", NULL, 0, -1, -1, NULL},
    {"MultiBoxLoss", NULL, 0, -1, -1, NULL},
    {"Accuracy", NULL, 0, -1, -1, NULL},
    {"DetectionEvaluate", NULL, 0, -1, -1, NULL},
    {"HDF5Output", NULL, 0, -1, -1, NULL},
    {"Silence", NULL, 0, -1, -1, NULL},
    {NULL},
};

static const QfCaffeRow *const tables[] = {
    qf_caffe_conv_rows,  qf_caffe_pool_rows, qf_caffe_math_rows, qf_caffe_norm_rows, qf_caffe_shape_rows,
    qf_caffe_image_rows, qf_caffe_ssd_rows,  qf_caffe_rnn_rows,  skipped_rows,
};

const QfCaffeRow *qf_caffe_find_row(const char *type)
{
  for (guint i = 0; i < G_N_ELEMENTS(tables); i++)
    for (const QfCaffeRow *row = tables[i]; row->type; row++)
      if (!strcmp(row->type, type))
        return row;
  return NULL;
}

static gboolean has_word(char *const *words, size_t n, const char *word)
{
  for (size_t i = 0; i < n; i++)
    if (!strcmp(words[i], word))
      return TRUE;
  return FALSE;
}

/* Whether the test phase, at the net's level and stages, meets a rule. */
static gboolean rule_met(const Caffe__NetStateRule *rule, const Caffe__NetState *state)
{
  int32_t level = state ? state->level : 0;
  char *const *stages = state ? state->stage : NULL;
  size_t n = state ? state->n_stage : 0;
  if (rule->has_phase && rule->phase != CAFFE__PHASE__TEST)
    return FALSE;
  if ((rule->has_min_level && level < rule->min_level) || (rule->has_max_level && level > rule->max_level))
    return FALSE;
  for (size_t i = 0; i < rule->n_stage; i++)
    if (!has_word(stages, n, rule->stage[i]))
      return FALSE;
  for (size_t i = 0; i < rule->n_not_stage; i++)
    if (has_word(stages, n, rule->not_stage[i]))
      return FALSE;
  return TRUE;
}

static gboolean is_included(const QfCaffe *caffe, const Caffe__LayerParameter *p)
{
  const Caffe__NetState *state = caffe->file->net->state;
  for (size_t i = 0; i < p->n_exclude; i++)
    if (rule_met(p->exclude[i], state))
      return FALSE;
  for (size_t i = 0; i < p->n_include; i++)
    if (rule_met(p->include[i], state))
      return TRUE;
  return !p->n_include;
}

/* All types that have no row, in one message. */
static gboolean check_supported(const QfCaffe *caffe, GError **error)
{
  const Caffe__NetParameter *net = caffe->file->net;
  g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
  g_autoptr(GString) list = g_string_new(NULL);
  for (size_t i = 0; i < net->n_layer; i++) {
    const Caffe__LayerParameter *p = net->layer[i];
    const char *type = p->type ? p->type : "";
    if (!is_included(caffe, p) || qf_caffe_is_input_layer(p) || qf_caffe_find_row(type) ||
        !g_hash_table_add(seen, (gpointer)type) || g_hash_table_size(seen) > 40)
      continue;
    g_string_append_printf(list, "%s%.80s (layer '%.80s')", list->len ? ", " : "", *type ? type : "no type",
                           p->name ? p->name : "");
  }
  if (!list->len)
    return TRUE;
  g_set_error(
      error, QF_ERROR, QF_ERROR_UNSUPPORTED,
      "%s: layers that are not supported: %s; write them with others (the README of import/caffe lists "
      "them), or convert the net to ONNX",
      caffe->file->name, list->str);
  return FALSE;
}

QfTensor *qf_caffe_out(QfCaffeLayer *l, uint32_t index)
{
  if (index >= l->n_out)
    return NULL;
  const char *top = l->p->top[index];
  if (GPOINTER_TO_UINT(g_hash_table_lookup(l->caffe->last, top)) == l->index + 1)
    return qf_graph_add_tensor(l->build.graph, top);
  g_autofree char *name = g_strdup_printf("%s/%s", top, l->build.name);
  return qf_graph_add_tensor(l->build.graph, name);
}

gboolean qf_caffe_bind(QfCaffeLayer *l, uint32_t index, QfTensor *t)
{
  if (index < l->n_out)
    l->out[index] = t;
  return t != NULL;
}

gboolean qf_caffe_axis(const QfCaffeLayer *l, int64_t axis, int32_t rank, gboolean end, int32_t *out,
                       GError **error)
{
  int64_t a = axis < 0 ? axis + rank + (end && axis < 0 ? 1 : 0) : axis;
  *out = (int32_t)CLAMP(a, 0, QF_MAX_RANK);
  return (a >= 0 && a < rank + (end ? 1 : 0)) ||
         qf_build_fail(&l->build, error, QF_ERROR_SHAPE,
                       "axis %" G_GINT64_FORMAT " is not one of its input's %d", axis, rank);
}

QfTensor *qf_caffe_to_image(QfCaffeLayer *l, QfTensor *x, GError **error)
{
  if (x && x->rank != 4) {
    g_autofree char *dims = qf_dims_to_string(x->dims, x->rank);
    qf_build_fail(&l->build, error, QF_ERROR_UNSUPPORTED,
                  "its bottom '%s' is %s, but only images (number, channels, height, width) are supported",
                  x->name, dims);
    return NULL;
  }
  return qf_build_channels_last(&l->build, x, error);
}

gboolean qf_caffe_from_image(QfCaffeLayer *l, QfTensor *y, GError **error)
{
  return qf_caffe_bind(l, 0, qf_build_channels_first(&l->build, y, qf_caffe_out(l, 0), error));
}

/* Whether a blob comes from layers that are left out; a layer that wants it is left out too. */
static gboolean is_absent(QfCaffe *caffe, const char *name)
{
  guint kind = GPOINTER_TO_UINT(g_hash_table_lookup(caffe->absent, name));
  gboolean source = kind == 1 || g_hash_table_contains(caffe->pending, name);
  if (source && caffe->missing->len < 400)
    g_string_append_printf(caffe->missing, "%s'%.100s'", caffe->missing->len ? ", " : "", name);
  if (source) /* named once */
    g_hash_table_insert(caffe->absent, (gpointer)name, GUINT_TO_POINTER(2));
  g_hash_table_remove(caffe->pending, name);
  return source || kind;
}

static gboolean find_bottom(QfCaffeLayer *l, uint32_t i, gboolean *absent, GError **error)
{
  GError *e = NULL;
  const char *name = l->p->bottom[i];
  l->in[i] = g_hash_table_lookup(l->caffe->values, name);
  if (!l->in[i])
    l->in[i] = qf_caffe_late_input(l->caffe, name, &e);
  if (e) {
    g_propagate_error(error, e);
    return FALSE;
  }
  *absent |= !l->in[i];
  if (!l->in[i] && !is_absent(l->caffe, name))
    return qf_build_fail(&l->build, error, QF_ERROR_FORMAT,
                         "its bottom '%.200s' is made by no layer before it in the test phase; if it is an "
                         "input of the net, give its dimensions (--dims=%.200s=1x3x224x224 to tools)",
                         name, name);
  return TRUE;
}

static gboolean check_counts(const QfCaffeLayer *l, GError **error)
{
  const QfCaffeRow *r = l->row;
  if ((int64_t)l->n_in >= r->min_in && (r->max_in < 0 || (int64_t)l->n_in <= r->max_in) && l->n_out >= 1 &&
      (r->max_out < 0 || (int64_t)l->n_out <= r->max_out))
    return TRUE;
  return qf_build_fail(&l->build, error, QF_ERROR_FORMAT,
                       "it has %u bottoms and %u tops, but %d to %d and 1 to %d (-1: any number) are needed",
                       l->n_in, l->n_out, r->min_in, r->max_in, r->max_out);
}

static gboolean map_layer(QfCaffeLayer *l, GError **error)
{
  QfCaffe *caffe = l->caffe;
  if (!check_counts(l, error))
    return FALSE;
  gboolean absent = FALSE;
  for (uint32_t i = 0; i < l->n_in; i++)
    if (!find_bottom(l, i, &absent, error))
      return FALSE;
  for (uint32_t i = 0; absent && i < l->n_out; i++)
    g_hash_table_insert(caffe->absent, l->p->top[i], GUINT_TO_POINTER(2));
  if (absent)
    return TRUE;
  for (uint32_t i = 0; i < l->n_in; i++)
    g_hash_table_add(caffe->used, l->p->bottom[i]);
  l->n_blobs = qf_caffe_blobs(caffe->file, l->p, &l->blobs);
  if (!l->row->map(l, error))
    return FALSE;
  for (uint32_t i = 0; i < l->n_out; i++) {
    if (!l->out[i])
      return qf_build_fail(&l->build, error, QF_ERROR_UNSUPPORTED, "its top '%.200s' is not supported",
                           l->p->top[i]);
    g_hash_table_remove(caffe->used, l->p->top[i]);
    if (g_hash_table_insert(caffe->values, l->p->top[i], l->out[i]))
      g_ptr_array_add(caffe->tops, l->p->top[i]);
  }
  return TRUE;
}

static gboolean add_layer(QfCaffe *caffe, const Caffe__LayerParameter *p, uint32_t index, GError **error)
{
  const QfCaffeRow *row = qf_caffe_find_row(p->type);
  if (!row->map)
    return TRUE;
  QfCaffeLayer l = {
      .build = {.graph = caffe->graph,
                .what = "layer",
                .name = p->name && *p->name ? p->name
                        : p->n_top          ? p->top[0]
                                            : p->type,
                .type = p->type,
                .target = row->target,
                .channels_last = caffe->channels_last},
      .caffe = caffe,
      .p = p,
      .row = row,
      .index = index,
      .n_in = (uint32_t)p->n_bottom,
      .n_out = (uint32_t)p->n_top,
  };
  l.in = g_new0(QfTensor *, p->n_bottom + 1);
  l.out = g_new0(QfTensor *, p->n_top + 1);
  gboolean ok = map_layer(&l, error);
  g_free(l.in);
  g_free(l.out);
  return ok;
}

static int compare_names(const void *a, const void *b)
{
  return strcmp(*(char *const *)a, *(char *const *)b);
}

static gboolean add_outputs(QfCaffe *caffe, GError **error)
{
  g_autoptr(GHashTable) taken = g_hash_table_new(NULL, NULL);
  g_ptr_array_sort(caffe->tops, compare_names);
  for (guint i = 0; i < caffe->tops->len; i++) {
    const char *name = caffe->tops->pdata[i];
    QfTensor *t = g_hash_table_lookup(caffe->values, name);
    if (!g_hash_table_contains(caffe->used, name) &&
        !qf_build_add_output(caffe->graph, t, name, taken, error))
      return FALSE;
  }
  if (caffe->graph->outputs->len)
    return TRUE;
  if (caffe->missing->len)
    g_set_error(
        error, QF_ERROR, QF_ERROR_SHAPE,
        "%s: all layers of the test phase hang on blobs without dimensions in the file: %s; give those of "
        "the "
        "net's inputs among them (--dims=NAME=1x3x224x224 to tools, QfModelOptions.input_dims in code)",
        caffe->file->name, caffe->missing->str);
  else
    g_set_error(
        error, QF_ERROR, QF_ERROR_FORMAT,
        "%s: no layer of the test phase makes an output; it may be a net for training only, or cut off",
        caffe->file->name);
  return FALSE;
}

static gboolean map_net(QfCaffe *caffe, GError **error)
{
  const Caffe__NetParameter *net = caffe->file->net;
  if (!qf_caffe_add_net_inputs(caffe, error) || !check_supported(caffe, error))
    return FALSE;
  for (size_t i = 0; i < net->n_layer; i++) {
    gboolean included = is_included(caffe, net->layer[i]);
    for (size_t k = 0; k < net->layer[i]->n_top; k++)
      if (included)
        g_hash_table_insert(caffe->last, net->layer[i]->top[k], GUINT_TO_POINTER((guint)i + 1));
      else
        g_hash_table_insert(caffe->absent, net->layer[i]->top[k], GUINT_TO_POINTER(1));
  }
  for (size_t i = 0; i < net->n_layer; i++) {
    const Caffe__LayerParameter *p = net->layer[i];
    if (!is_included(caffe, p))
      continue;
    gboolean ok = qf_caffe_is_input_layer(p) ? qf_caffe_add_input_layer(caffe, p, error)
                                             : add_layer(caffe, p, (uint32_t)i, error);
    if (!ok)
      return FALSE;
  }
  if (!add_outputs(caffe, error))
    return FALSE;
  qf_graph_compact(caffe->graph);
  return TRUE;
}

static gboolean import_caffe(QfGraph *graph, GBytes *bytes, const char *directory,
                             const QfModelOptions *options, GError **error)
{
  g_autoptr(QfCaffeFile) file = qf_caffe_open(bytes, graph->name, directory, options, error);
  if (!file)
    return FALSE;
  g_autoptr(GHashTable) values = g_hash_table_new(g_str_hash, g_str_equal);
  g_autoptr(GHashTable) used = g_hash_table_new(g_str_hash, g_str_equal);
  g_autoptr(GHashTable) pending = g_hash_table_new(g_str_hash, g_str_equal);
  g_autoptr(GHashTable) last = g_hash_table_new(g_str_hash, g_str_equal);
  g_autoptr(GHashTable) channels_last = g_hash_table_new(NULL, NULL);
  g_autoptr(GHashTable) absent = g_hash_table_new(g_str_hash, g_str_equal);
  g_autoptr(GString) missing = g_string_new(NULL);
  g_autoptr(GPtrArray) tops = g_ptr_array_new();
  QfCaffe caffe = {graph, file, options, values, used, pending, last, channels_last, tops, absent, missing};
  return map_net(&caffe, error);
}

const QfFormat qf_format_caffe = {
    .name = "caffe",
    .extensions = ".prototxt, .caffemodel",
    .probe = qf_caffe_probe,
    .import = import_caffe,
};
