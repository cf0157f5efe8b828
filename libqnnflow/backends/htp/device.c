/* SPDX-License-Identifier: MIT */
/*
 * device.c - opens and closes a session: the order of calls that the DSP wants. The first session of a process is the domain's own one; more
 * get processes of their own on the DSP where the library can reserve them, so that one that dies takes no other along.
 */
#include "device_priv.h"

#include <string.h>

#define DEFAULT_TIMEOUT_MS 10000u
#define SIMULATED_TIMEOUT_MS 120000u /* emulation, under sanitizers, on a busy machine */
#define DEFAULT_DEPTH 16u
#define DEFAULT_SKEL "libqnnflow_skel.so"
#define LATENCY_US 100u

static GMutex sessions_lock;
static GHashTable *sessions; /* of each library, how many */

static guint count_session(const QfRpc *rpc, int change)
{
  g_mutex_lock(&sessions_lock);
  if (!sessions)
    sessions = g_hash_table_new(NULL, NULL);
  const guint n = GPOINTER_TO_UINT(g_hash_table_lookup(sessions, rpc));
  g_hash_table_insert(sessions, (gpointer)rpc, GUINT_TO_POINTER(n + change));
  g_mutex_unlock(&sessions_lock);
  return n;
}

static gboolean fail(const QfHtpDevice *d, int code, GError **error, const char *what)
{
  g_autofree char *why = qf_rpc_describe(d->rpc, code);
  g_set_error(error, QF_ERROR, QF_ERROR_DEVICE, "%s: %s", what, why);
  return FALSE;
}

/* The module's address, in a session of its own if it may. Free with g_free(). */
static char *choose_session(QfHtpDevice *d, const char *skel, gboolean first)
{
  static char domain[] = "cdsp", name[] = "qnnflow";
  g_autofree char *uri = g_strdup_printf("file:///%s?qnnflow_skel_handle_invoke&_modver=1.0&_dom=cdsp", skel);
  d->domain = QF_RPC_CDSP;
  QfRpcReserve reserve = {domain, strlen(domain), name, strlen(name), 0, 0};
  if (first || d->rpc->remote_session_control(QF_RPC_RESERVE_SESSION, &reserve, sizeof reserve))
    return g_steal_pointer(&uri);
  const gsize room = strlen(uri) + 64;
  g_autofree char *own = g_malloc0(room);
  QfRpcUri ask = {domain, strlen(domain), reserve.session, uri, strlen(uri), own, room};
  if (d->rpc->remote_session_control(QF_RPC_GET_URI, &ask, sizeof ask))
    return g_steal_pointer(&uri);
  d->domain = (int)reserve.effective_domain;
  d->own_session = TRUE;
  return g_steal_pointer(&own);
}

static int call_module(QfHtpDevice *d, uint32_t method, const QfHtpOptions *o)
{
  QfWireStart start = {.queue = d->queue_id,
                       .vtcm_bytes = o ? o->vtcm_bytes : 0,
                       .n_threads = o ? o->n_threads : 0};
  QfRpcArg arg = {.buffer = {&start, sizeof start}};
  return d->rpc->remote_handle64_invoke(d->handle, QF_RPC_SCALARS(method, 1, 0), &arg);
}

static gboolean start_session(QfHtpDevice *d, const QfHtpOptions *o, gboolean first, GError **error)
{
  const char *skel = o->skel ? o->skel : DEFAULT_SKEL;
  g_autofree char *uri = choose_session(d, skel, first);
  QfRpcUnsigned module = {d->domain, 1};
  int code = d->rpc->remote_session_control(QF_RPC_UNSIGNED_MODULE, &module, sizeof module);
  if (code) /* a signed module may load all the same */
    g_info("the DSP does not allow unsigned modules (0x%x)", (guint)code);
  if ((code = d->rpc->remote_handle64_open(uri, &d->handle))) {
    g_autofree char *why = qf_rpc_describe(d->rpc, code);
    d->handle = 0;
    g_set_error(error, QF_ERROR, QF_ERROR_DEVICE, "the program %s cannot be loaded on the DSP: %s%s", skel,
                why,
                d->rpc->simulated
                    ? ""
                    : "; ADSP_LIBRARY_PATH must name its folder (folders are separated by ';')");
    return FALSE;
  }
  QfRpcLatency latency = {1, LATENCY_US};
  if (d->rpc->remote_handle64_control)
    d->rpc->remote_handle64_control(d->handle, QF_RPC_CONTROL_LATENCY, &latency, sizeof latency);
  const uint32_t bytes =
      d->depth * (uint32_t)(QF_WIRE_MAX_PACKET + QF_WIRE_MAX_BORDERS * sizeof(QfRpcBuffer));
  if ((code = d->rpc->dspqueue_create(d->domain, 0, bytes, bytes, NULL, NULL, NULL, &d->queue))) {
    d->queue = NULL;
    return fail(d, code, error, "no queue to the DSP can be made");
  }
  if ((code = d->rpc->dspqueue_export(d->queue, &d->queue_id)))
    return fail(d, code, error, "the queue cannot be given to the DSP");
  if ((code = call_module(d, QF_WIRE_METHOD_START, o)))
    return fail(d, code, error, "the program on the DSP cannot be started");
  d->started = TRUE;
  return TRUE;
}

