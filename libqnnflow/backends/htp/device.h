/* SPDX-License-Identifier: MIT */
/*
 * device.h - a session with the Hexagon program, on a DSP or in the simulator: shared memory, graphs, runs. All of it goes through
 * libcdsprpc's functions (rpc.h), which the simulator has too.
 *
 * What goes wrong is a GError and nothing waits for ever: a device that died or did not answer in time stays dead, every call on it fails
 * at once, and it can be closed. Functions may be called from any thread; a graph's runs may overlap with others' on the same device.
 */
#ifndef QF_HTP_DEVICE_H
#define QF_HTP_DEVICE_H

#include <qnnflow/error.h>
#include <stdint.h>

typedef struct QfHtpDevice QfHtpDevice;
typedef struct QfHtpGraph QfHtpGraph;

/* Zero and NULL are the defaults. */
typedef struct {
  const char *
      library; /* the path of libcdsprpc.so or of the simulator; NULL: $QNNFLOW_CDSPRPC, else libcdsprpc.so */
  const char
      *skel; /* the name of the program on the DSP, e.g. libqnnflow_skel_v68.so; NULL: libqnnflow_skel.so */
  uint32_t vtcm_bytes;  /* to ask for; 0: all that the DSP gives */
  uint32_t n_threads;   /* hardware threads; 0: all */
  uint32_t timeout_ms;  /* for an answer; 0: 10000, in the simulator 120000 */
  uint32_t queue_depth; /* runs that may be under way at a time; 0: 16 */
} QfHtpOptions;

/* What the program on the DSP said of itself. */
typedef struct {
  uint32_t arch; /* 68 for v68; 0: the host's own process */
  uint32_t vtcm_bytes;
  uint32_t n_threads;
  gboolean simulated;
} QfHtpInfo;

/* Memory that the CPU and the DSP both see: 128-byte aligned, zeroed, and readable for 128 bytes beyond its end. */
typedef struct {
  uint8_t *data;
  size_t size;
} QfHtpBuffer;

/* A part of a buffer; @output: the DSP writes it. */
typedef struct {
  const QfHtpBuffer *buffer;
  size_t offset, size; /* bytes */
  gboolean output;
} QfHtpSpan;

/* What a step of a graph took, by its place in the graph. */
typedef struct {
  uint32_t step;
  uint32_t time_us;
  uint64_t packets;    /* of instructions, all threads; 0 where nothing counts them */
  uint32_t jobs, rows; /* in how many jobs, of how many output rows each; 0: of none */
  uint32_t vtcm_bytes,
      moved_bytes; /* that the step has of VTCM; that its jobs copy there while others compute */
} QfHtpEvent;

/* What a run took. @events and @max_events are the caller's; @n_events of them are filled. With max_events 0 nothing is measured but the
 * totals. */
typedef struct {
  uint64_t time_us; /* on the DSP, from the request read to the answer written */
  uint64_t packets;
  QfHtpEvent *events;
  uint32_t max_events, n_events;
} QfHtpReport;

QfHtpDevice *qf_htp_device_open(const QfHtpOptions *options, GError **error);
/* Buffers and graphs of the device must be freed before. */
void qf_htp_device_close(QfHtpDevice *device);
const QfHtpInfo *qf_htp_device_info(const QfHtpDevice *device);
/* Asks for a sign of life; FALSE with an error when the device is dead. */
gboolean qf_htp_device_ping(QfHtpDevice *device, GError **error);

QfHtpBuffer *qf_htp_buffer_new(QfHtpDevice *device, size_t size_bytes, GError **error);
/* Memory that is there already, by its dmabuf or memfd @fd, which stays the caller's. ->data is mapped here. */
QfHtpBuffer *qf_htp_buffer_import(QfHtpDevice *device, int fd, size_t size_bytes, GError **error);
void qf_htp_buffer_free(QfHtpBuffer *buffer);
/* The buffer in which @size_bytes at @address lie, and where: one of the device's, or memory of qf_shared_alloc(), which is shared with the DSP
 * when it is first met. Stays until qf_htp_buffer_release(). NULL: it is other memory, or there is no room for more. */
const QfHtpBuffer *qf_htp_buffer_hold(QfHtpDevice *device, const void *address, size_t size_bytes,
                                      size_t *offset);
void qf_htp_buffer_release(const QfHtpBuffer *buffer);

/* Sends a graph (dsp/net.h has its form) to the DSP, where it stays. @blob may be freed after. */
QfHtpGraph *qf_htp_graph_load(QfHtpDevice *device, const void *blob, size_t size_bytes, GError **error);
void qf_htp_graph_free(QfHtpGraph *graph);
/* Runs it on @borders, which are in the graph's order; one message there and one back. @report may be NULL. */
gboolean qf_htp_graph_run(QfHtpGraph *graph, const QfHtpSpan *borders, guint n_borders, QfHtpReport *report,
                          GError **error);

#endif
