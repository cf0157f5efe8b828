/* SPDX-License-Identifier: MIT */
/*
 * profile.h - measured times: statistics of a stream of samples, per-layer times of a session, and reports.
 */
#ifndef QNNFLOW_PROFILE_H
#define QNNFLOW_PROFILE_H

#include <qnnflow/session.h>

G_BEGIN_DECLS

/* Summary of a set of durations, in nanoseconds. All 0 when count is 0. */
typedef struct {
  uint64_t count;
  uint64_t min_ns, max_ns, sum_ns;
  uint64_t mean_ns, p50_ns, p95_ns, p99_ns; /* percentiles within 2 % (histogram with logarithmic buckets) */
} QfSummary;

typedef struct _QfStats QfStats;

/* A histogram of durations in constant memory. Not thread-safe. */
QF_API QfStats *qf_stats_new(void);
QF_API void qf_stats_free(QfStats *stats);
QF_API void qf_stats_add(QfStats *stats, uint64_t duration_ns);
QF_API void qf_stats_reset(QfStats *stats);
QF_API void qf_stats_summary(const QfStats *stats, QfSummary *summary);

/* One step of a model over all runs since the session was made or the profile was reset. */
typedef struct {
  const char *node;   /* name in the source model */
  const char *op;     /* operator */
  const char *unit;   /* "cpu", "ref", ... */
  const char *kernel; /* name of the kernel that ran */
  uint64_t runs;      /* times it ran */
  uint64_t total_ns;  /* sum */
  uint64_t min_ns;    /* fastest */
  uint64_t macs;      /* multiply-accumulates of one run */
  char output[64];    /* dimensions and type of the first output, "1x112x112x32 uint8" */
  uint64_t packets;   /* of instructions, of one run; 0: the unit does not count them */
} QfLayerProfile;

/* Steps of a session made with `profile`; NULL and *@count 0 otherwise. Owned by the session, refreshed by this
 * call, valid until the next call or the session's end. */
QF_API const QfLayerProfile *qf_session_layers(QfSession *session, uint32_t *count);

/* Everything a report shows. Pointers are borrowed for the call. Zero fields are left out of the report. */
typedef struct {
  const char *title;
  const char *model, *backend;
  QfSummary latency;  /* entry to exit of what was measured, per frame */
  QfSummary interval; /* from one frame to the next */
  double fps;         /* frames per second over the whole measurement */
  uint64_t frames, dropped, inferences;
  double duration_s;
  double cpu_percent;      /* of one core, user and system, of the whole process */
  uint64_t rss_bytes;      /* peak resident memory of the process */
  const double *series_ms; /* latency of each of the last frames, oldest first; may be NULL */
  uint32_t n_series;
  const QfLayerProfile *layers;
  uint32_t n_layers;
} QfReport;

typedef enum { QF_REPORT_TEXT, QF_REPORT_JSON, QF_REPORT_HTML, QF_REPORT_CSV } QfReportFormat;

/* The report as text, JSON (one object), a self-contained HTML page with SVG charts, or CSV. Free with g_free(). */
QF_API char *qf_report_format(const QfReport *report, QfReportFormat format);

/* Formats and writes a file, wholly or not at all; a device or a pipe is appended to. FALSE with QF_ERROR_FILE. */
QF_API gboolean qf_report_write(const QfReport *report, QfReportFormat format, const char *path,
                                GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(QfStats, qf_stats_free)

G_END_DECLS

#endif
