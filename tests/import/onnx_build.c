/* SPDX-License-Identifier: MIT */
/*
 * onnx_build.c - packs ONNX models out of text for tests and fuzzing seeds; see onnx_build.h. All memory of a model lives in
 * one list of blocks that goes when the model is packed.
 */
#include "onnx_build.h"
#include "libqnnflow/graph/numbers.h"
#include "libqnnflow/import/onnx/onnx.pb-c.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
  GPtrArray *blocks;
  Onnx__ModelProto model;
  Onnx__GraphProto graph; /* that lines go to: the model's, or the innermost body's */
  Onnx__GraphProto outer[8];
  char *names[8];
  uint32_t depth;
  GHashTable *bodies; /* name -> ProtobufCBinaryData */
} Build;

static void *take(Build *b, size_t size)
{
  void *p = g_malloc0(size + 1);
  g_ptr_array_add(b->blocks, p);
  return p;
}

static char *copy(Build *b, const char *text)
{
  return strcpy(take(b, strlen(text)), text);
}

/* Appends a pointer to a repeated field. */
static void append(Build *b, void *list, size_t *count, void *item)
{
  void ***at = list;
  void **bigger = take(b, (*count + 1) * sizeof(void *));
  if (*count)
    memcpy(bigger, *at, *count * sizeof(void *));
  bigger[(*count)++] = item;
  *at = bigger;
}

static const struct {
  const char *name;
  int32_t number;
  QfDType dtype;
} types[] = {
    {"f32", 1, QF_DTYPE_FLOAT32},  {"u8", 2, QF_DTYPE_UINT8},       {"i8", 3, QF_DTYPE_INT8},
    {"u16", 4, QF_DTYPE_UINT16},   {"i16", 5, QF_DTYPE_INT16},      {"i32", 6, QF_DTYPE_INT32},
    {"i64", 7, QF_DTYPE_INT64},    {"str", 8, QF_DTYPE_INVALID},    {"bool", 9, QF_DTYPE_BOOL},
    {"f16", 10, QF_DTYPE_FLOAT16}, {"f64", 11, QF_DTYPE_FLOAT64},   {"u32", 12, QF_DTYPE_UINT32},
    {"u64", 13, QF_DTYPE_UINT64},  {"bf16", 16, QF_DTYPE_BFLOAT16}, {"i4", 22, QF_DTYPE_INVALID},
};

static guint find_type(const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS(types); i++)
    if (!strcmp(types[i].name, name))
      return i;
  g_error("no type %s", name);
}

/* "1,3,?" to numbers, ? to -1. */
static size_t parse_dims(const char *text, int64_t *dims)
{
  size_t n = 0;
  if (!strcmp(text, "scalar"))
    return 0;
  g_auto(GStrv) parts = g_strsplit(text, ",", -1);
  for (; parts[n] && n < 16; n++)
    dims[n] = strcmp(parts[n], "?") ? g_ascii_strtoll(parts[n], NULL, 10) : -1;
  return n;
}

/* "in" or "out", name, type, dimensions; the last two may be missing. */
static Onnx__ValueInfoProto *make_value(Build *b, char **words)
{
  int64_t dims[16];
  Onnx__ValueInfoProto *v = take(b, sizeof(*v));
  onnx__value_info_proto__init(v);
  v->name = copy(b, words[1]);
  if (!words[2])
    return v;
  v->type = take(b, sizeof(*v->type));
  onnx__type_proto__init(v->type);
  v->type->tensor_type = take(b, sizeof(*v->type->tensor_type));
  onnx__tensor_type_proto__init(v->type->tensor_type);
  v->type->tensor_type->elem_type = types[find_type(words[2])].number;
  if (!words[3])
    return v; /* no shape at all */
  Onnx__TensorShapeProto *shape = take(b, sizeof(*shape));
  onnx__tensor_shape_proto__init(shape);
  v->type->tensor_type->shape = shape;
  size_t n = parse_dims(words[3], dims);
  for (size_t i = 0; i < n; i++) {
    Onnx__TensorShapeDim *d = take(b, sizeof(*d));
    onnx__tensor_shape_dim__init(d);
    d->value_case =
        dims[i] < 0 ? ONNX__TENSOR_SHAPE_DIM__VALUE_DIM_PARAM : ONNX__TENSOR_SHAPE_DIM__VALUE_DIM_VALUE;
    if (dims[i] < 0)
      d->dim_param = copy(b, "open");
    else
      d->dim_value = dims[i];
    append(b, &shape->dim, &shape->n_dim, d);
  }
  return v;
}

