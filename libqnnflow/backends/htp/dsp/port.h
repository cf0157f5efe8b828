/* SPDX-License-Identifier: MIT */
/*
 * port.h - what the Hexagon program has of the machine below it: shared memory, memory of its own, VTCM, hardware threads, copies,
 * clocks. There are three: port_linux.c (under qemu-hexagon), port_host.c (a thread of the host's own process) and port_qurt.c (a DSP).
 *
 * All but the loop of messages (msg.c) and the ports themselves is the same code on all three. Nothing of it allocates in a run.
 */
#ifndef QF_HTP_DSP_PORT_H
#define QF_HTP_DSP_PORT_H

#include <stdint.h>

typedef struct QfDspPort QfDspPort;

/* Every address that a port gives is a multiple of this: one vector. */
#define QF_DSP_ALIGNMENT 128u
/* Hardware threads that a port has at most. */
#define QF_DSP_MAX_THREADS 8u
/* Memory for a thread's copies under way. */
#define QF_DSP_QUEUE_BYTES 512u

/* What a request came to. 0 is success everywhere. The host has a sentence for each: QF_DSP_STATUS_LIST. */
#define QF_DSP_STATUS_LIST(X)                                                                                \
  X(OK, "done")                                                                                              \
  X(BAD_PACKET, "the packet is malformed")                                                                   \
  X(BAD_VERSION, "the program on the DSP speaks another version of the protocol")                            \
  X(BAD_MAP, "the DSP cannot map the memory")                                                                \
  X(BAD_SPAN, "a span does not lie within the memory that is mapped")                                        \
  X(BAD_GRAPH, "the graph is malformed")                                                                     \
  X(UNSUPPORTED, "the graph has an operation that the program on the DSP does not know")                     \
  X(NO_MEMORY, "the DSP has not enough memory")                                                              \
  X(NO_VTCM, "the graph needs more VTCM than the DSP gives")                                                 \
  X(NO_SLOT, "too many buffers or graphs at a time")                                                         \
  X(IN_USE, "a graph still uses the buffer")                                                                 \
  X(NOT_THERE, "there is no such buffer or graph")
#define QF_DSP_STATUS_NAME(name, text) QF_DSP_##name,
typedef enum { QF_DSP_STATUS_LIST(QF_DSP_STATUS_NAME) QF_DSP_N_STATUSES } QfDspStatus;

/* A port embeds this as its first member. Functions are called from the thread that runs the loop, unless said otherwise. */
struct QfDspPort {
  /* Memory of the host by file descriptor @fd; NULL: cannot. */
  void *(*map)(QfDspPort *port, int32_t fd, uint32_t size_bytes);
  void (*unmap)(QfDspPort *port, void *memory, uint32_t size_bytes);
  /* Writes what the DSP has changed back to memory; drops what it has cached. Whole cache lines. Any thread. */
  void (*cache_clean)(QfDspPort *port, const void *memory, uint32_t size_bytes);
  void (*cache_invalidate)(QfDspPort *port, void *memory, uint32_t size_bytes);
  /* Memory of the DSP, zeroed, aligned to QF_DSP_ALIGNMENT; NULL: there is no more. Only while a graph is loaded or dropped, never in a
   * run. @size_bytes of free() is what alloc() was given. */
  void *(*alloc)(QfDspPort *port, uint32_t size_bytes);
  void (*free)(QfDspPort *port, void *memory, uint32_t size_bytes);
  /* Calls @fn for every index below @count, on n_threads threads of which the caller is thread 0; returns when all are done. Not from
   * within @fn. */
  void (*parallel)(QfDspPort *port, void (*fn)(void *arg, uint32_t index, uint32_t thread), void *arg,
                   uint32_t count);
  /* Begins a copy of @rows rows of @width bytes (by user DMA on a DSP, at once elsewhere); copy_wait() returns when all that were begun in
   * @queue are there. Any thread, each with a queue of its own: QF_DSP_QUEUE_BYTES of memory, aligned, zeroed before the first. Areas
   * must not overlap. */
  void (*copy2d)(QfDspPort *port, void *queue, void *dst, uint32_t dst_stride, const void *src,
                 uint32_t src_stride, uint32_t width, uint32_t rows);
  void (*copy_wait)(QfDspPort *port, void *queue);
  /* Hint: the memory is read soon, and not before. Any thread; NULL: there are no caches to fill. */
  void (*prefetch)(QfDspPort *port, const void *memory, uint32_t size_bytes);
  /* Time that only goes forward. Any thread. */
  uint64_t (*now_us)(QfDspPort *port);
  /* Packets of instructions executed so far by the calling thread, modulo 2^32: differences count. 0 where nothing counts them. Any thread. */
  uint32_t (*packets)(QfDspPort *port);
  /* @level: 0 error, 1 warning, 2 information, 3 debugging. Any thread. */
  void (*log)(QfDspPort *port, int level, const char *text);
  uint8_t *vtcm; /* tightly coupled memory, the running graph's alone; aligned to QF_DSP_ALIGNMENT */
  uint32_t vtcm_bytes;
  uint64_t worker_packets; /* of all other threads within parallel(), ever */
  uint32_t n_threads;      /* 1 to QF_DSP_MAX_THREADS */
};

#endif
