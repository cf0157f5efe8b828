/* SPDX-License-Identifier: MIT */
/*
 * queue.c - dspqueue_*() over two queues in memory shared with the program. Nothing waits for a program that has ended.
 */
#include "sim_host.h"

#include <stdlib.h>
#include <unistd.h>

#define LOOK_US 20000u /* looks for the program's end, at least so often */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static QfRpcQueue *queues;
static uint64_t last_id;

int dspqueue_create(int domain, uint32_t flags, uint32_t request_bytes, uint32_t answer_bytes,
                    QfRpcCallback on_packet, QfRpcCallback on_error, void *context, QfRpcQueue **queue)
{
  (void)flags, (void)answer_bytes, (void)on_error, (void)context;
  if (on_packet)
    return qf_sim_fail(QF_RPC_EUNSUPPORTED, "queues with callbacks");
  QfRpcQueue *q = calloc(1, sizeof *q);
  if (!q)
    return QF_RPC_ENOMEMORY;
  q->domain = domain;
  q->request_bytes = request_bytes && request_bytes < QF_SIM_QUEUE_BYTES ? request_bytes : QF_SIM_QUEUE_BYTES;
  const int code = qf_sim_program_prepare(q);
  if (code) {
    free(q);
    return code;
  }
  pthread_mutex_init(&q->write, NULL);
  pthread_mutex_init(&q->read, NULL);
  pthread_mutex_lock(&lock);
  q->id = ++last_id;
  q->next = queues;
  queues = q;
  pthread_mutex_unlock(&lock);
  *queue = q;
  return QF_RPC_SUCCESS;
}

int dspqueue_close(QfRpcQueue *queue)
{
  pthread_mutex_lock(&lock);
  for (QfRpcQueue **q = &queues; *q; q = &(*q)->next)
    if (*q == queue) {
      *q = queue->next;
      break;
    }
  pthread_mutex_unlock(&lock);
  qf_sim_program_end(queue);
  pthread_mutex_destroy(&queue->write);
  pthread_mutex_destroy(&queue->read);
  free(queue);
  return QF_RPC_SUCCESS;
}

int dspqueue_export(QfRpcQueue *queue, uint64_t *id)
{
  *id = queue->id;
  return QF_RPC_SUCCESS;
}

QfRpcQueue *qf_sim_queue_by_id(uint64_t id)
{
  pthread_mutex_lock(&lock);
  QfRpcQueue *q = queues;
  while (q && q->id != id)
    q = q->next;
  pthread_mutex_unlock(&lock);
  return q;
}

void qf_sim_queues_kill(int domain)
{
  pthread_mutex_lock(&lock);
  for (QfRpcQueue *q = queues; q; q = q->next)
    if (q->domain == domain)
      qf_sim_program_kill(q);
  pthread_mutex_unlock(&lock);
}

static bool is_dead(const QfRpcQueue *q)
{
  return !q->started || __atomic_load_n(&q->shared->dead, __ATOMIC_ACQUIRE);
}

typedef uint32_t (*Attempt)(QfRpcQueue *q, void *data, uint32_t size);

/* Tries until it works, the program ends or time is up; @word moves when another attempt makes sense. */
static int attempt(QfRpcQueue *q, Attempt try, void *data, uint32_t size, uint32_t *word, uint32_t timeout_us,
                   uint32_t *result)
{
  const uint64_t end = qf_sim_os_now_us() + timeout_us;
  for (uint32_t spins = 0;; spins++) {
    const uint32_t value = __atomic_load_n(word, __ATOMIC_ACQUIRE);
    const bool dead = is_dead(q); /* before the last attempt: what came before the end counts */
    if ((*result = try(q, data, size)))
      return QF_RPC_SUCCESS;
    if (dead)
      return qf_sim_fail(QF_RPC_ECONNRESET, "the simulated program has ended");
    if (spins < q->shared->spins)
      continue;
    const uint64_t now = qf_sim_os_now_us();
    if (now >= end)
      return timeout_us ? QF_RPC_EEXPIRED : QF_RPC_EWOULDBLOCK;
    qf_sim_os_wait(word, value, end - now < LOOK_US ? (uint32_t)(end - now) : LOOK_US);
  }
}

static uint32_t try_write(QfRpcQueue *q, void *data, uint32_t size)
{
  const QfWireHead *head = data;
  const bool full = q->full && size > sizeof *head && head->kind == QF_WIRE_RUN;
  return full ? 0 : qf_sim_queue_put(&q->shared->request, data, size, q->request_bytes);
}

static uint32_t try_read(QfRpcQueue *q, void *data, uint32_t size)
{
  return qf_sim_queue_get(&q->shared->answer, data, size);
}

int dspqueue_write(QfRpcQueue *q, uint32_t flags, uint32_t n_buffers, QfRpcBuffer *buffers,
                   uint32_t size_bytes, const uint8_t *message, uint32_t timeout_us)
{
  uint32_t done;
  if (flags || n_buffers > 64 || !size_bytes || size_bytes > QF_SIM_QUEUE_BYTES / 2)
    return qf_sim_fail(QF_RPC_EBADPARM, "a packet of %u bytes and %u buffers", size_bytes, n_buffers);
  for (uint32_t i = 0; i < n_buffers; i++)
    if (!qf_sim_is_mapped(q->domain, (int)buffers[i].fd, (uint64_t)buffers[i].offset + buffers[i].size_bytes))
      return qf_sim_fail(QF_RPC_ENOSUCHMAP, "a packet names descriptor %u, which is not mapped",
                         buffers[i].fd);
  pthread_mutex_lock(&q->write);
  const int code =
      attempt(q, try_write, (void *)message, size_bytes, &q->shared->request.read, timeout_us, &done);
  pthread_mutex_unlock(&q->write);
  return code;
}

int dspqueue_read(QfRpcQueue *q, uint32_t *flags, uint32_t max_buffers, uint32_t *n_buffers,
                  QfRpcBuffer *buffers, uint32_t max_bytes, uint32_t *size_bytes, uint8_t *message,
                  uint32_t timeout_us)
{
  (void)max_buffers, (void)buffers;
  *flags = *n_buffers = *size_bytes = 0;
  pthread_mutex_lock(&q->read);
  const int code =
      attempt(q, try_read, message, max_bytes, &q->shared->answer.written, timeout_us, size_bytes);
  pthread_mutex_unlock(&q->read);
  return !code && *size_bytes == UINT32_MAX ? qf_sim_fail(QF_RPC_EFAILED, "the answer queue is damaged")
                                            : code;
}
