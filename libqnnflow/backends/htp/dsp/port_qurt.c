/* SPDX-License-Identifier: MIT */
/*
 * port_qurt.c - the program as a module of FastRPC on a DSP: START takes a queue, whose packets are answered by a thread of the image; STOP gives
 * it back. The port is sim.c's, over the image's threads and memory, with its caches, its VTCM and user DMA.
 *
 * Compiled and linked only: no DSP has run it here. Our own caches are msg.c's care; the sender's side of a packet is the queue's.
 */
#include "qurt.h"
#include "sim.h"

#include <string.h>

#define SUCCESS 0
#define FAILED 1
#define BAD_PARAMETER 0xe
#define UNSUPPORTED 0x14
#define NO_TIMEOUT 0xffffffffu
#define VTCM_TIMEOUT_US 1000000u
#define STACK_BYTES (32u << 10)
#define PRIORITY 100 /* as calls from the host have */

typedef struct {
  QfSimShared settings; /* the port wants them; no queue of it is used */
  QfDspPort *port;
  QfDspSession *session;
  QurtQueue *queue;
  uint32_t vtcm; /* context; 0: none */
} Module;

/* As FastRPC has it. */
typedef union {
  struct {
    void *memory;
    uint32_t size_bytes;
  } buffer;
  uint64_t handle;
} Argument;

int qnnflow_skel_handle_invoke(uint64_t handle, uint32_t scalars, Argument *args);

void qf_sim_os_wait(uint32_t *word, uint32_t value, uint32_t timeout_us)
{
  (void)timeout_us; /* nobody dies alone here */
  qurt_futex_wait(word, (int)value);
}

void qf_sim_os_wake(uint32_t *word)
{
  qurt_futex_wake(word, QF_DSP_MAX_THREADS);
}

uint64_t qf_sim_os_now_us(void)
{
  return HAP_perf_get_time_us();
}

void *qf_sim_os_map(uint32_t host_pid, int32_t fd, uint32_t size_bytes)
{
  (void)host_pid;
  void *p = HAP_mmap(NULL, (int)size_bytes, 3, 0, fd, 0);
  return p == (void *)-1 ? NULL : p;
}

void qf_sim_os_unmap(void *memory, uint32_t size_bytes)
{
  HAP_munmap(memory, (int)size_bytes);
}

void *qf_sim_os_alloc(uint32_t size_bytes)
{
  void *p = memalign(QF_DSP_ALIGNMENT, size_bytes ? size_bytes : 1);
  return p ? memset(p, 0, size_bytes) : NULL;
}

void qf_sim_os_free(void *memory, uint32_t size_bytes)
{
  (void)size_bytes;
  free(memory);
}

/* A thread with a vector unit. Lies at the beginning of its stack. */
typedef struct {
  void (*fn)(void *);
  void *arg;
  uint32_t id;
} Thread;

static void thread_main(void *data)
{
  Thread *t = data;
  qurt_hvx_lock(QURT_HVX_128B);
  t->fn(t->arg);
  qurt_hvx_unlock();
  qurt_thread_exit(0);
}

uintptr_t qf_sim_os_thread(void (*fn)(void *arg), void *arg)
{
  uint8_t *memory = qf_sim_os_alloc(QF_DSP_ALIGNMENT + STACK_BYTES);
  if (!memory)
    return 0;
  Thread *t = (Thread *)(void *)memory;
  t->fn = fn;
  t->arg = arg;
  const QurtThreadAttributes how = {.name = "qnnflow",
                                    .priority = PRIORITY,
                                    .bus_priority = 255,
                                    .time_test = 0xfffe,
                                    .stack_bytes = STACK_BYTES,
                                    .stack = memory + QF_DSP_ALIGNMENT};
  if (!qurt_thread_create(&t->id, &how, thread_main, t))
    return (uintptr_t)t;
  free(memory);
  return 0;
}

void qf_sim_os_join(uintptr_t thread)
{
  int status;
  qurt_thread_join(((Thread *)thread)->id, &status);
  free((void *)thread);
}

uint32_t qf_sim_os_packets(void)
{
  return 0; /* counting is the image's */
}

static void cache_clean(QfDspPort *port, const void *memory, uint32_t size)
{
  (void)port;
  qurt_mem_cache_clean((uint32_t)memory, size, QURT_CACHE_FLUSH, QURT_DCACHE);
}

static void cache_invalidate(QfDspPort *port, void *memory, uint32_t size)
{
  (void)port;
  qurt_mem_cache_clean((uint32_t)memory, size, QURT_CACHE_INVALIDATE, QURT_DCACHE);
}

