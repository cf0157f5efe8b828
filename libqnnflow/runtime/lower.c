/* SPDX-License-Identifier: MIT */
/*
 * lower.c - what backends use while they turn nodes into steps, and aligned memory.
 */
#include "memory.h"
#include "model.h"

#include "../graph/packed.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Blocks from here on are cut from large pages, of which so many are had at a time. */
#define LARGE_BYTES ((size_t)64 << 10)
#define LARGE_PAGE ((size_t)2 << 20)
#define CHUNK_BYTES (4 * LARGE_PAGE)

void *qf_aligned_alloc(size_t size_bytes)
{
  void *p = NULL;
  if (size_bytes > SIZE_MAX - QF_ALIGNMENT)
    return NULL;
  size_t size = (MAX(size_bytes, 1) + QF_ALIGNMENT - 1) / QF_ALIGNMENT * QF_ALIGNMENT;
  if (posix_memalign(&p, QF_ALIGNMENT, size))
    return NULL;
  return memset(p, 0, size);
}

void qf_aligned_free(void *memory)
{
  free(memory);
}

void *qf_lower_alloc(QfLower *lower, size_t size_bytes)
{
  void *p = qf_aligned_alloc(size_bytes);
  if (!p)
    g_error("%" G_GSIZE_FORMAT " bytes for packed constants cannot be had", size_bytes);
  g_ptr_array_add(lower->blocks, p);
  return p;
}

/* Memory that large blocks are cut from, zeroed; in large pages where the system has them. */
typedef struct {
  void *data;
  size_t size;
} Pages;

static void unmap(gpointer data)
{
  Pages *pages = data;
  munmap(pages->data, pages->size);
  g_free(pages);
}

