/* SPDX-License-Identifier: MIT */
/*
 * htp_graph.c - see htp_graph.h.
 */
#include "htp_graph.h"
#include "libqnnflow/backends/htp/build.h"
#include "libqnnflow/runtime/memory.h"
#include "libqnnflow/runtime/model.h"

#include <stdlib.h>
#include <string.h>

#define MOST_NODES 6
#define MOST_BYTES (8u << 20)

static void *port_alloc(QfDspPort *port, uint32_t size)
{
  void *p = NULL;
  (void)port;
  if (size > 4 * MOST_BYTES || posix_memalign(&p, QF_DSP_ALIGNMENT, size))
    return NULL;
  return memset(p, 0, size);
}

static void port_free(QfDspPort *port, void *memory, uint32_t size)
{
  (void)port;
  (void)size;
  free(memory);
}

/* Threads take turns. */
static void port_parallel(QfDspPort *port, void (*fn)(void *arg, uint32_t index, uint32_t thread), void *arg,
                          uint32_t count)
{
  for (uint32_t i = 0; i < count; i++)
    fn(arg, i, i % port->n_threads);
}

/* The first run of nodes that are for the DSP. */
static guint choose(const QfGraph *graph, QfNode **nodes)
{
  guint n = 0;
  for (guint i = 0; i < graph->nodes->len && n < MOST_NODES; i++) {
    QfNode *node = graph->nodes->pdata[i];
    g_autoptr(GString) why = g_string_new(NULL);
    g_autoptr(QfHtpBuild) b = qf_htp_build_new("test", TRUE, 4, 64 << 10);
    for (uint32_t k = 0; k < node->n_inputs; k++)
      if (node->inputs[k] && !node->inputs[k]->data)
        qf_htp_build_input(b, node->inputs[k]);
    if (qf_htp_build_node(b, node, why))
      nodes[n++] = node;
    else if (n)
      break;
  }
  return n;
}

HtpGraph *htp_graph_new(const char *path)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(QfModel) model = qf_model_load(path, &(QfModelOptions){.backend = "ref"}, &error);
  g_autoptr(QfHtpBuild) b = qf_htp_build_new("test", FALSE, 4, 64 << 10);
  g_autoptr(GString) why = g_string_new(NULL);
  g_autoptr(GPtrArray) in = NULL, out = NULL;
  QfNode *nodes[MOST_NODES];
  g_assert_no_error(error);
  const guint n = choose(model->graph, nodes);
  g_assert_cmpuint(n, >=, 3);
  qf_lower_part_borders(&(QfLower){.graph = model->graph}, nodes, n, &in, &out);
  for (guint i = 0; i < in->len; i++)
    qf_htp_build_input(b, in->pdata[i]);
  for (guint i = 0; i < n; i++)
    g_assert_true(qf_htp_build_node(b, nodes[i], why));
  for (guint i = 0; i < out->len; i++)
    qf_htp_build_output(b, out->pdata[i]);
  HtpGraph *g = g_new0(HtpGraph, 1);
  g->blob = qf_htp_build_finish(b, &g->size, why);
  g_assert_nonnull(g->blob);
  return g;
}

void htp_graph_free(HtpGraph *g)
{
  qf_aligned_free(g->blob);
  g_free(g);
}

uint32_t htp_graph_check(const HtpGraph *g, uint32_t size)
{
  QfDspNetNeeds needs;
  void *copy = port_alloc(NULL, size);
  memcpy(copy, g->blob, size);
  const uint32_t status = qf_dsp_net_check(copy, size, &needs);
  free(copy);
  return status;
}

static void run_once(QfDspNet *net, QfDspPort *port)
{
  uint32_t n;
  const QfDspBorder *borders = qf_dsp_net_borders(net, &n);
  g_autofree void **memory = g_new0(void *, n + 1);
  uint64_t sum = 0;
  for (uint32_t i = 0; i < n; i++)
    sum += borders[i].size_bytes;
  for (uint32_t i = 0; i < n && sum <= 4 * MOST_BYTES; i++) {
    memory[i] = malloc(MAX(borders[i].size_bytes, 1));
    memset(memory[i], (int)(17 * i + 5), borders[i].size_bytes);
  }
  if (sum <= 4 * MOST_BYTES)
    qf_dsp_net_run(net, memory, port, NULL, 0);
  for (uint32_t i = 0; i < n; i++)
    free(memory[i]);
}

gboolean htp_graph_run(const HtpGraph *g)
{
  QfDspPort port = {.alloc = port_alloc, .free = port_free, .parallel = port_parallel, .n_threads = 3};
  QfDspNet *net = NULL;
  void *copy = port_alloc(&port, g->size);
  memcpy(copy, g->blob, g->size);
  const uint32_t status = qf_dsp_net_open(copy, g->size, &port, &net);
  if (!status) {
    run_once(net, &port);
    qf_dsp_net_close(net, &port);
  }
  free(copy);
  return !status;
}
