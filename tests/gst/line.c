/* SPDX-License-Identifier: MIT */
/*
 * line.c - see line.h. Objects alive are asked of the leaks tracer of GStreamer.
 */
#define GST_USE_UNSTABLE_API
#include "line.h"
#include "gstqnnelements.h"
#include <glib/gstdio.h>
#include <string.h>

#define TIMEOUT_S 20

static gchar *folder;
static GHashTable *alive;      /* address to description, as last asked */
static GHashTable *from_start; /* addresses */

static void start_leak_check(void);

void line_init(int *argc, char ***argv)
{
  const gchar *tracers = g_getenv("GST_TRACERS");

  if (!tracers)
    g_setenv("GST_TRACERS", "leaks", TRUE);
  g_test_init(argc, argv, NULL);
  gst_init(argc, argv);
  gst_debug_set_default_threshold(GST_LEVEL_NONE); /* errors are expected here */
  GST_ELEMENT_REGISTER(qnnconvert, NULL);
  GST_ELEMENT_REGISTER(qnninfer, NULL);
  GST_ELEMENT_REGISTER(qnndecode, NULL);
  GST_ELEMENT_REGISTER(qnnoverlay, NULL);
  GST_ELEMENT_REGISTER(qnnprofile, NULL);
  start_leak_check();
}

const gchar *line_dir(void)
{
  if (!folder)
    folder = g_dir_make_tmp("qnnflow-XXXXXX", NULL);
  return folder;
}

int line_exit(int status)
{
  GDir *dir = folder ? g_dir_open(folder, 0, NULL) : NULL;
  const gchar *name;

  while (dir && (name = g_dir_read_name(dir))) {
    g_autofree gchar *path = g_build_filename(folder, name, NULL);
    g_unlink(path);
  }
  if (dir) {
    g_dir_close(dir);
    g_rmdir(folder);
  }
  g_free(folder);
  return status;
}

GstElement *line_parse(const gchar *line)
{
  g_autoptr(GError) error = NULL;
  GstElement *pipeline = gst_parse_launch_full(line, NULL, GST_PARSE_FLAG_FATAL_ERRORS, &error);

  g_assert_no_error(error);
  g_assert_nonnull(pipeline);
  return pipeline;
}

typedef struct {
  LineResult *result;
  GMutex lock;
  GHashTable *sent; /* first memory of each buffer of the source, by time stamp */
  LineBufferFunc func;
  gpointer data;
} Watch;

static gpointer stamp(GstBuffer *buffer)
{
  return (gpointer)(gsize)(GST_BUFFER_PTS(buffer) + 1);
}

static GstPadProbeReturn source_probe(GstPad *pad, GstPadProbeInfo *info, gpointer user)
{
  Watch *w = user;
  GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER(info);

  g_mutex_lock(&w->lock);
  g_hash_table_insert(w->sent, stamp(buffer), gst_buffer_peek_memory(buffer, 0));
  g_mutex_unlock(&w->lock);
  return GST_PAD_PROBE_OK;
}

static GstPadProbeReturn sink_probe(GstPad *pad, GstPadProbeInfo *info, gpointer user)
{
  Watch *w = user;
  GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER(info);

  g_mutex_lock(&w->lock);
  w->result->n_buffers++;
  if (gst_buffer_n_memory(buffer) &&
      g_hash_table_lookup(w->sent, stamp(buffer)) == gst_buffer_peek_memory(buffer, 0))
    w->result->n_same_memory++;
  if (w->func)
    w->func(buffer, w->data);
  g_mutex_unlock(&w->lock);
  return GST_PAD_PROBE_OK;
}

static void watch_pad(GstElement *pipeline, const gchar *element, const gchar *pad, GstPadProbeCallback probe,
                      Watch *w)
{
  g_autoptr(GstElement) e = gst_bin_get_by_name(GST_BIN(pipeline), element);
  g_autoptr(GstPad) p = e ? gst_element_get_static_pad(e, pad) : NULL;

  if (p)
    gst_pad_add_probe(p, GST_PAD_PROBE_TYPE_BUFFER, probe, w, NULL);
}

static gboolean is_ours(GstMessage *message)
{
  return GST_IS_ELEMENT(message->src) && g_str_has_prefix(G_OBJECT_TYPE_NAME(message->src), "GstQnn");
}

static void keep_error(LineResult *r, GstMessage *message)
{
  g_autoptr(GError) error = NULL;
  gboolean warning = GST_MESSAGE_TYPE(message) == GST_MESSAGE_WARNING;
  gchar **to = warning ? &r->warning : &r->error;

  if (warning)
    gst_message_parse_warning(message, &error, NULL);
  else
    gst_message_parse_error(message, &error, NULL);
  if (*to && !is_ours(message))
    return;
  if (*to && !g_str_has_prefix(*to, "Internal data stream error"))
    return;
  g_free(*to);
  *to = g_strdup(error->message);
}

static void keep_info(LineResult *r, GstMessage *message)
{
  g_autoptr(GError) info = NULL;
  g_autofree gchar *details = NULL;

  gst_message_parse_info(message, &info, &details);
  if (!r->info)
    r->info = g_strconcat(info->message, "\n", details, NULL);
}

