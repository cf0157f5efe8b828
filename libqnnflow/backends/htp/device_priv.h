/* SPDX-License-Identifier: MIT */
/*
 * device_priv.h - what device.c (sessions), wire.c (packets and answers) and graph.c (buffers, graphs, runs) share. The lock guards all
 * that changes after opening; it is never held while the DSP is waited for.
 */
#ifndef QF_HTP_DEVICE_PRIV_H
#define QF_HTP_DEVICE_PRIV_H

#include "../shared.h"
#include "device.h"
#include "dsp/port.h"
#include "dsp/wire.h"
#include "rpc.h"

typedef struct QfHtpPending QfHtpPending;
typedef struct QfHtpMemory QfHtpMemory;

struct QfHtpDevice {
  const QfRpc *rpc;
  QfHtpInfo info;
  int domain;
  gboolean own_session; /* the domain is nobody else's */
  uint64_t handle;      /* of the module; 0: not open */
  QfRpcQueue *queue;    /* NULL: there is none */
  uint64_t queue_id;
  gboolean started;
  uint32_t timeout_ms, depth;
  GMutex lock;
  GCond changed;
  char *dead;            /* why; NULL: alive */
  QfHtpPending *pending; /* requests under way */
  uint32_t n_pending;
  gboolean reading; /* a thread reads the queue, for all */
  uint32_t seq;
  uint8_t buffers[QF_WIRE_MAX_BUFFERS]; /* numbers that are taken */
  uint8_t graphs[QF_WIRE_MAX_GRAPHS];
  QfHtpMemory *memories[QF_WIRE_MAX_BUFFERS]; /* by number */
  uint64_t clock;                             /* of holds */
};

/* A buffer as it is: the public part first. */
struct QfHtpMemory {
  QfHtpBuffer pub;
  QfHtpDevice *device;
  int fd;
  uint32_t number;
  size_t mapped_bytes;
  gboolean imported;
  QfShared *shared; /* of the process; NULL: not such. These go when they must, or with the device */
  uint32_t holds;   /* uses under way */
  uint64_t used;    /* when it was held last */
};

/* Sends @packet, whose head is filled in here, and waits for its answer. FALSE with an error that begins with @what: when the device is or
 * becomes dead, and when the answer is not QF_DSP_OK. No heap is used but for errors. */
gboolean qf_htp_exchange(QfHtpDevice *device, const char *what, QfWireKind kind, void *packet,
                         size_t size_bytes, QfRpcBuffer *buffers, uint32_t n_buffers, QfWireAnswer *answer,
                         GError **error);
/* Takes a number that is free; -1: there is none. */
int qf_htp_number_take(QfHtpDevice *device, uint8_t *taken, uint32_t n);
void qf_htp_number_give(QfHtpDevice *device, uint8_t *taken, uint32_t number);
/* Takes memory of the process back that nobody holds. With @all FALSE only what was held longest ago. FALSE: there was none. */
gboolean qf_htp_buffers_drop(QfHtpDevice *device, gboolean all);

#endif
