/* SPDX-License-Identifier: MIT */
/*
 * htp_graph.h - a graph for the Hexagon program made of a model, and the program's engine in this process, over a port of a few lines. Memory
 * is exactly as large as asked for, so that sanitizers see who goes beyond it.
 */
#ifndef QF_TESTS_HTP_GRAPH_H
#define QF_TESTS_HTP_GRAPH_H

#include "libqnnflow/backends/htp/dsp/net.h"

#include <glib.h>

typedef struct {
  uint8_t *blob;
  uint32_t size;
} HtpGraph;

/* Of the model at @path: its first nodes that are for the DSP. */
HtpGraph *htp_graph_new(const char *path);
/* All its nodes, of which each is for the DSP, with tensors in up to @vtcm_bytes of VTCM. */
HtpGraph *htp_graph_new_whole(const char *path, size_t vtcm_bytes);
void htp_graph_free(HtpGraph *graph);
/* QfDspStatus of a copy of the first @size bytes. */
uint32_t htp_graph_check(const HtpGraph *graph, uint32_t size);
/* Opens and runs it on random borders; FALSE: it was refused, or it is too large for a test. */
gboolean htp_graph_run(const HtpGraph *graph);

/* What it gives on a DSP with so much VTCM; NULL: it was refused, *@status says why. Copies into VTCM are not there before they are waited for:
 * until then there is rubbish. @sum gets all steps' events together; rows, the fewest. */
GBytes *htp_graph_outputs(const HtpGraph *graph, uint32_t vtcm_bytes, uint32_t n_threads, uint32_t *status,
                          QfDspEvent *sum);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HtpGraph, htp_graph_free)

#endif
