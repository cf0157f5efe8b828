/* SPDX-License-Identifier: MIT */
/*
 * cmd-bench.c - `qnnflow bench`: times runs of a model on random input.
 * The last word it prints is the median in milliseconds, so that scripts can take it.
 */
#include "tool.h"

#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define MOST_ITERATIONS 10000000

typedef struct {
  int iterations, warmup;
  gboolean layers, load, on_request;
  char *report;
  double load_ms; /* of this process's only load */
} BenchOptions;

static int by_value(const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double cpu_seconds(void)
{
  struct rusage u;
  getrusage(RUSAGE_SELF, &u);
  return u.ru_utime.tv_sec + u.ru_stime.tv_sec + 1e-6 * (u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

/* Of this program; getrusage() alone would count what the process was before it became this program. */
static uint64_t peak_bytes(void)
{
  struct rusage u;
  g_autofree char *status = NULL;
  const char *line =
      g_file_get_contents("/proc/self/status", &status, NULL, NULL) ? strstr(status, "VmHWM:") : NULL;
  if (line)
    return g_ascii_strtoull(line + 6, NULL, 10) * 1024;
  getrusage(RUSAGE_SELF, &u);
  return (uint64_t)u.ru_maxrss * 1024;
}

/* Runs @n times; times go to @ms unless it is NULL. */
static gboolean run_times(QfSession *session, int n, double *ms, QfStats *stats, GError **error)
{
  for (int i = 0; i < n; i++) {
    if (!qf_session_run(session, error))
      return FALSE;
    if (!ms)
      continue;
    ms[i] = qf_session_last_run_ns(session) / 1e6;
    qf_stats_add(stats, qf_session_last_run_ns(session));
  }
  return TRUE;
}

static QfReportFormat format_of(const char *path)
{
  static const char *const suffixes[] = {".txt", ".json", ".html", ".csv"};
  static const QfReportFormat formats[] = {QF_REPORT_TEXT, QF_REPORT_JSON, QF_REPORT_HTML, QF_REPORT_CSV};
  for (guint i = 0; i < G_N_ELEMENTS(suffixes); i++)
    if (g_str_has_suffix(path, suffixes[i]))
      return formats[i];
  return QF_REPORT_TEXT;
}

/* What a process that runs the model needs, and what this one has needed at most. */
static void show_memory(const QfModel *model)
{
  QfModelStats s;
  qf_model_stats(model, &s);
  const double ratio = s.live_bytes ? (double)s.arena_bytes / (double)s.live_bytes : 1;
  g_print("memory: constants as runs read them %.1f MB, arena %.1f MB (%.3f of the largest live set), peak "
          "of the "
          "process %.1f MB: %.1f MB more\n",
          s.packed_bytes / 1e6, s.arena_bytes / 1e6, ratio, peak_bytes() / 1e6,
          ((double)peak_bytes() - s.packed_bytes - s.arena_bytes) / 1e6);
}

/* The table, and the report file when one is wanted. */
static gboolean show(QfSession *session, const BenchOptions *o, QfReport *report, GError **error)
{
  if (o->layers)
    report->layers = qf_session_layers(session, &report->n_layers);
  g_autofree char *text = qf_report_format(report, QF_REPORT_TEXT);
  g_print("%s", text);
  return !o->report || qf_report_write(report, format_of(o->report), o->report, error);
}

/* For every line of input, a number of runs: makes them and prints their median. Ends with the input. */
static gboolean serve(QfSession *session, GError **error)
{
  char line[64];
  g_print("ready\n");
  while (fflush(stdout), fgets(line, sizeof line, stdin)) {
    guint64 n;
    if (!g_ascii_string_to_unsigned(g_strstrip(line), 10, 1, MOST_ITERATIONS, &n, error))
      return FALSE;
    g_autofree double *ms = g_new0(double, n);
    g_autoptr(QfStats) stats = qf_stats_new();
    if (!run_times(session, (int)n, ms, stats, error))
      return FALSE;
    qsort(ms, n, sizeof *ms, by_value);
    g_print("median_ms %.5f\n", ms[n / 2]);
  }
  return TRUE;
}

static gboolean bench(QfSession *session, const BenchOptions *o, GError **error)
{
  QfModel *model = qf_session_model(session);
  g_autofree double *ms = g_new0(double, o->iterations);
  g_autoptr(QfStats) stats = qf_stats_new();
  for (uint32_t i = 0; i < qf_model_n_inputs(model); i++)
    qf_tool_fill_random(qf_model_input(model, i), qf_session_input_data(session, i));
  if (!run_times(session, o->warmup, NULL, NULL, error))
    return FALSE;
  if (o->on_request)
    return serve(session, error);
  double cpu = cpu_seconds();
  gint64 start = g_get_monotonic_time();
  if (!run_times(session, o->iterations, ms, stats, error))
    return FALSE;
  double seconds = MAX(g_get_monotonic_time() - start, 1) / 1e6;
  QfReport report = {.title = "qnnflow bench",
                     .model = qf_model_name(model),
                     .backend = qf_model_backend(model),
                     .inferences = o->iterations,
                     .duration_s = seconds,
                     .fps = o->iterations / seconds,
                     .cpu_percent = 100 * (cpu_seconds() - cpu) / seconds,
                     .rss_bytes = peak_bytes(),
                     .series_ms = ms,
                     .n_series = o->iterations};
  qf_stats_summary(stats, &report.latency);
  if (!show(session, o, &report, error))
    return FALSE;
  show_memory(model);
  g_print("load_ms %.3f\n", o->load_ms);
  qsort(ms, o->iterations, sizeof *ms, by_value);
  g_print("min %.4f ms, median %.4f ms, p95 %.4f ms\nmedian_ms %.4f\n", ms[0], ms[o->iterations / 2],
          ms[MIN(o->iterations - 1, o->iterations * 95 / 100)], ms[o->iterations / 2]);
  return TRUE;
}

/* Median milliseconds of loading @path as often as is asked for; negative: it cannot be loaded. */
static double time_loads(const char *path, const BenchOptions *o, const QfToolModel *options, GError **error)
{
  g_autofree double *ms = g_new0(double, o->iterations);
  for (int i = 0; i < o->iterations; i++) {
    gint64 start = g_get_monotonic_time();
    g_autoptr(QfModel) model = qf_tool_load(path, options, error);
    ms[i] = (double)(g_get_monotonic_time() - start) / 1e3;
    if (!model)
      return -1;
  }
  qsort(ms, o->iterations, sizeof *ms, by_value);
  return ms[o->iterations / 2];
}

/* Loading the file against loading what `qnnflow convert` makes of it. */
static gboolean bench_load(const char *path, const BenchOptions *o, const QfToolModel *options,
                           GError **error)
{
  g_autofree char *native = NULL;
  int descriptor = g_file_open_tmp("qnnflow-XXXXXX.qnnf", &native, error);
  if (descriptor < 0)
    return FALSE;
  close(descriptor);
  double before = time_loads(path, o, options, error), after = -1;
  if (before >= 0 && qf_tool_convert_file(path, native, options, error))
    after = time_loads(native, o, options, error);
  g_unlink(native);
  if (after < 0)
    return FALSE;
  g_print("load %s: median %.3f ms, as .qnnf %.3f ms, %.2f times as fast (%d loads each)\n", path, before,
          after, before / MAX(after, 1e-3), o->iterations);
  return TRUE;
}

static int run(int argc, char **argv)
{
  BenchOptions o = {.iterations = 50, .warmup = 5};
  g_auto(QfToolModel) options = {0};
  g_autoptr(GError) error = NULL;
  const GOptionEntry entries[] = {
      {"iters", 'n', 0, G_OPTION_ARG_INT, &o.iterations, "Timed runs (default: 50)", "K"},
      {"warmup", 'w', 0, G_OPTION_ARG_INT, &o.warmup, "Runs before them that are not timed (default: 5)",
       "K"},
      {"layers", 'l', 0, G_OPTION_ARG_NONE, &o.layers, "Time every layer (adds about 0.1 us to each)", NULL},
      {"load", 0, 0, G_OPTION_ARG_NONE, &o.load,
       "Time loading instead of running: the file, and what `qnnflow convert` makes of it", NULL},
      {"on-request", 0, 0, G_OPTION_ARG_NONE, &o.on_request,
       "Load once, then read numbers of runs from standard input, one a line, and print each one's median",
       NULL},
      {"report", 'r', 0, G_OPTION_ARG_FILENAME, &o.report, "Write a report: .html, .json, .csv or .txt",
       "FILE"},
      {NULL},
  };
  if (!qf_tool_parse(&qf_tool_bench, &argc, &argv, entries, qf_tool_model_group(&options), 1, 1))
    return QF_EXIT_USAGE;
  if (o.iterations < 1 || o.iterations > MOST_ITERATIONS || o.warmup < 0 || options.threads < 0 ||
      options.threads > 256)
    return qf_tool_usage(&qf_tool_bench, "--iters is 1 to 10000000, --warmup at least 0, --threads 0 to 256");
  if (o.load)
    return bench_load(argv[1], &o, &options, &error) ? QF_EXIT_OK : qf_tool_fail(&qf_tool_bench, error);
  const gint64 start = g_get_monotonic_time();
  g_autoptr(QfModel) model = qf_tool_load(argv[1], &options, &error);
  if (!model)
    return qf_tool_fail(&qf_tool_bench, error);
  o.load_ms = (double)(g_get_monotonic_time() - start) / 1e3;
  QfSessionOptions session_options = {.n_threads = options.threads, .profile = o.layers};
  g_autoptr(QfSession) session = qf_session_new(model, &session_options, &error);
  gboolean ok = session && bench(session, &o, &error);
  g_free(o.report);
  return ok ? QF_EXIT_OK : qf_tool_fail(&qf_tool_bench, error);
}

const QfTool qf_tool_bench = {
    .name = "bench",
    .arguments = "MODEL",
    .summary = "Time runs of a model on random input",
    .description = "The last word printed is the median in milliseconds:\n"
                   "  qnnflow bench model.tflite --threads 1 --iters 200 | awk 'END { print $NF }'",
    .run = run,
};
