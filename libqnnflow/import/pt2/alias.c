/* SPDX-License-Identifier: MIT */
/*
 * alias.c - see alias.h.
 */
#include "alias.h"

#include <string.h>

/* How a view is put back into its base. */
typedef enum { VIEW_NONE, VIEW_SAME, VIEW_SHAPE, VIEW_SLICE, VIEW_SELECT, VIEW_OTHER } View;

/* What is known of a value. */
typedef struct {
  const char *base; /* that it is a view of; NULL: none */
  const char *root; /* the first of these */
  View view;
  int64_t dim, start, end; /* of a slice; of select, end is start + 1 */
  uint32_t since;          /* the node that made it, or last changed it by its own name */
  uint32_t changed;        /* of a root: the node that last changed any of its memory */
} Entry;

/* Operators whose result may share memory with their first argument. */
static const struct {
  const char *op;
  View view;
} views[] = {
    {"alias", VIEW_SAME},
    {"detach", VIEW_SAME},
    {"view", VIEW_SHAPE},
    {"unsqueeze", VIEW_SHAPE},
    {"squeeze", VIEW_SHAPE},
    {"flatten", VIEW_SHAPE},
    {"unflatten", VIEW_SHAPE},
    {"slice", VIEW_SLICE},
    {"select", VIEW_SELECT},
    {"reshape", VIEW_OTHER},
    {"permute", VIEW_OTHER},
    {"transpose", VIEW_OTHER},
    {"t", VIEW_OTHER},
    {"numpy_T", VIEW_OTHER},
    {"expand", VIEW_OTHER},
    {"expand_as", VIEW_OTHER},
    {"narrow", VIEW_OTHER},
    {"split", VIEW_OTHER},
    {"split_with_sizes", VIEW_OTHER},
    {"chunk", VIEW_OTHER},
    {"unbind", VIEW_OTHER},
    {"contiguous", VIEW_OTHER},
    {"to", VIEW_OTHER},
    {"tensor_split", VIEW_OTHER},
    {"swapaxes", VIEW_OTHER},
};

void qf_pt2_aliases_init(QfPt2Aliases *a)
{
  a->values = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
  a->now = 0;
}

void qf_pt2_aliases_clear(QfPt2Aliases *a)
{
  g_hash_table_unref(a->values);
}

/* The entry of @name; parameters and inputs get theirs when they are first seen. */
static Entry *entry(QfPt2Aliases *a, const char *name)
{
  Entry *e = g_hash_table_lookup(a->values, name);
  if (!e) {
    e = g_new0(Entry, 1);
    e->root = name;
    g_hash_table_insert(a->values, (char *)name, e);
  }
  return e;
}

gboolean qf_pt2_alias_check(QfPt2 *p, const char *user, const char *name, GError **error)
{
  const Entry *e = entry(p->aliases, name);
  if (entry(p->aliases, e->root)->changed <= e->since)
    return TRUE;
  g_set_error(error, QF_ERROR, QF_ERROR_UNSUPPORTED,
              "%s: %s uses '%s', which shares memory with a tensor that was changed in place after it was "
              "taken; save "
              "exported_program.run_decompositions(), which has no such changes",
              p->graph->name, user, name);
  return FALSE;
}

static gboolean check_list(QfPt2Node *n, const cJSON *list, GError **error)
{
  const cJSON *item;
  g_autofree char *user = g_strdup_printf("node '%s' (%s)", n->name, n->target);
  cJSON_ArrayForEach(item, list)
  {
    const cJSON *tensor = qf_pt2_get(item, "as_tensor");
    const char *name = qf_pt2_text(qf_pt2_get(tensor ? tensor : item, "name"));
    if (name && !qf_pt2_alias_check(n->p, user, name, error))
      return FALSE;
  }
  return TRUE;
}

gboolean qf_pt2_alias_check_node(QfPt2Node *n, GError **error)
{
  const cJSON *input;
  g_autofree char *user = g_strdup_printf("node '%s' (%s)", n->name, n->target);
  n->p->aliases->now++;
  cJSON_ArrayForEach(input, qf_pt2_get(n->record, "inputs"))
  {
    const cJSON *arg = qf_pt2_get(input, "arg");
    const char *name = qf_pt2_text(qf_pt2_get(qf_pt2_get(arg, "as_tensor"), "name"));
    if ((name && !qf_pt2_alias_check(n->p, user, name, error)) ||
        !check_list(n, qf_pt2_get(arg, "as_tensors"), error) ||
        !check_list(n, qf_pt2_get(arg, "as_optional_tensors"), error))
      return FALSE;
  }
  return TRUE;
}

