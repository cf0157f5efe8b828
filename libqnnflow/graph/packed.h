/* SPDX-License-Identifier: MIT */
/*
 * packed.h - constants in the form that kernels read, in the order in which lowering asks for them: those that came with a native
 * file, and those of this model, for writing one. What they hold is between a kernel and its packing; here they are bytes
 * with a key, which is made from the kernel's name and the size.
 */
#ifndef QF_GRAPH_PACKED_H
#define QF_GRAPH_PACKED_H

#include "graph.h"

typedef struct {
  uint64_t key;
  const void *data; /* aligned to QF_ALIGNMENT */
  size_t size_bytes;
} QfPackedBlock;

struct QfPackedStore {
  const char *
      unit; /* whom the stored ones are for: qf_cpu_packed_unit() where they were written; NULL: there are none */
  QfPackedBlock *stored; /* [n_stored], from the file: they live as long as the graph */
  uint32_t n_stored, used;
  const char *made_for; /* whom the others are for; NULL: they are not to be written */
  GArray *made;         /* QfPackedBlock: all that lowering has got, stored ones too */
};

/* That of the outermost graph. */
QfPackedStore *qf_graph_packed(QfGraph *graph);

/* The next block, when it has this key and size; else NULL. */
const void *qf_packed_take(QfPackedStore *store, uint64_t key, size_t size_bytes);

#endif
