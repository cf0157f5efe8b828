/* SPDX-License-Identifier: MIT */
/*
 * reader.c - checks the bytes of a GGUF file from front to end and lists its metadata and tensors.
 *
 * A count is believed only when the bytes that are left can hold so many of the smallest records; nothing is allocated before.
 */
#include "reader.h"

#include <string.h>

#define MIN_ENTRY (8 + 4 + 1)      /* an empty key, a type, a byte */
#define MIN_TENSOR (8 + 4 + 4 + 8) /* an empty name, no dimension, a type, an offset */
#define DEFAULT_ALIGNMENT 32

typedef struct {
  QfGguf *g;
  const uint8_t *at, *end;
  const char *what; /* what is being read, for messages */
  GError **error;
} Cursor;

G_GNUC_PRINTF(3, 4) static gboolean fail(Cursor *c, QfError code, const char *format, ...)
{
  va_list args;
  va_start(args, format);
  g_autofree char *text = g_strdup_vprintf(format, args);
  va_end(args);
  g_set_error(c->error, QF_ERROR, code, "%s: %s%s at byte %zu: %s", c->g->name,
              code == QF_ERROR_FORMAT ? "not a usable GGUF file: " : "", c->what,
              (size_t)(c->at - c->g->data), text);
  return FALSE;
}

static gboolean need(Cursor *c, uint64_t bytes)
{
  if (bytes <= (uint64_t)(c->end - c->at))
    return TRUE;
  return fail(c, QF_ERROR_FORMAT,
              "%" G_GUINT64_FORMAT
              " bytes are wanted, but %zu are left; the file is cut off or damaged, copy it again",
              bytes, (size_t)(c->end - c->at));
}

static gboolean get(Cursor *c, size_t size, uint64_t *value)
{
  if (!need(c, size))
    return FALSE;
  *value = qf_gguf_number(c->g, c->at, size);
  c->at += size;
  return TRUE;
}

/* A count of records of at least @each bytes. */
static gboolean get_count(Cursor *c, uint64_t each, uint64_t *count)
{
  if (!get(c, 8, count))
    return FALSE;
  if (*count <= (uint64_t)(c->end - c->at) / each && *count < UINT32_MAX)
    return TRUE;
  return fail(c, QF_ERROR_FORMAT, "a count of %" G_GUINT64_FORMAT " does not fit the %zu bytes that follow",
              *count, (size_t)(c->end - c->at));
}

/* A key or a name: copied with an end, for it must be text. */
static gboolean get_name(Cursor *c, const char **name)
{
  uint64_t length;
  if (!get(c, 8, &length) || !need(c, length))
    return FALSE;
  if (!length || length > 65535 || memchr(c->at, 0, length) ||
      !g_utf8_validate((const char *)c->at, (gssize)length, NULL))
    return fail(c, QF_ERROR_FORMAT,
                "a name of %" G_GUINT64_FORMAT " bytes that is empty, too long or not UTF-8", length);
  *name = g_string_chunk_insert_len(c->g->strings, (const char *)c->at, (gssize)length);
  c->at += length;
  return TRUE;
}

static gboolean get_type(Cursor *c, QfGgufType *type)
{
  uint64_t number;
  if (!get(c, 4, &number))
    return FALSE;
  if (number >= QF_GGUF_N_TYPES)
    return fail(c, QF_ERROR_FORMAT, "value type %u is unknown", (uint32_t)number);
  *type = (QfGgufType)number;
  return TRUE;
}

/* Steps over a value of @type, checking it. */
static gboolean skip_value(Cursor *c, QfGgufType type, int depth)
{
  uint64_t n;
  QfGgufType item = QF_GGUF_UINT8;
  if (type == QF_GGUF_STRING) {
    if (!get(c, 8, &n) || !need(c, n))
      return FALSE;
    c->at += n;
    return TRUE;
  }
  if (type == QF_GGUF_BOOL && c->at<c->end && * c->at> 1)
    return fail(c, QF_ERROR_FORMAT, "a truth value is %u, but must be 0 or 1", *c->at);
  if (type != QF_GGUF_ARRAY) {
    if (!need(c, qf_gguf_type_size(type)))
      return FALSE;
    c->at += qf_gguf_type_size(type);
    return TRUE;
  }
  if (depth == QF_GGUF_MAX_DEPTH)
    return fail(c, QF_ERROR_FORMAT, "arrays in arrays, more than %d deep", QF_GGUF_MAX_DEPTH);
  if (!get_type(c, &item))
    return FALSE;
  const size_t size = qf_gguf_type_size(item);
  if (!get_count(c, size ? size : item == QF_GGUF_STRING ? 8 : 12, &n))
    return FALSE;
  if (size && item != QF_GGUF_BOOL) {
    c->at += n * size;
    return TRUE;
  }
  for (uint64_t i = 0; i < n; i++)
    if (!skip_value(c, item, depth + 1))
      return FALSE;
  return TRUE;
}

