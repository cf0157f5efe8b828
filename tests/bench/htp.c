/* SPDX-License-Identifier: MIT */
/*
 * htp.c - what the way to the Hexagon program costs: runs of a graph that copies 128 bytes, from call to return, less the time that the program
 * itself says it took. usage: htp LIBRARY [RUNS]     LIBRARY: libqnnflow-htpsim.so or a device's libcdsprpc.so
 */
#include "libqnnflow/backends/htp/device.h"
#include "tests/backends/copy_net.h"

#include <stdio.h>
#include <stdlib.h>

static int by_size(const void *a, const void *b)
{
  const gint64 x = *(const gint64 *)a, y = *(const gint64 *)b;
  return x < y ? -1 : x > y;
}

static gboolean measure(QfHtpDevice *d, guint n, gint64 *us, gint64 *loads_us, GError **error)
{
  CopyNet net;
  copy_net(&net, 128);
  const gint64 begin = g_get_monotonic_time();
  QfHtpGraph *graph = qf_htp_graph_load(d, &net, COPY_NET_BYTES, error);
  *loads_us = g_get_monotonic_time() - begin;
  QfHtpBuffer *buffer = graph ? qf_htp_buffer_new(d, 256, error) : NULL;
  gboolean ok = buffer != NULL;
  const QfHtpSpan borders[] = {{buffer, 0, 128, FALSE}, {buffer, 128, 128, TRUE}};
  for (guint i = 0; ok && i < n; i++) {
    QfHtpReport report = {0};
    const gint64 from = g_get_monotonic_time();
    ok = qf_htp_graph_run(graph, borders, 2, &report, error);
    us[i] = g_get_monotonic_time() - from - (gint64)report.time_us;
  }
  qf_htp_buffer_free(buffer);
  qf_htp_graph_free(graph);
  return ok;
}

int main(int argc, char **argv)
{
  g_autoptr(GError) error = NULL;
  const guint n = argc > 2 ? (guint)MAX(atoi(argv[2]), 1) : 2000;
  const QfHtpOptions options = {.library = argc > 1 ? argv[1] : NULL};
  g_autofree gint64 *us = g_new(gint64, n);
  gint64 load_us = 0;
  const gint64 begin = g_get_monotonic_time();
  QfHtpDevice *d = qf_htp_device_open(&options, &error);
  const gint64 opened = g_get_monotonic_time() - begin;
  if (!d || !measure(d, n, us, &load_us, &error)) {
    fprintf(stderr, "%s\n", error->message);
    qf_htp_device_close(d);
    return 1;
  }
  qsort(us, n, sizeof(*us), by_size);
  printf("open %" G_GINT64_FORMAT " us, load %" G_GINT64_FORMAT
         " us; round trip besides the program's own time, %u runs: "
         "least %" G_GINT64_FORMAT " us, median %" G_GINT64_FORMAT " us, 99 %% below %" G_GINT64_FORMAT
         " us\n",
         opened, load_us, n, us[0], us[n / 2], us[n - 1 - n / 100]);
  qf_htp_device_close(d);
  return 0;
}
