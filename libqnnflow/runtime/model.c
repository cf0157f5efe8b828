/* SPDX-License-Identifier: MIT */
/*
 * model.c - loading: read, import, rewrite, compile, freeze. A QfModel never changes after qf_model_load() returns it.
 */
#include "model.h"
#include "../backends/cpu/cpu.h"
#include "../graph/packed.h"
#include "../import/foreign.h"
#include "../import/import.h"
#include "../import/native/native.h"
#include "../passes/passes.h"

#include <string.h>
#include <sys/mman.h>

static const char *const requant_names[] = {
    [QF_REQUANT_FLOAT] = "float", [QF_REQUANT_TFLITE] = "tflite", [QF_REQUANT_FIXED] = "fixed"};

static gboolean parse_requant(const char *name, QfRequant *requant, GError **error)
{
  *requant = QF_REQUANT_FLOAT;
  for (guint i = 0; name && i < G_N_ELEMENTS(requant_names); i++) {
    if (!strcmp(name, requant_names[i])) {
      *requant = i;
      return TRUE;
    }
  }
  if (name)
    g_set_error(error, QF_ERROR, QF_ERROR_ARGUMENT,
                "there is no requant=%s: it is \"float\", \"fixed\" or \"tflite\"", name);
  return !name;
}

/* What the file declares of an input or output of a program. */
static void describe_port(QfTensorDesc *desc, const QfProgramPort *port)
{
  gboolean open = port->kind != QF_VALUE_TENSOR || port->optional;
  *desc = (QfTensorDesc){.name = port->name, .dtype = port->dtype, .rank = open ? -1 : port->rank};
  memcpy(desc->dims, port->dims, sizeof(desc->dims));
  int64_t count = desc->rank < 0 ? -1 : qf_dims_count(desc->dims, desc->rank);
  desc->size_bytes = count < 0 ? 0 : (size_t)count * qf_dtype_size(desc->dtype);
}

/* The dimensions that the caller gave for an input. */
static gboolean give_dims(QfModel *model, const QfModelOptions *options, GError **error)
{
  for (uint32_t i = 0; i < options->n_input_dims; i++) {
    const QfInputDims *given = &options->input_dims[i];
    uint32_t k = given->name ? 0 : i;
    while (given->name && k < model->n_inputs && strcmp(model->inputs[k].name, given->name))
      k++;
    QfTensorDesc *desc = &model->inputs[k];
    gboolean fits = k < model->n_inputs && given->rank >= 0 && given->rank <= QF_MAX_RANK &&
                    (desc->rank < 0 || desc->rank == given->rank);
    for (int d = 0; fits && d < given->rank; d++)
      fits = given->dims[d] >= 0 && (desc->rank < 0 || desc->dims[d] < 0 || desc->dims[d] == given->dims[d]);
    if (!fits || qf_dims_count(given->dims, given->rank) < 0) {
      g_set_error(error, QF_ERROR, QF_ERROR_SHAPE,
                  "%s: the dimensions given for input '%s' do not fit the model; see `qnnflow dump`",
                  model->name, given->name ? given->name : "(by position)");
      return FALSE;
    }
    desc->rank = given->rank;
    memcpy(desc->dims, given->dims, sizeof(desc->dims));
    desc->size_bytes = (size_t)qf_dims_count(desc->dims, desc->rank) * qf_dtype_size(desc->dtype);
  }
  return TRUE;
}

/* Nodes and weights of the file; what they become is known only in a run. */
static void count_program(QfModel *model)
{
  for (guint i = 0; i < model->program->bodies->len; i++) {
    const QfProgramBody *body = model->program->bodies->pdata[i];
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, body->constants);
    while (g_hash_table_iter_next(&iter, NULL, &value))
      model->stats.param_bytes += g_bytes_get_size(qf_value_bytes(value));
    model->stats.n_nodes += body->n_nodes;
  }
}

/* The model has no steps of its own, only the borders of its program. */
static gboolean freeze_program(QfModel *model, const QfModelOptions *options, GError **error)
{
  const QfProgramBody *body = model->program->main;
  model->graph = qf_graph_new(model->name);
  model->graph->format = model->program->format;
  if (!qf_model_compile(model, model->requant, error))
    return FALSE;
  g_free(model->inputs);
  g_free(model->outputs);
  g_free(model->port_first);
  model->port_first = g_new0(uint32_t, body->n_inputs + body->n_outputs + 1); /* no tensor lies in a port */
  model->n_inputs = body->n_inputs;
  model->n_outputs = body->n_outputs;
  model->inputs = g_new0(QfTensorDesc, body->n_inputs + 1);
  model->outputs = g_new0(QfTensorDesc, body->n_outputs + 1);
  for (uint32_t i = 0; i < body->n_inputs; i++)
    describe_port(&model->inputs[i], &body->inputs[i]);
  for (uint32_t i = 0; i < body->n_outputs; i++)
    describe_port(&model->outputs[i], &body->outputs[i]);
  count_program(model);
  return give_dims(model, options, error);
}