static gboolean add_name(Cursor *c, GHashTable *names, const char *name, guint index)
{
  if (g_hash_table_insert(names, (char *)name, GUINT_TO_POINTER(index + 1)))
    return TRUE;
  return fail(c, QF_ERROR_FORMAT, "the name '%s' is there twice", name);
}

static gboolean read_metadata(Cursor *c, uint64_t count)
{
  QfGguf *g = c->g;
  for (uint64_t i = 0; i < count; i++) {
    QfGgufEntry e = {0};
    QfGgufType type = QF_GGUF_UINT8;
    c->what = "metadata";
    if (!get_name(c, &e.key) || !add_name(c, g->by_key, e.key, g->metadata->len))
      return FALSE;
    c->what = e.key;
    if (!get_type(c, &type))
      return FALSE;
    const uint8_t *start = c->at;
    if (!skip_value(c, type, 0))
      return FALSE;
    qf_gguf_read_value(g, type, start, &e.value);
    g_array_append_val(g->metadata, e);
  }
  c->what = "general.alignment";
  const QfGgufEntry *a = qf_gguf_find_metadata(g, c->what);
  if (a &&
      (a->value.type != QF_GGUF_UINT32 || !a->value.number.u || a->value.number.u & (a->value.number.u - 1)))
    return fail(c, QF_ERROR_FORMAT, "it must be a uint32 that is a power of two");
  g->alignment = a ? (uint32_t)a->value.number.u : DEFAULT_ALIGNMENT;
  return TRUE;
}

static gboolean read_dims(Cursor *c, QfGgufTensor *t)
{
  uint64_t rank, dim;
  if (!get(c, 4, &rank))
    return FALSE;
  if (rank > QF_MAX_RANK)
    return fail(c, QF_ERROR_FORMAT, "it has %u dimensions, at most %d are possible", (uint32_t)rank,
                QF_MAX_RANK);
  t->rank = (int32_t)rank;
  for (int32_t i = t->rank - 1; i >= 0; i--) {
    if (!get(c, 8, &dim))
      return FALSE;
    t->dims[i] = (int64_t)dim;
  }
  const int64_t n = qf_dims_count(t->dims, t->rank);
  if (n < 0)
    return fail(c, QF_ERROR_FORMAT, "its dimensions are negative or beyond 2^62 values");
  t->n_values = (uint64_t)n;
  return TRUE;
}

static gboolean read_type(Cursor *c, QfGgufTensor *t)
{
  uint64_t number;
  if (!get(c, 4, &number))
    return FALSE;
  const QfkBlockDef *f = qfk_block_by_number((int64_t)number);
  if (!f)
    return fail(
        c, QF_ERROR_UNSUPPORTED,
        "its type number %u is none of those known here (F32 to MXFP4); convert the tensor, for instance to "
        "Q8_0 or F16",
        (uint32_t)number);
  const int64_t row = t->rank ? t->dims[t->rank - 1] : 1;
  if (row % f->values)
    return fail(c, QF_ERROR_FORMAT,
                "rows of %" G_GINT64_FORMAT " values are no whole number of %s blocks of %u", row, f->name,
                f->values);
  t->type = f->name;
  t->type_number = (uint32_t)number;
  if (t->n_values / f->values > UINT64_MAX / 2 / f->bytes)
    return fail(c, QF_ERROR_FORMAT, "it has too many values");
  t->size_bytes = t->n_values / f->values * f->bytes;
  return TRUE;
}

static gboolean read_tensors(Cursor *c, uint64_t count)
{
  QfGguf *g = c->g;
  for (uint64_t i = 0; i < count; i++) {
    QfGgufTensor t = {0};
    c->what = "list of tensors";
    if (!get_name(c, &t.name) || !add_name(c, g->by_name, t.name, g->tensors->len))
      return FALSE;
    c->what = t.name;
    if (!read_dims(c, &t) || !read_type(c, &t) || !get(c, 8, &t.offset))
      return FALSE;
    g_array_append_val(g->tensors, t);
  }
  return TRUE;
}

