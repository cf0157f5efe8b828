/* SPDX-License-Identifier: MIT */
/**
 * SECTION:element-qnnprofile
 *
 * Passes everything through and measures it: frames per second, time from entry into qnnconvert to here, CPU, memory,
 * and the layers of the model (asked of the nearest qnninfer upstream). Reports at the end of the stream as a table,
 * JSON, CSV and HTML, and while it runs as element messages.
 *
 * |[
 * gst-launch-1.0 videotestsrc num-buffers=30 ! qnnconvert ! qnninfer model=model.onnx ! qnndecode ! qnnprofile json=profile.json ! fakesink
 * ]|
 */
/*
 * gstqnnprofile.c - the element. Reports are made by the library (qnnflow/profile.h); times of frames come from the
 * result metas, or from the clock on a live stream without them.
 */
#include "gstqnnelements.h"
#include "gstqnnmeta.h"
#include "gstqnnprop.h"
#include <qnnflow/profile.h>
#include <sys/resource.h>

GST_DEBUG_CATEGORY_STATIC(gst_qnn_profile_debug);
#define GST_CAT_DEFAULT gst_qnn_profile_debug

G_DECLARE_FINAL_TYPE(GstQnnProfile, gst_qnn_profile, GST, QNN_PROFILE, GstBaseTransform)

static GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);
static GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);

/* Frames whose latency is kept one by one, for the chart. */
#define SERIES 600

struct _GstQnnProfile {
  GstBaseTransform parent;

  /* properties, under the object lock */
  gchar *json, *html, *csv, *title;
  gboolean table, per_layer;
  guint interval;
  guint64 frames;
  gdouble fps;
  guint64 latency_p50_ns, latency_p95_ns;

  /* of the streaming thread */
  QfStats *latency, *between;
  gdouble series[SERIES];
  guint64 n_series; /* written so far; the ring's next is n_series % SERIES */
  guint64 first_ns, last_ns, told_ns, told_frames;
  guint64 cpu_at_first_ns;
  guint64 inferences;
  gboolean asked;    /* qnninfer was asked to time its layers */
  gboolean reported; /* nothing new since the last report */
};

G_DEFINE_TYPE(GstQnnProfile, gst_qnn_profile, GST_TYPE_BASE_TRANSFORM)
GST_ELEMENT_REGISTER_DEFINE(qnnprofile, "qnnprofile", GST_RANK_NONE, gst_qnn_profile_get_type())

#define FIELD(f) offsetof(GstQnnProfile, f)
static const GstQnnProp props[] = {
    {"json", "File for the report as JSON; empty: none", GST_QNN_PROP_STRING, GST_QNN_PROP_READY, FIELD(json),
     .def_string = ""},
    {"html", "File for the report as a self-contained HTML page; empty: none", GST_QNN_PROP_STRING,
     GST_QNN_PROP_READY, FIELD(html), .def_string = ""},
    {"csv", "File for the report as CSV; empty: none", GST_QNN_PROP_STRING, GST_QNN_PROP_READY, FIELD(csv),
     .def_string = ""},
    {"title", "Title of the report; empty: the model's name", GST_QNN_PROP_STRING, GST_QNN_PROP_READY,
     FIELD(title), .def_string = ""},
    {"table", "Print the report as a table on standard output when the stream ends", GST_QNN_PROP_BOOL,
     GST_QNN_PROP_READY, FIELD(table), .def = TRUE},
    {"per-layer", "Have qnninfer time each layer, about 50 ns a layer, and report them", GST_QNN_PROP_BOOL,
     GST_QNN_PROP_READY, FIELD(per_layer), .def = TRUE},
    {"interval", "Time between element messages \"" GST_QNN_PROFILE_MESSAGE "\", in milliseconds; 0: none",
     GST_QNN_PROP_UINT, GST_QNN_PROP_PLAYING, FIELD(interval), 0, 3600000, 1000},
    {"frames", "Frames seen since the element started", GST_QNN_PROP_UINT64, GST_QNN_PROP_READONLY,
     FIELD(frames)},
    {"fps", "Frames per second since the last message, or over all when there are none", GST_QNN_PROP_DOUBLE,
     GST_QNN_PROP_READONLY, FIELD(fps), 0, 1e9, 0},
    {"latency-p50-ns", "Median time from qnnconvert to here, in nanoseconds, as of the last message",
     GST_QNN_PROP_UINT64, GST_QNN_PROP_READONLY, FIELD(latency_p50_ns)},
    {"latency-p95-ns",
     "95 % of frames took no longer from qnnconvert to here, in nanoseconds, as of the last message",
     GST_QNN_PROP_UINT64, GST_QNN_PROP_READONLY, FIELD(latency_p95_ns)},
};

