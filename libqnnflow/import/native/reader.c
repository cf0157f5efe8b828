/* SPDX-License-Identifier: MIT */
/*
 * reader.c - a .qnnf file to a graph. Nothing is trusted: a count is held against what is left of the file before it is believed,
 * and the first violation ends the reading. Memory besides the file stays below 100 bytes for each byte of the structure.
 * Operators and attributes are found by name, so files outlive changes of the tables.
 */
#include "native.h"
#include "../import.h"

#include <string.h>

typedef struct {
  QfGraph *graph;
  GBytes *file;
  const uint8_t *at, *end; /* what is left of the structure */
  const uint8_t *data;     /* the constants */
  uint64_t data_size;
  const char **strings;
  uint32_t n_strings;
  GError **error;
} Loader;

G_GNUC_PRINTF(3, 4) static gboolean fail(Loader *l, QfError code, const char *format, ...)
{
  va_list args;
  va_start(args, format);
  g_autofree char *text = g_strdup_vprintf(format, args);
  va_end(args);
  if (l->error && !*l->error)
    g_set_error(l->error, QF_ERROR, code, "%s: %s", l->graph->name, text);
  return FALSE;
}

static gboolean damaged(Loader *l, const char *what)
{
  return fail(l, QF_ERROR_FORMAT, "%s; the file is damaged: convert the model again", what);
}

static gboolean get(Loader *l, uint32_t *value)
{
  *value = 0;
  if (l->end - l->at < 4)
    return damaged(l, "its structure ends too early");
  memcpy(value, l->at, 4);
  *value = GUINT32_FROM_LE(*value);
  l->at += 4;
  return TRUE;
}

static gboolean get64(Loader *l, int64_t *value)
{
  uint32_t low, high;
  *value = 0;
  if (!get(l, &low) || !get(l, &high))
    return FALSE;
  *value = (int64_t)((uint64_t)high << 32 | low);
  return TRUE;
}

/* A count of things that take at least @least bytes each. */
static gboolean get_count(Loader *l, uint32_t *count, size_t least)
{
  if (!get(l, count))
    return FALSE;
  return *count <= (size_t)(l->end - l->at) / least || damaged(l, "a count goes beyond its structure");
}

static gboolean get_string(Loader *l, const char **text)
{
  uint32_t index;
  if (!get(l, &index))
    return FALSE;
  if (index >= l->n_strings)
    return damaged(l, "a name is none of its strings");
  *text = l->strings[index];
  return TRUE;
}

static gboolean get_id(Loader *l, gboolean optional, QfTensor **tensor)
{
  uint32_t id;
  if (!get(l, &id))
    return FALSE;
  *tensor = NULL;
  if (optional && id == UINT32_MAX)
    return TRUE;
  if (id >= l->graph->tensors->len)
    return damaged(l, "a tensor is named that it does not have");
  *tensor = g_ptr_array_index(l->graph->tensors, id);
  return TRUE;
}

static gboolean read_strings(Loader *l)
{
  if (!get_count(l, &l->n_strings, 4))
    return FALSE;
  l->strings = qf_graph_alloc(l->graph, l->n_strings * sizeof(*l->strings));
  for (uint32_t i = 0; i < l->n_strings; i++) {
    uint32_t size;
    if (!get_count(l, &size, 1))
      return FALSE;
    size_t whole = ((size_t)size + 3) / 4 * 4;
    if (whole > (size_t)(l->end - l->at) || memchr(l->at, 0, size))
      return damaged(l, "one of its strings has a zero inside or no end");
    l->strings[i] = g_string_chunk_insert_len(l->graph->strings, (const char *)l->at, size);
    l->at += whole;
  }
  return TRUE;
}

static gboolean read_encoding(Loader *l, QfTensor *t)
{
  uint32_t count, axis;
  if (!get_count(l, &count, 8) || !get(l, &axis))
    return FALSE;
  if (!count)
    return TRUE;
  t->enc = (QfEncoding){count, (int32_t)axis, qf_graph_alloc(l->graph, count * sizeof(QfScaleOffset))};
  for (uint32_t i = 0; i < count; i++) {
    uint32_t bits, offset;
    if (!get(l, &bits) || !get(l, &offset))
      return FALSE;
    memcpy(&t->enc.entries[i].scale, &bits, sizeof bits);
    t->enc.entries[i].offset = (int32_t)offset;
  }
  return TRUE;
}

