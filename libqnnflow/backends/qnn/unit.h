/* SPDX-License-Identifier: MIT */
/*
 * unit.h - the library opened for a model: log, backend, device, how fast it shall run; and settings.
 */
#ifndef QF_BACKENDS_QNN_UNIT_H
#define QF_BACKENDS_QNN_UNIT_H

#include "../backend.h"
#include "library.h"

/* From the JSON file; names and meanings are those of the vendor's own configuration. */
typedef struct {
  int32_t soc_model;  /* number of the chip; 0: the library's default */
  int32_t dsp_arch;   /* 68, 69, 73, ...; 0: the library's default */
  int32_t vtcm_mb;    /* 0: all there is */
  int32_t level;      /* "O": how hard finalize tries, 1 to 3 */
  int32_t threads;    /* HVX threads; 0: the library's default */
  gboolean fp16;      /* float tensors are computed in 16 bits; without it the HTP refuses them */
  int32_t perf;       /* QfQnnPerf rows in power.c */
  int32_t latency_us; /* RPC control latency, when perf is not "default" */
  int32_t profiling;  /* 0 off, 1 basic, 2 detailed */
  char *cache;        /* folder for context binaries; NULL: none are kept */
} QfQnnSettings;

typedef struct {
  const QfQnnLibrary *library;
  QfQnnSettings settings;
  QfQnnHandle log, backend, device;
  uint32_t power; /* id of the vote for clocks */
  gboolean voted;
} QfQnnUnit;

gpointer qf_qnn_unit_open(const QfUnitOptions *options, GError **error);
void qf_qnn_unit_close(gpointer unit);

/* Votes for clocks as the settings say, and takes the vote back. In power.c. */
void qf_qnn_power_vote(QfQnnUnit *unit);
void qf_qnn_power_drop(QfQnnUnit *unit);
extern const char *const qf_qnn_power_names[];

/* Of the backend's row, in graph.c and doctor.c. */
void qf_qnn_diagnose(const QfUnitOptions *options, GString *text);
gboolean qf_qnn_supports(gpointer unit, const QfNode *node, GString *why);
gboolean qf_qnn_lower(QfLower *lower, QfNode *const *nodes, uint32_t n_nodes, GError **error);

#endif
