/* SPDX-License-Identifier: MIT */
/*
 * writer.c - a graph to a .qnnf file. Attributes are written from the tables of ops, so no operator is named here.
 * Equal graphs give equal bytes: nothing depends on addresses or on the clock.
 */
#include "native.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef struct {
  GBytes *bytes;          /* borrowed */
  const QfTensor *tensor; /* whose constant it is; NULL: bytes of a state */
  uint64_t at;            /* in the data */
} Constant;

typedef struct {
  QfGraph *graph;
  GByteArray *body;    /* the structure behind the strings */
  GPtrArray *strings;  /* by index, borrowed */
  GHashTable *indices; /* string -> index */
  GArray *constants;   /* Constant, in the order of the file */
  GHashTable *places;  /* first byte of a constant -> index in constants */
  uint64_t data_size;
  const QfPackedStore *packed; /* NULL: none is written */
  size_t gap; /* zeros behind the data, so that packed constants begin at a multiple of their alignment */
} Writer;

static const uint8_t zeros[QF_NATIVE_ALIGN];

static uint64_t aligned(uint64_t size)
{
  return (size + QF_NATIVE_ALIGN - 1) / QF_NATIVE_ALIGN * QF_NATIVE_ALIGN;
}

static void put(GByteArray *out, uint32_t value)
{
  value = GUINT32_TO_LE(value);
  g_byte_array_append(out, (const guint8 *)&value, sizeof value);
}

static void put64(GByteArray *out, uint64_t value)
{
  value = GUINT64_TO_LE(value);
  g_byte_array_append(out, (const guint8 *)&value, sizeof value);
}

static void put_float(GByteArray *out, float value)
{
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  put(out, bits);
}

static void pad(GByteArray *out, guint to)
{
  g_byte_array_append(out, zeros, (to - out->len % to) % to);
}

static void put_string(Writer *w, const char *text)
{
  gpointer index;
  if (!g_hash_table_lookup_extended(w->indices, text, NULL, &index)) {
    index = GUINT_TO_POINTER(w->strings->len);
    g_ptr_array_add(w->strings, (gpointer)text);
    g_hash_table_insert(w->indices, (gpointer)text, index);
  }
  put(w->body, GPOINTER_TO_UINT(index));
}

/* Bytes of a constant as they are written. forget() when they have been: only then there is room for the next. */
static gconstpointer read_constant(const Constant *c, gsize *size)
{
  gconstpointer data = g_bytes_get_data(c->bytes, size);
  return c->tensor && c->tensor->deferred ? qf_tensor_data(c->tensor) : data;
}

static void forget(const Writer *w, const Constant *c)
{
  if (c->tensor)
    qf_tensor_release(w->graph, c->tensor);
}

/* Where a constant lies in the data; several tensors may share one. */
static uint64_t place(Writer *w, const QfTensor *tensor, GBytes *bytes)
{
  gsize size;
  gconstpointer data = g_bytes_get_data(bytes, &size),
                key = tensor && tensor->deferred ? tensor->deferred : data;
  gpointer index;
  if (size && g_hash_table_lookup_extended(w->places, key, NULL, &index)) {
    const Constant *c = &g_array_index(w->constants, Constant, GPOINTER_TO_UINT(index));
    if (g_bytes_get_size(c->bytes) == size)
      return c->at;
  }
  Constant c = {bytes, tensor, w->data_size};
  if (size)
    g_hash_table_insert(w->places, (gpointer)key, GUINT_TO_POINTER(w->constants->len));
  g_array_append_val(w->constants, c);
  w->data_size += aligned(size);
  return c.at;
}

static void put_data(Writer *w, const QfTensor *tensor, GBytes *data)
{
  put(w->body, data != NULL);
  if (!data)
    return;
  put64(w->body, place(w, tensor, data));
  put64(w->body, g_bytes_get_size(data));
}

static void put_tensor(Writer *w, const QfTensor *t)
{
  put_string(w, t->name);
  put_string(w, qf_dtype_name(t->dtype));
  put(w->body, t->layout);
  put(w->body, t->rank);
  for (int i = 0; i < t->rank; i++)
    put64(w->body, t->dims[i]);
  put(w->body, t->enc.count);
  put(w->body, t->enc.count > 1 ? t->enc.axis : 0);
  for (uint32_t i = 0; i < t->enc.count; i++) {
    put_float(w->body, t->enc.entries[i].scale);
    put(w->body, t->enc.entries[i].offset);
  }
  put_data(w, t, t->data);
}

static void put_names(Writer *w, const QfAttrDef *def, const int32_t *values, uint32_t n)
{
  for (uint32_t i = 0; i < n; i++)
    put_string(w, def->kind == QF_ATTR_DTYPE ? qf_dtype_name(values[i]) : def->enum_names[values[i]]);
}