/* A program of a file that was @refused as a graph; TRUE when there is one. */
static gboolean import_program(QfModel *model, GBytes *bytes, const char *directory, GError **refused)
{
  g_autoptr(GError) why = NULL;
  if (!g_error_matches(*refused, QF_ERROR, QF_ERROR_DYNAMIC))
    return FALSE;
  model->program = qf_import_program(bytes, model->name, directory, &why);
  if (model->program || why)
    g_clear_error(refused);
  if (why)
    *refused = g_steal_pointer(&why);
  return model->program != NULL;
}

/* What qf_model_reshape() compares: dimensions as in the file. */
static void remember_dims(QfModel *model)
{
  const GPtrArray *inputs = model->graph->inputs;
  uint32_t n = inputs->len - model->graph->n_states;
  model->imported = g_new0(QfInputDims, n + 1);
  for (uint32_t i = 0; i < n; i++) {
    const QfTensor *t = g_ptr_array_index(inputs, i);
    model->imported[i] = (QfInputDims){.name = t->name, .rank = t->rank};
    memcpy(model->imported[i].dims, t->dims, sizeof(t->dims));
  }
}

/* Makes outputs of what nodes make; states stay the last. */
static void expose_tensors(QfGraph *graph)
{
  guint at = graph->outputs->len - graph->n_states;
  g_autoptr(GPtrArray) more = g_ptr_array_new();
  qf_foreach_node (node, graph)
    for (uint32_t i = 0; i < node->n_outputs; i++)
      if (!qf_graph_is_output(graph, node->outputs[i]))
        g_ptr_array_add(more, node->outputs[i]);
  for (guint i = 0; i < more->len; i++)
    g_ptr_array_insert(graph->outputs, (gint)at++, more->pdata[i]);
  g_clear_pointer(&graph->output_counts, g_hash_table_unref); /* they are not all at the end */
}

/* From an imported graph to steps. */
static gboolean finish(QfModel *model, const QfModelOptions *options, GError **error)
{
  if (!qf_passes_run(model->graph, model->no_optimize, error))
    return FALSE;
  if (options && options->direct_inputs)
    qf_passes_direct_inputs(model->graph);
  if (options && options->all_tensors)
    expose_tensors(model->graph);
  return qf_model_compile(model, model->requant, error);
}

static gboolean parse_fallback(const char *name, gboolean *none, GError **error)
{
  *none = name && !strcmp(name, "none");
  if (!name || *none || !strcmp(name, "cpu"))
    return TRUE;
  g_set_error(error, QF_ERROR, QF_ERROR_ARGUMENT, "there is no fallback=%s: it is \"cpu\" or \"none\"", name);
  return FALSE;
}

static gboolean computes_in(const QfBackend *backend, QfRequant requant)
{
  return backend->requant && *backend->requant == requant;
}

const QfBackend *qf_model_beside(const QfModel *model)
{
  return model->requant == QF_REQUANT_FLOAT ? &qf_backend_cpu : &qf_backend_ref;
}

static gboolean choose_unit(QfModel *model, const QfModelOptions *options, GError **error)
{
  if (!parse_requant(options->requant, &model->requant, error))
    return FALSE;
  model->backend = qf_backend_find(options->backend, error);
  model->no_optimize = options->no_optimize;
  model->fast_math = options->enable_fast_math;
  const QfUnitOptions wish = {options->backend_library, options->backend_config};
  if (model->backend && model->backend->choose)
    model->backend = model->backend->choose(&wish, error);
  if (model->backend && model->requant != QF_REQUANT_FLOAT && !computes_in(model->backend, model->requant))
    model->backend = &qf_backend_ref;
  return model->backend && parse_fallback(options->fallback, &model->no_fallback, error) &&
         (!model->backend->open || (model->unit = qf_unit_open(model->backend, &wish, error)));
}

static gboolean freeze(QfModel *model, QfSource *source, const QfModelOptions *options, GError **error)
{
  if (!choose_unit(model, options, error))
    return FALSE;
  model->graph = qf_source_import(source, options, qf_ref_evaluate, error);
  if (!model->graph)
    return FALSE;
  remember_dims(model);
  return finish(model, options, error);
}

