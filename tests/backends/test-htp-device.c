/* SPDX-License-Identifier: MIT */
/*
 * test-htp-device.c - sessions with the Hexagon program, through the simulator's libcdsprpc: buffers, graphs, many at a time, and every fault,
 * each of which must be told and none of which may hang. The same tests run with the program under qemu-hexagon and in this process.
 *
 * usage: test-htp-device LIBRARY host|qemu
 */
#include "copy_net.h"
#include "libqnnflow/backends/htp/device.h"

#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static char *library, *mode;

static QfHtpDevice *try_open(const QfHtpOptions *more, GError **error)
{
  QfHtpOptions options = more ? *more : (QfHtpOptions){0};
  if (!options.library)
    options.library = library;
  return qf_htp_device_open(&options, error);
}

static QfHtpDevice *open_device(void)
{
  g_autoptr(GError) error = NULL;
  QfHtpDevice *d = try_open(NULL, &error);
  g_assert_no_error(error);
  return d;
}

typedef struct {
  QfHtpDevice *device;
  QfHtpGraph *graph;
  QfHtpBuffer *in, *out;
  uint32_t n;
} Copier;

static gboolean copier_open(Copier *c, QfHtpDevice *device, uint32_t n, GError **error)
{
  CopyNet net;
  copy_net(&net, n);
  *c = (Copier){.device = device, .n = n};
  return (c->graph = qf_htp_graph_load(device, &net, COPY_NET_BYTES, error)) &&
         (c->in = qf_htp_buffer_new(device, n, error)) && (c->out = qf_htp_buffer_new(device, n, error));
}

static void copier_close(Copier *c)
{
  qf_htp_graph_free(c->graph);
  qf_htp_buffer_free(c->in);
  qf_htp_buffer_free(c->out);
}

static gboolean copier_run(const Copier *c, uint8_t seed, QfHtpReport *report, GError **error)
{
  const QfHtpSpan borders[] = {{c->in, 0, c->n, FALSE}, {c->out, 0, c->n, TRUE}};
  for (uint32_t i = 0; i < c->n; i++)
    c->in->data[i] = (uint8_t)(i * 7 + seed);
  memset(c->out->data, 0, c->n);
  if (!qf_htp_graph_run(c->graph, borders, 2, report, error))
    return FALSE;
  for (uint32_t i = 0; i < c->n; i++)
    g_assert_cmpuint(c->out->data[i], ==, (uint8_t)(i * 7 + seed) ^ 0x80);
  return TRUE;
}

static void test_run(void)
{
  g_autoptr(GError) error = NULL;
  QfHtpDevice *d = open_device();
  g_assert_cmpuint(qf_htp_device_info(d)->vtcm_bytes, ==, 8u << 20);
  g_assert_cmpuint(qf_htp_device_info(d)->n_threads, >=, 1);
  g_assert_cmpuint(qf_htp_device_info(d)->arch, ==, strcmp(mode, "qemu") ? 0 : 66);
  g_assert_true(qf_htp_device_info(d)->simulated);
  g_assert_true(qf_htp_device_ping(d, &error));
  Copier small, large;
  g_assert_true(copier_open(&small, d, 1, &error));
  g_assert_true(copier_open(&large, d, 3000001, &error));
  g_assert_cmpuint(GPOINTER_TO_SIZE(small.in->data) % QF_DSP_ALIGNMENT, ==, 0);
  for (uint8_t i = 0; i < 10; i++)
    g_assert_true(copier_run(i % 2 ? &small : &large, i, NULL, &error));
  QfHtpEvent events[4];
  QfHtpReport report = {.events = events, .max_events = 4};
  g_assert_true(copier_run(&large, 9, &report, &error));
  g_assert_cmpuint(report.n_events, ==, 1);
  g_assert_cmpuint(events[0].step, ==, 0);
  if (!strcmp(mode, "qemu")) { /* packets of all threads: a vector each, at least */
    g_assert_cmpuint(events[0].packets, >, 3000001 / 128);
    g_assert_cmpuint(report.packets, >=, events[0].packets);
  }
  copier_close(&small);
  copier_close(&large);
  qf_htp_device_close(d);
}