gboolean qf_pt2_known_slice(const QfPt2Node *n, const char *base, gboolean select, int64_t *dim,
                            int64_t *start, int64_t *end)
{
  QfPt2Tensor meta;
  if (!qf_pt2_meta(n, base, &meta) || qf_pt2_get(qf_pt2_arg(n, "start"), "as_sym_int") ||
      qf_pt2_get(qf_pt2_arg(n, "end"), "as_sym_int") || qf_pt2_arg_int(n, "step", 1) != 1)
    return FALSE;
  *dim = qf_pt2_dim(qf_pt2_arg_int(n, "dim", 0), meta.rank);
  const int64_t size = *dim >= 0 && *dim < meta.rank ? meta.dims[*dim] : -1;
  int64_t from = qf_pt2_arg_int(n, select ? "index" : "start", 0), to = qf_pt2_arg_int(n, "end", size);
  if (size < 0)
    return FALSE;
  from = from < 0 ? from + size : from;
  to = select ? from + 1 : to < 0 ? to + size : to;
  *start = CLAMP(from, 0, size);
  *end = CLAMP(to, *start, size);
  return !select || (from >= 0 && from < size);
}

const char *qf_pt2_put_slice(QfPt2Node *n, const char *base, const char *part, int64_t dim, int64_t start,
                             int64_t end, const char *out)
{
  const int64_t zero = 0, last = INT64_MAX;
  QfPt2Emit *e = n->p->emit;
  const char *axis = qf_pt2_const_ints(e, &dim, 1);
  const char *before = qf_pt2_emit(n, "Slice", NULL, 4, base, qf_pt2_const_ints(e, &zero, 1),
                                   qf_pt2_const_ints(e, &start, 1), axis);
  const char *after = qf_pt2_emit(n, "Slice", NULL, 4, base, qf_pt2_const_ints(e, &end, 1),
                                  qf_pt2_const_ints(e, &last, 1), axis);
  out = qf_pt2_emit(n, "Concat", out, 3, before, part, after);
  qf_pt2_attr_int(e, qf_pt2_last(n), "axis", dim);
  return out;
}

/* The tensor that @name is a view of, with the view as it is now; and so on to the root. */
static gboolean put_back(QfPt2Node *n, const char *name, const char *value, GError **error)
{
  QfPt2Aliases *a = n->p->aliases;
  for (Entry *e = entry(a, name); e->view && e->view != VIEW_OTHER; e = entry(a, e->base)) {
    const char *base = g_hash_table_lookup(n->p->now, e->base);
    if (e->view == VIEW_SHAPE) {
      const char *shaped = qf_pt2_name(n->p->emit, NULL);
      if (!qf_pt2_reshape_as(n, value, e->base, shaped, error))
        return FALSE;
      value = shaped;
    }
    if (e->view == VIEW_SELECT)
      value = qf_pt2_emit(n, "Unsqueeze", NULL, 2, value, qf_pt2_const_ints(n->p->emit, &e->dim, 1));
    if (e->view == VIEW_SELECT || e->view == VIEW_SLICE)
      value = qf_pt2_put_slice(n, base ? base : e->base, value, e->dim, e->start, e->end, NULL);
    g_hash_table_insert(n->p->now, (char *)e->base, (char *)value);
    entry(a, e->base)->since = a->now;
  }
  return TRUE;
}

static gboolean change(QfPt2Node *n, const char *name, GError **error)
{
  QfPt2Aliases *a = n->p->aliases;
  Entry *e = entry(a, name);
  g_hash_table_insert(n->p->now, (char *)name, (char *)n->out[0]);
  e->since = a->now;
  entry(a, e->root)->changed = a->now;
  return put_back(n, name, n->out[0], error);
}

static View view_of(const char *op)
{
  for (size_t i = 0; i < G_N_ELEMENTS(views); i++)
    if (!strcmp(views[i].op, op))
      return views[i].view;
  return VIEW_NONE;
}

gboolean qf_pt2_alias_note(QfPt2Node *n, gboolean in_place, GError **error)
{
  QfPt2Aliases *a = n->p->aliases;
  const cJSON *first = qf_pt2_get(cJSON_GetArrayItem(qf_pt2_get(n->record, "inputs"), 0), "arg");
  const char *source = qf_pt2_text(qf_pt2_get(qf_pt2_get(first, "as_tensor"), "name")), *op = n->row->op;
  const View view = source ? in_place ? VIEW_SAME : view_of(op) : VIEW_NONE;
  for (uint32_t i = 0; i < n->n_out; i++) {
    if (!n->out[i])
      continue;
    Entry *e = entry(a, n->out[i]);
    e->since = a->now;
    if (!view)
      continue;
    e->base = source;
    e->root = entry(a, source)->root;
    e->view = view;
    if ((view == VIEW_SLICE || view == VIEW_SELECT) &&
        !qf_pt2_known_slice(n, source, view == VIEW_SELECT, &e->dim, &e->start, &e->end))
      e->view = VIEW_OTHER;
  }
  return !in_place || !source || change(n, source, error);
}
