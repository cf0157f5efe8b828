/* SPDX-License-Identifier: MIT */
/*
 * packed.c - the last section of a .qnnf file: constants in the form that kernels of one machine read, used where they lie. Who
 * runs on another machine, or another build, does as if the section were not there. README.md describes it.
 *
 * A block is bytes that are multiplied with: damage that the sum does not show gives wrong numbers and nothing worse.
 */
#include "native.h"

#include <string.h>

G_STATIC_ASSERT(sizeof(QfNativePackedHead) == QF_ALIGNMENT && sizeof(QfNativePackedEntry) == 24);

static uint64_t aligned(uint64_t size)
{
  return (size + QF_ALIGNMENT - 1) / QF_ALIGNMENT * QF_ALIGNMENT;
}

static uint64_t head_sum(const void *head, size_t size)
{
  return qf_native_sum(0, (const uint8_t *)head + sizeof(uint64_t), size - sizeof(uint64_t));
}

/* Entries that lie where blocks may. FALSE: damage. */
static gboolean read_entries(QfPackedStore *store, const uint8_t *section, uint64_t size, uint64_t head_size)
{
  for (uint32_t i = 0; i < store->n_stored; i++) {
    QfNativePackedEntry e;
    memcpy(&e, section + sizeof(QfNativePackedHead) + i * sizeof(e), sizeof(e));
    uint64_t at = GUINT64_FROM_LE(e.at), bytes = GUINT64_FROM_LE(e.size);
    if (at % QF_ALIGNMENT || at < head_size || at > size || bytes > size - at)
      return FALSE;
    store->stored[i] = (QfPackedBlock){GUINT64_FROM_LE(e.key), section + at, (size_t)bytes};
  }
  return TRUE;
}

/* Printable characters, then zeros to the end: it is shown to people. */
static gboolean is_unit(const char *unit, size_t size)
{
  size_t n = 0;
  while (n < size && g_ascii_isprint(unit[n]))
    n++;
  const size_t length = n;
  while (n < size && !unit[n])
    n++;
  return n == size && length && length < size;
}

const char *qf_native_read_packed(QfGraph *graph, GBytes *file, uint64_t size, gboolean check)
{
  gsize whole;
  const uint8_t *section = g_bytes_get_data(file, &whole);
  QfNativePackedHead h;
  section += whole - size;
  if (size < sizeof(h))
    return "its packed constants are cut off";
  memcpy(&h, section, sizeof(h));
  const uint64_t n = GUINT32_FROM_LE(h.n_blocks),
                 head_size = aligned(sizeof(h) + n * sizeof(QfNativePackedEntry));
  if (head_size > size || !is_unit(h.unit, sizeof(h.unit)) ||
      GUINT64_FROM_LE(h.sum) != head_sum(section, head_size))
    return "the checksum of its packed constants' table is wrong";
  if (check && GUINT64_FROM_LE(h.blocks_sum) != qf_native_sum(0, section + head_size, size - head_size))
    return "the checksum of its packed constants is wrong";
  QfPackedStore *store = qf_graph_packed(graph);
  store->unit = g_string_chunk_insert(graph->strings, h.unit);
  store->n_stored = (uint32_t)n;
  store->stored = qf_graph_alloc(graph, n * sizeof(*store->stored));
  if (!read_entries(store, section, size, head_size))
    return "a packed constant lies outside its section";
  g_ptr_array_add(graph->constants, g_bytes_ref(file)); /* blocks are used where they lie */
  return NULL;
}

uint64_t qf_native_packed_size(const QfPackedStore *store)
{
  uint64_t size = aligned(sizeof(QfNativePackedHead) + store->made->len * sizeof(QfNativePackedEntry));
  for (guint i = 0; i < store->made->len; i++)
    size += aligned(g_array_index(store->made, QfPackedBlock, i).size_bytes);
  return size;
}

/* The bytes of a block and zeros to the next one, in pieces. */
typedef gboolean (*PieceFunc)(const void *data, size_t size, gpointer user);

static gboolean each_piece(const QfPackedStore *store, PieceFunc fn, gpointer user)
{
  for (guint i = 0; i < store->made->len; i++) {
    const QfPackedBlock *b = &g_array_index(store->made, QfPackedBlock, i);
    const size_t words = b->size_bytes / QF_ALIGNMENT * QF_ALIGNMENT, rest = b->size_bytes - words;
    uint8_t tail[QF_ALIGNMENT] = {0};
    memcpy(tail, (const uint8_t *)b->data + words, rest);
    if (!fn(b->data, words, user) || (rest && !fn(tail, sizeof(tail), user)))
      return FALSE;
  }
  return TRUE;
}

static gboolean add_sum(const void *data, size_t size, gpointer user)
{
  uint64_t *sum = user;
  *sum = qf_native_sum(*sum, data, size);
  return TRUE;
}

static gboolean put(const void *data, size_t size, gpointer user)
{
  return fwrite(data, 1, size, user) == size;
}

gboolean qf_native_write_packed(const QfPackedStore *store, FILE *file)
{
  const size_t n = store->made->len,
               head_size = aligned(sizeof(QfNativePackedHead) + n * sizeof(QfNativePackedEntry));
  g_autofree uint8_t *head = g_malloc0(head_size);
  QfNativePackedHead h = {.n_blocks = GUINT32_TO_LE((uint32_t)n)};
  uint64_t at = head_size, sum = 0;
  g_strlcpy(h.unit, store->made_for, sizeof(h.unit));
  for (guint i = 0; i < n; i++) {
    const QfPackedBlock *b = &g_array_index(store->made, QfPackedBlock, i);
    const QfNativePackedEntry e = {GUINT64_TO_LE(b->key), GUINT64_TO_LE(at), GUINT64_TO_LE(b->size_bytes)};
    memcpy(head + sizeof(h) + i * sizeof(e), &e, sizeof(e));
    at += aligned(b->size_bytes);
  }
  each_piece(store, add_sum, &sum);
  h.blocks_sum = GUINT64_TO_LE(sum);
  memcpy(head, &h, sizeof(h));
  h.sum = GUINT64_TO_LE(head_sum(head, head_size));
  memcpy(head, &h, sizeof(h));
  return put(head, head_size, file) && each_piece(store, put, file);
}