static guint64 process_cpu_ns(void)
{
  struct rusage u;

  getrusage(RUSAGE_SELF, &u);
  return ((guint64)u.ru_utime.tv_sec + (guint64)u.ru_stime.tv_sec) * 1000000000u +
         ((guint64)u.ru_utime.tv_usec + (guint64)u.ru_stime.tv_usec) * 1000u;
}

static guint64 process_peak_bytes(void)
{
  struct rusage u;

  getrusage(RUSAGE_SELF, &u);
  return (guint64)u.ru_maxrss * 1024;
}

/* Since when the frame is on its way; 0: not known. Counts its inferences on the way. */
static guint64 frame_entry_ns(GstQnnProfile *self, GstBuffer *buffer)
{
  guint64 entry = 0;
  gpointer state = NULL;
  GstQnnResultMeta *m;
  GstQnnFrameMeta *frame = gst_qnn_buffer_get_frame_meta(buffer);

  while ((m = gst_qnn_buffer_next_result_meta(buffer, &state))) {
    self->inferences += m->results->inferred;
    if (m->results->entry_ns && (!entry || m->results->entry_ns < entry))
      entry = m->results->entry_ns;
  }
  return entry || !frame ? entry : frame->entry_ns;
}

/* Time from capture to now on a running clock, in nanoseconds; 0 when there is none or the frame is early. */
static guint64 clock_latency_ns(GstQnnProfile *self, GstBuffer *buffer)
{
  GstClockTime running = gst_segment_to_running_time(&GST_BASE_TRANSFORM(self)->segment, GST_FORMAT_TIME,
                                                     GST_BUFFER_PTS(buffer));
  GstClock *clock = gst_element_get_clock(GST_ELEMENT(self));
  GstClockTime now = clock ? gst_clock_get_time(clock) - gst_element_get_base_time(GST_ELEMENT(self)) : 0;

  gst_clear_object(&clock);
  return GST_CLOCK_TIME_IS_VALID(running) && now > running ? now - running : 0;
}

static void measure(GstQnnProfile *self, GstBuffer *buffer, guint64 now)
{
  guint64 entry = frame_entry_ns(self, buffer);
  guint64 latency = entry && now > entry ? now - entry : 0;

  if (!entry && GST_BASE_TRANSFORM(self)->segment.format == GST_FORMAT_TIME)
    latency = clock_latency_ns(self, buffer);
  if (latency) {
    qf_stats_add(self->latency, latency);
    self->series[self->n_series++ % SERIES] = (gdouble)latency / 1e6;
  }
  if (self->last_ns)
    qf_stats_add(self->between, now - self->last_ns);
  else
    self->first_ns = self->told_ns = now, self->cpu_at_first_ns = process_cpu_ns();
  self->last_ns = now;
  self->reported = FALSE;
  GST_OBJECT_LOCK(self);
  self->frames++;
  GST_OBJECT_UNLOCK(self);
}

/* Frames per second since the last telling; posts the message. */
static void tell(GstQnnProfile *self, guint64 now)
{
  guint64 frames = self->frames - self->told_frames, took = now - self->told_ns;
  gdouble fps = took ? (gdouble)frames * 1e9 / (gdouble)took : 0;
  QfSummary latency;

  qf_stats_summary(self->latency, &latency);
  GST_OBJECT_LOCK(self);
  self->fps = fps;
  self->latency_p50_ns = latency.p50_ns;
  self->latency_p95_ns = latency.p95_ns;
  GST_OBJECT_UNLOCK(self);
  self->told_ns = now;
  self->told_frames = self->frames;
  gst_element_post_message(
      GST_ELEMENT(self),
      gst_message_new_element(GST_OBJECT(self),
                              gst_structure_new(GST_QNN_PROFILE_MESSAGE, "frames", G_TYPE_UINT64,
                                                self->frames, "fps", G_TYPE_DOUBLE, fps, "latency-mean-ns",
                                                G_TYPE_UINT64, latency.mean_ns, "latency-p50-ns",
                                                G_TYPE_UINT64, latency.p50_ns, "latency-p95-ns",
                                                G_TYPE_UINT64, latency.p95_ns, "latency-p99-ns",
                                                G_TYPE_UINT64, latency.p99_ns, "inferences", G_TYPE_UINT64,
                                                self->inferences, NULL)));
}

