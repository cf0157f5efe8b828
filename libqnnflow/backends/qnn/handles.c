/* SPDX-License-Identifier: MIT */
/*
 * handles.c - see handles.h. A handle keeps its memory; the least used one goes when there are too many.
 */
#include "handles.h"
#include "../shared.h"

#define MOST 64

enum { TENSORS_BY_HANDLE = 501, ION = 1101, DMA_BUF = 1103 }; /* capabilities */
enum { TYPE_ION = 1, TYPE_DMA_BUF = 3 };                      /* of memory */
enum { BY_ADDRESS = 0, BY_HANDLE = 1 };

/* As the library takes it. */
typedef struct {
  uint32_t rank, pad0;
  uint32_t *dims;
  const char *more;
  uint32_t dtype, type;
  union {
    int32_t fd;
    struct {
      int32_t fd;
      void *data;
    } dma_buf;
  } u;
} Descriptor;

_Static_assert(offsetof(Descriptor, dtype) == 24 && offsetof(Descriptor, u) == 32, "layout");

typedef struct {
  QfShared *memory;
  uint32_t tensor; /* id */
  QfQnnHandle handle;
  uint64_t used;
} Entry;

struct QfQnnHandles {
  const QfQnnLibrary *library;
  QfQnnHandle context;
  uint32_t type;
  GArray *entries; /* Entry */
  uint64_t clock;
  gboolean refused; /* said once */
};

static gboolean can(const QfQnnLibrary *lib, uint32_t key)
{
  return !QF_QNN(lib, propertyHasCapability, uint32_t)(key);
}

QfQnnHandles *qf_qnn_handles_new(const QfQnnUnit *unit, QfQnnHandle context)
{
  const QfQnnLibrary *lib = unit->library;
  if (!qf_qnn_library_has(lib, QF_QNN_propertyHasCapability) ||
      !qf_qnn_library_has(lib, QF_QNN_memRegister) || !qf_qnn_library_has(lib, QF_QNN_memDeRegister) ||
      !can(lib, TENSORS_BY_HANDLE) || !(can(lib, ION) || can(lib, DMA_BUF)))
    return NULL;
  QfQnnHandles *h = g_new0(QfQnnHandles, 1);
  h->library = lib;
  h->context = context;
  h->type = can(lib, DMA_BUF) ? TYPE_DMA_BUF : TYPE_ION;
  h->entries = g_array_new(FALSE, TRUE, sizeof(Entry));
  return h;
}

static void drop(QfQnnHandles *h, guint index)
{
  Entry *e = &g_array_index(h->entries, Entry, index);
  QF_QNN(h->library, memDeRegister, const QfQnnHandle *, uint32_t)(&e->handle, 1);
  qf_shared_unref(e->memory);
  g_array_remove_index_fast(h->entries, index);
}

void qf_qnn_handles_free(QfQnnHandles *h)
{
  if (!h)
    return;
  while (h->entries->len)
    drop(h, h->entries->len - 1);
  g_array_unref(h->entries);
  g_free(h);
}

static void make_room(QfQnnHandles *h)
{
  guint oldest = 0;
  for (guint i = 1; i < h->entries->len; i++)
    if (g_array_index(h->entries, Entry, i).used < g_array_index(h->entries, Entry, oldest).used)
      oldest = i;
  if (h->entries->len >= MOST)
    drop(h, oldest);
}

/* Takes over @memory. NULL: the library refuses it. */
static QfQnnHandle make_known(QfQnnHandles *h, const QfQnnTensor *t, QfShared *memory)
{
  Descriptor d = {.rank = t->rank, .dims = t->dims, .dtype = t->dtype, .type = h->type};
  Entry e = {.memory = memory, .tensor = t->id, .used = ++h->clock};
  if (h->type == TYPE_DMA_BUF) {
    d.u.dma_buf.fd = memory->fd;
    d.u.dma_buf.data = memory->data;
  } else {
    d.u.fd = memory->fd;
  }
  make_room(h);
  const QfQnnError code = QF_QNN(h->library, memRegister, QfQnnHandle, const Descriptor *, uint32_t,
                                 QfQnnHandle *)(h->context, &d, 1, &e.handle);
  if (!code) {
    g_array_append_val(h->entries, e);
    return e.handle;
  }
  if (!h->refused)
    g_info("%s: it does not map the memory of '%s': %s", h->library->path, t->name,
           qf_qnn_library_message(h->library, code));
  h->refused = TRUE;
  qf_shared_unref(memory);
  return NULL;
}

static QfQnnHandle handle_for(QfQnnHandles *h, const QfQnnTensor *t, const void *data, uint32_t size_bytes)
{
  QfShared *memory = h ? qf_shared_find(data, size_bytes) : NULL;
  if (!memory || memory->data != data) { /* a handle begins where its memory does */
    if (memory)
      qf_shared_unref(memory);
    return NULL;
  }
  for (guint i = 0; i < h->entries->len; i++) {
    Entry *e = &g_array_index(h->entries, Entry, i);
    if (e->memory != memory || e->tensor != t->id)
      continue;
    qf_shared_unref(memory);
    e->used = ++h->clock;
    return e->handle;
  }
  return make_known(h, t, memory);
}

void qf_qnn_handles_bind(QfQnnHandles *handles, QfQnnTensor *t, void *data, uint32_t size_bytes)
{
  const QfQnnHandle handle = handle_for(handles, t, data, size_bytes);
  t->memory = handle ? BY_HANDLE : BY_ADDRESS;
  if (handle) {
    t->u.handle = handle;
    return;
  }
  t->u.client.data = data;
  t->u.client.size = size_bytes;
}
