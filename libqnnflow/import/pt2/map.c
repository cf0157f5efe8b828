/* SPDX-License-Identifier: MIT */
/*
 * map.c - the graph of an exported program: its parameters as constants, its inputs and outputs, and its nodes one by one.
 */
#include "alias.h"
#include "../import.h"

#include <string.h>

static const QfPt2Row *const tables[] = {qf_pt2_math_rows,   qf_pt2_nn_rows,        qf_pt2_pool_rows,
                                         qf_pt2_shape_rows,  qf_pt2_move_rows,      qf_pt2_matmul_rows,
                                         qf_pt2_reduce_rows, qf_pt2_recurrent_rows, qf_pt2_more_rows};

/* "torch.ops.aten.relu_.default" -> "relu", and whether it changes its first argument in place. */
static char *operator_name(const char *target, gboolean *in_place)
{
  const char *start =
      g_str_has_prefix(target, "torch.ops.aten.") ? target + strlen("torch.ops.aten.") : target;
  const char *dot = start == target ? NULL : strchr(start, '.');
  char *name = dot ? g_strndup(start, (gsize)(dot - start)) : g_strdup(start);
  const size_t length = strlen(name);
  *in_place = start != target && length > 2 && name[length - 1] == '_' && name[length - 2] != '_';
  if (*in_place)
    name[length - 1] = 0;
  return name;
}

static const QfPt2Row *find_row(const char *target, gboolean *in_place)
{
  g_autofree char *name = operator_name(target, in_place);
  for (size_t t = 0; t < G_N_ELEMENTS(tables); t++)
    for (const QfPt2Row *row = tables[t]; row->op; row++)
      if (!strcmp(row->op, name))
        return row;
  return NULL;
}

static gboolean add_outputs(QfPt2Node *n, const cJSON *list, GError **error)
{
  const cJSON *item, *inner;
  cJSON_ArrayForEach(item, list)
  {
    const cJSON *many = qf_pt2_get(item, "as_tensors");
    if (n->n_out + (uint32_t)MAX(cJSON_GetArraySize(many), 1) > QF_PT2_MAX_OUTPUTS)
      return qf_pt2_fail(n, error, QF_ERROR_UNSUPPORTED, "it has more than %d outputs", QF_PT2_MAX_OUTPUTS);
    if (many)
      cJSON_ArrayForEach(inner, many) n->out[n->n_out++] = qf_pt2_text(qf_pt2_get(inner, "name"));
    else if (qf_pt2_get(item, "as_sym_int"))
      n->out[n->n_out++] = qf_pt2_text(qf_pt2_get(qf_pt2_get(item, "as_sym_int"), "as_name"));
    else
      n->out[n->n_out++] = qf_pt2_text(qf_pt2_get(qf_pt2_get(item, "as_tensor"), "name"));
  }
  return n->n_out && n->out[0] ? TRUE : qf_pt2_fail(n, error, QF_ERROR_UNSUPPORTED, "it gives no tensor");
}

static const char *short_target(const cJSON *record)
{
  const char *target = qf_pt2_text(qf_pt2_get(record, "target"));
  return !target ? "?" : g_str_has_prefix(target, "torch.ops.") ? target + strlen("torch.ops.") : target;
}

/* What a node is called: its own name, else that of its first output. */
static const char *node_name(const cJSON *record)
{
  const char *name = qf_pt2_text(qf_pt2_get(record, "name"));
  const cJSON *first = cJSON_GetArrayItem(qf_pt2_get(record, "outputs"), 0);
  const char *out = qf_pt2_text(qf_pt2_get(qf_pt2_get(first, "as_tensor"), "name"));
  return name ? name : out ? out : "?";
}

/* Checks of the program, which change nothing and give nothing. */
static gboolean is_check(const char *target)
{
  return strstr(target, "_assert") || strstr(target, "sym_constrain_range");
}