/* Every attribute is written, so that a default that changes one day does not change old files. */
static void put_attr(Writer *w, const QfAttrDef *def, const void *at)
{
  QfNativeKind kind = qf_native_kind(def);
  uint32_t n = kind == QF_NATIVE_LIST ? (uint32_t)((const QfInts *)at)->n : MAX(def->count, 1);
  put_string(w, def->name);
  put(w->body, kind);
  put(w->body, n);
  if (kind == QF_NATIVE_NAME)
    put_names(w, def, at, n);
  for (uint32_t i = 0; kind == QF_NATIVE_LIST && i < n; i++)
    put64(w->body, ((const QfInts *)at)->v[i]);
  for (uint32_t i = 0; kind == QF_NATIVE_INT && i < n; i++)
    put(w->body, ((const int32_t *)at)[i]);
  for (uint32_t i = 0; kind == QF_NATIVE_FLOAT && i < n; i++)
    put_float(w->body, ((const float *)at)[i]);
}

static void put_tensors(Writer *w, QfTensor *const *tensors, uint32_t n)
{
  put(w->body, n);
  for (uint32_t i = 0; i < n; i++)
    put(w->body, tensors[i] ? tensors[i]->id : UINT32_MAX);
}

static void put_graph(Writer *w, const QfGraph *graph);

static void put_node(Writer *w, const QfNode *node)
{
  uint32_t n = 0;
  put_string(w, node->name);
  put_string(w, node->op->name);
  put_tensors(w, node->inputs, node->n_inputs);
  put_tensors(w, node->outputs, node->n_outputs);
  for (const QfAttrDef *d = node->op->attrs; d && d->name; d++)
    n++;
  put(w->body, n);
  for (const QfAttrDef *d = node->op->attrs; d && d->name; d++)
    put_attr(w, d, (const char *)node->attrs + d->offset);
  put(w->body, node->n_subgraphs);
  for (uint32_t i = 0; i < node->n_subgraphs; i++)
    put_graph(w, node->subgraphs[i]);
}

static void put_graph(Writer *w, const QfGraph *graph)
{
  put(w->body, graph->tensors->len);
  for (guint i = 0; i < graph->tensors->len; i++)
    put_tensor(w, graph->tensors->pdata[i]);
  put_tensors(w, (QfTensor *const *)graph->inputs->pdata, graph->inputs->len);
  put_tensors(w, (QfTensor *const *)graph->outputs->pdata, graph->outputs->len);
  put(w->body, graph->n_states);
  for (uint32_t i = 0; i < graph->n_states; i++)
    put_data(w, NULL, graph->states[i].initial);
  put(w->body, graph->nodes->len);
  for (guint i = 0; i < graph->nodes->len; i++)
    put_node(w, graph->nodes->pdata[i]);
}

/* Header, strings and body in one piece; the sums are still missing. */
static GByteArray *head_of(Writer *w, const QfGraph *graph)
{
  QfNativeHeader header = {.magic = QF_NATIVE_MAGIC};
  GByteArray *out = g_byte_array_new();
  put_string(w, graph->source ? graph->source : graph->format);
  put_graph(w, graph);
  g_byte_array_append(out, (const guint8 *)&header, sizeof header);
  put(out, w->strings->len);
  for (guint i = 0; i < w->strings->len; i++) {
    const char *text = w->strings->pdata[i];
    put(out, strlen(text));
    g_byte_array_append(out, (const guint8 *)text, strlen(text));
    pad(out, 4);
  }
  g_byte_array_append(out, w->body->data, w->body->len);
  pad(out, QF_NATIVE_ALIGN);
  return out;
}

static uint64_t sum_of_data(const Writer *w)
{
  uint64_t sum = 0;
  for (guint i = 0; i < w->constants->len; i++) {
    uint8_t tail[QF_NATIVE_ALIGN] = {0};
    gsize size, whole;
    const Constant *c = &g_array_index(w->constants, Constant, i);
    const uint8_t *data = read_constant(c, &size);
    whole = size / QF_NATIVE_ALIGN * QF_NATIVE_ALIGN;
    sum = qf_native_sum(sum, data, whole);
    memcpy(tail, data + whole, size - whole);
    if (whole != size)
      sum = qf_native_sum(sum, tail, sizeof tail);
    forget(w, c);
  }
  return qf_native_sum(sum, zeros, w->gap);
}