static QfModel *new_model(const char *name)
{
  QfModel *model = g_new0(QfModel, 1);
  model->refs = 1;
  model->name = g_strdup(name ? name : "model");
  return model;
}

QfModel *qf_model_new_from_source(QfSource *source, const char *name, const QfModelOptions *options,
                                  GError **error)
{
  QfModel *model = new_model(name);
  if (freeze(model, source, options, error))
    return model;
  qf_model_unref(model);
  return NULL;
}

QfModel *qf_model_new_from_graph(QfGraph *graph, const QfModel *whole, GError **error)
{
  QfModel *model = new_model(whole->name);
  model->graph = graph;
  model->backend = whole->backend;
  model->requant = whole->requant;
  model->unit = whole->unit ? g_atomic_rc_box_acquire(whole->unit) : NULL;
  model->no_fallback = whole->no_fallback;
  model->fast_math = whole->fast_math;
  model->no_optimize = whole->no_optimize;
  if (finish(model, NULL, error))
    return model;
  qf_model_unref(model);
  return NULL;
}

gboolean qf_model_is_dynamic(const QfModel *model)
{
  return model->program != NULL;
}

static QfModel *load(GBytes *bytes, const char *name, const char *directory, const QfModelOptions *options,
                     GError **error)
{
  static const QfModelOptions defaults;
  GError *refused = NULL;
  QfModel *model = new_model(name);
  g_autoptr(QfSource) source = qf_source_new(bytes, model->name, directory, &refused);
  options = options ? options : &defaults;
  if (source && directory) /* it came by its path */
    qf_source_set_mapped(source);
  if (source && freeze(model, source, options, &refused)) {
    if (model->graph->open_dims)
      qf_family_found(model, g_steal_pointer(&source), options);
    return model;
  }
  if (!model->graph && import_program(model, bytes, directory, &refused) &&
      freeze_program(model, options, &refused))
    return model;
  g_propagate_error(error, refused);
  qf_model_unref(model);
  return NULL;
}

QfModel *qf_model_load_bytes(GBytes *bytes, const char *name, const QfModelOptions *options, GError **error)
{
  return load(bytes, name, NULL, options, error);
}

static GBytes *map_file(const char *path, GError **error)
{
  g_autoptr(GError) e = NULL;
  if (!path || !*path) {
    g_set_error(error, QF_ERROR, QF_ERROR_ARGUMENT, "no model file is named");
    return NULL;
  }
  g_autoptr(GMappedFile) file = g_mapped_file_new(path, FALSE, &e);
  if (file)
    return g_mapped_file_get_bytes(file);
  if (g_file_test(path, G_FILE_TEST_IS_DIR))
    g_set_error(error, QF_ERROR, QF_ERROR_UNSUPPORTED, "%s: %s", path, qf_foreign_folder(path));
  else
    g_set_error(error, QF_ERROR, QF_ERROR_FILE, "%s: the model file cannot be read: %s", path, e->message);
  return NULL;
}

/* Pages of a mapped file that loading has touched; those that runs read come back from the page cache. */
static void give_back(GBytes *bytes)
{
  gsize size;
  const void *data = g_bytes_get_data(bytes, &size);
  if (size)
    madvise((void *)data, size, MADV_DONTNEED);
}

QfModel *qf_model_load(const char *path, const QfModelOptions *options, GError **error)
{
  g_autoptr(GBytes) bytes = map_file(path, error);
  if (!bytes)
    return NULL;
  g_autofree char *directory = g_path_get_dirname(path);
  g_autofree char *name = g_path_get_basename(path);
  QfModel *model = load(bytes, name, directory, options, error);
  give_back(bytes);
  return model;
}

/* A native file holds one frozen graph. */
static QfGraph *import_frozen(GBytes *bytes, const char *name, const char *directory,
                              const QfModelOptions *options, GError **error)
{
  g_autoptr(GError) refused = NULL;
  QfGraph *graph = qf_import(bytes, name, directory, options, qf_ref_evaluate, &refused);
  if (g_error_matches(refused, QF_ERROR, QF_ERROR_DYNAMIC))
    g_set_error(error, QF_ERROR, QF_ERROR_DYNAMIC,
                "%s; a native file holds one graph of fixed shapes: run this model from its own file",
                refused->message);
  else if (refused)
    g_propagate_error(error, g_steal_pointer(&refused));
  return graph;
}

/* Packs constants for this machine's kernels, to be written; without them the file is as good, but slower to load. */
static void pack(QfModel *model, const QfModelOptions *options)
{
  const gboolean wanted = !options->no_packed && model->graph->optimized;
  if (!wanted || !choose_unit(model, options, NULL) || model->backend != &qf_backend_cpu ||
      !qf_model_compile(model, model->requant, NULL))
    return;
  qf_graph_packed(model->graph)->made_for = qf_cpu_packed_unit();
}

