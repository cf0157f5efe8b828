/* SPDX-License-Identifier: MIT */
/*
 * compile.c - from a graph to a frozen model: which backend runs which node, the steps, and where every tensor lies.
 * After this nothing looks at the graph but for names.
 */
#include "frame.h"
#include "memory.h"
#include "partition.h"
#include "../backends/cpu/cpu.h"
#include "../graph/packed.h"
#include "../plan/plan.h"

#include <string.h>

/* Nodes with bodies go to the runtime one by one, what is between them to @backend in one call each. */
static gboolean lower_nodes(QfModel *model, QfLower *lower, const QfBackend *backend, QfNode *const *nodes,
                            uint32_t n, GError **error)
{
  for (uint32_t i = 0, end; i < n; i = end) {
    end = i + 1;
    if (nodes[i]->n_subgraphs) {
      if (!qf_control_lower(model, lower, nodes[i], model->requant, error))
        return FALSE;
      continue;
    }
    while (end < n && !nodes[end]->n_subgraphs)
      end++;
    if (!backend->lower(lower, nodes + i, end - i, error))
      return FALSE;
  }
  return TRUE;
}

/* Whether the unit runs each node, and why not. */
static gboolean *ask_unit(QfModel *model)
{
  const GPtrArray *nodes = model->graph->nodes;
  gboolean *device = g_new0(gboolean, nodes->len + 1);
  g_clear_pointer(&model->refused, g_hash_table_unref);
  model->refused = g_hash_table_new_full(NULL, NULL, NULL, g_free);
  for (guint i = 0; i < nodes->len; i++) {
    QfNode *node = nodes->pdata[i];
    g_autoptr(GString) why = g_string_new(NULL);
    device[i] =
        !node->n_subgraphs && model->backend->supports(model->unit ? model->unit->handle : NULL, node, why);
    if (!device[i])
      g_hash_table_insert(model->refused, node,
                          g_strdup(node->n_subgraphs ? "control flow runs on the CPU" : why->str));
  }
  return device;
}

/* FALSE with the first refused node, when the caller wants no other unit. */
static gboolean check_refused(const QfModel *model, GError **error)
{
  const uint32_t n = g_hash_table_size(model->refused);
  if (!n || !model->no_fallback)
    return TRUE;
  qf_foreach_node (node, model->graph) {
    const char *why = g_hash_table_lookup(model->refused, node);
    if (!why)
      continue;
    g_set_error(error, QF_ERROR, QF_ERROR_UNSUPPORTED,
                "%s: node '%s' (%s) cannot run on %s: %s (%u nodes of this kind); allow fallback=cpu, or "
                "change the model",
                model->name, node->name, node->op->name, model->backend->name, why, n);
    return FALSE;
  }
  return FALSE;
}

/* Gives a part to the unit; when it takes each node but not all of them together, the CPU has them, unless the caller wants no
 * fallback. */
static gboolean lower_part(QfModel *model, QfLower *lower, const QfPart *part, QfNode *const *nodes,
                           GError **error)
{
  g_autoptr(GError) why = NULL;
  const guint before = lower->steps->len;
  gboolean device = part->device;
  if (device) {
    lower->requant = model->backend->requant ? *model->backend->requant : model->requant;
    device = model->backend->lower(lower, nodes, part->count, &why);
    lower->requant = model->requant;
  }
  if (why && model->no_fallback) {
    g_propagate_error(error, g_steal_pointer(&why));
    return FALSE;
  }
  for (uint32_t i = 0; why && i < part->count; i++)
    g_hash_table_insert(model->refused, nodes[i], g_strdup(why->message));
  model->stats.n_parts += device ? lower->steps->len - before : 0;
  model->stats.n_fallback += device ? 0 : part->count;
  if (device)
    return TRUE;
  g_array_set_size(lower->steps, before);
  return lower_nodes(model, lower, qf_model_beside(model), nodes, part->count, error);
}

static gboolean lower_parts(QfModel *model, QfLower *lower, GError **error)
{
  g_autofree gboolean *device = ask_unit(model);
  if (!check_refused(model, error))
    return FALSE;
  QfPartition p = qf_partition(model->graph, device, model->backend->min_part_macs);
  gboolean ok = TRUE;
  for (guint i = 0; ok && i < p.parts->len; i++) {
    const QfPart *part = &g_array_index(p.parts, QfPart, i);
    QfNode *const *nodes = (QfNode *const *)p.nodes->pdata + part->first;
    ok = lower_part(model, lower, part, nodes, error);
  }
  qf_partition_clear(&p);
  return ok;
}

