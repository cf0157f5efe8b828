/* SPDX-License-Identifier: MIT */
/*
 * dump-ops.c - the nodes of a compiled model as a table, and summed up by operator, types and kernel. The multiply-accumulates of bodies of
 * control flow are those of the node that they belong to.
 */
#include "dump-ops.h"

#include <cjson/cJSON.h>
#include <string.h>

/* Nodes that are alike in all but names and shapes. */
typedef struct {
  const QfNodeInfo *like;
  uint32_t count;
  uint64_t macs, params, param_bytes;
  uint64_t op_macs;  /* of all rows of this operator, to sort by */
  uint32_t op_count; /* likewise */
} Row;

static const char *text(const char *s)
{
  return s ? s : "-";
}

static gboolean same_text(const char *a, const char *b)
{
  return a == b || (a && b && !strcmp(a, b));
}

static gboolean alike(const QfNodeInfo *a, const QfNodeInfo *b)
{
  return !strcmp(a->op, b->op) && a->in_type == b->in_type && a->param_type == b->param_type &&
         a->out_type == b->out_type && same_text(a->unit, b->unit) && same_text(a->kernel, b->kernel);
}

static Row *row_of(GArray *rows, const QfNodeInfo *info)
{
  for (guint i = 0; i < rows->len; i++)
    if (alike(g_array_index(rows, Row, i).like, info))
      return &g_array_index(rows, Row, i);
  Row row = {.like = info};
  g_array_append_val(rows, row);
  return &g_array_index(rows, Row, rows->len - 1);
}

/* Operators with the most work first, then those there are most of; rows of one operator stay together. */
static int by_work(gconstpointer first, gconstpointer second)
{
  const Row *a = first, *b = second;
  int names = strcmp(a->like->op, b->like->op);
  if (names && a->op_macs != b->op_macs)
    return a->op_macs < b->op_macs ? 1 : -1;
  if (names && a->op_count != b->op_count)
    return a->op_count < b->op_count ? 1 : -1;
  if (names)
    return names;
  if (a->macs != b->macs)
    return a->macs < b->macs ? 1 : -1;
  return a->count < b->count   ? 1
         : a->count > b->count ? -1
                               : strcmp(text(a->like->kernel), text(b->like->kernel));
}

static GArray *sum_up(const QfNodeInfo *nodes, uint32_t n)
{
  GArray *rows = g_array_new(FALSE, FALSE, sizeof(Row));
  for (uint32_t i = 0; i < n; i++) {
    Row *row = row_of(rows, &nodes[i]);
    row->count++;
    row->macs += nodes[i].depth ? 0 : nodes[i].macs;
    row->params += nodes[i].params;
    row->param_bytes += nodes[i].param_bytes;
  }
  for (guint i = 0; i < rows->len; i++) {
    Row *row = &g_array_index(rows, Row, i);
    for (guint k = 0; k < rows->len; k++) {
      const Row *other = &g_array_index(rows, Row, k);
      gboolean same = !strcmp(row->like->op, other->like->op);
      row->op_macs += same ? other->macs : 0;
      row->op_count += same ? other->count : 0;
    }
  }
  g_array_sort(rows, by_work);
  return rows;
}

static void print_rule(const int *widths, size_t n)
{
  for (size_t i = 0; i < n; i++) {
    g_autofree char *dashes = g_strnfill((gsize)widths[i], '-');
    g_print("%s%s", i ? "  " : "", dashes);
  }
  g_print("\n");
}

/* "int8", "int8 x int4" with parameters of another type, "-> int32" where the output differs. */
static char *types_of(const QfNodeInfo *info)
{
  QfDType in = info->in_type ? info->in_type : info->param_type;
  GString *s = g_string_new(in ? qf_dtype_name(in) : qf_dtype_name(info->out_type));
  if (info->param_type && info->param_type != in)
    g_string_append_printf(s, " x %s", qf_dtype_name(info->param_type));
  if (in && info->out_type != in)
    g_string_append_printf(s, " -> %s", qf_dtype_name(info->out_type));
  return g_string_free(s, FALSE);
}

static void print_ops(const GArray *rows, uint64_t all_macs)
{
  static const int widths[] = {26, 5, 24, 10, 5, 10, 10, 4, 28};
  Row total = {0};
  const char *last = "";
  g_print("%-26s  %5s  %-24s  %10s  %5s  %10s  %10s  %-4s  %s\n", "operator", "nodes", "types", "MMAC", "%",
          "params", "kB", "unit", "kernel");
  print_rule(widths, G_N_ELEMENTS(widths));
  for (guint i = 0; i < rows->len; i++) {
    const Row *r = &g_array_index(rows, Row, i);
    g_autofree char *types = types_of(r->like);
    g_print("%-26s  %5u  %-24s  %10.3f  %5.1f  %10" G_GUINT64_FORMAT "  %10.1f  %-4s  %s\n",
            strcmp(last, r->like->op) ? r->like->op : "", r->count, types, (double)r->macs / 1e6,
            all_macs ? 100. * (double)r->macs / (double)all_macs : 0., r->params,
            (double)r->param_bytes / 1e3, text(r->like->unit),
            r->like->kernel ? r->like->kernel : "(no copy)");
    last = r->like->op;
    total.count += r->count;
    total.params += r->params;
    total.param_bytes += r->param_bytes;
  }
  print_rule(widths, G_N_ELEMENTS(widths));
  g_print("%-26s  %5u  %-24s  %10.3f  %5.1f  %10" G_GUINT64_FORMAT "  %10.1f\n", "total", total.count, "",
          (double)all_macs / 1e6, 100., total.params, (double)total.param_bytes / 1e3);
}

