/* SPDX-License-Identifier: MIT */
/*
 * deferred.c - large constants that are a rearrangement of others (a file's bytes that lie unaligned, weights in another order of
 * dimensions) are made when somebody reads them and can be given back: so no two forms of a model's weights need be in memory at
 * a time. data of such a tensor holds its bytes in the order of the source; qf_tensor_data() gives them in its own.
 */
#include "graph.h"
#include "../ops/attrs.h"
#include "kernels/copy/copy_fast.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Smaller ones are made at once. */
#define LEAST_BYTES 32768
/* Of a page-aligned copy at a time. */
#define PIECE_BYTES ((size_t)1 << 20)

/* Elements of one step of a copy, and values along the last dimension that are taken together. */
enum { CHUNK = 128, ALONG = 16 };

struct QfDeferred {
  uint32_t size;  /* bytes of an element */
  uint32_t users; /* tensors with it */
  int32_t rank;
  int64_t dims[QF_MAX_RANK];
  int64_t strides[QF_MAX_RANK]; /* in the source, in elements */
  QfGraph *model;               /* the outermost graph */
  void *made;                   /* NULL: nobody has read it since it was released */
  size_t made_size;
};

/* Memory of its own pages: giving it back takes effect at once. */
static void *make_room(QfDeferred *d, size_t size)
{
  QfGraph *model = d->model;
  size_t most = size;
  if (model->spare_size >= size) {
    d->made_size = model->spare_size;
    model->spare_size = 0;
    return g_steal_pointer(&model->spare);
  }
  for (guint i = 0; i < model->deferred->len; i++) {
    const QfDeferred *other = model->deferred->pdata[i];
    most = MAX(most, (size_t)qf_dims_count(other->dims, other->rank) * other->size);
  }
  size = most / 4 > size ? size : most; /* soon others will be made there */
  void *room = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (room == MAP_FAILED)
    g_error("%" G_GSIZE_FORMAT " bytes for a constant cannot be had", size);
  d->made_size = size;
  madvise(room, size, MADV_HUGEPAGE);
  return room;
}

static void drop_spare(QfGraph *model)
{
  if (model->spare)
    munmap(model->spare, model->spare_size);
  model->spare = NULL;
  model->spare_size = 0;
}

/* Keeps the memory for the next one, if it is larger than what is kept. */
static void free_made(QfDeferred *d)
{
  QfGraph *model = d->model;
  if (!d->made)
    return;
  if (d->made_size > model->spare_size) {
    drop_spare(model);
    model->spare = d->made;
    model->spare_size = d->made_size;
  } else {
    munmap(d->made, d->made_size);
  }
  d->made = NULL;
}

/* For what may be made by several threads, as models are shared. */
static GMutex lock;

/* Dimensions other than the last, in the order of the source, and where they lead. */
typedef struct {
  int32_t rank;
  int64_t dims[QF_MAX_RANK], from[QF_MAX_RANK], to[QF_MAX_RANK];
  int64_t index[QF_MAX_RANK];
} Walk;

static void begin_walk(const QfDeferred *d, Walk *walk)
{
  int64_t to = 1;
  *walk = (Walk){.rank = d->rank - 1};
  for (int i = d->rank - 1; i >= 0; to *= d->dims[i--]) {
    int k = d->rank - 2 - i; /* place in the order so far, slowest first */
    if (k < 0)
      continue;
    for (; k > 0 && walk->from[k - 1] < d->strides[i]; k--) {
      walk->dims[k] = walk->dims[k - 1];
      walk->from[k] = walk->from[k - 1];
      walk->to[k] = walk->to[k - 1];
    }
    walk->dims[k] = d->dims[i];
    walk->from[k] = d->strides[i];
    walk->to[k] = to;
  }
}

/* The next elements in the order of the source; 0: there are no more. */
static uint32_t next_chunk(Walk *walk, size_t left, int64_t *from, int64_t *to)
{
  uint32_t n = 0;
  for (; n < MIN(left, CHUNK); n++) {
    from[n] = to[n] = 0;
    for (int i = 0; i < walk->rank; i++) {
      from[n] += walk->index[i] * walk->from[i];
      to[n] += walk->index[i] * walk->to[i];
    }
    for (int i = walk->rank - 1; i >= 0 && ++walk->index[i] == walk->dims[i]; i--)
      walk->index[i] = 0;
  }
  return n;
}

/* ALONG values each of so many elements that follow each other in the source. */
static inline void turn_uint8_t(const char *x, ptrdiff_t along, uint8_t *y, const int64_t *to)
{
  qfk_turn_16x16(x, along, y, to);
}

