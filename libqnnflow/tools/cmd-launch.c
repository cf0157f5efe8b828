/* SPDX-License-Identifier: MIT */
/*
 * cmd-launch.c - `qnnflow launch`: runs a pipeline description file until it ends, fails or is stopped.
 * The first SIGINT or SIGTERM sends EOS, so that muxers and reports finish their files; a second one quits.
 */
#include "tool.h"

#include <glib-unix.h>
#include <gst/gst.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define EOS_SECONDS 5        /* how long elements get to finish after the first signal */
#define SAME_PRESS_US 300000 /* signals closer than this are one: a group and its leader may both send it */

typedef struct {
  gboolean print_launch, list, quiet;
  char **sets;
  int seconds;
} LaunchOptions;

typedef struct {
  GstElement *pipeline;
  GMainLoop *loop;
  GThread *finisher; /* sends EOS; NULL: nobody asked to stop */
  int exit_code;
  gboolean live, stopping, playing, progress;
  gint64 start_us, signal_us;
  guint64 n_qos, n_dropped, n_warnings;
  GstStructure *profile; /* the last summary of a qnnprofile element; NULL: none */
} Launch;

static void stop(Launch *l, int exit_code)
{
  l->exit_code = exit_code;
  g_main_loop_quit(l->loop);
}

static void clear_line(const Launch *l)
{
  if (l->progress)
    g_printerr("\r%79s\r", "");
}

/* An error or a warning: what happened and, below it, where. */
static void print_message(const Launch *l, GstMessage *message, const char *what)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *debug = NULL, *path = gst_object_get_path_string(GST_MESSAGE_SRC(message));
  if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR)
    gst_message_parse_error(message, &error, &debug);
  else
    gst_message_parse_warning(message, &error, &debug);
  clear_line(l);
  g_printerr("qnnflow launch: %s from %s: %s\n", what, GST_MESSAGE_SRC_NAME(message), error->message);
  g_printerr("  in %s\n", path);
  if (debug)
    g_printerr("  %s\n", debug);
}

static void on_error(Launch *l, GstMessage *message)
{
  print_message(l, message, "error");
  stop(l, QF_EXIT_FAILED);
}

static void on_warning(Launch *l, GstMessage *message)
{
  l->n_warnings++;
  print_message(l, message, "warning");
}

static void on_eos(Launch *l, GstMessage *message)
{
  stop(l, QF_EXIT_OK);
}

static void on_latency(Launch *l, GstMessage *message)
{
  gst_bin_recalculate_latency(GST_BIN(l->pipeline));
}

static void on_clock_lost(Launch *l, GstMessage *message)
{
  gst_element_set_state(l->pipeline, GST_STATE_PAUSED);
  gst_element_set_state(l->pipeline, GST_STATE_PLAYING);
}

static void on_qos(Launch *l, GstMessage *message)
{
  guint64 processed = 0, dropped = 0;
  GstFormat format;
  gst_message_parse_qos_stats(message, &format, &processed, &dropped);
  l->n_qos++;
  if (dropped != G_MAXUINT64)
    l->n_dropped = MAX(l->n_dropped, dropped);
}

static void on_element(Launch *l, GstMessage *message)
{
  const GstStructure *s = gst_message_get_structure(message);
  if (!s || !gst_structure_has_name(s, "qnnflow-profile"))
    return;
  g_clear_pointer(&l->profile, gst_structure_free);
  l->profile = gst_structure_copy(s);
}

static void on_state(Launch *l, GstMessage *message)
{
  GstState now;
  gst_message_parse_state_changed(message, NULL, &now, NULL);
  if (GST_MESSAGE_SRC(message) == GST_OBJECT(l->pipeline) && now == GST_STATE_PLAYING && !l->playing) {
    l->playing = TRUE;
    l->start_us = g_get_monotonic_time();
  }
}