static void finish_head(const Writer *w, const QfGraph *graph, GByteArray *head)
{
  QfNativeHeader h = {.magic = QF_NATIVE_MAGIC};
  h.version = GUINT32_TO_LE(QF_NATIVE_VERSION);
  const uint64_t packed_size = w->packed ? qf_native_packed_size(w->packed) : 0;
  h.flags = GUINT32_TO_LE((graph->optimized ? QF_NATIVE_OPTIMIZED : 0) | (w->packed ? QF_NATIVE_PACKED : 0));
  h.packed_size = GUINT64_TO_LE(packed_size);
  h.file_size = GUINT64_TO_LE(head->len + w->data_size + w->gap + packed_size);
  h.structure_size = GUINT64_TO_LE(head->len - sizeof h);
  h.data_size = GUINT64_TO_LE(w->data_size + w->gap);
  h.data_sum = GUINT64_TO_LE(sum_of_data(w));
  memcpy(head->data, &h, sizeof h);
  h.sum = GUINT64_TO_LE(qf_native_structure_sum(head->data, head->len - sizeof h));
  memcpy(head->data, &h, sizeof h);
}

static gboolean write_all(const Writer *w, const GByteArray *head, FILE *file)
{
  if (fwrite(head->data, 1, head->len, file) != head->len)
    return FALSE;
  for (guint i = 0; i < w->constants->len; i++) {
    gsize size;
    const Constant *c = &g_array_index(w->constants, Constant, i);
    gconstpointer data = read_constant(c, &size);
    gsize rest = aligned(size) - size;
    gboolean ok = fwrite(data, 1, size, file) == size && fwrite(zeros, 1, rest, file) == rest;
    forget(w, c);
    if (!ok)
      return FALSE;
  }
  if (w->packed && (fwrite(zeros, 1, w->gap, file) != w->gap || !qf_native_write_packed(w->packed, file)))
    return FALSE;
  return fflush(file) == 0;
}

static gboolean cannot_write(const char *path, GError **error)
{
  g_set_error(error, QF_ERROR, QF_ERROR_FILE,
              "%s: the model cannot be written (%s); nothing was left there. Name a file in a folder that "
              "exists, may be written and has room",
              path, g_strerror(errno));
  return FALSE;
}

/* Into a new file beside it, which then takes its name: who reads @path meanwhile sees the old file or the new one. */
static gboolean write_file(const Writer *w, const GByteArray *head, const char *path, GError **error)
{
  g_autofree char *temporary = g_strdup_printf("%s.XXXXXX", path);
  int descriptor = g_mkstemp_full(temporary, O_RDWR | O_CLOEXEC, 0666);
  if (descriptor < 0)
    return cannot_write(path, error);
  FILE *file = fdopen(descriptor, "wb");
  gboolean ok = file && write_all(w, head, file) && fsync(descriptor) == 0;
  int cause = errno;
  if (file)
    ok = fclose(file) == 0 && ok;
  else
    close(descriptor);
  if (ok && g_rename(temporary, path) == 0)
    return TRUE;
  errno = ok ? errno : cause;
  cannot_write(path, error);
  g_unlink(temporary);
  return FALSE;
}

/* A pipe or a device is not replaced but written to. */
static gboolean write_device(const Writer *w, const GByteArray *head, const char *path, GError **error)
{
  FILE *file = g_fopen(path, "wbe");
  gboolean ok = file && write_all(w, head, file);
  ok = file && fclose(file) == 0 && ok;
  return ok || cannot_write(path, error);
}

/* /dev/stdout may lead to a file, and stays a link to it. /dev/shm has files like other folders. */
static gboolean is_device(const char *path)
{
  if (g_str_has_prefix(path, "/dev/") && !g_str_has_prefix(path, "/dev/shm/"))
    return TRUE;
  return g_file_test(path, G_FILE_TEST_EXISTS) &&
         !g_file_test(path, G_FILE_TEST_IS_REGULAR | G_FILE_TEST_IS_DIR);
}

gboolean qf_native_write(const QfGraph *graph, const char *path, GError **error)
{
  g_autoptr(GByteArray) body = g_byte_array_new();
  g_autoptr(GPtrArray) strings = g_ptr_array_new();
  g_autoptr(GHashTable) indices = g_hash_table_new(g_str_hash, g_str_equal);
  g_autoptr(GArray) constants = g_array_new(FALSE, FALSE, sizeof(Constant));
  g_autoptr(GHashTable) places = g_hash_table_new(NULL, NULL);
  QfGraph *mutable = (QfGraph *)graph; /* constants may be made while it is written */
  Writer w = {mutable, body, strings, indices, constants, places, 0, NULL, 0};
  g_autoptr(GByteArray) head = head_of(&w, graph);
  if (graph->packed && graph->packed->made_for && graph->packed->made->len) {
    w.packed = graph->packed;
    w.gap = (head->len + w.data_size) % QF_ALIGNMENT ? QF_NATIVE_ALIGN : 0;
  }
  finish_head(&w, graph, head);
  return (is_device(path) ? write_device : write_file)(&w, head, path, error);
}