/* A constant, or the first value of a state; *data stays NULL when there is none. */
static gboolean read_data(Loader *l, const QfTensor *t, GBytes **data)
{
  int64_t at, size;
  uint32_t there;
  if (!get(l, &there))
    return FALSE;
  if (!there)
    return TRUE;
  if (!get64(l, &at) || !get64(l, &size))
    return FALSE;
  if (at < 0 || size < 0 || at % QF_NATIVE_ALIGN || (uint64_t)at > l->data_size ||
      (uint64_t)size > l->data_size - (uint64_t)at)
    return damaged(l, "a constant lies outside its data");
  if (qf_tensor_count(t) < 0 || (uint64_t)size != qf_tensor_size_bytes(t))
    return damaged(l, "a constant does not have the size of its shape");
  size_t start = (size_t)(l->data - (const uint8_t *)g_bytes_get_data(l->file, NULL)) + (size_t)at;
  *data = g_bytes_new_from_bytes(l->file, start, (gsize)size);
  return TRUE;
}

static gboolean read_tensor(Loader *l)
{
  const char *name, *dtype;
  uint32_t layout, rank;
  GBytes *data = NULL;
  if (!get_string(l, &name) || !get_string(l, &dtype) || !get(l, &layout) || !get(l, &rank))
    return FALSE;
  QfTensor *t = qf_graph_add_tensor(l->graph, "");
  t->name = (char *)name; /* shared: a thousand tensors may have one long name */
  t->dtype = qf_dtype_from_name(dtype);
  if (t->dtype == QF_DTYPE_INVALID)
    return fail(l, QF_ERROR_UNSUPPORTED,
                "tensor '%s' has the type %s, which this version does not know; update qnnflow", name, dtype);
  if (layout > QF_LAYOUT_NCHW || rank > QF_MAX_RANK)
    return damaged(l, "a tensor has more than 8 dimensions or an unknown layout");
  t->layout = layout;
  t->rank = (int32_t)rank;
  for (uint32_t i = 0; i < rank; i++)
    if (!get64(l, &t->dims[i]))
      return FALSE;
  if (qf_tensor_count(t) < 0)
    return damaged(l, "a tensor has impossible dimensions");
  if (!read_encoding(l, t) || !read_data(l, t, &data))
    return FALSE;
  if (data)
    qf_tensor_set_data(l->graph, t, data);
  return TRUE;
}

/* The index of a name among an attribute's values, -1 when it is not there. */
static int32_t value_of(const QfAttrDef *def, const char *name)
{
  if (def->kind == QF_ATTR_DTYPE)
    return !strcmp(name, qf_dtype_name(QF_DTYPE_INVALID)) ? QF_DTYPE_INVALID
           : qf_dtype_from_name(name)                     ? (int32_t)qf_dtype_from_name(name)
                                                          : -1;
  for (int32_t i = 0; def->enum_names[i]; i++)
    if (!strcmp(def->enum_names[i], name))
      return i;
  return -1;
}

static gboolean read_list(Loader *l, QfInts *list, uint32_t n)
{
  list->n = (int32_t)n;
  for (uint32_t i = 0; i < n; i++)
    if (!get64(l, &list->v[i]))
      return FALSE;
  return TRUE;
}

static gboolean read_scalars(Loader *l, const QfNode *node, const QfAttrDef *def, uint32_t kind, uint32_t n)
{
  int32_t *values =
      (int32_t *)((char *)node->attrs + def->offset); /* a float's bits are copied as they are */
  for (uint32_t i = 0; i < n; i++) {
    const char *name;
    uint32_t bits;
    if (kind != QF_NATIVE_NAME) {
      if (!get(l, &bits))
        return FALSE;
      memcpy(&values[i], &bits, sizeof bits);
      continue;
    }
    if (!get_string(l, &name))
      return FALSE;
    values[i] = value_of(def, name);
    if (values[i] < 0)
      return fail(l, QF_ERROR_UNSUPPORTED,
                  "node '%s' (%s): attribute %s has the value %s, which this version does not know; update "
                  "qnnflow",
                  node->name, node->op->name, def->name, name);
  }
  return TRUE;
}

static gboolean read_attr(Loader *l, QfNode *node)
{
  const char *name;
  uint32_t kind, n;
  const QfAttrDef *def = node->op->attrs;
  if (!get_string(l, &name) || !get(l, &kind) || !get_count(l, &n, 4))
    return FALSE;
  while (def && def->name && strcmp(def->name, name))
    def++;
  if (!def || !def->name)
    return fail(l, QF_ERROR_UNSUPPORTED,
                "node '%s' (%s): there is no attribute %s in this version; update qnnflow", node->name,
                node->op->name, name);
  if (kind != qf_native_kind(def) || n > (kind == QF_NATIVE_LIST ? QF_MAX_RANK : MAX(def->count, 1)))
    return fail(l, QF_ERROR_FORMAT,
                "node '%s' (%s): attribute %s has another kind or length; convert the "
                "model again",
                node->name, node->op->name, name);
  if (kind == QF_NATIVE_LIST)
    return read_list(l, (QfInts *)((char *)node->attrs + def->offset), n);
  return read_scalars(l, node, def, kind, n);
}

