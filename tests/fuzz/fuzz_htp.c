/* SPDX-License-Identifier: MIT */
/*
 * fuzz_htp.c - packets for the Hexagon program, in process: bytes are orders to send a packet as it is, to send one with a proper head, and to write
 * into shared memory, where graphs and tensors lie. Every buffer is a block of its own, so that AddressSanitizer sees its ends.
 */
#include "fuzz.h"

#include "libqnnflow/backends/htp/dsp/sim.h"
#include "tests/backends/copy_net.h"

#include <stdlib.h>
#include <string.h>

#define FD 7 /* the only one that can be mapped */
#define MAX_BUFFER (256u << 10)
#define MAX_ALLOC (32u << 20)

typedef struct {
  uint8_t *memory;
  uint32_t size;
} Block;

static Block blocks[QF_WIRE_MAX_BUFFERS];
static void *(*alloc_more)(QfDspPort *, uint32_t);

static void *map(QfDspPort *port, int32_t fd, uint32_t size)
{
  void *p = NULL;
  for (guint i = 0; fd == FD && size <= MAX_BUFFER && i < G_N_ELEMENTS(blocks); i++)
    if (!blocks[i].memory) {
      if (posix_memalign(&p, QF_DSP_ALIGNMENT, size))
        return NULL;
      blocks[i] = (Block){memset(p, 0, size), size};
      break;
    }
  return p;
}

static void unmap(QfDspPort *port, void *memory, uint32_t size)
{
  for (guint i = 0; i < G_N_ELEMENTS(blocks); i++)
    if (blocks[i].memory == memory)
      blocks[i].memory = NULL;
  free(memory);
}

static void *alloc_some(QfDspPort *port, uint32_t size)
{
  return size <= MAX_ALLOC ? alloc_more(port, size) : NULL;
}

typedef struct {
  const uint8_t *at, *end;
} Orders;

static uint32_t number(Orders *o, uint32_t n_bytes)
{
  uint32_t v = 0;
  for (uint32_t i = 0; i < n_bytes; i++)
    v |= (o->at < o->end ? (uint32_t)*o->at++ : 0) << (8 * i);
  return v;
}

/* Into the @block'th buffer, as far as it goes. */
static void write_memory(uint32_t block, uint32_t offset, const void *data, uint32_t n)
{
  const Block *b = &blocks[block % G_N_ELEMENTS(blocks)];
  if (b->memory && offset < b->size)
    memcpy(b->memory + offset, data, MIN(n, b->size - offset));
}

static void send_packet(QfDspSession *session, const uint8_t *bytes, uint32_t n, gboolean proper)
{
  g_autofree uint8_t *packet = g_malloc(MAX(n, 1)); /* of just this size */
  memcpy(packet, bytes, n);
  if (proper && n >= sizeof(QfWireHead)) {
    QfWireHead *h = (QfWireHead *)(void *)packet;
    *h = (QfWireHead){QF_WIRE_MAGIC, QF_WIRE_VERSION, h->kind & 7, n, h->seq, 0};
  }
  QfWireAnswer answer;
  qf_dsp_session_answer(session, packet, n, &answer);
  if (answer.status >= QF_DSP_N_STATUSES || answer.head.size_bytes != sizeof(answer))
    abort();
}

/* order: kind, count, bytes */
static void obey(QfDspSession *session, Orders *o)
{
  const uint32_t kind = number(o, 1) % 4;
  const uint32_t block = kind < 2 ? 0 : number(o, 1), offset = kind < 2 ? 0 : number(o, 3);
  if (kind == 3) { /* a graph that is sound, to begin with */
    CopyNet net;
    copy_net(&net, number(o, 2));
    write_memory(block, offset, &net, COPY_NET_BYTES);
    return;
  }
  uint32_t n = number(o, 2);
  n = (uint32_t)MIN((size_t)n, (size_t)(o->end - o->at));
  if (kind == 2)
    write_memory(block, offset, o->at, n);
  else
    send_packet(session, o->at, n, kind == 1);
  o->at += n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static QfSimShared shared = {.vtcm_bytes = 4096, .n_threads = 1};
  QfDspPort *port = qf_sim_port_new(&shared);
  port->map = map;
  port->unmap = unmap;
  alloc_more = port->alloc;
  port->alloc = alloc_some;
  QfDspSession *session = qf_dsp_session_open(port, 0, 1);
  Orders orders = {data, data + size};
  for (guint i = 0; i < 64 && orders.at < orders.end; i++)
    obey(session, &orders);
  qf_dsp_session_close(session);
  qf_sim_port_free(port);
  for (guint i = 0; i < G_N_ELEMENTS(blocks); i++)
    if (blocks[i].memory)
      abort(); /* the session forgot it */
  return 0;
}