/* What the nearest qnninfer says; the caller frees the query. NULL: there is none. */
static GstQuery *ask_inference(GstQnnProfile *self)
{
  GstQuery *query =
      gst_query_new_custom(GST_QUERY_CUSTOM, gst_structure_new(GST_QNN_INFERENCE_QUERY, "profile",
                                                               G_TYPE_BOOLEAN, self->per_layer, NULL));

  if (gst_pad_peer_query(GST_BASE_TRANSFORM_SINK_PAD(self), query))
    return query;
  gst_query_unref(query);
  return NULL;
}

static GstFlowReturn gst_qnn_profile_transform_ip(GstBaseTransform *trans, GstBuffer *buffer)
{
  GstQnnProfile *self = GST_QNN_PROFILE(trans);
  guint64 now = gst_qnn_now_ns();

  measure(self, buffer, now);
  if (self->interval && now - self->told_ns >= (guint64)self->interval * 1000000)
    tell(self, now);
  return GST_FLOW_OK;
}

/* The ring of latencies in order of time. Free with g_free(). */
static gdouble *ordered_series(const GstQnnProfile *self, guint *n)
{
  guint64 count = MIN(self->n_series, SERIES);
  gdouble *out = g_new(gdouble, count + 1);

  for (guint64 i = 0; i < count; i++)
    out[i] = self->series[(self->n_series - count + i) % SERIES];
  *n = (guint)count;
  return out;
}

static void fill_report(GstQnnProfile *self, QfReport *report, const GstStructure *inference)
{
  guint64 took = self->last_ns - self->first_ns;
  GBytes *layers = NULL;
  gsize size = 0;

  qf_stats_summary(self->latency, &report->latency);
  qf_stats_summary(self->between, &report->interval);
  report->frames = self->frames;
  report->inferences = self->inferences;
  report->duration_s = (gdouble)took / 1e9;
  if (took) {
    report->fps = (gdouble)(self->frames - 1) * 1e9 / (gdouble)took;
    report->cpu_percent = (gdouble)(process_cpu_ns() - self->cpu_at_first_ns) * 100 / (gdouble)took;
  }
  report->rss_bytes = process_peak_bytes();
  if (!inference)
    return;
  report->model = gst_structure_get_string(inference, "model");
  report->backend = gst_structure_get_string(inference, "backend");
  if (!report->title)
    report->title = report->model;
  if (gst_structure_has_field(inference, "layers") &&
      (layers = g_value_get_boxed(gst_structure_get_value(inference, "layers")))) {
    report->layers = g_bytes_get_data(layers, &size);
    report->n_layers = (uint32_t)(size / sizeof(QfLayerProfile));
  }
}

static void write_files(GstQnnProfile *self, const QfReport *report)
{
  const struct {
    gchar *const *path;
    QfReportFormat format;
  } files[] = {{&self->json, QF_REPORT_JSON}, {&self->html, QF_REPORT_HTML}, {&self->csv, QF_REPORT_CSV}};

  for (guint i = 0; i < G_N_ELEMENTS(files); i++) {
    g_autofree gchar *path = gst_qnn_prop_dup(self, files[i].path);
    g_autoptr(GError) error = NULL;
    if (path && !qf_report_write(report, files[i].format, path, &error))
      GST_ELEMENT_ERROR(self, RESOURCE, WRITE,
                        ("Cannot write the report: %s. Set the property to a file that can be written.",
                         error->message),
                        (NULL));
  }
}