gboolean qf_model_convert(const char *path, const char *output, const QfModelOptions *options, GError **error)
{
  static const QfModelOptions defaults;
  g_autoptr(GBytes) bytes = map_file(path, error);
  if (!bytes)
    return FALSE;
  g_autofree char *directory = g_path_get_dirname(path);
  g_autofree char *name = g_path_get_basename(path);
  options = options ? options : &defaults;
  QfModel *model = new_model(name);
  model->graph = import_frozen(bytes, name, directory, options, error);
  gboolean ok = model->graph && (options->no_optimize || qf_passes_run(model->graph, FALSE, error));
  if (ok && !options->no_optimize && options->direct_inputs)
    qf_passes_direct_inputs(model->graph);
  if (ok) {
    qf_graph_compact(model->graph);
    pack(model, options);
    ok = qf_native_write(model->graph, output, error);
  }
  qf_model_unref(model);
  return ok;
}

QfModel *qf_model_ref(QfModel *model)
{
  g_atomic_int_inc(&model->refs);
  return model;
}

void qf_model_unref(QfModel *model)
{
  if (!model || !g_atomic_int_dec_and_test(&model->refs))
    return;
  if (model->family)
    qf_family_leave(model);
  g_clear_pointer(&model->steps, g_array_unref);
  g_clear_pointer(&model->blocks, g_ptr_array_unref);
  g_clear_pointer(&model->bodies, g_ptr_array_unref);
  g_clear_pointer(&model->kept, g_ptr_array_unref);
  g_clear_pointer(&model->refused, g_hash_table_unref);
  qf_unit_close(model->unit);
  if (!model->is_body)
    qf_graph_free(model->graph);
  qf_program_free(model->program);
  g_free(model->imported);
  g_free(model->places);
  g_free(model->port_first);
  g_free(model->port_tensors);
  g_free(model->inputs);
  g_free(model->outputs);
  g_free(model->name);
  g_free(model);
}

uint32_t qf_model_n_inputs(const QfModel *model)
{
  return model->n_inputs;
}

uint32_t qf_model_n_outputs(const QfModel *model)
{
  return model->n_outputs;
}

const QfTensorDesc *qf_model_input(const QfModel *model, uint32_t index)
{
  return index < model->n_inputs ? &model->inputs[index] : NULL;
}

const QfTensorDesc *qf_model_output(const QfModel *model, uint32_t index)
{
  return index < model->n_outputs ? &model->outputs[index] : NULL;
}

const char *qf_model_name(const QfModel *model)
{
  return model->name;
}

const char *qf_model_format(const QfModel *model)
{
  return model->graph->format;
}

const char *qf_model_backend(const QfModel *model)
{
  return model->stats.n_fallback && !model->stats.n_parts ? qf_model_beside(model)->name
                                                          : model->backend->name;
}

gboolean qf_model_maps_memory(const QfModel *model)
{
  return model->backend->maps_memory;
}

void qf_model_stats(const QfModel *model, QfModelStats *stats)
{
  *stats = model->stats;
}

static void dump_steps(const QfModel *model, GString *s)
{
  g_string_append_printf(s,
                         "steps %u, arena %" G_GSIZE_FORMAT " bytes, scratch %" G_GSIZE_FORMAT
                         " bytes a thread\n",
                         model->steps->len, model->arena_bytes, model->scratch_bytes);
  guint body = 0;
  for (uint32_t i = 0; i < model->steps->len; i++) {
    const QfStep *step = &g_array_index(model->steps, QfStep, i);
    g_string_append_printf(s, "%4u %-4s %-28s %s '%s'\n", i, step->unit, step->kernel, step->node->op->name,
                           step->node->name);
    for (uint32_t k = 0; k < step->node->n_subgraphs; k++) { /* bodies are in the order of their nodes */
      g_string_append_printf(s, "body %u of %u: ", k, i);
      dump_steps(model->bodies->pdata[body++], s);
    }
  }
}

char *qf_model_dump(const QfModel *model, QfDumpFormat format)
{
  if (model->program && format == QF_DUMP_TEXT)
    return qf_program_dump(model->program);
  g_autofree char *graph = qf_graph_dump(model->graph, format == QF_DUMP_GRAPHVIZ);
  GString *s = g_string_new(graph);
  if (format == QF_DUMP_TEXT)
    dump_steps(model, s);
  return g_string_free(s, FALSE);
}