/* A list of tensors; absent ones are NULL. Free with g_free(). */
static QfTensor **read_tensors(Loader *l, gboolean optional, uint32_t *n)
{
  if (!get_count(l, n, 4))
    return NULL;
  g_autofree QfTensor **list = g_new0(QfTensor *, *n + 1);
  for (uint32_t i = 0; i < *n; i++)
    if (!get_id(l, optional, &list[i]))
      return NULL;
  return g_steal_pointer(&list);
}

static gboolean read_graph(Loader *l);

static gboolean read_bodies(Loader *l, QfNode *node)
{
  uint32_t n;
  QfGraph *graph = l->graph;
  if (!get(l, &n))
    return FALSE;
  if (n != node->op->n_bodies)
    return damaged(l, "a node does not have the bodies of its operator");
  for (uint32_t i = 0; i < n; i++) {
    if (!(l->graph = qf_graph_new_subgraph(graph, l->error))) {
      l->graph = graph;
      return FALSE;
    }
    QfGraph *body = l->graph;
    gboolean ok = read_graph(l);
    l->graph = graph;
    if (!ok)
      return FALSE;
    qf_node_add_subgraph(node, body);
  }
  return TRUE;
}

static gboolean read_node(Loader *l)
{
  const char *name, *op;
  uint32_t n_in, n_out = 0, n_attrs;
  if (!get_string(l, &name) || !get_string(l, &op))
    return FALSE;
  g_autofree QfTensor **inputs = read_tensors(l, TRUE, &n_in);
  g_autofree QfTensor **outputs = inputs ? read_tensors(l, FALSE, &n_out) : NULL;
  if (!outputs)
    return FALSE;
  if (!qf_op_find(op))
    return fail(l, QF_ERROR_UNSUPPORTED, "node '%s': there is no operator %s in this version; update qnnflow",
                name, op);
  for (uint32_t i = 0; i < n_out; i++)
    if (outputs[i]->data || outputs[i]->producer)
      return damaged(l, "a tensor is produced twice");
  QfNode *node = qf_graph_new_node(l->graph, op, "-", inputs, n_in, outputs, n_out);
  node->name = (char *)name;
  if (!get_count(l, &n_attrs, 12))
    return FALSE;
  for (uint32_t i = 0; i < n_attrs; i++)
    if (!read_attr(l, node))
      return FALSE;
  return read_bodies(l, node) && qf_graph_add_node(node, l->error);
}

static gboolean read_borders(Loader *l, GPtrArray *borders, gboolean input)
{
  uint32_t n;
  g_autofree QfTensor **list = read_tensors(l, FALSE, &n);
  for (uint32_t i = 0; list && i < n; i++) {
    if (input && (list[i]->data || list[i]->producer))
      return damaged(l, "an input of the model is a constant");
    if (input)
      list[i]->producer = NULL;
    g_ptr_array_add(borders, list[i]);
  }
  return list != NULL;
}

static gboolean read_states(Loader *l)
{
  QfGraph *graph = l->graph;
  uint32_t n;
  if (!get_count(l, &n, 4))
    return FALSE;
  if (n > MIN(graph->inputs->len, graph->outputs->len))
    return damaged(l, "it has more states than inputs or outputs");
  graph->states = g_new0(QfState, n + 1);
  graph->n_states = n;
  for (uint32_t i = 0; i < n; i++)
    if (!read_data(l, g_ptr_array_index(graph->inputs, graph->inputs->len - n + i),
                   &graph->states[i].initial))
      return FALSE;
  return TRUE;
}

static gboolean read_graph(Loader *l)
{
  uint32_t n;
  if (!get_count(l, &n, 28))
    return FALSE;
  for (uint32_t i = 0; i < n; i++)
    if (!read_tensor(l))
      return FALSE;
  if (!read_borders(l, l->graph->inputs, TRUE) || !read_borders(l, l->graph->outputs, FALSE) ||
      !read_states(l) || !get_count(l, &n, 24))
    return FALSE;
  for (uint32_t i = 0; i < n; i++)
    if (!read_node(l))
      return FALSE;
  return TRUE;
}

