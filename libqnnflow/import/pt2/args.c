/* SPDX-License-Identifier: MIT */
/*
 * args.c - arguments of aten operators by name, what the file says of values, and small ONNX nodes. See map.h.
 */
#include "map.h"

#include <math.h>
#include <string.h>

gboolean qf_pt2_fail(const QfPt2Node *n, GError **error, QfError code, const char *format, ...)
{
  va_list args;
  va_start(args, format);
  g_autofree char *text = g_strdup_vprintf(format, args);
  va_end(args);
  g_set_error(error, QF_ERROR, code, "%s: node '%s' (%s): %s", n->p->graph->name, n->name, n->target, text);
  return FALSE;
}

const cJSON *qf_pt2_arg(const QfPt2Node *n, const char *name)
{
  const cJSON *input;
  cJSON_ArrayForEach(input, qf_pt2_get(n->record, "inputs"))
  {
    const char *own = qf_pt2_text(qf_pt2_get(input, "name"));
    if (own && !strcmp(own, name)) {
      const cJSON *arg = qf_pt2_get(input, "arg");
      return qf_pt2_get(arg, "as_none") ? NULL : arg;
    }
  }
  return NULL;
}

/* The value that @name stands for now. */
static const char *current(const QfPt2 *p, const char *name)
{
  const char *now = name ? g_hash_table_lookup(p->now, name) : NULL;
  return now ? now : name;
}

/* {"as_tensor": {"name": "x"}}, also inside an optional one. */
static const char *tensor_of(const QfPt2Node *n, const cJSON *arg)
{
  const cJSON *optional = qf_pt2_get(arg, "as_optional_tensor");
  return current(n->p, qf_pt2_text(qf_pt2_get(qf_pt2_get(optional ? optional : arg, "as_tensor"), "name")));
}

/* A symbolic number: {"as_name": "sym"}, a value of its own. */
static const char *symbol_of(const cJSON *arg)
{
  const cJSON *inner = qf_pt2_get(arg, "as_sym_int");
  return qf_pt2_text(qf_pt2_get(inner ? inner : arg, "as_name"));
}

const char *qf_pt2_tensor(const QfPt2Node *n, const char *name)
{
  return tensor_of(n, qf_pt2_arg(n, name));
}

int64_t qf_pt2_arg_int(const QfPt2Node *n, const char *name, int64_t otherwise)
{
  const cJSON *arg = qf_pt2_arg(n, name), *symbolic = qf_pt2_get(arg, "as_sym_int");
  if (cJSON_IsBool(qf_pt2_get(arg, "as_bool")))
    return cJSON_IsTrue(qf_pt2_get(arg, "as_bool"));
  return qf_pt2_int(qf_pt2_get(symbolic ? symbolic : arg, "as_int"), otherwise);
}

double qf_pt2_arg_float(const QfPt2Node *n, const char *name, double otherwise)
{
  const cJSON *arg = qf_pt2_arg(n, name), *value = qf_pt2_get(arg, "as_float");
  const char *text = qf_pt2_text(value); /* what JSON has no number for */
  if (text)
    return !strcmp(text, "Infinity")    ? (double)INFINITY
           : !strcmp(text, "-Infinity") ? -(double)INFINITY
                                        : (double)NAN;
  if (cJSON_IsNumber(value))
    return value->valuedouble;
  return qf_pt2_get(arg, "as_int") || qf_pt2_get(arg, "as_bool") ? (double)qf_pt2_arg_int(n, name, 0)
                                                                 : otherwise;
}

gboolean qf_pt2_arg_bool(const QfPt2Node *n, const char *name, gboolean otherwise)
{
  const cJSON *value = qf_pt2_get(qf_pt2_arg(n, name), "as_bool");
  return cJSON_IsBool(value) ? cJSON_IsTrue(value) : otherwise;
}

const char *qf_pt2_arg_text(const QfPt2Node *n, const char *name, const char *otherwise)
{
  const char *text = qf_pt2_text(qf_pt2_get(qf_pt2_arg(n, name), "as_string"));
  return text ? text : otherwise;
}

gboolean qf_pt2_arg_ints(const QfPt2Node *n, const char *name, QfInts *out)
{
  const cJSON *arg = qf_pt2_arg(n, name), *item, *list = qf_pt2_get(arg, "as_ints");
  const gboolean symbolic = !list && (list = qf_pt2_get(arg, "as_sym_ints"));
  *out = (QfInts){0};
  if (!list && qf_pt2_get(arg, "as_int"))
    *out = (QfInts){1, {qf_pt2_arg_int(n, name, 0)}};
  cJSON_ArrayForEach(item, list)
  {
    const cJSON *value = symbolic ? qf_pt2_get(item, "as_int") : item;
    if (out->n == QF_MAX_RANK || !cJSON_IsNumber(value))
      return FALSE;
    out->v[out->n++] = qf_pt2_int(value, 0);
  }
  return !qf_pt2_get(arg, "as_sym_int") || out->n;
}

