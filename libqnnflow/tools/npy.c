/* SPDX-License-Identifier: MIT */
/*
 * npy.c - NumPy array files: magic, version, a Python dictionary as text, then the elements.
 * The dictionary's three keys may come in any order; the data must be as long as the shape says, to the byte.
 */
#include "npy.h"

#include <stdlib.h>
#include <string.h>

static const char magic[] = "\x93NUMPY";

enum { MAGIC_BYTES = 6, MAX_HEADER_BYTES = 1 << 16 };

/* The letter and size of a type, as in '<f4'. */
static const struct {
  char kind;
  uint8_t size;
  QfDType dtype;
} descrs[] = {
    {'f', 4, QF_DTYPE_FLOAT32}, {'f', 2, QF_DTYPE_FLOAT16}, {'V', 2, QF_DTYPE_BFLOAT16},
    {'f', 8, QF_DTYPE_FLOAT64}, {'i', 1, QF_DTYPE_INT8},    {'u', 1, QF_DTYPE_UINT8},
    {'i', 2, QF_DTYPE_INT16},   {'u', 2, QF_DTYPE_UINT16},  {'i', 4, QF_DTYPE_INT32},
    {'u', 4, QF_DTYPE_UINT32},  {'i', 8, QF_DTYPE_INT64},   {'u', 8, QF_DTYPE_UINT64},
    {'b', 1, QF_DTYPE_BOOL},
};

typedef struct {
  const char *path;
  char *descr; /* owned */
  gboolean big_endian, fortran, have_order, have_shape;
  QfNpy array; /* type and shape; no data yet */
} Header;

G_GNUC_PRINTF(4, 5)
static gboolean fail(GError **error, QfError code, const char *path, const char *format, ...)
{
  va_list args;
  va_start(args, format);
  g_autofree char *text = g_strdup_vprintf(format, args);
  va_end(args);
  g_set_error(error, QF_ERROR, code, "%s: %s", path, text);
  return FALSE;
}

static const char *skip(const char *text)
{
  while (*text == ' ' || *text == '\n' || *text == '\t')
    text++;
  return text;
}

/* Reads 'text' or "text" at *@at. NULL when there is none. */
static char *read_quoted(const char **at)
{
  const char *text = skip(*at), *end = *text == '\'' || *text == '"' ? strchr(text + 1, *text) : NULL;
  if (!end)
    return NULL;
  *at = end + 1;
  return g_strndup(text + 1, end - text - 1);
}

/* Reads True or False into @value. */
static gboolean read_bool(const char **at, gboolean *value)
{
  const char *text = skip(*at);
  *value = g_str_has_prefix(text, "True");
  if (!*value && !g_str_has_prefix(text, "False"))
    return FALSE;
  *at = text + (*value ? 4 : 5);
  return TRUE;
}

/* Reads a tuple of dimensions, "(1, 2,)" or "()". */
static gboolean read_shape(Header *h, const char **at, GError **error)
{
  const char *text = skip(*at);
  if (*text++ != '(')
    return fail(error, QF_ERROR_FORMAT, h->path,
                "the .npy header's shape is not a tuple; save the array anew");
  for (text = skip(text); *text != ')'; text = skip(text)) {
    char *end = NULL;
    guint64 dim = g_ascii_isdigit(*text) ? g_ascii_strtoull(text, &end, 10) : G_MAXUINT64;
    if (!end || dim > G_MAXINT64)
      return fail(error, QF_ERROR_FORMAT, h->path,
                  "the .npy header's shape holds '%.8s', which is no dimension", text);
    if (h->array.rank == QF_MAX_RANK)
      return fail(error, QF_ERROR_SHAPE, h->path, "more than %d dimensions; reshape the array", QF_MAX_RANK);
    h->array.dims[h->array.rank++] = dim;
    text = skip(end);
    text += *text == ',';
  }
  *at = text + 1;
  h->have_shape = TRUE;
  return TRUE;
}

