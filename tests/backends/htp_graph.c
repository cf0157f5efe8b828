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

#define MOST_NODES 24
#define MOST_BYTES (8u << 20)
#define SMALL_VTCM (200u << 10) /* of graphs that are damaged: for some tensors and steps */

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

static HtpGraph *make_graph(const QfGraph *graph, QfNode *const *nodes, guint n, size_t vtcm_bytes)
{
  g_autoptr(QfHtpBuild) b = qf_htp_build_new("test", FALSE, 4, 64 << 10);
  g_autoptr(GString) why = g_string_new(NULL);
  g_autoptr(GPtrArray) in = NULL, out = NULL;
  b->vtcm_bytes = vtcm_bytes;
  qf_lower_part_borders(&(QfLower){.graph = (QfGraph *)graph}, nodes, n, &in, &out);
  for (guint i = 0; i < in->len; i++)
    qf_htp_build_input(b, in->pdata[i]);
  for (guint i = 0; i < n; i++)
    if (!qf_htp_build_node(b, nodes[i], why))
      g_error("%s: %s", nodes[i]->name, why->str);
  for (guint i = 0; i < out->len; i++)
    qf_htp_build_output(b, out->pdata[i]);
  HtpGraph *g = g_new0(HtpGraph, 1);
  g->blob = qf_htp_build_finish(b, &g->size, why);
  g_assert_nonnull(g->blob);
  return g;
}

HtpGraph *htp_graph_new(const char *path)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(QfModel) model = qf_model_load(path, &(QfModelOptions){.backend = "ref"}, &error);
  QfNode *nodes[MOST_NODES];
  g_assert_no_error(error);
  const guint n = choose(model->graph, nodes);
  g_assert_cmpuint(n, >=, 3);
  return make_graph(model->graph, nodes, n, SMALL_VTCM / 2);
}

HtpGraph *htp_graph_new_whole(const char *path, size_t vtcm_bytes)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(QfModel) model = qf_model_load(path, &(QfModelOptions){.backend = "ref"}, &error);
  g_assert_no_error(error);
  g_autoptr(GPtrArray) nodes = g_ptr_array_new();
  for (guint i = 0; i < model->graph->nodes->len; i++) {
    QfNode *node = model->graph->nodes->pdata[i];
    if (!qf_dtype_is_float(node->inputs[0]->dtype) && !qf_dtype_is_float(node->outputs[0]->dtype))
      g_ptr_array_add(nodes, node); /* the borders are converted elsewhere */
  }
  return make_graph(model->graph, (QfNode *const *)nodes->pdata, nodes->len, vtcm_bytes);
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

#define MOST_COPIES 4

typedef struct {
  uint8_t *dst;
  const uint8_t *src;
  uint32_t dst_stride, src_stride, width, rows;
} Copy;

/* Threads take turns, so what one of them has begun it waits for before another begins. */
typedef struct {
  QfDspPort port;
  Copy copies[MOST_COPIES];
  guint n_copies;
} SlowPort;

static void slow_copy(QfDspPort *port, void *queue, void *dst, uint32_t dst_stride, const void *src,
                      uint32_t src_stride, uint32_t width, uint32_t rows)
{
  SlowPort *p = (SlowPort *)port;
  (void)queue;
  g_assert_cmpuint(p->n_copies, <, MOST_COPIES);
  for (uint32_t i = 0; i < rows; i++)
    memset((uint8_t *)dst + (size_t)i * dst_stride, 0xa5, width);
  p->copies[p->n_copies++] = (Copy){dst, src, dst_stride, src_stride, width, rows};
}

static void slow_wait(QfDspPort *port, void *queue)
{
  SlowPort *p = (SlowPort *)port;
  (void)queue;
  for (guint k = 0; k < p->n_copies; k++) {
    const Copy *c = &p->copies[k];
    for (uint32_t i = 0; i < c->rows; i++)
      memcpy(c->dst + (size_t)i * c->dst_stride, c->src + (size_t)i * c->src_stride, c->width);
  }
  p->n_copies = 0;
}