static gboolean read_header(Loader *l, const QfModelOptions *options)
{
  gsize size;
  const uint8_t *file = g_bytes_get_data(l->file, &size);
  QfNativeHeader h;
  if (size < sizeof h)
    return damaged(l, "it is shorter than its header");
  memcpy(&h, file, sizeof h);
  if (GUINT32_FROM_LE(h.version) != QF_NATIVE_VERSION ||
      (GUINT32_FROM_LE(h.flags) & ~(QF_NATIVE_OPTIMIZED | QF_NATIVE_PACKED)))
    return fail(
        l, QF_ERROR_UNSUPPORTED,
        "it has version %u of the .qnnf format (flags %x), this is version %u; convert the model again",
        GUINT32_FROM_LE(h.version), GUINT32_FROM_LE(h.flags), QF_NATIVE_VERSION);
  uint64_t want = GUINT64_FROM_LE(h.file_size), structure = GUINT64_FROM_LE(h.structure_size);
  l->data_size = GUINT64_FROM_LE(h.data_size);
  if (want != size)
    return fail(l, QF_ERROR_FORMAT,
                "%" G_GSIZE_FORMAT " of its %" G_GUINT64_FORMAT " bytes are there; copy it again", size,
                want);
  uint64_t packed = GUINT64_FROM_LE(h.packed_size), rest = size - sizeof h;
  gboolean has_packed = (GUINT32_FROM_LE(h.flags) & QF_NATIVE_PACKED) != 0;
  if (structure > rest || packed > rest - structure || l->data_size != rest - structure - packed ||
      structure % QF_NATIVE_ALIGN || l->data_size % QF_NATIVE_ALIGN || has_packed != (packed != 0) ||
      (packed && (packed % QF_ALIGNMENT || size % QF_ALIGNMENT)))
    return damaged(l, "its header contradicts itself");
  if (GUINT64_FROM_LE(h.sum) != qf_native_structure_sum(file, structure))
    return damaged(l, "the checksum of its structure is wrong");
  l->at = file + sizeof h;
  l->end = l->data = l->at + structure;
  if (options->check_data && GUINT64_FROM_LE(h.data_sum) != qf_native_sum(0, l->data, l->data_size))
    return damaged(l, "the checksum of its constants is wrong");
  const char *wrong = packed ? qf_native_read_packed(l->graph, l->file, packed, options->check_data) : NULL;
  if (wrong)
    return damaged(l, wrong);
  l->graph->optimized = (GUINT32_FROM_LE(h.flags) & QF_NATIVE_OPTIMIZED) != 0;
  return TRUE;
}

/* Constants are used where they lie, so the file must begin on an aligned address, as a mapped one does. */
static GBytes *align_file(GBytes *bytes)
{
  gsize size;
  const uint8_t *data = g_bytes_get_data(bytes, &size);
  if ((uintptr_t)data % QF_ALIGNMENT == 0)
    return g_bytes_ref(bytes);
  gsize padded = size + QF_ALIGNMENT;
  uint8_t *copy = g_malloc(padded), *start = copy + (QF_ALIGNMENT - (uintptr_t)copy % QF_ALIGNMENT);
  memcpy(start, data, size);
  g_autoptr(GBytes) whole = g_bytes_new_take(copy, padded);
  return g_bytes_new_from_bytes(whole, start - copy, size);
}

static void set_evaluate(QfGraph *graph, QfEvaluateFunc evaluate)
{
  graph->evaluate = evaluate;
  for (guint i = 0; i < graph->subgraphs->len; i++)
    set_evaluate(graph->subgraphs->pdata[i], evaluate);
}

static gboolean probe(const uint8_t *data, size_t size)
{
  return size >= 8 && !memcmp(data, QF_NATIVE_MAGIC, 8);
}

static gboolean import(QfGraph *graph, GBytes *bytes, const char *directory, const QfModelOptions *options,
                       GError **error)
{
  g_autoptr(GBytes) file = align_file(bytes);
  Loader l = {.graph = graph, .file = file, .error = error};
  if (G_BYTE_ORDER != G_LITTLE_ENDIAN)
    return fail(&l, QF_ERROR_UNSUPPORTED,
                "the constants of .qnnf files are little-endian, this machine is not");
  QfEvaluateFunc evaluate = graph->evaluate;
  graph->evaluate = NULL; /* the graph is to be what was written */
  gboolean ok =
      read_header(&l, options) && read_strings(&l) && get_string(&l, &graph->source) && read_graph(&l);
  set_evaluate(graph, evaluate);
  return ok;
}

const QfFormat qf_format_qnnf = {"qnnf", ".qnnf", probe, import};