static gboolean lower_all(QfModel *model, QfLower *lower, GError **error)
{
  if (model->backend->supports)
    return lower_parts(model, lower, error);
  return lower_nodes(model, lower, model->backend, (QfNode **)model->graph->nodes->pdata,
                     model->graph->nodes->len, error);
}

static void touch(QfPlanItem *item, uint32_t step)
{
  item->first = MIN(item->first, step);
  item->last = MAX(item->last, step);
}

/* Lifetimes of the tensors that need the arena: indices into items by root tensor id. */
static void measure_lifetimes(const QfModel *model, const uint32_t *alias, QfPlanItem *items)
{
  for (uint32_t s = 0; s < model->steps->len; s++) {
    const QfStep *step = &g_array_index(model->steps, QfStep, s);
    for (uint32_t i = 0; i < step->n_in; i++)
      if (step->in[i] != QF_NO_TENSOR)
        touch(&items[alias[step->in[i]]], s);
    for (uint32_t i = 0; i < step->n_out; i++)
      touch(&items[alias[step->out[i]]], s);
  }
}

/* Constants that no step reads have no address. */
static void place_borders(QfModel *model, const uint32_t *unread)
{
  const QfGraph *graph = model->graph;
  for (guint i = 0; i < graph->tensors->len; i++) {
    const QfTensor *t = g_ptr_array_index(graph->tensors, i);
    if (t->data)
      model->places[i] = (QfPlace){.kind = QF_PLACE_CONSTANT,
                                   .constant = unread[i] == QF_NO_TENSOR ? NULL : qf_tensor_data(t)};
  }
  for (guint i = 0; i < graph->inputs->len; i++) {
    const QfTensor *t = g_ptr_array_index(graph->inputs, i);
    model->places[t->id] = (QfPlace){.kind = QF_PLACE_INPUT, .index = i};
  }
  for (guint i = 0; i < graph->outputs->len; i++) {
    const QfTensor *t = g_ptr_array_index(graph->outputs, i);
    model->places[t->id] = (QfPlace){.kind = QF_PLACE_OUTPUT, .index = i};
  }
}

/* The items that live in the arena: tensors, then a control step's bodies each. @owner gets what they are. */
static uint32_t list_items(const QfModel *model, const uint32_t *alias, QfPlanItem *items, uint32_t *owner,
                           uint32_t *n_items)
{
  uint32_t n = model->n_tensors, used = 0, n_tensors;
  g_autofree QfPlanItem *by_tensor = g_new0(QfPlanItem, n + 1);
  for (uint32_t i = 0; i < n; i++)
    by_tensor[i].first = UINT32_MAX;
  measure_lifetimes(model, alias, by_tensor);
  for (uint32_t i = 0; i < n; i++) {
    if (by_tensor[i].first == UINT32_MAX || model->places[i].kind != QF_PLACE_NONE)
      continue;
    by_tensor[i].size_bytes = qf_tensor_size_bytes(model->graph->tensors->pdata[i]);
    owner[used] = i;
    items[used++] = by_tensor[i];
  }
  n_tensors = used;
  for (uint32_t s = 0; s < model->steps->len; s++) {
    const QfStep *step = &g_array_index(model->steps, QfStep, s);
    if (!step->node->n_subgraphs)
      continue;
    owner[used] = s;
    items[used++] = (QfPlanItem){.size_bytes = qf_control_arena_bytes(step), .first = s, .last = s};
  }
  *n_items = used;
  return n_tensors;
}