static uint64_t no_time(QfDspPort *port)
{
  (void)port;
  return 0;
}

static uint32_t no_packets(QfDspPort *port)
{
  (void)port;
  return 0;
}

static void run_measured(QfDspNet *net, QfDspPort *port, GByteArray *out, QfDspEvent *sum)
{
  uint32_t n;
  const QfDspBorder *borders = qf_dsp_net_borders(net, &n);
  const uint32_t n_steps = qf_dsp_net_n_steps(net);
  g_autofree void **memory = g_new0(void *, n + 1);
  g_autofree QfDspEvent *events = g_new0(QfDspEvent, n_steps + 1);
  g_autoptr(GRand) rand = g_rand_new_with_seed(5);
  for (uint32_t i = 0; i < n; i++) {
    uint8_t *bytes = memory[i] = g_malloc(borders[i].size_bytes);
    for (uint32_t k = 0; k < borders[i].size_bytes; k++)
      bytes[k] = borders[i].is_output ? 0 : (uint8_t)g_rand_int(rand);
  }
  qf_dsp_net_run(net, memory, port, events, n_steps);
  *sum = (QfDspEvent){.rows = UINT32_MAX};
  for (uint32_t i = 0; i < n_steps; i++) {
    g_assert_cmpuint(events[i].step, ==, i);
    sum->jobs += events[i].jobs;
    sum->rows = events[i].rows ? MIN(sum->rows, events[i].rows) : sum->rows;
    sum->vtcm_bytes += events[i].vtcm_bytes;
    sum->moved_bytes += events[i].moved_bytes;
  }
  for (uint32_t i = 0; i < n; i++) {
    if (borders[i].is_output)
      g_byte_array_append(out, memory[i], borders[i].size_bytes);
    g_free(memory[i]);
  }
}

/* VTCM is as it is found: not zeroed. */
static SlowPort make_port(uint32_t vtcm_bytes, uint32_t n_threads)
{
  SlowPort p = {.port = {.alloc = port_alloc,
                         .free = port_free,
                         .parallel = port_parallel,
                         .copy2d = slow_copy,
                         .copy_wait = slow_wait,
                         .now_us = no_time,
                         .packets = no_packets,
                         .vtcm_bytes = vtcm_bytes,
                         .n_threads = n_threads}};
  if (vtcm_bytes)
    p.port.vtcm = memset(port_alloc(&p.port, vtcm_bytes), 0x5a, vtcm_bytes);
  return p;
}

gboolean htp_graph_run(const HtpGraph *g)
{
  SlowPort p = make_port(SMALL_VTCM, 3);
  QfDspNet *net = NULL;
  void *copy = port_alloc(&p.port, g->size);
  memcpy(copy, g->blob, g->size);
  const uint32_t status = qf_dsp_net_open(copy, g->size, &p.port, &net);
  if (!status) {
    run_once(net, &p.port);
    qf_dsp_net_close(net, &p.port);
  }
  free(p.port.vtcm);
  free(copy);
  return !status;
}

GBytes *htp_graph_outputs(const HtpGraph *g, uint32_t vtcm_bytes, uint32_t n_threads, uint32_t *status,
                          QfDspEvent *sum)
{
  SlowPort p = make_port(vtcm_bytes, n_threads);
  QfDspNet *net = NULL;
  GBytes *bytes = NULL;
  void *copy = port_alloc(&p.port, g->size);
  memcpy(copy, g->blob, g->size);
  *status = qf_dsp_net_open(copy, g->size, &p.port, &net);
  if (!*status) {
    GByteArray *out = g_byte_array_new();
    run_measured(net, &p.port, out, sum);
    g_assert_cmpuint(p.n_copies, ==, 0);
    qf_dsp_net_close(net, &p.port);
    bytes = g_byte_array_free_to_bytes(out);
  }
  free(p.port.vtcm);
  free(copy);
  return bytes;
}
