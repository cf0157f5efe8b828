/* SPDX-License-Identifier: MIT */
/*
 * case.c - from a case to a node: dimensions and attributes are read from text, by the operator's own table.
 */
#include "cases.h"
#include "libqnnflow/graph/numbers.h"

#include <stdlib.h>
#include <string.h>

static int32_t parse_dims(const char *text, int64_t *dims)
{
  int32_t rank = 0;
  for (char *end = (char *)text; *end; rank++)
    dims[rank] = strtoll(rank ? end + 1 : end, &end, 10);
  return rank;
}

static void set_number(const QfAttrDef *def, char *at, uint32_t k, double v)
{
  if (def->kind == QF_ATTR_FLOAT)
    ((float *)(void *)at)[k] = (float)v;
  else
    ((int32_t *)(void *)at)[k] = (int32_t)v;
}

/* A number, or the name of one of an enumeration's. */
static double value_of(const QfAttrDef *def, const char *word)
{
  char *end;
  double v = g_ascii_strtod(word, &end);
  for (uint32_t i = 0; *end && def->enum_names && def->enum_names[i]; i++)
    if (!strcmp(def->enum_names[i], word))
      return i;
  if (*end)
    g_error("%s is no value of %s", word, def->name);
  return v;
}

static void set_one(QfNode *node, const char *name, const char *values)
{
  const QfAttrDef *def = node->op->attrs;
  while (def && def->name && strcmp(def->name, name))
    def++;
  if (!def || !def->name)
    g_error("%s has no attribute '%s'", node->op->name, name);
  char *at = (char *)node->attrs + def->offset;
  gboolean list = def->kind == QF_ATTR_INTS || def->kind == QF_ATTR_AXES || def->kind == QF_ATTR_PERM ||
                  def->kind == QF_ATTR_PER_AXIS;
  g_auto(GStrv) words = g_strsplit(values, ",", -1);
  uint32_t n = g_strv_length(words);
  if (list)
    ((QfInts *)(void *)at)->n = (int32_t)n;
  else
    g_assert_cmpuint(n, <=, MAX(def->count, 1));
  for (uint32_t k = 0; k < n; k++) {
    double v = value_of(def, words[k]);
    if (list)
      ((QfInts *)(void *)at)->v[k] = (int64_t)v;
    else
      set_number(def, at, k, v);
  }
}

void case_set_attrs(QfNode *node, const char *attrs)
{
  g_auto(GStrv) pairs = g_strsplit(attrs ? attrs : "", " ", -1);
  for (char **p = pairs; *p && **p; p++) {
    g_auto(GStrv) pair = g_strsplit(*p, "=", 2);
    set_one(node, pair[0], pair[1]);
  }
}

static void set_encoding(QfGraph *graph, QfTensor *t, const Arg *a)
{
  QfScaleOffset entry = {a->scale, -a->zero_point};
  if (a->scale > 0)
    qf_tensor_set_encoding(graph, t, 1, 0, &entry);
}

static QfTensor *make_input(QfGraph *graph, const Arg *a)
{
  int64_t dims[QF_MAX_RANK] = {0};
  int32_t rank = parse_dims(a->dims, dims);
  QfTensor *t = NULL;
  if (a->values) {
    int64_t n = qf_dims_count(dims, rank);
    g_autofree char *data = g_malloc0((size_t)n * 8 + 8);
    for (int64_t i = 0; i < n; i++)
      qf_number_store(a->dtype, data, i, a->values[i]);
    t = qf_graph_add_constant_copy(graph, NULL, a->dtype, dims, rank, data);
  } else {
    t = qf_graph_add_tensor(graph, NULL);
    qf_tensor_set_shape(t, a->dtype, dims, rank);
  }
  set_encoding(graph, t, a);
  return t;
}

QfNode *case_make_node(QfGraph *graph, const Case *c)
{
  QfTensor *in[MAX_ARGS] = {NULL}, *out[MAX_ARGS] = {NULL};
  uint32_t n_in = 0, n_out = 0;
  for (uint32_t i = 0; i < MAX_ARGS; i++)
    if (c->in[i].dtype) {
      in[i] = make_input(graph, &c->in[i]);
      n_in = i + 1;
    }
  for (uint32_t i = 0; i < MAX_ARGS && c->out[i].dtype; i++, n_out++) {
    out[i] = qf_graph_add_tensor(graph, NULL);
    if (c->out[i].scale > 0)
      out[i]->dtype = c->out[i].dtype;
    set_encoding(graph, out[i], &c->out[i]);
  }
  QfNode *node = qf_graph_new_node(graph, c->op, "it", in, n_in, out, n_out);
  case_set_attrs(node, c->attrs);
  return node;
}
