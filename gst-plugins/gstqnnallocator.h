/* SPDX-License-Identifier: MIT */
/*
 * gstqnnallocator.h - aligned memory for tensors, taken from slots that are used again.
 *
 * The engine binds this memory as it is. A slot belongs to its GstMemory, not to a buffer or a pool, and returns to
 * the allocator with the memory's last reference. Thread-safe.
 */
#ifndef GST_QNN_ALLOCATOR_H
#define GST_QNN_ALLOCATOR_H

#include <gst/gst.h>

G_DECLARE_FINAL_TYPE(GstQnnAllocator, gst_qnn_allocator, GST, QNN_ALLOCATOR, GstAllocator)

/* A new allocator; the caller owns the reference. @shared: of memory that units beside the CPU can map, where there is such. */
GstAllocator *gst_qnn_allocator_new(gboolean shared);

/* What to ask of any allocator for memory of tensors: the engine's alignment. */
void gst_qnn_allocation_params_init(GstAllocationParams *params);

/* Slots that were really allocated so far. */
guint gst_qnn_allocator_n_slots(GstQnnAllocator *allocator);

#endif
