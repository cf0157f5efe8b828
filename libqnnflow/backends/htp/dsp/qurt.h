/* SPDX-License-Identifier: MIT */
/*
 * qurt.h - what a DSP's image gives to a module, in declarations of our own: nothing of it is linked, the DSP's loader finds it. Only
 * port_qurt.c uses it.
 */
#ifndef QF_HTP_DSP_QURT_H
#define QF_HTP_DSP_QURT_H

#include <stddef.h>
#include <stdint.h>

/* The C library. */
void *memalign(size_t alignment, size_t size);
void free(void *memory);

/* The kernel: threads, waiting, vector units, caches. */
typedef struct {
  char name[16];
  uint8_t partition, stid;
  uint16_t priority; /* 1 is the highest, 254 the lowest */
  uint8_t group, bus_priority;
  uint16_t time_test;
  uint32_t stack_bytes;
  void *stack;
  uint16_t detached;
  uint32_t reserved[8]; /* what newer images add */
} QurtThreadAttributes;
int qurt_thread_create(uint32_t *thread, const QurtThreadAttributes *attributes, void (*fn)(void *),
                       void *arg);
int qurt_thread_join(uint32_t thread, int *status);
void qurt_thread_exit(int status);
int qurt_futex_wait(void *word, int value);
int qurt_futex_wake(void *word, int n);
int qurt_hvx_lock(int mode);
int qurt_hvx_unlock(void);
int qurt_hvx_get_units(void); /* bits 15 to 8: units of 128 bytes */
int qurt_mem_cache_clean(uint32_t address, uint32_t size, int operation, int type);
enum { QURT_CACHE_FLUSH = 0, QURT_CACHE_INVALIDATE = 1, QURT_DCACHE = 1, QURT_HVX_128B = 1 };

/* Memory of the host by descriptor; -1: cannot. Time. A line of the log. */
void *HAP_mmap(void *at, int size, int protection, int flags, int fd, long offset);
int HAP_munmap(void *at, int size);
uint64_t HAP_perf_get_time_us(void);
void HAP_debug(const char *text, int level, const char *file, int line);

/* VTCM. */
typedef struct {
  uint64_t words[8];
} QurtResource;
int compute_resource_attr_init(QurtResource *wish);
int compute_resource_attr_set_vtcm_param_v2(QurtResource *wish, uint32_t bytes, uint32_t min_page,
                                            uint32_t min_bytes);
int compute_resource_attr_get_vtcm_ptr_v2(QurtResource *wish, void **at, uint32_t *bytes);
int compute_resource_query_VTCM(uint32_t app, uint32_t *total, void *total_pages, uint32_t *free_bytes,
                                void *free_pages);
uint32_t compute_resource_acquire(QurtResource *wish, uint32_t timeout_us); /* 0: cannot */
int compute_resource_release(uint32_t context);

/* Queues, from the DSP's side; as on the host, abi.h. */
typedef struct QurtQueue QurtQueue;
typedef struct {
  uint32_t fd, size_bytes, offset, flags;
  uint64_t address;
} QurtBuffer;
enum { QURT_FLUSH_SENDER = 0x10, QURT_INVALIDATE_RECIPIENT = 0x80, QURT_MAX_BUFFERS = 64 };
typedef void (*QurtCallback)(QurtQueue *queue, int error, void *context);
int dspqueue_import(uint64_t id, QurtCallback on_packet, QurtCallback on_error, void *context,
                    QurtQueue **queue);
int dspqueue_close(QurtQueue *queue);
int dspqueue_read_noblock(QurtQueue *queue, uint32_t *flags, uint32_t max_buffers, uint32_t *n_buffers,
                          QurtBuffer *buffers, uint32_t max_bytes, uint32_t *size_bytes, uint8_t *message);
int dspqueue_write(QurtQueue *queue, uint32_t flags, uint32_t n_buffers, QurtBuffer *buffers,
                   uint32_t size_bytes, const uint8_t *message, uint32_t timeout_us);

#endif