gboolean qf_pt2_spread(const QfPt2Node *n, const char *name, const int64_t *otherwise, int count,
                       int64_t *out, GError **error)
{
  QfInts given;
  if (!qf_pt2_arg_ints(n, name, &given) || (given.n > 1 && given.n != count) || (!given.n && !otherwise))
    return qf_pt2_fail(n, error, QF_ERROR_UNSUPPORTED, "its argument '%s' must be 1 or %d known numbers",
                       name, count);
  for (int i = 0; i < count; i++)
    out[i] = !given.n ? otherwise[i] : given.v[given.n > 1 ? i : 0];
  return TRUE;
}

/* One entry of a shape as a vector of one. */
static const char *shape_entry(QfPt2Node *n, const cJSON *item)
{
  const char *symbol = symbol_of(item);
  const int64_t one = 1, value = qf_pt2_int(cJSON_IsNumber(item) ? item : qf_pt2_get(item, "as_int"), 0);
  return symbol ? qf_pt2_reshape(n, symbol, &one, 1, NULL) : qf_pt2_const_ints(n->p->emit, &value, 1);
}

const char *qf_pt2_arg_shape(QfPt2Node *n, const char *name)
{
  QfInts known;
  const cJSON *arg = qf_pt2_arg(n, name), *item;
  if (!arg)
    return NULL;
  if (qf_pt2_arg_ints(n, name, &known))
    return qf_pt2_const_ints(n->p->emit, known.v, (uint32_t)known.n);
  if (qf_pt2_get(arg, "as_sym_int"))
    return shape_entry(n, qf_pt2_get(arg, "as_sym_int"));
  g_autoptr(GPtrArray) parts = g_ptr_array_new();
  cJSON_ArrayForEach(item, qf_pt2_get(arg, "as_sym_ints"))
      g_ptr_array_add(parts, (char *)shape_entry(n, item));
  const char *out[] = {qf_pt2_name(n->p->emit, NULL)};
  Onnx__NodeProto *node =
      qf_pt2_node(n->p->emit, "Concat", n->name, (const char *const *)parts->pdata, parts->len, out, 1);
  qf_pt2_attr_int(n->p->emit, node, "axis", 0);
  return out[0];
}

GPtrArray *qf_pt2_arg_tensors(const QfPt2Node *n, const char *name)
{
  const cJSON *arg = qf_pt2_arg(n, name), *item, *list = qf_pt2_get(arg, "as_tensors");
  GPtrArray *names = g_ptr_array_new();
  if (list)
    cJSON_ArrayForEach(item, list)
        g_ptr_array_add(names, (char *)current(n->p, qf_pt2_text(qf_pt2_get(item, "name"))));
  else
    cJSON_ArrayForEach(item, qf_pt2_get(arg, "as_optional_tensors"))
        g_ptr_array_add(names, (char *)tensor_of(n, item));
  return names;
}

const char *qf_pt2_operand(QfPt2Node *n, const char *name, int32_t type)
{
  const cJSON *arg = qf_pt2_arg(n, name);
  const char *tensor = tensor_of(n, arg), *symbol = symbol_of(arg);
  if (tensor || symbol)
    return qf_pt2_cast(n, tensor ? tensor : symbol, type);
  return arg ? qf_pt2_const_number(n->p->emit, type, qf_pt2_arg_float(n, name, 0)) : NULL;
}

gboolean qf_pt2_meta(const QfPt2Node *n, const char *value, QfPt2Tensor *meta)
{
  *meta = (QfPt2Tensor){0};
  return value && qf_pt2_read_meta(g_hash_table_lookup(n->p->metas, value), meta);
}

int32_t qf_pt2_type(const QfPt2Node *n, const char *value)
{
  QfPt2Tensor meta;
  int32_t onnx = 0;
  if (qf_pt2_meta(n, value, &meta))
    qf_pt2_dtype(meta.scalar, &onnx);
  return onnx;
}

int32_t qf_pt2_rank(const QfPt2Node *n, const char *value)
{
  QfPt2Tensor meta;
  return qf_pt2_meta(n, value, &meta) ? meta.rank : -1;
}

gboolean qf_pt2_is_float_type(int32_t type)
{
  return qf_dtype_is_float(qf_onnx_dtype(type, NULL));
}

int64_t qf_pt2_dim(int64_t dim, int32_t rank)
{
  return dim < 0 ? dim + rank : dim;
}

const char *qf_pt2_emit(QfPt2Node *n, const char *op, const char *out, uint32_t n_in, ...)
{
  const char *in[8] = {NULL}, *names[1] = {out};
  va_list args;
  va_start(args, n_in);
  for (uint32_t i = 0; i < n_in && i < G_N_ELEMENTS(in); i++)
    in[i] = va_arg(args, const char *);
  va_end(args);
  while (n_in && !in[n_in - 1])
    n_in--;
  return qf_pt2_node(n->p->emit, op, n->name, in, n_in, names, 1)->output[0];
}

Onnx__NodeProto *qf_pt2_last(const QfPt2Node *n)
{
  return g_ptr_array_index(n->p->emit->nodes, n->p->emit->nodes->len - 1);
}

