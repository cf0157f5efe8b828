/* SPDX-License-Identifier: MIT */
/*
 * buffer.c - memory that the CPU and the DSP both see: the library's, that of others by descriptor, and shared memory of this process, which is
 * mapped when a run first meets it and stays so while there is room.
 */
#include "device_priv.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE_BYTES 4096u

static void release_memory(QfHtpMemory *m)
{
  if (m->shared)
    qf_shared_unref(m->shared);
  else if (m->imported && m->pub.data)
    munmap(m->pub.data, m->pub.size);
  else if (m->pub.data)
    m->device->rpc->rpcmem_free(m->pub.data);
  g_free(m);
}

static QfHtpMemory *note_memory(QfHtpMemory *m)
{
  g_mutex_lock(&m->device->lock);
  m->device->memories[m->number] = m;
  g_mutex_unlock(&m->device->lock);
  return m;
}

/* Makes memory, which both sides may have, known to the DSP. Frees it when that cannot be. */
static QfHtpMemory *map_memory(QfHtpMemory *m, GError **error)
{
  QfHtpDevice *d = m->device;
  int number;
  while ((number = qf_htp_number_take(d, d->buffers, QF_WIRE_MAX_BUFFERS)) < 0 &&
         qf_htp_buffers_drop(d, FALSE))
    ;
  if (number < 0) {
    g_set_error(error, QF_ERROR, QF_ERROR_LIMIT, "more than %u buffers shared with the DSP",
                QF_WIRE_MAX_BUFFERS);
    release_memory(m);
    return NULL;
  }
  m->number = (uint32_t)number;
  const int code =
      d->rpc->fastrpc_mmap(d->domain, m->fd, m->pub.data, 0, m->mapped_bytes, QF_RPC_MAP_DELAYED);
  if (code) {
    g_autofree char *why = qf_rpc_describe(d->rpc, code);
    g_set_error(error, QF_ERROR, QF_ERROR_DEVICE,
                "%" G_GSIZE_FORMAT " bytes cannot be shared with the DSP: %s", m->mapped_bytes, why);
  } else {
    QfWireMap map = {.buffer = m->number, .fd = m->fd, .size_bytes = (uint32_t)m->mapped_bytes};
    QfWireAnswer answer;
    if (qf_htp_exchange(d, "sharing memory with the DSP", QF_WIRE_MAP, &map, sizeof map, NULL, 0, &answer,
                        error))
      return note_memory(m);
    d->rpc->fastrpc_munmap(d->domain, m->fd, m->pub.data, m->mapped_bytes);
  }
  qf_htp_number_give(d, d->buffers, m->number);
  release_memory(m);
  return NULL;
}

static QfHtpMemory *new_memory(QfHtpDevice *d, size_t size, GError **error)
{
  const size_t slack = 2 * QF_DSP_ALIGNMENT + PAGE_BYTES;
  if (!size || size > G_MAXINT32 - slack) {
    g_set_error(error, QF_ERROR, QF_ERROR_LIMIT,
                "a buffer of %" G_GSIZE_FORMAT " bytes for the DSP: 1 to 2^31 can be had", size);
    return NULL;
  }
  QfHtpMemory *m = g_new0(QfHtpMemory, 1);
  m->device = d;
  m->mapped_bytes = (size + slack - 1) / PAGE_BYTES * PAGE_BYTES;
  m->pub.size = size;
  m->pub.data = d->rpc->rpcmem_alloc2
                    ? d->rpc->rpcmem_alloc2(QF_RPC_HEAP_SYSTEM, QF_RPC_HEAP_CACHED, m->mapped_bytes)
                    : d->rpc->rpcmem_alloc(QF_RPC_HEAP_SYSTEM, QF_RPC_HEAP_CACHED, (int)m->mapped_bytes);
  m->fd = m->pub.data ? d->rpc->rpcmem_to_fd(m->pub.data) : -1;
  if (m->fd < 0) {
    g_set_error(error, QF_ERROR, QF_ERROR_DEVICE,
                "no %" G_GSIZE_FORMAT " bytes of memory that can be shared with the DSP%s", m->mapped_bytes,
                d->rpc->simulated ? "" : ": look whether this user may open /dev/dma_heap/system");
    release_memory(m);
    return NULL;
  }
  if (!d->rpc->simulated) /* fresh there */
    memset(m->pub.data, 0, m->mapped_bytes);
  return map_memory(m, error);
}

QfHtpBuffer *qf_htp_buffer_new(QfHtpDevice *device, size_t size_bytes, GError **error)
{
  QfHtpMemory *m = new_memory(device, size_bytes, error);
  return m ? &m->pub : NULL;
}