static const struct {
  GstMessageType type;
  void (*handle)(Launch *, GstMessage *);
} handlers[] = {
    {GST_MESSAGE_ERROR, on_error},
    {GST_MESSAGE_WARNING, on_warning},
    {GST_MESSAGE_EOS, on_eos},
    {GST_MESSAGE_LATENCY, on_latency},
    {GST_MESSAGE_QOS, on_qos},
    {GST_MESSAGE_ELEMENT, on_element},
    {GST_MESSAGE_STATE_CHANGED, on_state},
    {GST_MESSAGE_CLOCK_LOST, on_clock_lost},
};

static gboolean on_message(GstBus *bus, GstMessage *message, gpointer data)
{
  for (guint i = 0; i < G_N_ELEMENTS(handlers); i++)
    if (handlers[i].type == GST_MESSAGE_TYPE(message))
      handlers[i].handle(data, message);
  return G_SOURCE_CONTINUE;
}

/* Without taking the pipeline down: an event that is stuck in it holds the lock that this needs. */
static void quit_now(int exit_code)
{
  fflush(NULL);
  _exit(exit_code);
}

static gboolean on_eos_timeout(gpointer data)
{
  Launch *l = data;
  clear_line(l);
  g_printerr("qnnflow launch: the pipeline did not finish within %d s of the stop; files may be incomplete\n",
             EOS_SECONDS);
  quit_now(QF_EXIT_FAILED);
  return G_SOURCE_REMOVE;
}

/* In a thread of its own: a live source that waits for preroll holds the lock that the event needs. */
static gpointer send_eos(gpointer pipeline)
{
  gst_element_send_event(pipeline, gst_event_new_eos());
  return NULL;
}

static void finish(Launch *l)
{
  l->stopping = TRUE;
  l->finisher = g_thread_new("eos", send_eos, l->pipeline);
  g_timeout_add_seconds(EOS_SECONDS, on_eos_timeout, l);
}

static gboolean on_signal(gpointer data)
{
  Launch *l = data;
  if (l->signal_us && g_get_monotonic_time() - l->signal_us < SAME_PRESS_US)
    return G_SOURCE_CONTINUE;
  l->signal_us = g_get_monotonic_time();
  if (l->stopping)
    quit_now(QF_EXIT_INTERRUPTED);
  clear_line(l);
  g_printerr("qnnflow launch: stopping; once more to quit at once\n");
  finish(l);
  return G_SOURCE_CONTINUE;
}

static gboolean on_time_up(gpointer data)
{
  Launch *l = data;
  if (!l->stopping)
    finish(l);
  return G_SOURCE_REMOVE;
}

static gboolean on_tick(gpointer data)
{
  Launch *l = data;
  gint64 position = 0;
  if (!gst_element_query_position(l->pipeline, GST_FORMAT_TIME, &position))
    position = 0;
  g_printerr("\r%6.1f s, stream at %6.1f s, %" G_GUINT64_FORMAT " dropped ",
             (g_get_monotonic_time() - l->start_us) / 1e6, position / 1e9, l->n_dropped);
  return G_SOURCE_CONTINUE;
}

static void print_statistics(const Launch *l)
{
  clear_line(l);
  g_print("%s after %.2f s", l->exit_code ? "stopped" : "done", (g_get_monotonic_time() - l->start_us) / 1e6);
  if (l->n_dropped)
    g_print(", %" G_GUINT64_FORMAT " frames dropped", l->n_dropped);
  if (l->n_warnings)
    g_print(", %" G_GUINT64_FORMAT " warnings", l->n_warnings);
  g_print("\n");
  for (int i = 0; l->profile && i < gst_structure_n_fields(l->profile); i++) {
    const char *name = gst_structure_nth_field_name(l->profile, i);
    const GValue *value = gst_structure_get_value(l->profile, name);
    g_autofree char *text = G_VALUE_HOLDS_DOUBLE(value) ? g_strdup_printf("%.2f", g_value_get_double(value))
                                                        : gst_value_serialize(value);
    g_print("  %-16s %s\n", name, text ? text : "?");
  }
}