const char *qf_pt2_cast(QfPt2Node *n, const char *value, int32_t type)
{
  const int32_t own = qf_pt2_type(n, value);
  if (!type || own == type)
    return value;
  value = qf_pt2_emit(n, "Cast", NULL, 1, value);
  qf_pt2_attr_int(n->p->emit, qf_pt2_last(n), "to", type);
  return value;
}

const char *qf_pt2_reshape(QfPt2Node *n, const char *value, const int64_t *dims, uint32_t rank,
                           const char *out)
{
  gboolean zero = FALSE;
  for (uint32_t i = 0; i < rank; i++)
    zero |= !dims[i];
  out = qf_pt2_emit(n, "Reshape", out, 2, value, qf_pt2_const_ints(n->p->emit, dims, rank));
  if (zero)
    qf_pt2_attr_int(n->p->emit, qf_pt2_last(n), "allowzero", 1);
  return out;
}

gboolean qf_pt2_reshape_as(QfPt2Node *n, const char *value, const char *like, const char *out, GError **error)
{
  QfPt2Tensor meta;
  int open = 0;
  if (!value || !qf_pt2_meta(n, like, &meta))
    return qf_pt2_fail(n, error, QF_ERROR_FORMAT, "the file does not say what its output is; save it again");
  for (int i = 0; i < meta.rank; i++)
    open += meta.dims[i] < 0;
  if (open > 1)
    return qf_pt2_fail(
        n, error, QF_ERROR_UNSUPPORTED,
        "its output has %d open dimensions, at most one can be found out; export with fewer dynamic ones",
        open);
  qf_pt2_reshape(n, value, meta.dims, (uint32_t)meta.rank, out);
  return TRUE;
}

gboolean qf_pt2_reshape_like(QfPt2Node *n, const char *value, const char *out, GError **error)
{
  return qf_pt2_reshape_as(n, value, out, out, error);
}

const char *qf_pt2_permute(QfPt2Node *n, const char *value, const int64_t *perm, uint32_t rank,
                           const char *out)
{
  out = qf_pt2_emit(n, "Transpose", out, 1, value);
  qf_pt2_attr_ints(n->p->emit, qf_pt2_last(n), "perm", perm, rank);
  return out;
}

float *qf_pt2_take(QfPt2Node *n, int64_t count, GError **error)
{
  const int64_t most = (int64_t)1 << 25;
  if (count >= 0 && count <= most - n->p->made) {
    n->p->made += count;
    return g_new0(float, MAX(count, 1));
  }
  qf_pt2_fail(
      n, error, QF_ERROR_LIMIT,
      "the constants that it and others need would have more than 2^25 values; make its sizes smaller");
  return NULL;
}

const char *qf_pt2_number(QfPt2Node *n, double value)
{
  return qf_pt2_const_number(n->p->emit, QF_PT2_FLOAT, value);
}

/* "name=literal" or "name=$argument:default". */
static void add_attribute(QfPt2Node *n, Onnx__NodeProto *node, const char *word)
{
  const char *value = strchr(word, '=') + 1, *literal = value;
  g_autofree char *name = g_strndup(word, (gsize)(value - word - 1)), *argument = NULL;
  if (*value == '$') {
    literal = strchr(value, ':') + 1;
    argument = g_strndup(value + 1, (gsize)(literal - value - 2));
  }
  QfInts list;
  char *end;
  const double number = g_ascii_strtod(literal, &end);
  const gboolean is_number = *literal && !*end;
  if (argument && qf_pt2_get(qf_pt2_arg(n, argument), "as_ints") && qf_pt2_arg_ints(n, argument, &list))
    qf_pt2_attr_ints(n->p->emit, node, name, list.v, (uint32_t)list.n);
  else if (!is_number)
    qf_pt2_attr_string(n->p->emit, node, name, argument ? qf_pt2_arg_text(n, argument, literal) : literal);
  else if (strchr(literal, '.'))
    qf_pt2_attr_float(n->p->emit, node, name, argument ? qf_pt2_arg_float(n, argument, number) : number);
  else
    qf_pt2_attr_int(n->p->emit, node, name,
                    argument ? qf_pt2_arg_int(n, argument, (int64_t)number) : (int64_t)number);
}

gboolean qf_pt2_map_simple(QfPt2Node *n, GError **error)
{
  g_auto(GStrv) words = g_strsplit(n->row->data, " ", -1);
  const char *in[8] = {NULL};
  uint32_t n_in = 0, i = 1;
  for (; words[i] && !strchr(words[i], '='); i++) {
    const gboolean optional = g_str_has_suffix(words[i], "?");
    if (optional)
      words[i][strlen(words[i]) - 1] = 0;
    in[n_in] = qf_pt2_tensor(n, words[i]);
    if (!in[n_in++] && !optional)
      return qf_pt2_fail(n, error, QF_ERROR_FORMAT, "its argument '%s' is no tensor", words[i]);
  }
  Onnx__NodeProto *node = qf_pt2_node(n->p->emit, words[0], n->name, in, n_in, n->out, 1);
  for (; words[i]; i++)
    add_attribute(n, node, words[i]);
  return TRUE;
}