static gboolean map_node(QfPt2 *p, const cJSON *record, GError **error)
{
  const char *target = qf_pt2_text(qf_pt2_get(record, "target"));
  gboolean in_place;
  QfPt2Node n = {.p = p, .record = record, .target = short_target(record), .name = node_name(record)};
  if (is_check(target))
    return TRUE;
  n.row = find_row(target, &in_place);
  if (!add_outputs(&n, qf_pt2_get(record, "outputs"), error) || !qf_pt2_alias_check_node(&n, error) ||
      !n.row->map(&n, error))
    return FALSE;
  return qf_pt2_alias_note(&n, in_place, error);
}

/* All operators that have no row, in one message. */
static gboolean check_supported(QfPt2 *p, const cJSON *nodes, GError **error)
{
  g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
  g_autoptr(GString) list = g_string_new(NULL);
  const cJSON *record;
  gboolean in_place;
  cJSON_ArrayForEach(record, nodes)
  {
    const char *target = qf_pt2_text(qf_pt2_get(record, "target"));
    if (target && (is_check(target) || find_row(target, &in_place)))
      continue;
    if (g_hash_table_add(seen, (char *)short_target(record)) && g_hash_table_size(seen) <= 40)
      g_string_append_printf(list, "%s%.80s (node '%.80s')", list->len ? ", " : "", short_target(record),
                             node_name(record));
  }
  if (list->len)
    g_set_error(
        error, QF_ERROR, QF_ERROR_UNSUPPORTED,
        "%s: operators that are not supported: %s; export the model without them, or try exported_program."
        "run_decompositions() before saving, or torch.onnx.export()",
        p->graph->name, list->str);
  return !list->len;
}

G_GNUC_PRINTF(3, 4) static gboolean fail(const QfPt2 *p, GError **error, const char *format, ...)
{
  va_list args;
  va_start(args, format);
  g_autofree char *text = g_strdup_vprintf(format, args);
  va_end(args);
  g_set_error(error, QF_ERROR, QF_ERROR_FORMAT, "%s: %s; save it again with torch.export.save()",
              p->graph->name, text);
  return FALSE;
}

/* A parameter, buffer or constant of the module. */
static gboolean add_constant(QfPt2 *p, const char *value, const char *name, GError **error)
{
  const QfPt2Tensor *t = value && name ? g_hash_table_lookup(p->archive->tensors, name) : NULL;
  int32_t onnx;
  if (!t)
    return fail(p, error, "the values of '%s' are not in the archive", name ? name : "?");
  if (!t->storage) {
    g_set_error(error, QF_ERROR, QF_ERROR_UNSUPPORTED,
                "%s: the values of '%s' are a pickled object, not plain numbers; make it a plain tensor "
                "before the export",
                p->graph->name, name);
    return FALSE;
  }
  GBytes *values = qf_pt2_tensor_values(t);
  if (!values)
    return fail(p, error, "the values of '%s' do not fit the bytes stored for it", name);
  qf_pt2_dtype(t->scalar, &onnx);
  qf_pt2_constant(p->emit, value, onnx, t->dims, t->rank, values);
  return TRUE;
}

static gboolean add_user_input(QfPt2 *p, const cJSON *spec, GError **error)
{
  const char *name = qf_pt2_text(qf_pt2_get(qf_pt2_get(qf_pt2_get(spec, "arg"), "as_tensor"), "name"));
  QfPt2Tensor meta = {0};
  int32_t onnx;
  if (!name) /* a number that was fixed by the export */
    return TRUE;
  if (!qf_pt2_read_meta(g_hash_table_lookup(p->metas, name), &meta))
    return fail(p, error, "type and dimensions of input '%s' are missing or not supported", name);
  qf_pt2_dtype(meta.scalar, &onnx);
  qf_pt2_add_input(p->emit, name, onnx, meta.dims, meta.rank);
  return TRUE;
}

static gboolean add_input(QfPt2 *p, const cJSON *spec, GError **error)
{
  static const char *const kinds[][2] = {{"parameter", "parameter_name"},
                                         {"buffer", "buffer_name"},
                                         {"tensor_constant", "tensor_constant_name"}};
  for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
    const cJSON *own = qf_pt2_get(spec, kinds[i][0]);
    if (own)
      return add_constant(p, qf_pt2_text(qf_pt2_get(qf_pt2_get(own, "arg"), "name")),
                          qf_pt2_text(qf_pt2_get(own, kinds[i][1])), error);
  }
  if (qf_pt2_get(spec, "user_input"))
    return add_user_input(p, qf_pt2_get(spec, "user_input"), error);
  if (qf_pt2_get(spec, "constant_input"))
    return TRUE;
  return fail(p, error, "an input is neither a tensor nor a number");
}