static void print_nodes(const QfNodeInfo *nodes, uint32_t n)
{
  static const int widths[] = {5, 26, 18, 24, 10, 10, 4, 28, 20};
  g_print("%5s  %-26s  %-18s  %-24s  %10s  %10s  %-4s  %-28s  %s\n", "node", "operator", "output", "types",
          "MMAC", "params", "unit", "kernel", "name");
  print_rule(widths, G_N_ELEMENTS(widths));
  for (uint32_t i = 0; i < n; i++) {
    const QfNodeInfo *info = &nodes[i];
    g_autofree char *dims = qf_dims_to_string(info->dims, info->rank), *types = types_of(info);
    int indent = (int)MIN(info->depth, 8) * 2;
    g_print("%5u  %*s%-*s  %-18s  %-24s  %10.3f  %10" G_GUINT64_FORMAT "  %-4s  %-28s  %s\n", i, indent, "",
            26 - indent, info->op, dims, types, (double)info->macs / 1e6, info->params, text(info->unit),
            info->kernel ? info->kernel : "(no copy)", info->name);
  }
}

static void add_type(cJSON *object, const char *name, QfDType dtype)
{
  if (dtype)
    cJSON_AddStringToObject(object, name, qf_dtype_name(dtype));
}

static cJSON *common_json(const QfNodeInfo *info, uint64_t macs, uint64_t params, uint64_t param_bytes)
{
  cJSON *object = cJSON_CreateObject();
  cJSON_AddStringToObject(object, "operator", info->op);
  add_type(object, "input", info->in_type);
  add_type(object, "parameter", info->param_type);
  add_type(object, "output", info->out_type);
  cJSON_AddNumberToObject(object, "macs", (double)macs);
  cJSON_AddNumberToObject(object, "params", (double)params);
  cJSON_AddNumberToObject(object, "param_bytes", (double)param_bytes);
  cJSON_AddItemToObject(object, "unit", info->unit ? cJSON_CreateString(info->unit) : cJSON_CreateNull());
  cJSON_AddItemToObject(object, "kernel",
                        info->kernel ? cJSON_CreateString(info->kernel) : cJSON_CreateNull());
  return object;
}

static cJSON *node_json(const QfNodeInfo *info)
{
  cJSON *object = common_json(info, info->macs, info->params, info->param_bytes);
  cJSON *dims = cJSON_AddArrayToObject(object, "dims");
  cJSON_AddStringToObject(object, "name", info->name);
  cJSON_AddNumberToObject(object, "depth", info->depth);
  for (int i = 0; i < info->rank; i++)
    cJSON_AddItemToArray(dims, cJSON_CreateNumber((double)info->dims[i]));
  return object;
}

static void print_json(const QfModel *model, const QfDumpTables *wanted, const GArray *rows,
                       const QfNodeInfo *nodes, uint32_t n)
{
  QfModelStats stats;
  cJSON *root = cJSON_CreateObject();
  qf_model_stats(model, &stats);
  cJSON_AddStringToObject(root, "model", qf_model_name(model));
  cJSON_AddStringToObject(root, "format", qf_model_format(model));
  cJSON_AddStringToObject(root, "backend", qf_model_backend(model));
  cJSON_AddNumberToObject(root, "nodes", n);
  cJSON_AddNumberToObject(root, "macs", (double)stats.macs);
  cJSON_AddNumberToObject(root, "param_bytes", (double)stats.param_bytes);
  cJSON_AddNumberToObject(root, "arena_bytes", (double)stats.arena_bytes);
  cJSON_AddNumberToObject(root, "live_bytes", (double)stats.live_bytes);
  cJSON *ops = wanted->ops ? cJSON_AddArrayToObject(root, "operators") : NULL;
  for (guint i = 0; ops && i < rows->len; i++) {
    const Row *r = &g_array_index(rows, Row, i);
    cJSON *object = common_json(r->like, r->macs, r->params, r->param_bytes);
    cJSON_AddNumberToObject(object, "nodes", r->count);
    cJSON_AddItemToArray(ops, object);
  }
  cJSON *list = wanted->nodes ? cJSON_AddArrayToObject(root, "list") : NULL;
  for (uint32_t i = 0; list && i < n; i++)
    cJSON_AddItemToArray(list, node_json(&nodes[i]));
  char *printed = cJSON_Print(root);
  g_print("%s\n", printed);
  cJSON_free(printed);
  cJSON_Delete(root);
}

void qf_tool_dump_tables(const QfModel *model, const QfDumpTables *wanted)
{
  uint32_t n;
  g_autofree QfNodeInfo *nodes = qf_model_inspect(model, &n);
  g_autoptr(GArray) rows = sum_up(nodes, n);
  QfModelStats stats;
  qf_model_stats(model, &stats);
  if (wanted->json) {
    print_json(model, wanted, rows, nodes, n);
    return;
  }
  if (wanted->nodes)
    print_nodes(nodes, n);
  if (wanted->nodes && wanted->ops)
    g_print("\n");
  if (wanted->ops)
    print_ops(rows, stats.macs);
}