static gboolean read_key(Header *h, const char **at, GError **error)
{
  g_autofree char *key = read_quoted(at);
  *at = skip(*at);
  if (!key || *(*at)++ != ':')
    return fail(error, QF_ERROR_FORMAT, h->path, "the .npy header is not a dictionary; save the array anew");
  if (!strcmp(key, "shape") && !h->have_shape)
    return read_shape(h, at, error);
  if (!strcmp(key, "fortran_order") && !h->have_order)
    return (h->have_order = read_bool(at, &h->fortran)) ||
           fail(error, QF_ERROR_FORMAT, h->path, "the .npy header's fortran_order is neither True nor False");
  if (!strcmp(key, "descr") && !h->descr) {
    if (*skip(*at) == '[')
      return fail(error, QF_ERROR_UNSUPPORTED, h->path,
                  "structured .npy arrays are not supported; save plain numbers");
    return (h->descr = read_quoted(at)) || fail(error, QF_ERROR_FORMAT, h->path,
                                                "the .npy header's descr is not a text; save the array anew");
  }
  return fail(error, QF_ERROR_FORMAT, h->path, "the .npy header has the unexpected or repeated key '%s'",
              key);
}

static gboolean read_dictionary(Header *h, const char *text, GError **error)
{
  text = skip(text);
  if (*text++ != '{')
    return fail(error, QF_ERROR_FORMAT, h->path, "the .npy header is not a dictionary; save the array anew");
  for (text = skip(text); *text && *text != '}'; text = skip(text)) {
    if (!read_key(h, &text, error))
      return FALSE;
    text = skip(text);
    text += *text == ',';
  }
  if (*text != '}' || !h->descr || !h->have_order || !h->have_shape)
    return fail(error, QF_ERROR_FORMAT, h->path, "the .npy header lacks descr, fortran_order or shape");
  return TRUE;
}

/* Turns '<f4' into a type. */
static gboolean read_descr(Header *h, GError **error)
{
  const char *d = h->descr;
  if (*d && strchr("<>|=", *d))
    h->big_endian = *d++ == '>';
  char *end = NULL;
  guint64 size = *d ? g_ascii_strtoull(d + 1, &end, 10) : 0;
  for (guint i = 0; *d && end && !*end && i < G_N_ELEMENTS(descrs); i++)
    if (descrs[i].kind == *d && descrs[i].size == size) {
      h->array.dtype = descrs[i].dtype;
      return TRUE;
    }
  return fail(error, QF_ERROR_UNSUPPORTED, h->path,
              "type '%s' is not supported; convert with .astype('float32')", h->descr);
}

/* Where the text of the header starts and how long it is; FALSE when the file is no .npy or too short. */
static gboolean find_header(const uint8_t *bytes, size_t length, size_t *start, size_t *size)
{
  if (length < MAGIC_BYTES + 4 || memcmp(bytes, magic, MAGIC_BYTES) || bytes[6] < 1 || bytes[6] > 3)
    return FALSE;
  *start = bytes[6] == 1 ? 10 : 12;
  if (length < *start)
    return FALSE;
  *size = bytes[8] | bytes[9] << 8;
  if (bytes[6] > 1)
    *size |= (size_t)bytes[10] << 16 | (size_t)bytes[11] << 24;
  return *size <= MAX_HEADER_BYTES && *size <= length - *start;
}

static gboolean read_header(Header *h, const uint8_t *bytes, size_t length, size_t *data_start,
                            GError **error)
{
  size_t start = 0, size = 0;
  if (!find_header(bytes, length, &start, &size))
    return fail(error, QF_ERROR_FORMAT, h->path,
                "not a .npy file, or one that was cut off; save it with numpy.save()");
  g_autofree char *text = g_strndup((const char *)bytes + start, size);
  if (!read_dictionary(h, text, error) || !read_descr(h, error))
    return FALSE;
  if (h->fortran && h->array.rank > 1)
    return fail(error, QF_ERROR_UNSUPPORTED, h->path, "Fortran order; save numpy.ascontiguousarray(array)");
  *data_start = start + size;
  return TRUE;
}