/* Plans, and writes the places back. */
static gboolean place_arena(QfModel *model, const uint32_t *alias, GError **error)
{
  uint32_t most = model->n_tensors + model->n_controls, n_items;
  g_autofree QfPlanItem *items = g_new0(QfPlanItem, most + 1);
  g_autofree uint32_t *owner = g_new0(uint32_t, most + 1);
  uint32_t n_tensors = list_items(model, alias, items, owner, &n_items);
  model->arena_bytes = qf_plan_arena(items, n_items, QF_ALIGNMENT);
  model->stats.live_bytes = qf_plan_lower_bound(items, n_items, QF_ALIGNMENT);
  if (model->arena_bytes == SIZE_MAX || model->arena_bytes >> 40) {
    g_set_error(error, QF_ERROR, QF_ERROR_LIMIT,
                "%s: its intermediate tensors need %" G_GSIZE_FORMAT " bytes", model->name,
                model->arena_bytes);
    return FALSE;
  }
  for (uint32_t i = 0; i < n_tensors; i++)
    model->places[owner[i]] = (QfPlace){.kind = QF_PLACE_ARENA, .offset_bytes = items[i].offset_bytes};
  for (uint32_t i = n_tensors; i < n_items; i++)
    qf_control_place(&g_array_index(model->steps, QfStep, owner[i]), items[i].offset_bytes);
  for (uint32_t i = 0; i < model->n_tensors; i++)
    if (alias[i] != i)
      model->places[i] = model->places[alias[i]];
  return TRUE;
}

static void describe(QfTensorDesc *desc, const QfTensor *t)
{
  *desc = (QfTensorDesc){.name = t->name,
                         .dtype = t->dtype,
                         .rank = t->rank,
                         .layout = t->layout,
                         .quant = {t->enc.count, t->enc.axis, t->enc.entries},
                         .size_bytes = qf_tensor_size_bytes(t)};
  memcpy(desc->dims, t->dims, sizeof(desc->dims));
}

static void describe_borders(QfModel *model)
{
  const GPtrArray *inputs = model->graph->inputs, *outputs = model->graph->outputs;
  model->n_states = model->graph->n_states;
  model->n_inputs = inputs->len - model->n_states;
  model->n_outputs = outputs->len - model->n_states;
  model->inputs = g_new0(QfTensorDesc, inputs->len + 1);
  model->outputs = g_new0(QfTensorDesc, outputs->len + 1);
  for (guint i = 0; i < inputs->len; i++)
    describe(&model->inputs[i], inputs->pdata[i]);
  for (guint i = 0; i < MIN(inputs->len, model->graph->dim_names->len); i++)
    if (model->graph->dim_names->pdata[i])
      memcpy(model->inputs[i].dim_names, model->graph->dim_names->pdata[i],
             sizeof(model->inputs[i].dim_names));
  for (guint i = 0; i < outputs->len; i++)
    describe(&model->outputs[i], outputs->pdata[i]);
}

/* Number of the port that a tensor lies in, UINT32_MAX for the others. */
static uint32_t port_of(const QfModel *model, uint32_t tensor)
{
  const QfPlace *place = &model->places[tensor];
  if (place->kind == QF_PLACE_INPUT)
    return place->index;
  return place->kind == QF_PLACE_OUTPUT ? model->graph->inputs->len + place->index : UINT32_MAX;
}

static void list_ports(QfModel *model)
{
  uint32_t n_ports = model->graph->inputs->len + model->graph->outputs->len, sum = 0;
  uint32_t *first = model->port_first = g_new0(uint32_t, n_ports + 2);
  model->port_tensors = g_new0(uint32_t, model->n_tensors + 1);
  for (uint32_t i = 0; i < model->n_tensors; i++)
    if (port_of(model, i) != UINT32_MAX)
      first[port_of(model, i) + 1]++;
  for (uint32_t p = 0; p <= n_ports; p++) {
    sum += first[p];
    first[p] = sum;
  }
  g_autofree uint32_t *at = g_memdup2(first, (n_ports + 1) * sizeof(*first));
  for (uint32_t i = 0; i < model->n_tensors; i++)
    if (port_of(model, i) != UINT32_MAX)
      model->port_tensors[at[port_of(model, i)]++] = i;
}

/* Each body once; the operators' own figures count its multiply-accumulates. */
static void add_body(QfModel *model, const QfModel *body)
{
  model->stats.n_nodes += body->stats.n_nodes;
  model->stats.n_steps += body->stats.n_steps;
  model->stats.n_fallback += body->stats.n_fallback;
  model->stats.param_bytes += body->stats.param_bytes;
  model->stats.packed_bytes += body->stats.packed_bytes;
  model->scratch_bytes = MAX(model->scratch_bytes, body->scratch_bytes);
}