/* Runs until something calls stop(). */
static void run_loop(Launch *l, const LaunchOptions *o)
{
  g_autoptr(GstBus) bus = gst_element_get_bus(l->pipeline);
  guint sources[] = {gst_bus_add_watch(bus, on_message, l), g_unix_signal_add(SIGINT, on_signal, l),
                     g_unix_signal_add(SIGTERM, on_signal, l),
                     l->progress ? g_timeout_add(1000, on_tick, l) : 0};
  if (o->seconds > 0)
    g_timeout_add_seconds(o->seconds, on_time_up, l);
  l->start_us = g_get_monotonic_time();
  /* A failing element has posted its error: the loop says it. */
  gst_element_set_state(l->pipeline, GST_STATE_PLAYING);
  g_main_loop_run(l->loop);
  gst_element_set_state(l->pipeline, GST_STATE_NULL);
  if (l->finisher)
    g_thread_join(l->finisher);
  g_autoptr(GstMessage) last = NULL;
  while ((last = gst_bus_pop_filtered(bus, GST_MESSAGE_ELEMENT)) != NULL) {
    on_element(l, last);
    gst_message_unref(g_steal_pointer(&last));
  }
  for (guint i = 0; i < G_N_ELEMENTS(sources); i++)
    if (sources[i])
      g_source_remove(sources[i]);
}

/* "element.property=value". */
static gboolean set_property(GstElement *pipeline, const char *text, GError **error)
{
  const char *equals = strchr(text, '=');
  const char *dot = equals ? g_strrstr_len(text, equals - text, ".") : NULL;
  if (!dot) {
    g_set_error(error, QF_ERROR, QF_ERROR_ARGUMENT, "--set %s: write ELEMENT.PROPERTY=VALUE", text);
    return FALSE;
  }
  g_autofree char *name = g_strndup(text, dot - text), *property = g_strndup(dot + 1, equals - dot - 1);
  g_autoptr(GstElement) element = gst_bin_get_by_name(GST_BIN(pipeline), name);
  GParamSpec *spec = element ? g_object_class_find_property(G_OBJECT_GET_CLASS(element), property) : NULL;
  if (!spec) {
    if (element)
      g_set_error(error, QF_ERROR, QF_ERROR_ARGUMENT, "--set %s: element '%s' has no property '%s'", text,
                  name, property);
    else
      g_set_error(error, QF_ERROR, QF_ERROR_ARGUMENT, "--set %s: the pipeline has no element with name=%s",
                  text, name);
    return FALSE;
  }
  g_auto(GValue) value = G_VALUE_INIT;
  g_value_init(&value, spec->value_type);
  if (!gst_value_deserialize(&value, equals + 1)) {
    g_set_error(error, QF_ERROR, QF_ERROR_ARGUMENT, "--set %s: '%s' is no value of %s (%s)", text, equals + 1,
                property, g_type_name(spec->value_type));
    return FALSE;
  }
  g_object_set_property(G_OBJECT(element), property, &value);
  return TRUE;
}

static GstElement *build(const char *launch, const LaunchOptions *o, GError **error)
{
  g_autoptr(GError) cause = NULL;
  g_autoptr(GstElement) element = gst_parse_launch_full(launch, NULL, GST_PARSE_FLAG_FATAL_ERRORS, &cause);
  if (!element) {
    g_set_error(
        error, QF_ERROR, QF_ERROR_ARGUMENT,
        "the pipeline cannot be made: %s; --print-launch shows it, GST_PLUGIN_PATH says where plugins are",
        cause->message);
    return NULL;
  }
  gst_object_ref_sink(element);
  if (!GST_IS_PIPELINE(element)) {
    GstElement *pipeline = gst_object_ref_sink(gst_pipeline_new(NULL));
    gst_bin_add(GST_BIN(pipeline), element);
    g_steal_pointer(&element);
    element = pipeline;
  }
  for (int i = 0; o->sets && o->sets[i]; i++)
    if (!set_property(element, o->sets[i], error))
      return NULL;
  return g_steal_pointer(&element);
}