static gboolean greet(QfHtpDevice *d, const QfHtpOptions *o, GError **error)
{
  QfWireHello hello = {.vtcm_bytes = o->vtcm_bytes, .n_threads = o->n_threads};
  QfWireAnswer answer = {0};
  g_autoptr(GError) own = NULL;
  if (qf_htp_exchange(d, "opening the DSP", QF_WIRE_HELLO, &hello, sizeof hello, NULL, 0, &answer, &own)) {
    d->info = (QfHtpInfo){answer.hello.arch, answer.hello.vtcm_bytes, answer.hello.n_threads,
                          answer.hello.simulated != 0};
    return TRUE;
  }
  if (answer.status == QF_DSP_NO_VTCM)
    g_set_error(error, QF_ERROR, QF_ERROR_DEVICE,
                "the DSP gives %u bytes of VTCM, fewer than the %u that are asked for",
                answer.hello.vtcm_bytes, o->vtcm_bytes);
  else
    g_propagate_error(error, g_steal_pointer(&own));
  return FALSE;
}

QfHtpDevice *qf_htp_device_open(const QfHtpOptions *options, GError **error)
{
  static const QfHtpOptions defaults;
  const QfHtpOptions *o = options ? options : &defaults;
  const QfRpc *rpc = qf_rpc_open(o->library, error);
  if (!rpc)
    return NULL;
  QfHtpDevice *d = g_new0(QfHtpDevice, 1);
  d->rpc = rpc;
  const uint32_t patience = rpc->simulated ? SIMULATED_TIMEOUT_MS : DEFAULT_TIMEOUT_MS;
  d->timeout_ms = MIN(o->timeout_ms ? o->timeout_ms : patience, G_MAXUINT32 / 1000 - 1);
  d->depth = o->queue_depth ? o->queue_depth : DEFAULT_DEPTH;
  g_mutex_init(&d->lock);
  g_cond_init(&d->changed);
  const guint others = count_session(rpc, 1);
  if (start_session(d, o, others == 0, error) && greet(d, o, error))
    return d;
  qf_htp_device_close(d);
  return NULL;
}

void qf_htp_device_close(QfHtpDevice *d)
{
  if (!d)
    return;
  if (d->started)
    qf_htp_buffers_drop(d, TRUE);
  const gboolean dead = d->dead != NULL;
  if (dead && d->own_session) /* it may hang: calls to it would */
    d->rpc->remote_session_control(QF_RPC_PROCESS_KILL, &d->domain, sizeof d->domain);
  if (d->started && !dead)
    call_module(d, QF_WIRE_METHOD_STOP, NULL);
  if (d->queue)
    d->rpc->dspqueue_close(d->queue);
  if (d->handle)
    d->rpc->remote_handle64_close(d->handle);
  count_session(d->rpc, -1);
  g_mutex_clear(&d->lock);
  g_cond_clear(&d->changed);
  g_free(d->dead);
  g_free(d);
}

const QfHtpInfo *qf_htp_device_info(const QfHtpDevice *device)
{
  return &device->info;
}

gboolean qf_htp_device_ping(QfHtpDevice *device, GError **error)
{
  QfWireHead ping;
  QfWireAnswer answer;
  return qf_htp_exchange(device, "asking the DSP for a sign of life", QF_WIRE_PING, &ping, sizeof ping, NULL,
                         0, &answer, error);
}