/* What the caller does wrong is refused, and harms nothing. */
static void test_wrong_calls(void)
{
  g_autoptr(GError) error = NULL;
  QfHtpDevice *d = open_device(), *other = open_device();
  QfHtpBuffer *foreign = qf_htp_buffer_new(other, 100, &error);
  Copier c;
  g_assert_true(copier_open(&c, d, 100, &error));
  const QfHtpSpan spans[][2] = {
      {{c.in, 0, 99, FALSE}, {c.out, 0, 100, TRUE}},     /* too small */
      {{c.in, 0, 100, TRUE}, {c.out, 0, 100, TRUE}},     /* an input is no output */
      {{c.in, 8192, 100, FALSE}, {c.out, 0, 100, TRUE}}, /* beyond the end */
      {{foreign, 0, 100, FALSE}, {c.out, 0, 100, TRUE}}, /* another session's */
      {{NULL, 0, 100, FALSE}, {c.out, 0, 100, TRUE}},
  };
  for (guint i = 0; i < G_N_ELEMENTS(spans); i++) {
    g_assert_false(qf_htp_graph_run(c.graph, spans[i], 2, NULL, &error));
    g_assert_nonnull(error);
    g_clear_error(&error);
  }
  g_assert_false(qf_htp_graph_run(c.graph, spans[0], 1, NULL, &error));
  g_assert_error(error, QF_ERROR, QF_ERROR_ARGUMENT);
  g_clear_error(&error);
  g_assert_null(qf_htp_buffer_new(d, 0, &error));
  g_assert_error(error, QF_ERROR, QF_ERROR_LIMIT);
  g_clear_error(&error);
  CopyNet net;
  copy_net(&net, 100);
  net.head.step.row = 4711;
  g_assert_null(qf_htp_graph_load(d, &net, COPY_NET_BYTES, &error));
  g_assert_error(error, QF_ERROR, QF_ERROR_UNSUPPORTED);
  g_clear_error(&error);
  g_assert_null(qf_htp_graph_load(d, "no graph", 8, &error));
  g_assert_error(error, QF_ERROR, QF_ERROR_DEVICE);
  g_clear_error(&error);
  g_assert_true(copier_run(&c, 3, NULL, &error));
  copier_close(&c);
  qf_htp_buffer_free(foreign);
  qf_htp_device_close(other);
  qf_htp_device_close(d);
}

/* Memory of somebody else's, and memory that is none. */
static void test_import(void)
{
  g_autoptr(GError) error = NULL;
  QfHtpDevice *d = open_device();
  const int fd = memfd_create("frames", MFD_CLOEXEC);
  g_assert_cmpint(ftruncate(fd, 8192), ==, 0);
  Copier c;
  g_assert_true(copier_open(&c, d, 5000, &error));
  QfHtpBuffer *own = c.in;
  c.in = qf_htp_buffer_import(d, fd, 8192, &error);
  g_assert_no_error(error);
  g_assert_true(copier_run(&c, 1, NULL, &error));
  qf_htp_buffer_free(c.in);
  c.in = own;
  g_assert_null(qf_htp_buffer_import(d, fd, 1 << 20, &error)); /* more than the file has */
  g_assert_error(error, QF_ERROR, QF_ERROR_DEVICE);
  g_clear_error(&error);
  g_assert_null(qf_htp_buffer_import(d, -1, 4096, &error));
  g_assert_error(error, QF_ERROR, QF_ERROR_ARGUMENT);
  g_clear_error(&error);
  g_assert_true(copier_run(&c, 2, NULL, &error));
  copier_close(&c);
  qf_htp_device_close(d);
  close(fd);
}

static gpointer run_often(gpointer data)
{
  g_autoptr(GError) error = NULL;
  Copier c;
  g_assert_true(copier_open(&c, data, 20000 + g_random_int_range(0, 5000), &error));
  for (guint i = 0; i < 50; i++) {
    QfHtpEvent event;
    QfHtpReport report = {.events = &event, .max_events = i % 2};
    g_assert_true(copier_run(&c, (uint8_t)i, &report, &error));
    g_assert_cmpuint(report.n_events, ==, i % 2);
  }
  copier_close(&c);
  return NULL;
}

/* Three sessions, each with three graphs of a thread's own. */
static void test_many(void)
{
  QfHtpDevice *devices[3];
  GThread *threads[9];
  for (guint i = 0; i < 3; i++)
    devices[i] = open_device();
  for (guint i = 0; i < 9; i++)
    threads[i] = g_thread_new("run", run_often, devices[i % 3]);
  for (guint i = 0; i < 9; i++)
    g_thread_join(threads[i]);
  for (guint i = 0; i < 3; i++)
    qf_htp_device_close(devices[i]);
}