static void log_line(QfDspPort *port, int level, const char *text)
{
  (void)port;
  HAP_debug(text, level ? 2 : 4, "qnnflow", 0);
}

/* Rows of LINE bytes into the second cache, in the background. Only one is under way in a thread. */
#define LINE 4096u

static void prefetch(QfDspPort *port, const void *memory, uint32_t size)
{
  (void)port;
  const uint64_t how = (uint64_t)LINE << 32 | (uint64_t)LINE << 16 | (size + LINE - 1) / LINE;
  __asm__ volatile("l2fetch(%0,%1)" : : "r"(memory), "r"(how));
}

#if __HEXAGON_ARCH__ >= 68
/* A descriptor of user DMA for rows. */
typedef struct {
  uint32_t next, control;
  const void *src;
  void *dst;
  uint32_t allocation;
  uint16_t width, rows, src_stride, dst_stride, src_offset, dst_offset;
  uint32_t pad[8];
} __attribute__((aligned(64))) Rows;
/* Of rows. Not past the second cache, where what was computed may still be. */
#define ROWS_CONTROL (1u << 24)
#define ROWS_DONE (1u << 31)
#define QUEUE_ROWS (QF_DSP_QUEUE_BYTES / sizeof(Rows) - 1)

/* Copies under way of a thread, which its hardware does one after the other. */
typedef struct {
  Rows rows[QUEUE_ROWS];
  uint32_t n;
} Queue;

_Static_assert(sizeof(Queue) <= QF_DSP_QUEUE_BYTES, "a queue has its place");

static void copy_wait(QfDspPort *port, void *queue)
{
  Queue *q = queue;
  (void)port;
  for (uint32_t i = 0, state; i < q->n; i++)
    while (!(*(volatile uint32_t *)&q->rows[i].control & ROWS_DONE))
      __asm__ volatile("%0 = dmwait" : "=r"(state) : : "memory");
  q->n = 0;
}

static void begin_rows(QfDspPort *port, Queue *q, const Rows *rows)
{
  if (q->n == QUEUE_ROWS)
    copy_wait(port, q);
  Rows *next = &q->rows[q->n];
  *next = *rows;
  if (q->n)
    __asm__ volatile("release(%1):at\n\tdmlink(%0,%1)" : : "r"(next - 1), "r"(next) : "memory");
  else
    __asm__ volatile("release(%0):at\n\tdmstart(%0)" : : "r"(next) : "memory");
  q->n++;
}

/* Numbers of a descriptor have 16 bits. What lies without gaps becomes rows of another width, and a rest; the little else is copied at once. */
static void copy2d(QfDspPort *port, void *queue, void *dst, uint32_t dst_stride, const void *src,
                   uint32_t src_stride, uint32_t width, uint32_t rows)
{
  const uint32_t most = 1u << 15;
  if (width > most && src_stride == width && dst_stride == width) {
    const uint32_t bytes = width * rows, whole = bytes / most * most;
    copy2d(port, queue, dst, most, src, most, most, whole / most);
    if (bytes > whole)
      copy2d(port, queue, (uint8_t *)dst + whole, most, (const uint8_t *)src + whole, most, bytes - whole, 1);
    return;
  }
  if (width > UINT16_MAX || rows > UINT16_MAX || src_stride > UINT16_MAX || dst_stride > UINT16_MAX) {
    for (uint32_t i = 0; i < rows; i++)
      memcpy((uint8_t *)dst + (size_t)i * dst_stride, (const uint8_t *)src + (size_t)i * src_stride, width);
    return;
  }
  const Rows d = {.control = ROWS_CONTROL,
                  .src = src,
                  .dst = dst,
                  .width = (uint16_t)width,
                  .rows = (uint16_t)rows,
                  .src_stride = (uint16_t)src_stride,
                  .dst_stride = (uint16_t)dst_stride};
  begin_rows(port, queue, &d);
}
#endif

static void adopt_port(Module *m, const QfWireStart *start)
{
  QfDspPort *port = m->port;
  QurtResource wish;
  uint32_t total = 0;
  port->cache_clean = cache_clean;
  port->cache_invalidate = cache_invalidate;
  port->log = log_line;
  port->prefetch = prefetch;
#if __HEXAGON_ARCH__ >= 68
  port->copy2d = copy2d;
  port->copy_wait = copy_wait;
#endif
  if (compute_resource_query_VTCM(0, &total, NULL, NULL, NULL) || !total)
    return;
  total = start->vtcm_bytes && start->vtcm_bytes < total ? start->vtcm_bytes : total;
  compute_resource_attr_init(&wish);
  compute_resource_attr_set_vtcm_param_v2(&wish, total, 0, 0);
  m->vtcm = compute_resource_acquire(&wish, VTCM_TIMEOUT_US);
  void *at = NULL;
  if (!m->vtcm || compute_resource_attr_get_vtcm_ptr_v2(&wish, &at, &total) || !at)
    return;
  port->vtcm = at;
  port->vtcm_bytes = total;
}