QfHtpBuffer *qf_htp_buffer_import(QfHtpDevice *device, int fd, size_t size_bytes, GError **error)
{
  void *data = size_bytes && size_bytes <= G_MAXINT32
                   ? mmap(NULL, size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)
                   : MAP_FAILED;
  if (data == MAP_FAILED) {
    g_set_error(error, QF_ERROR, QF_ERROR_ARGUMENT,
                "%" G_GSIZE_FORMAT " bytes of descriptor %d cannot be mapped: %s", size_bytes, fd,
                size_bytes ? g_strerror(errno) : "there are none");
    return NULL;
  }
  QfHtpMemory *m = g_new0(QfHtpMemory, 1);
  *m = (QfHtpMemory){
      .pub = {data, size_bytes}, .device = device, .fd = fd, .mapped_bytes = size_bytes, .imported = TRUE};
  return map_memory(m, error) ? &m->pub : NULL;
}

/* Off the device's list already. */
static void unmap_memory(QfHtpMemory *m)
{
  QfHtpDevice *d = m->device;
  QfWireDrop drop = {.number = m->number};
  QfWireAnswer answer;
  g_autoptr(GError) error = NULL;
  if (!qf_htp_exchange(d, "taking memory back from the DSP", QF_WIRE_UNMAP, &drop, sizeof drop, NULL, 0,
                       &answer, &error))
    g_debug("%s", error->message);
  d->rpc->fastrpc_munmap(d->domain, m->fd, m->pub.data, m->mapped_bytes);
  qf_htp_number_give(d, d->buffers, m->number);
  release_memory(m);
}

void qf_htp_buffer_free(QfHtpBuffer *buffer)
{
  QfHtpMemory *m = (QfHtpMemory *)buffer;
  if (!m)
    return;
  g_mutex_lock(&m->device->lock);
  m->device->memories[m->number] = NULL;
  g_mutex_unlock(&m->device->lock);
  unmap_memory(m);
}

gboolean qf_htp_buffers_drop(QfHtpDevice *d, gboolean all)
{
  gboolean dropped = FALSE;
  for (QfHtpMemory *oldest = NULL; all || !dropped; dropped = TRUE, oldest = NULL) {
    g_mutex_lock(&d->lock);
    for (guint i = 0; i < QF_WIRE_MAX_BUFFERS; i++) {
      QfHtpMemory *m = d->memories[i];
      if (m && m->shared && !m->holds && (!oldest || m->used < oldest->used))
        oldest = m;
    }
    if (oldest)
      d->memories[oldest->number] = NULL;
    g_mutex_unlock(&d->lock);
    if (!oldest)
      return dropped;
    unmap_memory(oldest);
  }
  return dropped;
}

/* With the lock held. */
static QfHtpMemory *find_memory(QfHtpDevice *d, const void *address, size_t size, size_t *offset)
{
  for (guint i = 0; i < QF_WIRE_MAX_BUFFERS; i++) {
    QfHtpMemory *m = d->memories[i];
    const size_t at = m ? (size_t)((uintptr_t)address - (uintptr_t)m->pub.data) : 0;
    if (!m || at > m->pub.size || size > m->pub.size - at)
      continue;
    *offset = at;
    m->holds++;
    m->used = ++d->clock;
    return m;
  }
  return NULL;
}

const QfHtpBuffer *qf_htp_buffer_hold(QfHtpDevice *d, const void *address, size_t size_bytes, size_t *offset)
{
  g_mutex_lock(&d->lock);
  QfHtpMemory *m = find_memory(d, address, size_bytes, offset);
  g_mutex_unlock(&d->lock);
  QfShared *shared = m ? NULL : qf_shared_find(address, size_bytes);
  if (!shared)
    return m ? &m->pub : NULL;
  m = g_new0(QfHtpMemory, 1);
  *m = (QfHtpMemory){.pub = {shared->data, shared->size},
                     .device = d,
                     .fd = shared->fd,
                     .mapped_bytes = shared->size,
                     .imported = TRUE,
                     .shared = shared,
                     .holds = 1};
  *offset = (size_t)((uintptr_t)address - (uintptr_t)shared->data);
  if (shared->size > G_MAXINT32)
    release_memory(m);
  else if (map_memory(m, NULL)) /* held since before it is listed */
    return &m->pub;
  return NULL;
}

void qf_htp_buffer_release(const QfHtpBuffer *buffer)
{
  QfHtpMemory *m = (QfHtpMemory *)buffer;
  g_mutex_lock(&m->device->lock);
  m->holds--;
  g_mutex_unlock(&m->device->lock);
}