/* What the module returns; changed buffers, which come along, are left out. */
static gboolean add_output(QfPt2 *p, const cJSON *spec, GError **error)
{
  const char *name = qf_pt2_text(
      qf_pt2_get(qf_pt2_get(qf_pt2_get(qf_pt2_get(spec, "user_output"), "arg"), "as_tensor"), "name"));
  const char *now = name ? g_hash_table_lookup(p->now, name) : NULL;
  QfPt2Tensor meta;
  int32_t onnx = 0;
  if (!name)
    return TRUE;
  if (!qf_pt2_alias_check(p, "the output", name, error))
    return FALSE;
  if (qf_pt2_read_meta(g_hash_table_lookup(p->metas, name), &meta))
    qf_pt2_dtype(meta.scalar, &onnx);
  qf_pt2_add_output(p->emit, now ? now : name, onnx);
  return TRUE;
}

static gboolean map_graph(QfPt2 *p, GError **error)
{
  const cJSON *module = qf_pt2_get(p->archive->program, "graph_module");
  const cJSON *graph = qf_pt2_get(module, "graph"), *signature = qf_pt2_get(module, "signature"), *item;
  if (!cJSON_IsArray(qf_pt2_get(graph, "nodes")) || !cJSON_IsArray(qf_pt2_get(signature, "input_specs")))
    return fail(p, error, "its JSON is not that of an exported program");
  cJSON_ArrayForEach(item, qf_pt2_get(graph, "tensor_values"))
      g_hash_table_insert(p->metas, item->string, (cJSON *)item);
  if (!check_supported(p, qf_pt2_get(graph, "nodes"), error))
    return FALSE;
  cJSON_ArrayForEach(item, qf_pt2_get(signature, "input_specs")) if (!add_input(p, item, error)) return FALSE;
  cJSON_ArrayForEach(item, qf_pt2_get(graph, "nodes")) if (!map_node(p, item, error)) return FALSE;
  cJSON_ArrayForEach(item,
                     qf_pt2_get(signature, "output_specs")) if (!add_output(p, item, error)) return FALSE;
  return TRUE;
}

/* The part of an archive's end that is searched: its directory, which lists the files. */
#define NEAR_END ((size_t)1 << 20)

static gboolean probe(const uint8_t *data, size_t size)
{
  static const char *const files[] = {"/models/model.json", "serialized_exported_program.json",
                                      "/archive_format"};
  const size_t near = MIN(size, NEAR_END);
  for (size_t i = 0; qf_zip_probe(data, size) && i < G_N_ELEMENTS(files); i++)
    if (memmem(data + size - near, near, files[i], strlen(files[i])))
      return TRUE;
  return FALSE;
}

static gboolean import(QfGraph *graph, GBytes *bytes, const char *directory, const QfModelOptions *options,
                       GError **error)
{
  g_autoptr(QfPt2Archive) archive = qf_pt2_archive_open(bytes, graph->name, error);
  if (!archive)
    return FALSE;
  g_autoptr(QfPt2Emit) emit = qf_pt2_emit_new();
  g_autoptr(GHashTable) metas = g_hash_table_new(g_str_hash, g_str_equal),
                        now = g_hash_table_new(g_str_hash, g_str_equal);
  QfPt2 p = {.archive = archive, .emit = emit, .graph = graph, .metas = metas, .now = now};
  QfPt2Aliases aliases;
  qf_pt2_aliases_init(&aliases);
  p.aliases = &aliases;
  const gboolean ok = map_graph(&p, error);
  qf_pt2_aliases_clear(&aliases);
  return ok && qf_pt2_emit_import(emit, graph, options, error);
}

const QfFormat qf_format_pt2 = {
    .name = "pt2",
    .extensions = ".pt2 (torch.export)",
    .probe = probe,
    .import = import,
};
