/* SPDX-License-Identifier: MIT */
/*
 * zip.c - see zip.h. The directory at the archive's end is the truth; of the header before each file only its own length is
 * used. Large archives (zip64) keep sizes in an extra field.
 */
#include "zip.h"

#include <string.h>

#define END_SIGNATURE 0x06054b50
#define END64_SIGNATURE 0x06064b50
#define LOCATOR_SIGNATURE 0x07064b50
#define ENTRY_SIGNATURE 0x02014b50
#define FILE_SIGNATURE 0x04034b50
#define END_BYTES 22
#define ENTRY_BYTES 46
#define FILE_BYTES 30
#define ZIP64_EXTRA 1

typedef struct {
  QfZip *zip;
  const uint8_t *data;
  size_t size;
  GError **error;
} Reader;

static uint64_t le(const uint8_t *p, int bytes)
{
  uint64_t v = 0;
  while (bytes--)
    v = v << 8 | p[bytes];
  return v;
}

static gboolean damaged(const Reader *r, const char *what)
{
  g_set_error(r->error, QF_ERROR, QF_ERROR_FORMAT,
              "%s: not a usable zip archive: %s; it is cut off or damaged, copy it again", r->zip->name,
              what);
  return FALSE;
}

static gboolean fits(const Reader *r, uint64_t at, uint64_t bytes)
{
  return at <= r->size && bytes <= r->size - at;
}

gboolean qf_zip_probe(const uint8_t *data, size_t size)
{
  return size >= 4 && (le(data, 4) == FILE_SIGNATURE || le(data, 4) == END_SIGNATURE);
}

/* The end record, behind which only a comment of up to 64 kB may stand. */
static gboolean find_end(const Reader *r, size_t *end)
{
  for (size_t back = END_BYTES; back <= r->size && back <= END_BYTES + 65535; back++)
    if (le(r->data + r->size - back, 4) == END_SIGNATURE) {
      *end = r->size - back;
      return TRUE;
    }
  return damaged(r, "the directory at its end is missing");
}

/* Where the directory is, how long, and of how many entries. */
static gboolean find_directory(const Reader *r, uint64_t *at, uint64_t *bytes, uint64_t *count)
{
  size_t end;
  if (!find_end(r, &end))
    return FALSE;
  const uint8_t *p = r->data + end;
  *count = le(p + 10, 2);
  *bytes = le(p + 12, 4);
  *at = le(p + 16, 4);
  if (end >= 20 && le(p - 20, 4) == LOCATOR_SIGNATURE) {
    const uint64_t end64 = le(p - 12, 8);
    if (!fits(r, end64, 56) || le(r->data + end64, 4) != END64_SIGNATURE)
      return damaged(r, "its 64-bit directory is not where it should be");
    *count = le(r->data + end64 + 32, 8);
    *bytes = le(r->data + end64 + 40, 8);
    *at = le(r->data + end64 + 48, 8);
  }
  return (fits(r, *at, *bytes) && *count <= *bytes / ENTRY_BYTES) || damaged(r, "its directory does not fit");
}

/* Sizes that do not fit 32 bits lie in an extra field, in this order, each only if needed. */
static void read_zip64(const uint8_t *extra, size_t length, uint64_t *size, uint64_t *stored,
                       uint64_t *offset)
{
  uint64_t *const values[] = {size, stored, offset};
  while (length >= 4) {
    const size_t n = MIN((size_t)le(extra + 2, 2), length - 4);
    for (size_t i = 0, at = 4; le(extra, 2) == ZIP64_EXTRA && i < 3; i++)
      if (*values[i] == UINT32_MAX && at + 8 <= 4 + n) {
        *values[i] = le(extra + at, 8);
        at += 8;
      }
    extra += 4 + n;
    length -= 4 + n;
  }
}

