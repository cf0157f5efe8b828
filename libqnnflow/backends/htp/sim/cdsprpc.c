/* SPDX-License-Identifier: MIT */
/*
 * cdsprpc.c - memory, maps, handles and sessions of the simulator. Memory that can be shared is a memfd; a map is a note in a table, for the
 * program opens the descriptor itself when it is told to; START and STOP are the two methods that it knows.
 */
#include "sim_host.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

typedef struct Memory {
  struct Memory *next;
  void *at;
  size_t size_bytes;
  int fd;
} Memory;

typedef struct Map {
  struct Map *next;
  int domain, fd;
  size_t size_bytes;
} Map;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static Memory *memories;
static Map *maps;
static uint64_t handles;
static uint32_t sessions;
static _Thread_local char reason[256];

int qf_sim_fail(int code, const char *format, ...)
{
  va_list args;
  va_start(args, format);
  vsnprintf(reason, sizeof reason, format, args);
  va_end(args);
  return code;
}

const char *qnnflow_htpsim_error(void)
{
  return reason;
}

void rpcmem_init(void) {}

void rpcmem_deinit(void) {}

void *rpcmem_alloc2(int heap, uint32_t flags, size_t size_bytes)
{
  (void)heap, (void)flags;
  const int fd = memfd_create("rpcmem", MFD_CLOEXEC);
  Memory *m = malloc(sizeof *m);
  void *at = MAP_FAILED;
  if (fd >= 0 && m && size_bytes && !ftruncate(fd, (off_t)size_bytes))
    at = mmap(NULL, size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (at == MAP_FAILED) {
    if (fd >= 0)
      close(fd);
    free(m);
    return NULL;
  }
  pthread_mutex_lock(&lock);
  *m = (Memory){memories, at, size_bytes, fd};
  memories = m;
  pthread_mutex_unlock(&lock);
  return at;
}

void *rpcmem_alloc(int heap, uint32_t flags, int size_bytes)
{
  return size_bytes > 0 ? rpcmem_alloc2(heap, flags, (size_t)size_bytes) : NULL;
}

int rpcmem_to_fd(void *memory)
{
  int fd = -1;
  pthread_mutex_lock(&lock);
  for (const Memory *m = memories; m; m = m->next)
    if (m->at == memory)
      fd = m->fd;
  pthread_mutex_unlock(&lock);
  return fd;
}

void rpcmem_free(void *memory)
{
  Memory *found = NULL;
  pthread_mutex_lock(&lock);
  for (Memory **m = &memories; *m; m = &(*m)->next) {
    if ((*m)->at != memory)
      continue;
    found = *m;
    *m = found->next;
    break;
  }
  pthread_mutex_unlock(&lock);
  if (!found)
    return;
  munmap(found->at, found->size_bytes);
  close(found->fd);
  free(found);
}

int fastrpc_mmap(int domain, int fd, void *memory, int offset, size_t size_bytes, int flags)
{
  (void)memory;
  if (fd < 0 || offset || flags != QF_RPC_MAP_DELAYED || fcntl(fd, F_GETFD) < 0)
    return qf_sim_fail(QF_RPC_EBADPARM, "fastrpc_mmap: descriptor %d, offset %d, flags %d", fd, offset,
                       flags);
  Map *m = malloc(sizeof *m);
  if (!m)
    return QF_RPC_ENOMEMORY;
  pthread_mutex_lock(&lock);
  *m = (Map){maps, domain, fd, size_bytes};
  maps = m;
  pthread_mutex_unlock(&lock);
  return QF_RPC_SUCCESS;
}

int fastrpc_munmap(int domain, int fd, void *memory, size_t size_bytes)
{
  (void)memory, (void)size_bytes;
  Map *found = NULL;
  pthread_mutex_lock(&lock);
  for (Map **m = &maps; *m; m = &(*m)->next) {
    if ((*m)->domain != domain || (*m)->fd != fd)
      continue;
    found = *m;
    *m = found->next;
    break;
  }
  pthread_mutex_unlock(&lock);
  free(found);
  return found ? QF_RPC_SUCCESS : QF_RPC_ENOSUCHMAP;
}

bool qf_sim_is_mapped(int domain, int fd, uint64_t end)
{
  bool found = false;
  pthread_mutex_lock(&lock);
  for (const Map *m = maps; m && !found; m = m->next)
    found = m->domain == domain && m->fd == fd && end <= m->size_bytes;
  pthread_mutex_unlock(&lock);
  return found;
}

int remote_session_control(uint32_t request, void *data, uint32_t size_bytes)
{
  if (request == QF_RPC_UNSIGNED_MODULE)
    return size_bytes == sizeof(QfRpcUnsigned) ? QF_RPC_SUCCESS : QF_RPC_EBADPARM;
  if (request == QF_RPC_PROCESS_KILL && size_bytes == sizeof(int)) {
    qf_sim_queues_kill(*(const int *)data);
    return QF_RPC_SUCCESS;
  }
  if (request == QF_RPC_RESERVE_SESSION && size_bytes == sizeof(QfRpcReserve)) {
    QfRpcReserve *r = data;
    pthread_mutex_lock(&lock);
    r->session = ++sessions;
    pthread_mutex_unlock(&lock);
    r->effective_domain = QF_RPC_CDSP + 16 * r->session;
    return QF_RPC_SUCCESS;
  }
  if (request == QF_RPC_GET_URI && size_bytes == sizeof(QfRpcUri)) {
    const QfRpcUri *u = data;
    const int n = snprintf(u->uri, u->uri_bytes, "%.*s&_session=%u", (int)u->module_uri_bytes, u->module_uri,
                           u->session);
    return n >= 0 && (uint32_t)n < u->uri_bytes ? QF_RPC_SUCCESS : QF_RPC_EBADPARM;
  }
  return QF_RPC_EUNSUPPORTED;
}

int remote_handle_control(uint32_t request, void *data, uint32_t size_bytes)
{
  (void)request, (void)data, (void)size_bytes;
  return QF_RPC_EUNSUPPORTED;
}

int remote_handle64_control(uint64_t handle, uint32_t request, void *data, uint32_t size_bytes)
{
  (void)handle, (void)data;
  return request == QF_RPC_CONTROL_LATENCY && size_bytes == sizeof(QfRpcLatency) ? QF_RPC_SUCCESS
                                                                                 : QF_RPC_EUNSUPPORTED;
}

int remote_handle64_open(const char *uri, uint64_t *handle)
{
  char path[4096];
  if (strncmp(uri, "file:///", 8) != 0 || !strstr(uri, "_skel_handle_invoke&_modver=1.0"))
    return qf_sim_fail(QF_RPC_EBADPARM, "not a module's URI: %s", uri);
  const int code = qf_sim_program_find(path, sizeof path);
  if (code)
    return code;
  pthread_mutex_lock(&lock);
  *handle = ++handles;
  pthread_mutex_unlock(&lock);
  return QF_RPC_SUCCESS;
}

int remote_handle64_invoke(uint64_t handle, uint32_t scalars, QfRpcArg *args)
{
  (void)handle;
  const uint32_t method = QF_RPC_METHOD(scalars);
  if (scalars != QF_RPC_SCALARS(method, 1, 0) || args[0].buffer.size_bytes != sizeof(QfWireStart))
    return qf_sim_fail(QF_RPC_EBADPARM, "a call with scalars 0x%x", scalars);
  QfWireStart start;
  memcpy(&start, args[0].buffer.memory, sizeof start);
  QfRpcQueue *queue = qf_sim_queue_by_id(start.queue);
  if (!queue)
    return qf_sim_fail(QF_RPC_ENOSUCH, "there is no such queue");
  if (method == QF_WIRE_METHOD_START)
    return qf_sim_program_start(queue);
  return method == QF_WIRE_METHOD_STOP ? QF_RPC_SUCCESS : QF_RPC_EUNSUPPORTED; /* it ends with its queue */
}

int remote_handle64_close(uint64_t handle)
{
  return handle ? QF_RPC_SUCCESS : QF_RPC_EINVHANDLE;
}
