/* SPDX-License-Identifier: MIT */
/*
 * shared.c - see shared.h. One list for the process: blocks are a few slots of elements.
 */
#include "shared.h"

#include <fcntl.h>
#include <linux/dma-heap.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

static GMutex lock;
static GPtrArray *blocks; /* QfShared*, each a reference */

static void release(gpointer data)
{
  QfShared *shared = data;
  munmap(shared->data, shared->size);
  close(shared->fd);
}

void qf_shared_unref(QfShared *shared)
{
  g_atomic_rc_box_release_full(shared, release);
}

/* -1: there is no heap, or it is not for us. */
static int from_heap(size_t size)
{
  static const char *const heaps[] = {"/dev/dma_heap/system", "/dev/dma_heap/qcom,system"};
  struct dma_heap_allocation_data wish = {.len = size, .fd_flags = O_RDWR | O_CLOEXEC};
  gboolean got = FALSE;
  for (gsize i = 0; !got && i < G_N_ELEMENTS(heaps); i++) {
    const int heap = open(heaps[i], O_RDWR | O_CLOEXEC);
    got = heap >= 0 && !ioctl(heap, DMA_HEAP_IOCTL_ALLOC, &wish);
    if (heap >= 0)
      close(heap);
  }
  return got ? (int)wish.fd : -1;
}

static int from_file(size_t size)
{
  const int fd = memfd_create("qnnflow", MFD_CLOEXEC);
  if (fd >= 0 && ftruncate(fd, (off_t)size)) {
    close(fd);
    return -1;
  }
  return fd;
}

void *qf_shared_alloc(size_t size_bytes)
{
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  if (size_bytes > SIZE_MAX / 2)
    return NULL;
  const size_t size = (MAX(size_bytes, 1) + page - 1) / page * page;
  int fd = from_heap(size);
  if (fd < 0)
    fd = from_file(size);
  void *data = fd < 0 ? MAP_FAILED : mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (data == MAP_FAILED) {
    if (fd >= 0)
      close(fd);
    return NULL;
  }
  QfShared *shared = g_atomic_rc_box_new(QfShared);
  *shared = (QfShared){data, size, fd};
  g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&lock);
  if (!blocks)
    blocks = g_ptr_array_new();
  g_ptr_array_add(blocks, shared);
  return data;
}

/* Under the lock. */
static guint index_of(const uint8_t *data, size_t size)
{
  for (guint i = 0; blocks && i < blocks->len; i++) {
    const QfShared *s = blocks->pdata[i];
    const uint8_t *start = s->data;
    if (data >= start && data < start + s->size && size <= (size_t)(start + s->size - data))
      return i;
  }
  return G_MAXUINT;
}

void qf_shared_free(void *data)
{
  QfShared *shared = NULL;
  g_mutex_lock(&lock);
  const guint at = data ? index_of(data, 1) : G_MAXUINT;
  if (at != G_MAXUINT)
    shared = g_ptr_array_remove_index_fast(blocks, at);
  if (blocks && !blocks->len)
    g_clear_pointer(&blocks, g_ptr_array_unref);
  g_mutex_unlock(&lock);
  if (shared)
    qf_shared_unref(shared);
}

QfShared *qf_shared_find(const void *data, size_t size)
{
  g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&lock);
  const guint at = index_of(data, size);
  return at == G_MAXUINT ? NULL : g_atomic_rc_box_acquire(blocks->pdata[at]);
}