static inline void turn_uint32_t(const char *x, ptrdiff_t along, uint32_t *y, const int64_t *to)
{
  for (int k = 0; k < ALONG; k += 4)
    qfk_turn_4x4(x + k * along * 4, along, y + k, to);
}

static inline void turn_uint16_t(const char *x, ptrdiff_t along, uint16_t *y, const int64_t *to)
{
  for (int k = 0; k < ALONG; k++)
    memcpy(y + to[0] + k, x + k * along * 2, 2);
}

static inline void turn_uint64_t(const char *x, ptrdiff_t along, uint64_t *y, const int64_t *to)
{
  for (int k = 0; k < ALONG; k++)
    memcpy(y + to[0] + k, x + k * along * 8, 8);
}

/* Types without an alignment: the source may lie anywhere in a file. turn() takes @square elements. */
#define TYPED(T, square)                                                                                     \
  typedef struct __attribute__((packed)) {                                                                   \
    T v;                                                                                                     \
  } Loose_##T;                                                                                               \
  static void copy_##T(const QfDeferred *d, const void *source, void *made)                                  \
  {                                                                                                          \
    const Loose_##T *x = source;                                                                             \
    T *y = made;                                                                                             \
    const size_t last = (size_t)d->dims[d->rank - 1];                                                        \
    const int64_t along = d->strides[d->rank - 1];                                                           \
    int64_t from[CHUNK], to[CHUNK];                                                                          \
    Walk walk;                                                                                               \
    begin_walk(d, &walk);                                                                                    \
    size_t left = (size_t)qf_dims_count(d->dims, d->rank - 1);                                               \
    for (uint32_t n, e; (n = next_chunk(&walk, left, from, to)) > 0; left -= n)                              \
      for (size_t o = 0; o < last; o += ALONG) {                                                             \
        const size_t m = MIN(last - o, ALONG);                                                               \
        for (e = 0; m == ALONG && e + square <= n && from[e + square - 1] == from[e] + square - 1;           \
             e += square)                                                                                    \
          turn_##T((const char *)(x + from[e] + (int64_t)o * along), along, y + o, to + e);                  \
        for (; e < n; e++)                                                                                   \
          for (size_t k = 0; k < m; k++)                                                                     \
            y[to[e] + (int64_t)(o + k)] = x[from[e] + (int64_t)(o + k) * along].v;                           \
      }                                                                                                      \
  }

TYPED(uint8_t, 16)
TYPED(uint16_t, 1)
TYPED(uint32_t, 4)
TYPED(uint64_t, 1)

static gboolean is_dense(const QfDeferred *d)
{
  int64_t stride = 1;
  for (int i = d->rank - 1; i >= 0; stride *= d->dims[i--])
    if (d->strides[i] != stride && d->dims[i] != 1)
      return FALSE;
  return TRUE;
}

static QfGraph *outermost(QfGraph *graph)
{
  while (graph->outer)
    graph = graph->outer;
  return graph;
}

/* Whole pages of the mapped file; they come back from the page cache when somebody reads them. */
static void give_back(const QfGraph *model, const uint8_t *at, size_t size)
{
  const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
  if (!model->mapped || at < model->mapped || at + size > model->mapped + model->mapped_size)
    return;
  uintptr_t begin = ((uintptr_t)at + page - 1) / page * page, end = ((uintptr_t)at + size) / page * page;
  if (end > begin)
    madvise((void *)begin, end - begin, MADV_DONTNEED);
}

/* In pieces, so that the source is not in memory as a whole. */
static void copy_dense(const QfGraph *model, const uint8_t *source, uint8_t *made, size_t size)
{
  for (size_t at = 0, n; at < size; at += n) {
    n = MIN(size - at, PIECE_BYTES);
    memcpy(made + at, source + at, n);
    give_back(model, source + at, n);
  }
}

static void copy(const QfDeferred *d, const void *source, void *made)
{
  if (is_dense(d))
    copy_dense(d->model, source, made, (size_t)qf_dims_count(d->dims, d->rank) * d->size);
  else if (d->size == 1)
    copy_uint8_t(d, source, made);
  else if (d->size == 2)
    copy_uint16_t(d, source, made);
  else if (d->size == 4)
    copy_uint32_t(d, source, made);
  else
    copy_uint64_t(d, source, made);
}

const void *qf_deferred_data(const QfTensor *tensor)
{
  QfDeferred *d = tensor->deferred;
  void *made = g_atomic_pointer_get(&d->made);
  if (made)
    return made;
  g_mutex_lock(&lock);
  made = d->made;
  if (!made) {
    gsize size;
    const void *source = g_bytes_get_data(tensor->data, &size);
    made = make_room(d, size);
    copy(d, source, made);
    give_back(d->model, source, size);
    g_atomic_pointer_set(&d->made, made);
  }
  g_mutex_unlock(&lock);
  return made;
}