/* More graphs and buffers than there is room for. */
static void test_limits(void)
{
  g_autoptr(GError) error = NULL;
  QfHtpDevice *d = open_device();
  QfHtpBuffer *buffers[257];
  guint n = 0;
  while (n < 257 && (buffers[n] = qf_htp_buffer_new(d, 10, &error)))
    n++;
  g_assert_cmpuint(n, ==, 256);
  g_assert_error(error, QF_ERROR, QF_ERROR_LIMIT);
  g_clear_error(&error);
  while (n)
    qf_htp_buffer_free(buffers[--n]);
  Copier copiers[65];
  while (n < 65 && copier_open(&copiers[n], d, 10, &error))
    n++;
  g_assert_cmpuint(n, ==, 64);
  g_assert_error(error, QF_ERROR, QF_ERROR_LIMIT);
  for (guint i = 0; i < n; i++)
    copier_close(&copiers[i]);
  g_assert_null(copiers[n].graph);
  qf_htp_device_close(d);
}

/* A fault: the environment and options that make it, where it shows, and what the message must have. */
typedef struct {
  const char *name;
  const char *variable, *value;
  QfHtpOptions options;
  enum { AT_OPEN, AT_LOAD, AT_RUN } where;
  const char *message;
  const char *only; /* the mode in which it exists */
} Fault;

static const Fault faults[] = {
    {"dies", "QNNFLOW_HTPSIM_FAULT", "die", {0}, AT_RUN, "has ended", NULL},
    {"dies-later", "QNNFLOW_HTPSIM_FAULT", "die:3", {0}, AT_RUN, "has ended", NULL},
    {"crashes", "QNNFLOW_HTPSIM_FAULT", "crash", {0}, AT_RUN, "has ended", "qemu"},
    {"hangs", "QNNFLOW_HTPSIM_FAULT", "hang", {.timeout_ms = 300}, AT_RUN, "no answer within 300 ms", NULL},
    {"bad-map", "QNNFLOW_HTPSIM_FAULT", "map", {0}, AT_LOAD, "cannot map the memory", NULL},
    {"queue-full", "QNNFLOW_HTPSIM_FAULT", "full", {.timeout_ms = 300}, AT_RUN, "queue is full", NULL},
    {"version",
     "QNNFLOW_HTPSIM_FAULT",
     "version",
     {0},
     AT_OPEN,
     "of the protocol and this library version",
     NULL},
    {"garbage", "QNNFLOW_HTPSIM_FAULT", "garbage", {0}, AT_RUN, "makes no sense", NULL},
    {"unknown-fault", "QNNFLOW_HTPSIM_FAULT", "earthquake", {0}, AT_OPEN, "no such fault", NULL},
    {"no-vtcm",
     "QNNFLOW_HTPSIM_VTCM_MB",
     "1",
     {.vtcm_bytes = 2 << 20},
     AT_OPEN,
     "1048576 bytes of VTCM",
     NULL},
    {"no-library", NULL, NULL, {.library = "/nowhere/libcdsprpc.so"}, AT_OPEN, "cannot be loaded", NULL},
    {"other-library", NULL, NULL, {.library = "libm.so.6"}, AT_OPEN, "lacks rpcmem_alloc", NULL},
    {"no-program",
     "QNNFLOW_HTPSIM_PROGRAM",
     "/nowhere/program",
     {0},
     AT_OPEN,
     "/nowhere/program is missing",
     "qemu"},
    {"bad-program", "QNNFLOW_HTPSIM_PROGRAM", "/dev/null", {0}, AT_OPEN, "has ended", "qemu"},
    {"no-qemu", "QNNFLOW_HTPSIM_QEMU", "/nowhere/qemu", {0}, AT_OPEN, "install qemu-user", "qemu"},
};

static gboolean fails(const Fault *f, GError **error)
{
  Copier c = {0};
  QfHtpDevice *d = try_open(&f->options, error);
  g_assert_true(!d == (f->where == AT_OPEN));
  if (!d)
    return TRUE;
  const gboolean loaded = copier_open(&c, d, 1000, error);
  g_assert_true(!loaded == (f->where == AT_LOAD));
  gboolean ok = loaded;
  for (guint i = 0; ok && i < 10; i++)
    ok = copier_run(&c, 1, NULL, error);
  if (f->where == AT_RUN) { /* it stays dead, at once */
    g_autoptr(GError) again = NULL;
    const gint64 begin = g_get_monotonic_time();
    g_assert_false(copier_run(&c, 1, NULL, &again));
    g_assert_error(again, QF_ERROR, QF_ERROR_DEVICE);
    g_assert_false(qf_htp_device_ping(d, NULL));
    g_assert_null(qf_htp_buffer_new(d, 10, NULL));
    g_assert_cmpint(g_get_monotonic_time() - begin, <, 250000); /* less than a timeout */
  }
  copier_close(&c);
  qf_htp_device_close(d);
  return !ok;
}