static gboolean unsupported(const Reader *r, const char *path, const char *what)
{
  g_set_error(r->error, QF_ERROR, QF_ERROR_UNSUPPORTED,
              "%s: the file '%.200s' in this archive is %s; torch.export.save() stores files as they are: "
              "save again, or "
              "repack with `zip -0`",
              r->zip->name, path, what);
  return FALSE;
}

static gboolean read_entry(const Reader *r, const uint8_t *p, size_t name_length, size_t extra_length)
{
  uint64_t stored = le(p + 20, 4), size = le(p + 24, 4), offset = le(p + 42, 4);
  g_autofree char *path = g_strndup((const char *)p + ENTRY_BYTES, name_length);
  read_zip64(p + ENTRY_BYTES + name_length, extra_length, &size, &stored, &offset);
  if (strlen(path) != name_length || !name_length || !g_utf8_validate(path, -1, NULL))
    return damaged(r, "a file's name is no text");
  if (g_str_has_suffix(path, "/"))
    return TRUE;
  if (le(p + 8, 2) & 1)
    return unsupported(r, path, "encrypted");
  if (le(p + 10, 2))
    return unsupported(r, path, "compressed");
  if (!fits(r, offset, FILE_BYTES) || le(r->data + offset, 4) != FILE_SIGNATURE || stored != size)
    return damaged(r, "a file's header is not where it should be");
  const uint64_t start = offset + FILE_BYTES + le(r->data + offset + 26, 2) + le(r->data + offset + 28, 2);
  if (!fits(r, start, size))
    return damaged(r, "a file reaches behind the end");
  if (g_hash_table_contains(r->zip->entries, path))
    return damaged(r, "two files have one name");
  g_ptr_array_add(r->zip->paths, path);
  g_hash_table_insert(r->zip->entries, g_steal_pointer(&path),
                      g_bytes_new_from_bytes(r->zip->bytes, start, size));
  return TRUE;
}

static gboolean read_all(const Reader *r)
{
  uint64_t at, bytes, count;
  if (!find_directory(r, &at, &bytes, &count))
    return FALSE;
  for (uint64_t i = 0, left = bytes; i < count; i++) {
    const uint8_t *p = r->data + at;
    if (left < ENTRY_BYTES || le(p, 4) != ENTRY_SIGNATURE)
      return damaged(r, "an entry of its directory is missing");
    const size_t name = le(p + 28, 2), extra = le(p + 30, 2),
                 total = ENTRY_BYTES + name + extra + le(p + 32, 2);
    if (left < total)
      return damaged(r, "an entry of its directory is cut off");
    if (!read_entry(r, p, name, extra))
      return FALSE;
    at += total;
    left -= total;
  }
  return TRUE;
}

QfZip *qf_zip_open(GBytes *bytes, const char *name, GError **error)
{
  g_autoptr(QfZip) zip = g_new0(QfZip, 1);
  gsize size;
  const uint8_t *data = g_bytes_get_data(bytes, &size);
  zip->name = g_strdup(name);
  zip->bytes = g_bytes_ref(bytes);
  zip->entries = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_bytes_unref);
  zip->paths = g_ptr_array_new();
  const Reader r = {zip, data, size, error};
  return read_all(&r) ? g_steal_pointer(&zip) : NULL;
}

void qf_zip_free(QfZip *zip)
{
  if (!zip)
    return;
  g_free(zip->name);
  g_bytes_unref(zip->bytes);
  g_hash_table_unref(zip->entries);
  g_ptr_array_unref(zip->paths);
  g_free(zip);
}

GBytes *qf_zip_find(const QfZip *zip, const char *path)
{
  return g_hash_table_lookup(zip->entries, path);
}

const char *qf_zip_ends_with(const QfZip *zip, const char *suffix)
{
  for (guint i = 0; i < zip->paths->len; i++)
    if (g_str_has_suffix(g_ptr_array_index(zip->paths, i), suffix))
      return g_ptr_array_index(zip->paths, i);
  return NULL;
}