static void swap_bytes(uint8_t *data, size_t count, size_t size)
{
  for (size_t i = 0; i < count; i++, data += size)
    for (size_t a = 0, b = size - 1; a < b; a++, b--) {
      uint8_t byte = data[a];
      data[a] = data[b];
      data[b] = byte;
    }
}

static gboolean read_array(Header *h, const uint8_t *bytes, size_t length, GError **error)
{
  size_t start = 0, element;
  if (!read_header(h, bytes, length, &start, error))
    return FALSE;
  QfNpy *a = &h->array;
  int64_t count = qf_dims_count(a->dims, a->rank);
  element = qf_dtype_size(a->dtype);
  if (count < 0 || (uint64_t)count > G_MAXINT64 / element)
    return fail(error, QF_ERROR_LIMIT, h->path, "the .npy shape is too large to address");
  if ((uint64_t)count * element != length - start)
    return fail(error, QF_ERROR_FORMAT, h->path,
                "the shape needs %" G_GUINT64_FORMAT " bytes of data but the file has %" G_GSIZE_FORMAT
                "; save the array anew",
                (uint64_t)count * element, length - start);
  a->size_bytes = length - start;
  a->data = g_malloc(MAX(a->size_bytes, 1));
  memcpy(a->data, bytes + start, a->size_bytes);
  if (h->big_endian)
    swap_bytes(a->data, count, element);
  return TRUE;
}

gboolean qf_npy_read(const char *path, QfNpy *array, GError **error)
{
  Header header = {.path = path};
  g_autoptr(GError) cause = NULL;
  qf_npy_clear(array);
  g_autoptr(GMappedFile) file = g_mapped_file_new(path, FALSE, &cause);
  if (!file)
    return fail(error, QF_ERROR_FILE, path, "cannot be read (%s)", cause->message);
  g_autoptr(GBytes) bytes = g_mapped_file_get_bytes(file);
  gsize length;
  const uint8_t *data = g_bytes_get_data(bytes, &length);
  gboolean ok = read_array(&header, data, length, error);
  if (ok)
    *array = header.array;
  g_free(header.descr);
  return ok;
}

gboolean qf_npy_write(const char *path, QfDType dtype, const int64_t *dims, int32_t rank, const void *data,
                      GError **error)
{
  int64_t count = qf_dims_count(dims, rank);
  guint row = 0;
  while (row < G_N_ELEMENTS(descrs) && descrs[row].dtype != dtype)
    row++;
  if (row == G_N_ELEMENTS(descrs) || count < 0 || (uint64_t)count > G_MAXSSIZE / 8 - 4096)
    return fail(error, QF_ERROR_TYPE, path, "an array of type %s cannot be saved as .npy",
                qf_dtype_name(dtype));
  size_t size = count * descrs[row].size;
  g_autoptr(GString) text = g_string_new(NULL);
  g_string_append_printf(text, "{'descr': '%c%c%u', 'fortran_order': False, 'shape': (",
                         descrs[row].size == 1 || descrs[row].kind == 'V' ? '|' : '<', descrs[row].kind,
                         descrs[row].size);
  for (int32_t i = 0; i < rank; i++)
    g_string_append_printf(text, "%" G_GINT64_FORMAT "%s", dims[i],
                           i + 1 < rank ? ", "
                           : rank == 1  ? ","
                                        : "");
  g_string_append(text, "), }");
  while ((10 + text->len + 1) % 64)
    g_string_append_c(text, ' ');
  g_string_append_c(text, '\n');
  const char head[] = {magic[0], magic[1], magic[2], magic[3],        magic[4],
                       magic[5], 1,        0,        text->len & 255, text->len >> 8};
  g_string_prepend_len(text, head, sizeof head);
  if (size)
    g_string_append_len(text, data, size);
  g_autoptr(GError) cause = NULL;
  if (!g_file_set_contents_full(path, text->str, text->len, G_FILE_SET_CONTENTS_CONSISTENT, 0666, &cause))
    return fail(error, QF_ERROR_FILE, path, "cannot be written (%s)", cause->message);
  return TRUE;
}

void qf_npy_clear(QfNpy *array)
{
  g_free(array->data);
  *array = (QfNpy){0};
}