static void test_fault(gconstpointer data)
{
  const Fault *f = data;
  g_autoptr(GError) error = NULL;
  QfHtpDevice *healthy = open_device(); /* another session is not touched */
  if (f->variable)
    g_setenv(f->variable, f->value, TRUE);
  g_assert_true(fails(f, &error));
  if (f->variable)
    g_unsetenv(f->variable);
  g_assert_error(error, QF_ERROR, QF_ERROR_DEVICE);
  g_test_message("%s", error->message);
  g_assert_nonnull(strstr(error->message, f->message));
  g_assert_true(qf_htp_device_ping(healthy, NULL));
  qf_htp_device_close(healthy);
}

static gpointer run_until_dead(gpointer data)
{
  g_autoptr(GError) error = NULL;
  while (copier_run(data, 5, NULL, &error))
    ;
  g_assert_error(error, QF_ERROR, QF_ERROR_DEVICE);
  return NULL;
}

/* All who wait for a device learn that it died. */
static void test_all_learn(void)
{
  g_autoptr(GError) error = NULL;
  Copier copiers[4];
  GThread *threads[4];
  g_setenv("QNNFLOW_HTPSIM_FAULT", "die:40", TRUE);
  const QfHtpOptions options = {.queue_depth = 2};
  QfHtpDevice *d = try_open(&options, &error);
  g_unsetenv("QNNFLOW_HTPSIM_FAULT");
  for (guint i = 0; i < 4; i++)
    g_assert_true(copier_open(&copiers[i], d, 500, &error));
  for (guint i = 0; i < 4; i++)
    threads[i] = g_thread_new("run", run_until_dead, &copiers[i]);
  for (guint i = 0; i < 4; i++)
    g_thread_join(threads[i]);
  for (guint i = 0; i < 4; i++)
    copier_close(&copiers[i]);
  qf_htp_device_close(d);
}

static guint count_open(const char *folder)
{
  guint n = 0;
  g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
  while (g_dir_read_name(dir))
    n++;
  return n;
}

static guint count_lines(const char *file)
{
  g_autofree char *text = NULL;
  guint n = 0;
  g_assert_true(g_file_get_contents(file, &text, NULL, NULL));
  for (const char *s = text; (s = strchr(s, '\n')); s++)
    n++;
  return n;
}

static void open_and_run(void)
{
  g_autoptr(GError) error = NULL;
  QfHtpDevice *d = open_device();
  Copier c;
  g_assert_true(copier_open(&c, d, 100000, &error));
  g_assert_true(copier_run(&c, 1, NULL, &error));
  copier_close(&c);
  qf_htp_device_close(d);
}

/* Neither descriptors nor threads nor maps stay. */
static void test_leaks(void)
{
  open_and_run();
  const guint files = count_open("/proc/self/fd"), threads = count_open("/proc/self/task");
  const guint maps = count_lines("/proc/self/maps");
  for (guint i = 0; i < 20; i++)
    open_and_run();
  g_assert_cmpuint(count_open("/proc/self/fd"), ==, files);
  g_assert_cmpuint(count_open("/proc/self/task"), ==, threads);
  g_assert_cmpuint(count_lines("/proc/self/maps"), <, maps + 20);
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  library = argv[1];
  mode = argv[2];
  g_setenv("QNNFLOW_HTPSIM_MODE", mode, TRUE);
  if (!strcmp(mode, "qemu")) {
    g_autofree char *qemu = g_find_program_in_path("qemu-hexagon");
    g_autofree char *folder = g_path_get_dirname(library);
    g_autofree char *program = g_build_filename(folder, "qnnflow-hexagon", NULL);
    if (!qemu || !g_file_test(program, G_FILE_TEST_EXISTS)) {
      g_print("1..0 # SKIP %s\n",
              qemu ? "the Hexagon program was not built: no clang-19 or lld-19" : "no qemu-hexagon");
      return 0;
    }
  }
  g_test_add_func("/htp/device/run", test_run);
  g_test_add_func("/htp/device/wrong-calls", test_wrong_calls);
  g_test_add_func("/htp/device/import", test_import);
  g_test_add_func("/htp/device/many", test_many);
  g_test_add_func("/htp/device/limits", test_limits);
  for (guint i = 0; i < G_N_ELEMENTS(faults); i++) {
    g_autofree char *path = g_strconcat("/htp/device/fault/", faults[i].name, NULL);
    if (!faults[i].only || !strcmp(faults[i].only, mode))
      g_test_add_data_func(path, &faults[i], test_fault);
  }
  g_test_add_func("/htp/device/all-learn", test_all_learn);
  g_test_add_func("/htp/device/leaks", test_leaks);
  return g_test_run();
}