/* Those that the host did not ask to be read afresh are what the run writes. */
static uint32_t keep_outputs(QurtBuffer *buffers, uint32_t n)
{
  uint32_t kept = 0;
  for (uint32_t i = 0; i < n; i++)
    if (!(buffers[i].flags & QURT_INVALIDATE_RECIPIENT)) {
      buffers[kept] = buffers[i];
      buffers[kept++].flags = QURT_FLUSH_SENDER | QURT_INVALIDATE_RECIPIENT;
    }
  return kept;
}

static void on_packet(QurtQueue *queue, int error, void *context)
{
  Module *m = context;
  QurtBuffer buffers[QURT_MAX_BUFFERS];
  uint8_t packet[QF_WIRE_MAX_PACKET];
  QfWireAnswer answer;
  uint32_t flags, n = 0, size = 0;
  if (error)
    return;
  qurt_hvx_lock(QURT_HVX_128B);
  while (!dspqueue_read_noblock(queue, &flags, QURT_MAX_BUFFERS, &n, buffers, sizeof packet, &size, packet)) {
    qf_dsp_session_answer(m->session, packet, size, &answer);
    dspqueue_write(queue, 0, keep_outputs(buffers, n), buffers, sizeof answer, (const uint8_t *)&answer,
                   NO_TIMEOUT);
  }
  qurt_hvx_unlock();
}

static void on_error(QurtQueue *queue, int error, void *context)
{
  (void)queue, (void)error, (void)context;
}

static void stop(Module *m)
{
  if (m->queue)
    dspqueue_close(m->queue);
  if (m->session)
    qf_dsp_session_close(m->session);
  if (m->port) {
    m->port->vtcm = NULL; /* not the port's to free */
    qf_sim_port_free(m->port);
  }
  if (m->vtcm)
    compute_resource_release(m->vtcm);
  free(m);
}

static Module *start(const QfWireStart *wish)
{
  Module *m = qf_sim_os_alloc(sizeof *m);
  if (!m)
    return NULL;
  const uint32_t units = (uint32_t)qurt_hvx_get_units() >> 8 & 0xff;
  m->settings.n_threads = wish->n_threads && wish->n_threads < units ? wish->n_threads : units;
  m->settings.spins = 500;
  m->port = qf_sim_port_new(&m->settings);
  if (m->port)
    adopt_port(m, wish);
  m->session = m->port ? qf_dsp_session_open(m->port, __HEXAGON_ARCH__, 0) : NULL;
  if (m->session && !dspqueue_import(wish->queue, on_packet, on_error, m, &m->queue))
    return m;
  m->queue = NULL;
  stop(m);
  return NULL;
}

/* What a handle stands for. FastRPC calls of a handle come one by one. */
typedef struct {
  Module *module;
} Handle;

static int call(Handle *h, uint32_t method, const Argument *in)
{
  QfWireStart wish;
  if (in->buffer.size_bytes != sizeof wish)
    return BAD_PARAMETER;
  memcpy(&wish, in->buffer.memory, sizeof wish);
  if (method == QF_WIRE_METHOD_START && !h->module)
    return (h->module = start(&wish)) ? SUCCESS : FAILED;
  if (method != QF_WIRE_METHOD_STOP || !h->module)
    return FAILED;
  stop(h->module);
  h->module = NULL;
  return SUCCESS;
}

__attribute__((visibility("default"))) int qnnflow_skel_handle_invoke(uint64_t handle, uint32_t scalars,
                                                                      Argument *args)
{
  const uint32_t method = scalars >> 24 & 0x1f, n_in = scalars >> 16 & 0xff, n_handles = scalars & 0xf;
  Handle *h = (Handle *)(uintptr_t)handle;
  if (method == 0 && n_in == 2 && n_handles == 1) { /* open: a name's length, the name, the handle */
    h = qf_sim_os_alloc(sizeof *h);
    args[2].handle = (uintptr_t)h;
    return h ? SUCCESS : FAILED;
  }
  if (method == 1) { /* close */
    if (h && h->module)
      stop(h->module);
    free(h);
    return SUCCESS;
  }
  return h && n_in == 1 ? call(h, method, args) : UNSUPPORTED;
}
