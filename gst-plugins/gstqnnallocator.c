/* SPDX-License-Identifier: MIT */
/*
 * gstqnnallocator.c - the allocator of gstqnnallocator.h: a free list of slots, searched by size.
 */
#include "gstqnnallocator.h"
#include <qnnflow/memory.h>
#include <qnnflow/tensor.h>
#include <stdlib.h>

/* Free slots that are kept, at most; what is returned beyond goes back to the heap. */
#define MAX_FREE 32

typedef struct {
  gpointer data;
  gsize size;
  gboolean shared; /* from qf_shared_alloc() */
} Slot;

struct _GstQnnAllocator {
  GstAllocator parent;
  GMutex lock;
  Slot free_slots[MAX_FREE];
  guint n_free;
  guint n_slots;
  gboolean shared;
};

typedef struct {
  GstMemory mem;
  Slot slot;     /* data is NULL in a shared part of another memory */
  gpointer data; /* start of the slot */
} SlotMemory;

G_DEFINE_TYPE(GstQnnAllocator, gst_qnn_allocator, GST_TYPE_ALLOCATOR)

static gboolean slot_make(gboolean shared, gsize align, Slot *slot)
{
  slot->data = shared ? qf_shared_alloc(slot->size) : NULL;
  slot->shared = slot->data != NULL;
  return slot->shared || !posix_memalign(&slot->data, align, slot->size);
}

static void slot_clear(Slot *slot)
{
  if (slot->shared)
    qf_shared_free(slot->data);
  else
    free(slot->data);
}

static gboolean slot_take(GstQnnAllocator *self, gsize size, Slot *slot)
{
  gboolean found = FALSE;

  g_mutex_lock(&self->lock);
  for (guint i = 0; i < self->n_free && !found; i++) {
    if (self->free_slots[i].size != size)
      continue;
    *slot = self->free_slots[i];
    self->free_slots[i] = self->free_slots[--self->n_free];
    found = TRUE;
  }
  g_mutex_unlock(&self->lock);
  return found;
}

static GstMemory *allocator_alloc(GstAllocator *allocator, gsize size, GstAllocationParams *params)
{
  GstQnnAllocator *self = GST_QNN_ALLOCATOR(allocator);
  gsize align = MAX(params->align, QF_ALIGNMENT - 1), max = size;
  Slot slot = {NULL, 0, FALSE};
  SlotMemory *m;

  if (!g_size_checked_add(&max, max, params->prefix) || !g_size_checked_add(&max, max, params->padding) ||
      !g_size_checked_add(&max, max, align + 1))
    return NULL;
  max &= ~align;
  if (align >= QF_ALIGNMENT || !slot_take(self, max, &slot)) {
    slot.size = max;
    if (!slot_make(self->shared && align < QF_ALIGNMENT, align + 1, &slot))
      return NULL;
    g_atomic_int_inc(&self->n_slots);
  }
  m = g_new0(SlotMemory, 1);
  m->slot = slot;
  m->data = slot.data;
  gst_memory_init(&m->mem, params->flags, allocator, NULL, max, align, params->prefix, size);
  return &m->mem;
}

static void allocator_free(GstAllocator *allocator, GstMemory *memory)
{
  GstQnnAllocator *self = GST_QNN_ALLOCATOR(allocator);
  SlotMemory *m = (SlotMemory *)memory;
  gboolean kept = FALSE;

  if (m->slot.data && memory->align < QF_ALIGNMENT) {
    g_mutex_lock(&self->lock);
    if (self->n_free < MAX_FREE) {
      self->free_slots[self->n_free++] = m->slot;
      kept = TRUE;
    }
    g_mutex_unlock(&self->lock);
  }
  if (!kept)
    slot_clear(&m->slot);
  g_free(m);
}

static gpointer memory_map(GstMemory *memory, gsize max_size, GstMapFlags flags)
{
  return ((SlotMemory *)memory)->data;
}

static void memory_unmap(GstMemory *memory) {}

static GstMemory *memory_share(GstMemory *memory, gssize offset, gssize size)
{
  GstMemory *whole = memory->parent ? memory->parent : memory;
  SlotMemory *m = g_new0(SlotMemory, 1);

  m->data = ((SlotMemory *)memory)->data;
  gst_memory_init(&m->mem, GST_MINI_OBJECT_FLAGS(whole) | GST_MINI_OBJECT_FLAG_LOCK_READONLY,
                  memory->allocator, whole, memory->maxsize, memory->align, memory->offset + offset,
                  size < 0 ? memory->size - offset : (gsize)size);
  return &m->mem;
}

static void gst_qnn_allocator_finalize(GObject *object)
{
  GstQnnAllocator *self = GST_QNN_ALLOCATOR(object);

  for (guint i = 0; i < self->n_free; i++)
    slot_clear(&self->free_slots[i]);
  g_mutex_clear(&self->lock);
  G_OBJECT_CLASS(gst_qnn_allocator_parent_class)->finalize(object);
}

static void gst_qnn_allocator_class_init(GstQnnAllocatorClass *klass)
{
  GST_ALLOCATOR_CLASS(klass)->alloc = allocator_alloc;
  GST_ALLOCATOR_CLASS(klass)->free = allocator_free;
  G_OBJECT_CLASS(klass)->finalize = gst_qnn_allocator_finalize;
}

static void gst_qnn_allocator_init(GstQnnAllocator *self)
{
  GstAllocator *allocator = GST_ALLOCATOR(self);

  g_mutex_init(&self->lock);
  allocator->mem_type = "QnnSlot";
  allocator->mem_map = memory_map;
  allocator->mem_unmap = memory_unmap;
  allocator->mem_share = memory_share;
  GST_OBJECT_FLAG_SET(allocator, GST_ALLOCATOR_FLAG_CUSTOM_ALLOC);
}

GstAllocator *gst_qnn_allocator_new(gboolean shared)
{
  GstQnnAllocator *self = g_object_new(gst_qnn_allocator_get_type(), NULL);

  self->shared = shared;
  return gst_object_ref_sink(self);
}

void gst_qnn_allocation_params_init(GstAllocationParams *params)
{
  gst_allocation_params_init(params);
  params->align = QF_ALIGNMENT - 1;
}

guint gst_qnn_allocator_n_slots(GstQnnAllocator *allocator)
{
  return (guint)g_atomic_int_get(&allocator->n_slots);
}