/* They begin with a large page, and are large as far as @large says. What nobody has written takes no memory. */
static uint8_t *map_pages(QfLower *lower, size_t size, size_t large)
{
  const size_t whole = size + LARGE_PAGE;
  uint8_t *p = size < whole ? mmap(NULL, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
                            : MAP_FAILED;
  if (p == MAP_FAILED)
    g_error("%" G_GSIZE_FORMAT " bytes for packed constants cannot be had", size);
  const size_t before = (size_t) - (uintptr_t)p % LARGE_PAGE;
  Pages *pages = g_new(Pages, 1);
  *pages = (Pages){p, whole};
  if (large)
    madvise(p + before, large, MADV_HUGEPAGE);
  qf_lower_keep(lower, pages, unmap);
  return p + before;
}

/* The end of the last large page holds nothing. */
void qf_lower_trim(QfLower *lower)
{
  const size_t page = (size_t)sysconf(_SC_PAGESIZE), used = (size_t) - (uintptr_t)lower->pages % page;
  if (lower->pages_left > used)
    madvise(lower->pages + used, lower->pages_left - used, MADV_DONTNEED);
  lower->pages_left = 0;
}

static void *cut_pages(QfLower *lower, size_t size)
{
  if (size >= CHUNK_BYTES / 2)
    return map_pages(lower, size, size);
  size = (size + QF_ALIGNMENT - 1) / QF_ALIGNMENT * QF_ALIGNMENT;
  if (size > lower->pages_left) {
    qf_lower_trim(lower);
    lower->pages =
        map_pages(lower, CHUNK_BYTES, MIN(CHUNK_BYTES, lower->left_bytes / LARGE_PAGE * LARGE_PAGE));
    lower->pages_left = CHUNK_BYTES;
  }
  void *p = lower->pages;
  lower->pages += size;
  lower->pages_left -= size;
  return p;
}

/* Kernels that read it differently have different names. */
static uint64_t packed_key(const char *kernel, size_t size_bytes)
{
  uint64_t key = UINT64_C(0xcbf29ce484222325) ^ size_bytes;
  for (; *kernel; kernel++)
    key = (key ^ (uint8_t)*kernel) * UINT64_C(0x100000001b3);
  return key;
}

const void *qf_lower_packed(QfLower *lower, const char *kernel, size_t size_bytes, void **fill)
{
  QfPackedStore *store = qf_graph_packed(lower->graph);
  QfPackedBlock block = {packed_key(kernel, size_bytes), NULL, size_bytes};
  block.data = qf_packed_take(store, block.key, size_bytes);
  *fill = NULL;
  if (!block.data)
    block.data = *fill =
        size_bytes < LARGE_BYTES ? qf_lower_alloc(lower, size_bytes) : cut_pages(lower, size_bytes);
  lower->packed_bytes += size_bytes;
  g_array_append_val(store->made, block);
  return block.data;
}

static size_t constant_bytes(const QfTensor *tensor)
{
  return tensor->data ? g_bytes_get_size(tensor->data) : 0;
}

/* Packed, constants take as much or more: large pages for no more than that are filled. */
void qf_lower_begin(QfLower *lower)
{
  for (guint i = 0; i < lower->graph->tensors->len; i++)
    lower->left_bytes += constant_bytes(lower->graph->tensors->pdata[i]);
}

void qf_lower_release(QfLower *lower, const QfTensor *tensor)
{
  if (!lower->unread || ++lower->unread[tensor->id] != qf_graph_count_uses(lower->graph, tensor))
    return;
  lower->unread[tensor->id] = QF_NO_TENSOR;
  lower->left_bytes -= MIN(lower->left_bytes, constant_bytes(tensor));
  qf_tensor_release(lower->graph, tensor);
}

static const uint32_t *ids(QfLower *lower, QfTensor *const *tensors, uint32_t n)
{
  uint32_t *list = qf_lower_alloc(lower, n * sizeof(*list));
  for (uint32_t i = 0; i < n; i++)
    list[i] = tensors[i] ? tensors[i]->id : QF_NO_TENSOR;
  return list;
}

QfStep *qf_lower_step(QfLower *lower, const QfNode *node, const char *unit, const char *kernel,
                      void (*run)(const QfStep *, const QfExec *), const void *params, size_t scratch_bytes)
{
  QfStep step = {.run = run,
                 .kernel = kernel,
                 .unit = unit,
                 .node = node,
                 .in = ids(lower, node->inputs, node->n_inputs),
                 .n_in = node->n_inputs,
                 .out = ids(lower, node->outputs, node->n_outputs),
                 .n_out = node->n_outputs,
                 .params = params,
                 .scratch_bytes = scratch_bytes};
  g_array_append_val(lower->steps, step);
  return &g_array_index(lower->steps, QfStep, lower->steps->len - 1);
}

typedef struct {
  gpointer data;
  GDestroyNotify destroy;
} Kept;

static void free_kept(gpointer data)
{
  Kept *kept = data;
  kept->destroy(kept->data);
  g_free(kept);
}

GPtrArray *qf_kept_new(void)
{
  return g_ptr_array_new_with_free_func(free_kept);
}

void qf_lower_keep(QfLower *lower, gpointer data, GDestroyNotify destroy)
{
  Kept *kept = g_new(Kept, 1);
  *kept = (Kept){data, destroy};
  g_ptr_array_add(lower->kept, kept);
}

QfStep *qf_lower_part(QfLower *lower, const QfNode *node, const char *unit, const char *kernel,
                      void (*run)(const QfStep *, const QfExec *), const void *params, const GPtrArray *in,
                      const GPtrArray *out)
{
  QfStep step = {.run = run,
                 .kernel = kernel,
                 .unit = unit,
                 .node = node,
                 .in = ids(lower, (QfTensor *const *)in->pdata, in->len),
                 .n_in = in->len,
                 .out = ids(lower, (QfTensor *const *)out->pdata, out->len),
                 .n_out = out->len,
                 .params = params};
  g_array_append_val(lower->steps, step);
  return &g_array_index(lower->steps, QfStep, lower->steps->len - 1);
}

/* Whether a node outside @inside, or the caller, reads @t. */
static gboolean read_outside(const QfGraph *graph, const QfTensor *t, GHashTable *inside)
{
  if (qf_graph_is_output(graph, t))
    return TRUE;
  g_autoptr(GPtrArray) users = qf_graph_users(graph, t);
  for (guint i = 0; i < users->len; i++)
    if (!g_hash_table_contains(inside, users->pdata[i]))
      return TRUE;
  return FALSE;
}

void qf_lower_part_borders(const QfLower *lower, QfNode *const *nodes, uint32_t n_nodes, GPtrArray **in,
                           GPtrArray **out)
{
  g_autoptr(GHashTable) inside = g_hash_table_new(NULL, NULL), seen = g_hash_table_new(NULL, NULL);
  *in = g_ptr_array_new();
  *out = g_ptr_array_new();
  for (uint32_t i = 0; i < n_nodes; i++)
    g_hash_table_add(inside, nodes[i]);
  for (uint32_t i = 0; i < n_nodes; i++) {
    for (uint32_t k = 0; k < nodes[i]->n_inputs; k++) {
      QfTensor *t = nodes[i]->inputs[k];
      if (t && !t->data && !g_hash_table_contains(inside, t->producer) && g_hash_table_add(seen, t))
        g_ptr_array_add(*in, t);
    }
    for (uint32_t k = 0; k < nodes[i]->n_outputs; k++)
      if (read_outside(lower->graph, nodes[i]->outputs[k], inside))
        g_ptr_array_add(*out, nodes[i]->outputs[k]);
  }
}

gboolean qf_lower_alias(QfLower *lower, const QfTensor *view, const QfTensor *base)
{
  if (base->data || qf_graph_is_output(lower->graph, view) || qf_graph_is_input(lower->graph, view))
    return FALSE;
  lower->alias[view->id] = lower->alias[base->id]; /* topological order: the base is resolved already */
  return TRUE;
}