static void add_weight(Build *b, char **words)
{
  Onnx__TensorProto *t = take(b, sizeof(*t));
  onnx__tensor_proto__init(t);
  guint type = find_type(words[2]);
  t->name = copy(b, words[1]);
  t->data_type = types[type].number;
  t->dims = take(b, 16 * sizeof(*t->dims));
  t->n_dims = parse_dims(words[3], t->dims);
  int64_t count = 1;
  for (size_t i = 0; i < t->n_dims; i++)
    count *= MAX(t->dims[i], 0);
  char **values = words[4] && !strcmp(words[4], "=") ? words + 5 : NULL;
  guint n_values = values ? g_strv_length(values) : 0;
  t->raw_data.len = (size_t)count * qf_dtype_size(types[type].dtype);
  t->raw_data.data = take(b, t->raw_data.len);
  for (int64_t i = 0; i < count && types[type].dtype; i++)
    qf_number_store(types[type].dtype, t->raw_data.data, i,
                    n_values ? g_ascii_strtod(values[i % n_values], NULL) : (double)(i * 7 % 11) - 5);
  append(b, &b->graph.initializer, &b->graph.n_initializer, t);
}

static void add_list(Build *b, Onnx__AttributeProto *a, const char *text)
{
  g_auto(GStrv) parts = g_strsplit(text, ",", -1);
  gboolean is_float = strchr(text, '.') != NULL;
  size_t n = *text ? g_strv_length(parts) : 0;
  a->floats = take(b, n * sizeof(float));
  a->ints = take(b, n * sizeof(int64_t));
  for (size_t i = 0; i < n; i++) {
    a->floats[i] = (float)g_ascii_strtod(parts[i], NULL);
    a->ints[i] = g_ascii_strtoll(parts[i], NULL, 10);
  }
  *(is_float ? &a->n_floats : &a->n_ints) = n;
}

static void add_attribute(Build *b, Onnx__NodeProto *node, const char *word)
{
  g_auto(GStrv) parts = g_strsplit(word, "=", 2);
  Onnx__AttributeProto *a = take(b, sizeof(*a));
  onnx__attribute_proto__init(a);
  a->name = copy(b, parts[0]);
  char *value = copy(b, parts[1]), *end;
  if (*value == '[') {
    value[strlen(value) - 1] = 0;
    add_list(b, a, value + 1);
  } else if (*value == '@') {
    ProtobufCBinaryData *body = g_hash_table_lookup(b->bodies, value + 1);
    g_assert_nonnull(body);
    a->g = *body;
  } else if (a->i = g_ascii_strtoll(value, &end, 10), *end) {
    a->f = (float)g_ascii_strtod(value, &end);
    if (*end)
      a->s = (ProtobufCBinaryData){strlen(value), (uint8_t *)value};
  }
  append(b, &node->attribute, &node->n_attribute, a);
}

static void add_names(Build *b, const char *list, char ***names, size_t *count)
{
  g_auto(GStrv) parts = g_strsplit(list, ",", -1);
  for (char **p = parts; *p; p++)
    append(b, names, count, copy(b, strcmp(*p, "-") ? *p : ""));
}