static void print_params(const QfPipeline *description)
{
  uint32_t n;
  const QfPipelineParam *params = qf_pipeline_params(description, &n);
  g_print("%s\n", qf_pipeline_description(description));
  for (uint32_t i = 0; i < n; i++)
    g_print("  %-12s %-7s %s%s%s\n", params[i].name, params[i].type, params[i].description,
            params[i].value      ? " = "
            : params[i].required ? " (required)"
                                 : "",
            params[i].value ? params[i].value : "");
}

static gboolean set_params(QfPipeline *description, int n, char **texts, GError **error)
{
  for (int i = 0; i < n; i++) {
    const char *equals = strchr(texts[i], '=');
    if (!equals) {
      g_set_error(error, QF_ERROR, QF_ERROR_ARGUMENT, "'%s' is no NAME=VALUE; --list shows the parameters",
                  texts[i]);
      return FALSE;
    }
    g_autofree char *name = g_strndup(texts[i], equals - texts[i]);
    if (!qf_pipeline_set(description, name, equals + 1, error))
      return FALSE;
  }
  return TRUE;
}

static int launch(const char *text, const LaunchOptions *o, GError **error)
{
  Launch l = {.progress = !o->quiet && isatty(STDERR_FILENO)};
  l.pipeline = build(text, o, error);
  if (!l.pipeline)
    return QF_EXIT_FAILED;
  l.loop = g_main_loop_new(NULL, FALSE);
  run_loop(&l, o);
  if (!o->quiet)
    print_statistics(&l);
  g_clear_pointer(&l.profile, gst_structure_free);
  g_main_loop_unref(l.loop);
  gst_object_unref(l.pipeline);
  return l.exit_code;
}

/* The subcommand once its options are read: 0, or an exit code with @error set or the reason printed. */
static int work(int argc, char **argv, const LaunchOptions *o, GError **error)
{
  g_autoptr(QfPipeline) description = qf_pipeline_load(argv[1], error);
  if (!description || !set_params(description, argc - 2, argv + 2, error))
    return QF_EXIT_FAILED;
  if (o->list) {
    print_params(description);
    return QF_EXIT_OK;
  }
  g_autofree char *text = qf_pipeline_launch_string(description, error);
  if (!text)
    return QF_EXIT_FAILED;
  if (o->print_launch) {
    g_print("%s\n", text);
    return QF_EXIT_OK;
  }
  gst_init(NULL, NULL);
  int code = launch(text, o, error);
  gst_deinit(); /* tracers write their reports here */
  return code;
}

static int run(int argc, char **argv)
{
  LaunchOptions o = {0};
  g_autoptr(GError) error = NULL;
  const GOptionEntry entries[] = {
      {"print-launch", 'p', 0, G_OPTION_ARG_NONE, &o.print_launch,
       "Print the gst-launch string instead of running it", NULL},
      {"list", 'l', 0, G_OPTION_ARG_NONE, &o.list, "List the parameters instead of running", NULL},
      {"set", 's', 0, G_OPTION_ARG_STRING_ARRAY, &o.sets, "Set a property of an element; may be repeated",
       "ELEMENT.PROPERTY=VALUE"},
      {"seconds", 0, 0, G_OPTION_ARG_INT, &o.seconds, "Send EOS after that long", "N"},
      {"quiet", 'q', 0, G_OPTION_ARG_NONE, &o.quiet, "No progress, no statistics", NULL},
      {NULL},
  };
  if (!qf_tool_parse(&qf_tool_launch, &argc, &argv, entries, NULL, 1, G_MAXINT)) {
    g_strfreev(o.sets);
    return QF_EXIT_USAGE;
  }
  int code = work(argc, argv, &o, &error);
  g_strfreev(o.sets);
  return error ? qf_tool_fail(&qf_tool_launch, error) : code;
}

const QfTool qf_tool_launch = {
    .name = "launch",
    .arguments = "FILE.gstp [NAME=VALUE...]",
    .summary = "Run a pipeline description file",
    .description =
        "SIGINT and SIGTERM send EOS and wait for files to be finished; a second one quits with 130.\n"
        "An error of an element is printed with where it happened; the exit code is 1 then.",
    .run = run,
};
