/* SPDX-License-Identifier: MIT */
/*
 * wire.c - requests and their answers. Many threads may have requests under way; one of them at a time reads the queue and hands out the
 * answers by sequence number. What cannot be made sense of, and what takes too long, ends the session: nobody is left waiting.
 */
#include "device_priv.h"

struct QfHtpPending {
  QfHtpPending *next;
  uint32_t seq;
  gboolean done;
  QfWireAnswer *answer;
};

static const char *const texts[QF_DSP_N_STATUSES] = {
#define ROW(name, text) text,
    QF_DSP_STATUS_LIST(ROW)
#undef ROW
};

typedef union {
  QfWireHead head;
  QfWireAnswer answer;
  QfWireLog log;
} Incoming;

/* With the lock held; @why is taken over. The first reason counts. */
static void die(QfHtpDevice *d, char *why)
{
  if (d->dead)
    g_free(why);
  else
    d->dead = why;
  g_cond_broadcast(&d->changed);
}

static void forget(QfHtpDevice *d, const QfHtpPending *mine)
{
  for (QfHtpPending **p = &d->pending; *p; p = &(*p)->next)
    if (*p == mine) {
      *p = mine->next;
      d->n_pending--;
      g_cond_broadcast(&d->changed);
      return;
    }
}

static void print_log(const QfWireLog *log)
{
  static const GLogLevelFlags levels[] = {G_LOG_LEVEL_WARNING, G_LOG_LEVEL_WARNING, G_LOG_LEVEL_INFO,
                                          G_LOG_LEVEL_DEBUG};
  g_log(G_LOG_DOMAIN, levels[MIN(log->level, G_N_ELEMENTS(levels) - 1)], "DSP: %.*s", QF_WIRE_LOG_BYTES,
        log->text);
}

/* With the lock held: gives the packet to who waits for it. */
static void hand_out(QfHtpDevice *d, const Incoming *in, uint32_t size)
{
  const QfWireHead *h = &in->head;
  const gboolean known = size >= sizeof *h && h->magic == QF_WIRE_MAGIC && h->size_bytes == size;
  if (known && h->version != QF_WIRE_VERSION) {
    die(d, g_strdup_printf(
               "the program on the DSP speaks version %u of the protocol and this library version %u: they "
               "must be of one build",
               h->version, QF_WIRE_VERSION));
    return;
  }
  if (known && h->kind == QF_WIRE_LOG && size == sizeof(QfWireLog)) {
    print_log(&in->log);
    return;
  }
  for (QfHtpPending *p = d->pending; known && size == sizeof(QfWireAnswer) && p; p = p->next)
    if (p->seq == h->seq && !p->done) {
      *p->answer = in->answer;
      p->done = TRUE;
      g_cond_broadcast(&d->changed);
      return;
    }
  die(d, g_strdup("the DSP's answer makes no sense"));
}

/* With the lock held, which it gives up while it waits. */
static void read_queue(QfHtpDevice *d)
{
  Incoming in;
  uint32_t flags, n_buffers, size = 0;
  QfRpcBuffer buffers[64];
  d->reading = TRUE;
  g_mutex_unlock(&d->lock);
  const int code = d->rpc->dspqueue_read(d->queue, &flags, G_N_ELEMENTS(buffers), &n_buffers, buffers,
                                         sizeof in, &size, (uint8_t *)&in, d->timeout_ms * 1000u);
  g_autofree char *why = code ? qf_rpc_describe(d->rpc, code) : NULL; /* on the thread that failed */
  g_mutex_lock(&d->lock);
  d->reading = FALSE;
  g_cond_broadcast(&d->changed);
  if (!code)
    hand_out(d, &in, size);
  else if (code == QF_RPC_EEXPIRED)
    die(d, g_strdup_printf("no answer within %u ms", d->timeout_ms));
  else if (code != QF_RPC_EINTERRUPTED)
    die(d, g_strdup_printf("the connection is lost: %s", why));
}

static gboolean write_queue(QfHtpDevice *d, const void *packet, size_t size, QfRpcBuffer *buffers,
                            uint32_t n_buffers)
{
  const int code =
      d->rpc->dspqueue_write(d->queue, 0, n_buffers, buffers, (uint32_t)size, packet, d->timeout_ms * 1000u);
  if (!code)
    return TRUE;
  g_autofree char *why = qf_rpc_describe(d->rpc, code);
  g_mutex_lock(&d->lock);
  if (code == QF_RPC_EEXPIRED || code == QF_RPC_EWOULDBLOCK)
    die(d, g_strdup_printf("its queue is full, and nothing was taken out of it within %u ms", d->timeout_ms));
  else
    die(d, g_strdup_printf("a request cannot be sent: %s", why));
  g_mutex_unlock(&d->lock);
  return FALSE;
}

static gboolean refuse(const char *what, const char *why, GError **error)
{
  g_set_error(error, QF_ERROR, QF_ERROR_DEVICE, "%s: the DSP session is dead: %s", what, why);
  return FALSE;
}

/* Waits for a place among the requests under way. With the lock held. */
static gboolean enter(QfHtpDevice *d, QfHtpPending *mine)
{
  while (!d->dead && d->n_pending >= d->depth)
    g_cond_wait(&d->changed, &d->lock);
  if (d->dead)
    return FALSE;
  mine->seq = ++d->seq;
  mine->next = d->pending;
  d->pending = mine;
  d->n_pending++;
  return TRUE;
}

gboolean qf_htp_exchange(QfHtpDevice *d, const char *what, QfWireKind kind, void *packet, size_t size,
                         QfRpcBuffer *buffers, uint32_t n_buffers, QfWireAnswer *answer, GError **error)
{
  QfHtpPending mine = {.answer = answer};
  g_mutex_lock(&d->lock);
  gboolean sent = enter(d, &mine);
  g_mutex_unlock(&d->lock);
  if (sent) {
    *(QfWireHead *)packet = (QfWireHead){QF_WIRE_MAGIC, QF_WIRE_VERSION, kind, (uint32_t)size, mine.seq, 0};
    sent = write_queue(d, packet, size, buffers, n_buffers);
  }
  g_mutex_lock(&d->lock);
  while (sent && !mine.done && !d->dead) {
    if (d->reading)
      g_cond_wait(&d->changed, &d->lock);
    else
      read_queue(d);
  }
  forget(d, &mine);
  g_mutex_unlock(&d->lock);
  if (!mine.done)
    return refuse(what, d->dead, error); /* written once */
  if (answer->status == QF_DSP_OK)
    return TRUE;
  g_set_error(error, QF_ERROR, answer->status == QF_DSP_UNSUPPORTED ? QF_ERROR_UNSUPPORTED : QF_ERROR_DEVICE,
              "%s: %s", what,
              answer->status < QF_DSP_N_STATUSES ? texts[answer->status] : "an unknown error");
  return FALSE;
}

int qf_htp_number_take(QfHtpDevice *d, uint8_t *taken, uint32_t n)
{
  int number = -1;
  g_mutex_lock(&d->lock);
  for (uint32_t i = 0; i < n && number < 0; i++)
    if (!taken[i]) {
      taken[i] = 1;
      number = (int)i;
    }
  g_mutex_unlock(&d->lock);
  return number;
}

void qf_htp_number_give(QfHtpDevice *d, uint8_t *taken, uint32_t number)
{
  g_mutex_lock(&d->lock);
  taken[number] = 0;
  g_mutex_unlock(&d->lock);
}