static void add_node(Build *b, char **words)
{
  Onnx__NodeProto *node = take(b, sizeof(*node));
  onnx__node_proto__init(node);
  char *colon = strrchr(words[1], ':');
  node->op_type = copy(b, colon ? colon + 1 : words[1]);
  if (colon)
    node->domain = strncpy(take(b, strlen(words[1])), words[1], (size_t)(colon - words[1]));
  guint i = 2;
  if (strcmp(words[i], "->"))
    add_names(b, words[i++], &node->input, &node->n_input);
  g_assert_cmpstr(words[i], ==, "->");
  if (words[++i] && !strchr(words[i], '='))
    add_names(b, words[i++], &node->output, &node->n_output);
  for (; words[i]; i++)
    add_attribute(b, node, words[i]);
  append(b, &b->graph.node, &b->graph.n_node, node);
}

static void add_input(Build *b, char **words)
{
  append(b, &b->graph.input, &b->graph.n_input, make_value(b, words));
}

static void add_output(Build *b, char **words)
{
  append(b, &b->graph.output, &b->graph.n_output, make_value(b, words));
}

static void add_opset(Build *b, char **words)
{
  Onnx__OperatorSetIdProto *o = take(b, sizeof(*o));
  onnx__operator_set_id_proto__init(o);
  o->version = g_ascii_strtoll(words[1], NULL, 10);
  append(b, &b->model.opset_import, &b->model.n_opset_import, o);
}

static void begin_body(Build *b, char **words)
{
  g_assert_cmpuint(b->depth, <, G_N_ELEMENTS(b->outer));
  b->names[b->depth] = copy(b, words[1]);
  b->outer[b->depth++] = b->graph;
  onnx__graph_proto__init(&b->graph);
}

static void end_body(Build *b, char **words)
{
  ProtobufCBinaryData *body = take(b, sizeof(*body));
  body->len = onnx__graph_proto__get_packed_size(&b->graph);
  body->data = take(b, body->len);
  onnx__graph_proto__pack(&b->graph, body->data);
  g_assert_cmpuint(b->depth, >, 0);
  b->graph = b->outer[--b->depth];
  g_hash_table_insert(b->bodies, b->names[b->depth], body);
}

static void add_line(Build *b, const char *line)
{
  static const struct {
    const char *word;
    void (*add)(Build *b, char **words);
  } kinds[] = {{"in", add_input},    {"w", add_weight},    {"node", add_node}, {"out", add_output},
               {"opset", add_opset}, {"body", begin_body}, {"end", end_body}};
  g_auto(GStrv) words = g_strsplit_set(line, " ", -1);
  char **to = words;
  for (char **from = words; *from; from++) { /* drop empty words */
    if (**from)
      *to++ = *from;
    else
      g_free(*from);
  }
  *to = NULL;
  if (!words[0])
    return;
  for (guint i = 0; i < G_N_ELEMENTS(kinds); i++) {
    if (!strcmp(kinds[i].word, words[0])) {
      kinds[i].add(b, words);
      return;
    }
  }
  g_error("no line %s", line);
}

GBytes *onnx_build(const char *text)
{
  Build b = {.blocks = g_ptr_array_new_with_free_func(g_free),
             .bodies = g_hash_table_new(g_str_hash, g_str_equal)};
  onnx__model_proto__init(&b.model);
  onnx__graph_proto__init(&b.graph);
  b.model.ir_version = 8;
  b.model.graph = &b.graph;
  g_auto(GStrv) lines = g_strsplit_set(text, "\n;", -1);
  for (char **line = lines; *line; line++)
    add_line(&b, *line);
  size_t size = onnx__model_proto__get_packed_size(&b.model);
  uint8_t *bytes = g_malloc(size + 1);
  onnx__model_proto__pack(&b.model, bytes);
  g_hash_table_unref(b.bodies);
  g_ptr_array_unref(b.blocks);
  return g_bytes_new_take(bytes, size);
}