static QfDeferred *attach(QfGraph *graph, QfTensor *tensor)
{
  QfGraph *model = outermost(graph);
  QfDeferred *d = qf_graph_alloc(model, sizeof(*d));
  d->model = model;
  d->users = 1;
  d->size = (uint32_t)qf_dtype_size(tensor->dtype);
  d->rank = tensor->rank;
  memcpy(d->dims, tensor->dims, sizeof(d->dims));
  g_ptr_array_add(model->deferred, d);
  return tensor->deferred = d;
}

QfTensor *qf_graph_add_loose(QfGraph *graph, const char *name, QfDType dtype, const int64_t *dims,
                             int32_t rank, GBytes *data)
{
  gsize size;
  const void *at = g_bytes_get_data(data, &size);
  gboolean aligned = (uintptr_t)at % MAX(qf_dtype_size(dtype), 1) == 0;
  if (!aligned && (size < LEAST_BYTES || !rank)) {
    GBytes *loose = data;
    data = g_bytes_new(at, size);
    g_bytes_unref(loose);
    aligned = TRUE;
  }
  QfTensor *t = qf_graph_add_constant(graph, name, dtype, dims, rank, data);
  if (aligned)
    return t;
  QfDeferred *d = attach(graph, t);
  int64_t stride = 1;
  for (int i = rank - 1; i >= 0; stride *= dims[i--])
    d->strides[i] = stride;
  return t;
}

gboolean qf_node_defer(QfNode *node)
{
  const QfTensor *in = node->n_inputs == 1 ? node->inputs[0] : NULL;
  const QfDeferred *from = in ? in->deferred : NULL;
  if (!in || !in->data || strcmp(node->op->name, "Transpose") || g_bytes_get_size(in->data) < LEAST_BYTES ||
      (from && from->rank != in->rank))
    return FALSE;
  const QfInts *perm = &((const QfTransposeAttrs *)node->attrs)->perm;
  QfTensor *out = node->outputs[0];
  int64_t strides[QF_MAX_RANK], stride = 1;
  for (int i = in->rank - 1; i >= 0; stride *= in->dims[i--])
    strides[i] = from ? from->strides[i] : stride;
  qf_tensor_set_data(node->graph, out, g_bytes_ref(in->data));
  QfDeferred *d = attach(node->graph, out);
  for (int i = 0; i < in->rank; i++)
    d->strides[i] = strides[perm->v[i]];
  return TRUE;
}

void qf_tensor_share_data(QfGraph *graph, QfTensor *tensor, const QfTensor *from)
{
  qf_tensor_set_data(graph, tensor, g_bytes_ref(from->data));
  tensor->deferred = from->deferred;
  if (tensor->deferred)
    tensor->deferred->users++;
}

QfTensor *qf_graph_add_shared(QfGraph *graph, const char *name, const int64_t *dims, int32_t rank,
                              const QfTensor *from)
{
  QfTensor *t = qf_graph_add_tensor(graph, name);
  qf_tensor_set_shape(t, from->dtype, dims, rank);
  qf_tensor_share_data(graph, t, from);
  return t;
}

GBytes *qf_tensor_ref_bytes(const QfTensor *tensor)
{
  if (!tensor->data || !tensor->deferred)
    return tensor->data ? g_bytes_ref(tensor->data) : NULL;
  return g_bytes_new(qf_deferred_data(tensor), g_bytes_get_size(tensor->data));
}

void qf_tensor_release(QfGraph *graph, const QfTensor *tensor)
{
  QfDeferred *d = tensor->deferred;
  if (!tensor->data || g_bytes_get_size(tensor->data) < LEAST_BYTES)
    return;
  if (d && d->users == 1) {
    g_mutex_lock(&lock);
    free_made(d);
    g_mutex_unlock(&lock);
  }
  give_back(outermost(graph), g_bytes_get_data(tensor->data, NULL), g_bytes_get_size(tensor->data));
}

void qf_graph_trim(QfGraph *graph)
{
  g_mutex_lock(&lock);
  drop_spare(outermost(graph));
  g_mutex_unlock(&lock);
}

void qf_graph_release_deferred(QfGraph *graph)
{
  for (guint i = 0; i < graph->deferred->len; i++)
    free_made(graph->deferred->pdata[i]);
  drop_spare(graph);
  g_ptr_array_unref(graph->deferred);
}
