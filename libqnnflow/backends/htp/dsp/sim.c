/* SPDX-License-Identifier: MIT */
/*
 * sim.c - the program in the simulator, wherever it runs: queues in shared memory, a port with threads, the loop, and the faults that
 * tests ask for. What differs between qemu-hexagon and the host is in port_linux.c and port_host.c.
 */
#include "sim.h"
#include "net.h"

#include <string.h>

#define WAIT_US 200000u /* looks whether it is to end, at least so often */
#define MASK (QF_SIM_QUEUE_BYTES - 1)

static uint32_t load(const uint32_t *word)
{
  return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

static void copy_in(QfSimQueue *q, uint32_t at, const void *from, uint32_t n)
{
  const uint32_t first = n < QF_SIM_QUEUE_BYTES - (at & MASK) ? n : QF_SIM_QUEUE_BYTES - (at & MASK);
  memcpy(q->data + (at & MASK), from, first);
  memcpy(q->data, (const uint8_t *)from + first, n - first);
}

static void copy_out(const QfSimQueue *q, uint32_t at, void *to, uint32_t n)
{
  const uint32_t first = n < QF_SIM_QUEUE_BYTES - (at & MASK) ? n : QF_SIM_QUEUE_BYTES - (at & MASK);
  memcpy(to, q->data + (at & MASK), first);
  memcpy((uint8_t *)to + first, q->data, n - first);
}

/* A packet lies as its size and its bytes, rounded up to 8. */
static uint32_t room_of(uint32_t size)
{
  return (size + 4 + 7) & ~7u;
}

uint32_t qf_sim_queue_put(QfSimQueue *q, const void *packet, uint32_t size, uint32_t limit)
{
  const uint32_t at = q->written, used = at - load(&q->read);
  if (used > limit || room_of(size) > limit - used)
    return 0;
  copy_in(q, at, &size, 4);
  copy_in(q, at + 4, packet, size);
  __atomic_store_n(&q->written, at + room_of(size), __ATOMIC_RELEASE);
  qf_sim_os_wake(&q->written);
  return size;
}

uint32_t qf_sim_queue_get(QfSimQueue *q, void *packet, uint32_t max_bytes)
{
  const uint32_t at = q->read, used = load(&q->written) - at;
  uint32_t size;
  if (!used)
    return 0;
  copy_out(q, at, &size, 4);
  if (used > QF_SIM_QUEUE_BYTES || !size || size > max_bytes || room_of(size) > used)
    return UINT32_MAX;
  copy_out(q, at + 4, packet, size);
  __atomic_store_n(&q->read, at + room_of(size), __ATOMIC_RELEASE);
  qf_sim_os_wake(&q->read);
  return size;
}

typedef struct SimPort SimPort;

typedef struct {
  SimPort *port;
  uint32_t index;
  uintptr_t thread;
  uint32_t packets; /* of the last parallel() */
} Worker;

struct SimPort {
  QfDspPort port;
  QfSimShared *shared;
  uint32_t lock; /* of the answer queue: any thread may log */
  uint32_t n_workers, started;
  Worker workers[QF_DSP_MAX_THREADS - 1];
  /* The work at hand. */
  void (*fn)(void *arg, uint32_t index, uint32_t thread);
  void *arg;
  uint32_t count, next, busy, turn, quit;
};

static void take_work(SimPort *p, uint32_t thread)
{
  for (uint32_t i; (i = __atomic_fetch_add(&p->next, 1, __ATOMIC_RELAXED)) < p->count;)
    p->fn(p->arg, i, thread);
}

/* Until *@word is no longer @value. */
static void wait_for_change(const SimPort *p, uint32_t *word, uint32_t value)
{
  for (uint32_t i = 0; i < p->shared->spins; i++)
    if (load(word) != value)
      return;
  while (load(word) == value)
    qf_sim_os_wait(word, value, WAIT_US);
}

static void work(void *data)
{
  Worker *w = data;
  SimPort *p = w->port;
  for (uint32_t seen = 0;;) {
    wait_for_change(p, &p->turn, seen);
    seen = load(&p->turn);
    if (load(&p->quit))
      return;
    const uint32_t packets = qf_sim_os_packets();
    take_work(p, w->index + 1);
    w->packets = qf_sim_os_packets() - packets;
    if (!__atomic_sub_fetch(&p->busy, 1, __ATOMIC_ACQ_REL))
      qf_sim_os_wake(&p->busy);
  }
}

static void start_workers(SimPort *p)
{
  p->started = 1;
  while (p->n_workers + 1 < p->port.n_threads) {
    Worker *w = &p->workers[p->n_workers];
    *w = (Worker){.port = p, .index = p->n_workers};
    w->thread = qf_sim_os_thread(work, w);
    if (!w->thread)
      break;
    p->n_workers++;
  }
}

static void port_parallel(QfDspPort *port, void (*fn)(void *, uint32_t, uint32_t), void *arg, uint32_t count)
{
  SimPort *p = (SimPort *)port;
  if (!p->started && port->n_threads > 1 && count > 1)
    start_workers(p);
  if (count < 2 || !p->n_workers) {
    for (uint32_t i = 0; i < count; i++)
      fn(arg, i, 0);
    return;
  }
  p->fn = fn;
  p->arg = arg;
  p->count = count;
  p->next = 0;
  __atomic_store_n(&p->busy, p->n_workers, __ATOMIC_RELEASE);
  __atomic_add_fetch(&p->turn, 1, __ATOMIC_ACQ_REL);
  qf_sim_os_wake(&p->turn);
  take_work(p, 0);
  for (uint32_t busy; (busy = load(&p->busy));)
    wait_for_change(p, &p->busy, busy);
  for (uint32_t i = 0; i < p->n_workers; i++)
    port->worker_packets += p->workers[i].packets;
}

static void *port_map(QfDspPort *port, int32_t fd, uint32_t size)
{
  const QfSimShared *shared = ((SimPort *)port)->shared;
  return shared->fault == QF_SIM_NO_MAP ? NULL : qf_sim_os_map(shared->host_pid, fd, size);
}

static void port_free_memory(QfDspPort *port, void *memory, uint32_t size)
{
  (void)port;
  qf_sim_os_free(memory, size);
}

static void *port_alloc(QfDspPort *port, uint32_t size)
{
  (void)port;
  return qf_sim_os_alloc(size);
}

static void port_unmap(QfDspPort *port, void *memory, uint32_t size)
{
  (void)port;
  qf_sim_os_unmap(memory, size);
}

static void port_cache_clean(QfDspPort *port, const void *memory, uint32_t size)
{
  (void)port, (void)memory, (void)size;
}

static void port_cache_invalidate(QfDspPort *port, void *memory, uint32_t size)
{
  (void)port, (void)memory, (void)size;
}

static void port_copy2d(QfDspPort *port, void *queue, void *dst, uint32_t dst_stride, const void *src,
                        uint32_t src_stride, uint32_t width, uint32_t rows)
{
  (void)port, (void)queue;
  for (uint32_t i = 0; i < rows; i++)
    memcpy((uint8_t *)dst + (size_t)i * dst_stride, (const uint8_t *)src + (size_t)i * src_stride, width);
}

static void port_copy_wait(QfDspPort *port, void *queue)
{
  (void)port, (void)queue;
}

static uint64_t port_now_us(QfDspPort *port)
{
  (void)port;
  return qf_sim_os_now_us();
}

static uint32_t port_packets(QfDspPort *port)
{
  (void)port;
  return qf_sim_os_packets();
}

/* Into the answer queue; 0: there is no room. */
static uint32_t put_answer(SimPort *p, const void *packet, uint32_t size)
{
  while (__atomic_exchange_n(&p->lock, 1, __ATOMIC_ACQUIRE))
    qf_sim_os_wait(&p->lock, 1, 100);
  const uint32_t done = qf_sim_queue_put(&p->shared->answer, packet, size, QF_SIM_QUEUE_BYTES);
  __atomic_store_n(&p->lock, 0, __ATOMIC_RELEASE);
  return done;
}

static void port_log(QfDspPort *port, int level, const char *text)
{
  QfWireLog log = {.head = {QF_WIRE_MAGIC, QF_WIRE_VERSION, QF_WIRE_LOG, sizeof log, 0, 0},
                   .level = (uint32_t)level};
  for (uint32_t i = 0; i + 1 < QF_WIRE_LOG_BYTES && text[i]; i++)
    log.text[i] = text[i];
  put_answer((SimPort *)port, &log, sizeof log); /* a full queue has no room for chatter */
}

QfDspPort *qf_sim_port_new(QfSimShared *shared)
{
  SimPort *p = qf_sim_os_alloc(sizeof *p);
  if (!p)
    return NULL;
  p->shared = shared;
  p->port = (QfDspPort){.map = port_map,
                        .unmap = port_unmap,
                        .cache_clean = port_cache_clean,
                        .cache_invalidate = port_cache_invalidate,
                        .alloc = port_alloc,
                        .free = port_free_memory,
                        .parallel = port_parallel,
                        .copy2d = port_copy2d,
                        .copy_wait = port_copy_wait,
                        .now_us = port_now_us,
                        .packets = port_packets,
                        .log = port_log};
  p->port.n_threads = shared->n_threads < 1                    ? 1
                      : shared->n_threads > QF_DSP_MAX_THREADS ? QF_DSP_MAX_THREADS
                                                               : shared->n_threads;
  p->port.vtcm_bytes = shared->vtcm_bytes;
  p->port.vtcm = shared->vtcm_bytes ? qf_sim_os_alloc(shared->vtcm_bytes) : NULL;
  if (!p->port.vtcm)
    p->port.vtcm_bytes = 0;
  return &p->port;
}

void qf_sim_port_free(QfDspPort *port)
{
  SimPort *p = (SimPort *)port;
  __atomic_store_n(&p->quit, 1, __ATOMIC_RELEASE);
  __atomic_add_fetch(&p->turn, 1, __ATOMIC_ACQ_REL);
  qf_sim_os_wake(&p->turn);
  for (uint32_t i = 0; i < p->n_workers; i++)
    qf_sim_os_join(p->workers[i].thread);
  if (port->vtcm)
    qf_sim_os_free(port->vtcm, p->shared->vtcm_bytes);
  qf_sim_os_free(p, sizeof *p);
}

/* The next packet; 0 when it is time to end. */
static uint32_t next_packet(QfSimShared *shared, void *packet, uint32_t max_bytes)
{
  for (uint32_t spins = 0;; spins++) {
    const uint32_t written = load(&shared->request.written);
    const uint32_t size = qf_sim_queue_get(&shared->request, packet, max_bytes);
    if (size)
      return size == UINT32_MAX ? 0 : size;
    if (spins < shared->spins)
      continue;
    if (load(&shared->quit))
      return 0;
    qf_sim_os_wait(&shared->request.written, written, WAIT_US);
    spins = 0;
  }
}

static void wait_for_quit(QfSimShared *shared)
{
  while (!load(&shared->quit))
    qf_sim_os_wait(&shared->quit, 0, WAIT_US);
}

/* What a fault makes of an answer; nonzero: the program ends here. */
static int misbehave(QfSimShared *shared, uint32_t *runs, QfWireAnswer *a)
{
  if (shared->fault == QF_SIM_VERSION && a->head.kind == QF_WIRE_HELLO) {
    a->head.version = QF_WIRE_VERSION + 1;
    a->status = QF_DSP_BAD_VERSION;
  }
  if (a->head.kind != QF_WIRE_RUN || (*runs)++ < shared->fault_after)
    return 0;
  if (shared->fault == QF_SIM_GARBAGE)
    memset(a, 0xa5, sizeof *a);
  if (shared->fault == QF_SIM_HANG)
    wait_for_quit(shared);
#if defined(__hexagon__)
  if (shared->fault == QF_SIM_CRASH)
    *(volatile uint32_t *)8 = 0;
#endif
  return shared->fault == QF_SIM_DIE || shared->fault == QF_SIM_CRASH;
}

int qf_sim_serve(QfSimShared *shared, uint32_t arch)
{
  QfDspPort *port = qf_sim_port_new(shared);
  QfDspSession *session = port ? qf_dsp_session_open(port, arch, 1) : NULL;
  int ended_by_fault = !session;
  uint32_t runs = 0;
  while (session && !ended_by_fault) {
    uint8_t packet[QF_WIRE_MAX_PACKET];
    QfWireAnswer answer;
    const uint32_t size = next_packet(shared, packet, sizeof packet);
    if (!size)
      break;
    qf_dsp_session_answer(session, packet, size, &answer);
    ended_by_fault = misbehave(shared, &runs, &answer);
    while (!ended_by_fault && !load(&shared->quit)) {
      const uint32_t read = load(&shared->answer.read);
      if (put_answer((SimPort *)port, &answer, sizeof answer))
        break;
      qf_sim_os_wait(&shared->answer.read, read, WAIT_US);
    }
  }
  if (session)
    qf_dsp_session_close(session);
  if (port)
    qf_sim_port_free(port);
  return ended_by_fault;
}