static void report(GstQnnProfile *self)
{
  g_autofree gchar *title = gst_qnn_prop_dup(self, &self->title);
  g_autofree gdouble *series = NULL;
  QfReport r = {.title = title};
  GstQuery *query;

  if (self->reported || !self->frames)
    return;
  self->reported = TRUE;
  query = ask_inference(self);
  series = ordered_series(self, &r.n_series);
  r.series_ms = series;
  fill_report(self, &r, query ? gst_query_get_structure(query) : NULL);
  GST_OBJECT_LOCK(self);
  self->fps = r.fps;
  self->latency_p50_ns = r.latency.p50_ns;
  self->latency_p95_ns = r.latency.p95_ns;
  GST_OBJECT_UNLOCK(self);
  write_files(self, &r);
  if (self->table) {
    g_autofree gchar *text = qf_report_format(&r, QF_REPORT_TEXT);
    g_print("%s", text);
  }
  if (query)
    gst_query_unref(query);
}

static gboolean gst_qnn_profile_sink_event(GstBaseTransform *trans, GstEvent *event)
{
  GstQnnProfile *self = GST_QNN_PROFILE(trans);
  GstEventType type = GST_EVENT_TYPE(event);

  if (type == GST_EVENT_EOS) {
    report(self);
    if (self->interval && self->frames)
      tell(self, gst_qnn_now_ns());
  }
  if (type == GST_EVENT_FLUSH_STOP)
    self->last_ns = self->last_ns ? gst_qnn_now_ns() : 0;
  if (type == GST_EVENT_CAPS && !self->asked && self->per_layer) {
    GstQuery *query = ask_inference(self);
    self->asked = query != NULL;
    if (query)
      gst_query_unref(query);
  }
  return GST_BASE_TRANSFORM_CLASS(gst_qnn_profile_parent_class)->sink_event(trans, event);
}

static gboolean gst_qnn_profile_start(GstBaseTransform *trans)
{
  GstQnnProfile *self = GST_QNN_PROFILE(trans);

  qf_stats_reset(self->latency);
  qf_stats_reset(self->between);
  self->frames = self->n_series = self->first_ns = self->last_ns = self->told_ns = self->told_frames = 0;
  self->inferences = 0;
  self->fps = 0;
  self->latency_p50_ns = self->latency_p95_ns = 0;
  self->asked = self->reported = FALSE;
  return TRUE;
}

/* A stream that was stopped without an end is reported too: its thread has left here, and the elements upstream, which
 * change state later, still answer. */
static GstStateChangeReturn gst_qnn_profile_change_state(GstElement *element, GstStateChange transition)
{
  GstStateChangeReturn ret =
      GST_ELEMENT_CLASS(gst_qnn_profile_parent_class)->change_state(element, transition);

  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    report(GST_QNN_PROFILE(element));
  return ret;
}

static void gst_qnn_profile_finalize(GObject *object)
{
  GstQnnProfile *self = GST_QNN_PROFILE(object);

  qf_stats_free(self->latency);
  qf_stats_free(self->between);
  gst_qnn_props_clear(self, props, G_N_ELEMENTS(props));
  G_OBJECT_CLASS(gst_qnn_profile_parent_class)->finalize(object);
}

static void gst_qnn_profile_class_init(GstQnnProfileClass *klass)
{
  GstBaseTransformClass *base = GST_BASE_TRANSFORM_CLASS(klass);
  GstElementClass *element = GST_ELEMENT_CLASS(klass);

  GST_DEBUG_CATEGORY_INIT(gst_qnn_profile_debug, "qnnprofile", 0, "measures a line");
  gst_qnn_props_install(G_OBJECT_CLASS(klass), props, G_N_ELEMENTS(props), 0);
  G_OBJECT_CLASS(klass)->finalize = gst_qnn_profile_finalize;
  gst_element_class_set_static_metadata(element, "Profile", "Filter/Analyzer",
                                        "Measures and reports speed, latency and layers of a line",
                                        "qnnflow");
  gst_element_class_add_static_pad_template(element, &sink_template);
  gst_element_class_add_static_pad_template(element, &src_template);
  element->change_state = gst_qnn_profile_change_state;
  base->transform_ip = gst_qnn_profile_transform_ip;
  base->sink_event = gst_qnn_profile_sink_event;
  base->start = gst_qnn_profile_start;
}

static void gst_qnn_profile_init(GstQnnProfile *self)
{
  gst_base_transform_set_passthrough(GST_BASE_TRANSFORM(self), TRUE);
  gst_qnn_props_init(self, props, G_N_ELEMENTS(props));
  self->latency = qf_stats_new();
  self->between = qf_stats_new();
}