static void count_stats(QfModel *model)
{
  QfModelStats *stats = &model->stats;
  qf_foreach_node (node, model->graph) {
    stats->n_nodes++;
    stats->macs += node->op->macs ? node->op->macs(node) : 0;
  }
  for (guint i = 0; i < model->graph->tensors->len; i++) {
    const QfTensor *t = g_ptr_array_index(model->graph->tensors, i);
    stats->param_bytes += t->data ? g_bytes_get_size(t->data) : 0;
  }
  for (uint32_t s = 0; s < model->steps->len; s++)
    model->scratch_bytes = MAX(model->scratch_bytes, g_array_index(model->steps, QfStep, s).scratch_bytes);
  model->scratch_bytes = (model->scratch_bytes + QF_ALIGNMENT - 1) / QF_ALIGNMENT * QF_ALIGNMENT;
  stats->n_steps = model->steps->len;
  stats->arena_bytes = model->arena_bytes;
  for (guint i = 0; i < model->bodies->len; i++)
    add_body(model, model->bodies->pdata[i]);
  for (uint32_t i = 0; i < model->n_states; i++)
    stats->state_bytes += model->inputs[model->n_inputs + i].size_bytes;
  stats->n_states = model->n_states;
  stats->scratch_bytes = model->scratch_bytes;
}

/* Bytes of the constants that steps read as they are. */
static size_t read_in_place(const QfModel *model, const uint32_t *unread)
{
  size_t sum = 0;
  g_autofree gboolean *seen = g_new0(gboolean, model->n_tensors + 1);
  for (uint32_t s = 0; s < model->steps->len; s++) {
    const QfStep *step = &g_array_index(model->steps, QfStep, s);
    for (uint32_t i = 0; i < step->n_in; i++) {
      const uint32_t id = step->in[i];
      const QfTensor *t = id == QF_NO_TENSOR ? NULL : model->graph->tensors->pdata[id];
      if (!t || !t->data || seen[id] || unread[id] == QF_NO_TENSOR)
        continue;
      seen[id] = TRUE;
      sum += qf_tensor_size_bytes(t);
    }
  }
  return sum;
}

/* Packed constants of the file are for one kind of machine. */
static void check_packed(const QfModel *model)
{
  QfPackedStore *store = model->is_body ? NULL : model->graph->packed;
  if (!store || !store->n_stored || !strcmp(store->unit, qf_cpu_packed_unit()))
    return;
  g_message("%s: its packed constants are for '%s', this is '%s': they are packed anew, which takes longer; "
            "convert the model here",
            model->name, store->unit, qf_cpu_packed_unit());
  store->n_stored = 0;
}

gboolean qf_model_compile(QfModel *model, QfRequant requant, GError **error)
{
  model->n_tensors = model->graph->tensors->len;
  model->steps = g_array_new(FALSE, FALSE, sizeof(QfStep));
  model->blocks = g_ptr_array_new_with_free_func(qf_aligned_free);
  model->kept = qf_kept_new();
  model->places = g_new0(QfPlace, model->n_tensors + 1);
  model->bodies = g_ptr_array_new_with_free_func((GDestroyNotify)qf_model_unref);
  g_autofree uint32_t *alias = g_new(uint32_t, model->n_tensors + 1);
  for (uint32_t i = 0; i < model->n_tensors; i++)
    alias[i] = i;
  g_autofree uint32_t *unread = g_new0(uint32_t, model->n_tensors + 1);
  QfLower lower = {.graph = model->graph,
                   .requant = requant,
                   .fast_math = model->fast_math,
                   .steps = model->steps,
                   .blocks = model->blocks,
                   .kept = model->kept,
                   .unit = model->unit ? model->unit->handle : NULL,
                   .model = model->name,
                   .alias = alias,
                   .unread = unread,
                   .fallback = &qf_backend_ref};
  check_packed(model);
  qf_lower_begin(&lower);
  if (!lower_all(model, &lower, error))
    return FALSE;
  qf_lower_trim(&lower);
  model->fast_math = lower.fast_math;
  model->stats.packed_bytes = lower.packed_bytes + read_in_place(model, unread);
  place_borders(model, unread);
  qf_graph_trim(model->graph);
  if (!place_arena(model, alias, error))
    return FALSE;
  describe_borders(model);
  list_ports(model);
  count_stats(model);
  return TRUE;
}