/* Offsets count from the first aligned byte behind the list of tensors. */
static gboolean place_tensors(Cursor *c)
{
  QfGguf *g = c->g;
  const uint64_t head = (uint64_t)(c->at - g->data), mask = g->alignment - 1;
  const uint64_t base = (head + mask) & ~mask, room = base < g->size ? g->size - base : 0;
  for (guint i = 0; i < g->tensors->len; i++) {
    QfGgufTensor *t = &g_array_index(g->tensors, QfGgufTensor, i);
    c->what = t->name;
    if (t->offset & mask)
      return fail(c, QF_ERROR_FORMAT, "its offset %" G_GUINT64_FORMAT " is no multiple of the alignment %u",
                  t->offset, g->alignment);
    if (t->offset > room || t->size_bytes > room - t->offset)
      return fail(c, QF_ERROR_FORMAT,
                  "its %" G_GUINT64_FORMAT " bytes from %" G_GUINT64_FORMAT
                  " on lie behind the end of the file (%zu "
                  "bytes), which is cut off or damaged; copy it again",
                  t->size_bytes, base + t->offset, g->size);
    t->offset += base;
  }
  return TRUE;
}

static gboolean read_head(Cursor *c)
{
  QfGguf *g = c->g;
  uint64_t version, n_tensors, n_entries;
  c->what = "head";
  if (!need(c, 8))
    return FALSE;
  if (memcmp(c->at, QF_GGUF_MAGIC, 4))
    return fail(c, QF_ERROR_FORMAT, "it does not begin with \"GGUF\"");
  c->at += 4;
  g->big_endian = !c->at[0] && !c->at[1]; /* versions are small */
  if (!get(c, 4, &version))
    return FALSE;
  if (version != 2 && version != 3)
    return fail(c, QF_ERROR_UNSUPPORTED,
                "GGUF version %u is not read, only 2 and 3 are; convert the model again with current tools",
                (uint32_t)version);
  g->version = (uint32_t)version;
  if (!get_count(c, MIN_TENSOR, &n_tensors) || !get_count(c, MIN_ENTRY, &n_entries))
    return FALSE;
  return read_metadata(c, n_entries) && read_tensors(c, n_tensors) && place_tensors(c);
}

QfGguf *qf_gguf_open_bytes(GBytes *bytes, const char *name, GError **error)
{
  g_autoptr(QfGguf) g = g_new0(QfGguf, 1);
  gsize size;
  g->name = g_strdup(name ? name : "weights");
  g->bytes = g_bytes_ref(bytes);
  g->data = g_bytes_get_data(bytes, &size);
  if (!g->data) /* of nothing */
    g->data = (const uint8_t *)"";
  g->size = size;
  g->metadata = g_array_new(FALSE, TRUE, sizeof(QfGgufEntry));
  g->tensors = g_array_new(FALSE, TRUE, sizeof(QfGgufTensor));
  g->by_key = g_hash_table_new(g_str_hash, g_str_equal);
  g->by_name = g_hash_table_new(g_str_hash, g_str_equal);
  g->strings = g_string_chunk_new(256);
  Cursor c = {.g = g, .at = g->data, .end = g->data + size, .error = error};
  return read_head(&c) ? g_steal_pointer(&g) : NULL;
}

QfGguf *qf_gguf_open(const char *path, GError **error)
{
  g_autoptr(GError) cause = NULL;
  g_autoptr(GMappedFile) file = g_mapped_file_new(path, FALSE, &cause);
  if (!file) {
    g_set_error(error, QF_ERROR, QF_ERROR_FILE, "%s: the file cannot be read: %s", path, cause->message);
    return NULL;
  }
  g_autoptr(GBytes) bytes = g_mapped_file_get_bytes(file);
  return qf_gguf_open_bytes(bytes, path, error);
}

void qf_gguf_free(QfGguf *g)
{
  if (!g)
    return;
  g_free(g->name);
  g_bytes_unref(g->bytes);
  g_array_unref(g->metadata);
  g_array_unref(g->tensors);
  g_hash_table_unref(g->by_key);
  g_hash_table_unref(g->by_name);
  g_string_chunk_free(g->strings);
  g_free(g);
}