/* TRUE: the line is at its end. */
static gboolean handle(GstElement *pipeline, GstMessage *message, LineResult *r)
{
  const GstStructure *s = gst_message_get_structure(message);

  switch (GST_MESSAGE_TYPE(message)) {
  case GST_MESSAGE_EOS: r->eos = TRUE; return TRUE;
  case GST_MESSAGE_ERROR: keep_error(r, message); return is_ours(message);
  case GST_MESSAGE_WARNING: keep_error(r, message); return FALSE;
  case GST_MESSAGE_INFO: keep_info(r, message); return FALSE;
  case GST_MESSAGE_LATENCY:
    r->n_latency++;
    gst_bin_recalculate_latency(GST_BIN(pipeline));
    return FALSE;
  case GST_MESSAGE_ELEMENT:
    if (gst_structure_has_name(s, GST_QNN_RESULTS_MESSAGE))
      g_ptr_array_add(r->results, g_strdup(gst_structure_get_string(s, "json")));
    return FALSE;
  default: return FALSE;
  }
}

LineResult *line_run(GstElement *pipeline, LineBufferFunc func, gpointer data)
{
  LineResult *r = g_new0(LineResult, 1);
  Watch w = {.result = r, .sent = g_hash_table_new(NULL, NULL), .func = func, .data = data};
  g_autoptr(GstBus) bus = gst_element_get_bus(pipeline);
  gint64 end = g_get_monotonic_time() + TIMEOUT_S * G_USEC_PER_SEC;
  gboolean done = FALSE;

  g_mutex_init(&w.lock);
  r->results = g_ptr_array_new_with_free_func(g_free);
  watch_pad(pipeline, "source", "src", source_probe, &w);
  watch_pad(pipeline, "sink", "sink", sink_probe, &w);
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  while (!done) {
    /* After the first error, only what is on the bus or comes at once: ours may follow that of the source. */
    gint64 left = r->error ? 200000 : MAX(end - g_get_monotonic_time(), 0);
    GstMessage *message = gst_bus_timed_pop(bus, (GstClockTime)left * 1000);
    if (!message)
      break;
    done = handle(pipeline, message, r);
    gst_message_unref(message);
  }
  gst_element_set_state(pipeline, GST_STATE_NULL);
  g_hash_table_unref(w.sent);
  g_mutex_clear(&w.lock);
  if (!r->eos && !r->error)
    g_error("the line neither ended nor failed within %d s", TIMEOUT_S);
  return r;
}

LineResult *line_run_text(const gchar *line, LineBufferFunc func, gpointer data)
{
  GstElement *pipeline = line_parse(line);
  LineResult *r = line_run(pipeline, func, data);

  gst_object_unref(pipeline);
  line_assert_no_leaks();
  return r;
}

void line_result_free(LineResult *result)
{
  g_free(result->error);
  g_free(result->warning);
  g_free(result->info);
  g_ptr_array_unref(result->results);
  g_free(result);
}

static void line_log(GstDebugCategory *category, GstDebugLevel level, const gchar *file,
                     const gchar *function, gint line, GObject *object, GstDebugMessage *message,
                     gpointer user)
{
  const gchar *text = gst_debug_message_get(message);
  const gchar *address = text ? strstr(text, "address=") : NULL;

  if (address && g_str_has_prefix(text, "object-alive"))
    g_hash_table_insert(alive, g_strndup(address, strcspn(address, ",;")), g_strdup(text));
}

/* Has the tracer name all that is alive. */
static void collect_alive(void)
{
  GList *tracers = gst_tracing_get_active_tracers();

  g_hash_table_remove_all(alive);
  for (GList *l = tracers; l; l = l->next)
    if (g_str_equal(G_OBJECT_TYPE_NAME(l->data), "GstLeaksTracer"))
      g_signal_emit_by_name(l->data, "log-live-objects");
  g_list_free_full(tracers, gst_object_unref);
}

/* What exists before any test: factories and the like. */
static void start_leak_check(void)
{
  alive = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
  from_start = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  gst_debug_remove_log_function(gst_debug_log_default);
  gst_debug_add_log_function(line_log, NULL, NULL);
  gst_debug_set_active(TRUE);
  gst_debug_set_threshold_for_name("GST_TRACER", GST_LEVEL_TRACE);
  collect_alive();
  GHashTableIter iter;
  gpointer address;
  g_hash_table_iter_init(&iter, alive);
  while (g_hash_table_iter_next(&iter, &address, NULL))
    g_hash_table_add(from_start, g_strdup(address));
}

guint line_count_leaks(gboolean tell)
{
  GHashTableIter iter;
  gpointer address, text;
  guint n = 0;

  collect_alive();
  g_hash_table_iter_init(&iter, alive);
  while (g_hash_table_iter_next(&iter, &address, &text)) {
    if (g_hash_table_contains(from_start, address) || strstr(text, "Factory"))
      continue;
    if (tell)
      g_test_message("left over: %.300s", (gchar *)text);
    n++;
  }
  return n;
}

void line_assert_no_leaks(void)
{
  /* A streaming thread may hold its task for a moment after it was joined. */
  for (guint i = 0; i < 100 && line_count_leaks(FALSE); i++)
    g_usleep(5000);
  g_assert_cmpuint(line_count_leaks(TRUE), ==, 0);
}
