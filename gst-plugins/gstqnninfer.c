/* SPDX-License-Identifier: MIT */
/**
 * SECTION:element-qnninfer
 *
 * Runs a model on each tensor buffer. Inputs are read where they lie and outputs are written where the next element
 * reads them; the read-only property copies counts the tensors for which that was not possible.
 *
 * |[
 * gst-launch-1.0 videotestsrc num-buffers=30 ! qnnconvert ! qnninfer model=model.onnx ! fakesink
 * ]|
 */
/*
 * gstqnninfer.c - the element: binds tensors and runs. Loading is in gstqnninferload.c, negotiation and queries are in
 * gstqnninfercaps.c. The input buffer is let go before the output is pushed, so that a frame has one owner.
 */
#include "gstqnninfer.h"
#include "gstqnnelements.h"
#include "gstqnnmeta.h"
#include "gstqnnmodels.h"
#include <string.h>

GST_DEBUG_CATEGORY(gst_qnn_infer_debug);
#define GST_CAT_DEFAULT gst_qnn_infer_debug

G_DEFINE_TYPE(GstQnnInfer, gst_qnn_infer, GST_TYPE_BASE_TRANSFORM)
GST_ELEMENT_REGISTER_DEFINE(qnninfer, "qnninfer", GST_RANK_NONE, gst_qnn_infer_get_type())

#define FIELD(f) offsetof(GstQnnInfer, f)
static const GstQnnProp props[] = {
    {"model", "File of the model (ONNX, TFLite, Caffe, ...); required", GST_QNN_PROP_STRING,
     GST_QNN_PROP_READY, FIELD(path)},
    {"backend", "Unit that runs it: auto, cpu, ref, ... as `qnnflow devices` lists them", GST_QNN_PROP_STRING,
     GST_QNN_PROP_READY, FIELD(backend), .def_string = "auto"},
    {"backend-library",
     "A vendor's library, for a backend that needs one; empty: looked for in the usual places",
     GST_QNN_PROP_STRING, GST_QNN_PROP_READY, FIELD(backend_library), .def_string = ""},
    {"backend-config", "JSON file with the settings of the backend; empty: its defaults", GST_QNN_PROP_STRING,
     GST_QNN_PROP_READY, FIELD(backend_config), .def_string = ""},
    {"fallback",
     "What runs nodes that the backend refuses, and the model when the backend's device is not there or "
     "fails: cpu, "
     "which is announced by a warning, or none, which makes both an error",
     GST_QNN_PROP_STRING, GST_QNN_PROP_READY, FIELD(fallback), .def_string = "cpu"},
    {"weights",
     "File with the weights of a Caffe net, or GGUF file for inputs that have its tensors' names; empty: the "
     ".caffemodel of the same "
     "name beside the model",
     GST_QNN_PROP_STRING, GST_QNN_PROP_READY, FIELD(weights), .def_string = ""},
    {"signature", "Entry of a TFLite file that has several, by its key; empty: the first graph",
     GST_QNN_PROP_STRING, GST_QNN_PROP_READY, FIELD(signature), .def_string = ""},
    {"requant",
     "Arithmetic of integer layers: float; fixed or tflite, by backend ref where the chosen one has not got "
     "it",
     GST_QNN_PROP_STRING, GST_QNN_PROP_READY, FIELD(requant), .def_string = "float"},
    {"enable-fast-math",
     "Let the CPU multiply float32 in bfloat16 where it has instructions for it: faster, outputs are off by "
     "0.2 to 2 % (root mean square); elsewhere float32 is used, and the log says so",
     GST_QNN_PROP_BOOL, GST_QNN_PROP_READY, FIELD(enable_fast_math), 0, 0, FALSE},
    {"input-dims",
     "Dimensions of inputs that the model leaves open, \"name:1x3x224x224\", several after commas; empty: "
     "none are open",
     GST_QNN_PROP_STRING, GST_QNN_PROP_READY, FIELD(input_dims), .def_string = ""},
    {"threads",
     "Threads of a run, the streaming thread included; 0: one for each CPU of the process, at most 4",
     GST_QNN_PROP_UINT, GST_QNN_PROP_READY, FIELD(threads), 0, 256, 0},
    {"inferences", "Runs since the element started", GST_QNN_PROP_UINT64, GST_QNN_PROP_READONLY,
     FIELD(n_inferences)},
    {"copies", "Tensors that had to be copied for the engine since the element started; 0 when all is well",
     GST_QNN_PROP_UINT64, GST_QNN_PROP_READONLY, FIELD(n_copies)},
    {"last-ns", "Time of the last run, in nanoseconds", GST_QNN_PROP_UINT64, GST_QNN_PROP_READONLY,
     FIELD(last_ns)},
    {"average-ns", "Mean time of a run, in nanoseconds", GST_QNN_PROP_UINT64, GST_QNN_PROP_READONLY,
     FIELD(average_ns)},
    {"latency-ns", "Latency told to the pipeline, from the slowest run so far, in nanoseconds",
     GST_QNN_PROP_UINT64, GST_QNN_PROP_READONLY, FIELD(latency_ns)},
    {"active-backend",
     "The unit that runs the model, or parts of it, once it is loaded; cpu: nothing else does",
     GST_QNN_PROP_STRING, GST_QNN_PROP_READONLY, FIELD(active_backend)},
    {"placement",
     "Which unit runs how many nodes, and why the others run on the CPU, once the model is loaded",
     GST_QNN_PROP_STRING, GST_QNN_PROP_READONLY, FIELD(placement)},
};

static gboolean gst_qnn_infer_stop(GstBaseTransform *trans)
{
  GstQnnInfer *self = GST_QNN_INFER(trans);

  gst_qnn_infer_unload(self);
  gst_clear_object(&self->allocator);
  return TRUE;
}

static gboolean gst_qnn_infer_start(GstBaseTransform *trans)
{
  GstQnnInfer *self = GST_QNN_INFER(trans);
  g_autofree gchar *path = gst_qnn_prop_dup(self, &self->path);
  g_autoptr(GError) error = NULL;

  GST_OBJECT_LOCK(self);
  self->n_inferences = self->n_copies = self->last_ns = self->average_ns = self->latency_ns = self->total_ns =
      0;
  GST_OBJECT_UNLOCK(self);
  self->want_profile = 0;
  self->explained = FALSE;
  if (!path) {
    GST_ELEMENT_ERROR(self, RESOURCE, SETTINGS, ("No model is set. Set the property model to a model file."),
                      (NULL));
    return FALSE;
  }
  if (!gst_qnn_infer_load(self, &error)) {
    if (g_error_matches(error, QF_ERROR, QF_ERROR_FILE))
      GST_ELEMENT_ERROR(self, RESOURCE, NOT_FOUND, ("%s", error->message), (NULL));
    else
      GST_ELEMENT_ERROR(self, LIBRARY, INIT, ("%s", error->message), ("model %s", path));
    return FALSE;
  }
  self->allocator = gst_qnn_allocator_new(qf_model_maps_memory(self->loaded));
  return TRUE;
}

/* The memories of one buffer, mapped for the engine. */
typedef struct {
  GstMapInfo map[GST_QNN_MAX_MEMORIES];
  GstMemory *memory[GST_QNN_MAX_MEMORIES];
  guint n;
} Mapped;

static void unmap(Mapped *m)
{
  for (guint i = 0; i < m->n; i++) {
    gst_memory_unmap(m->memory[i], &m->map[i]);
    gst_memory_unref(m->memory[i]);
  }
  m->n = 0;
}

/* Takes @memory over. */
static gboolean map_one(Mapped *m, GstMemory *memory, GstMapFlags flags)
{
  if (!memory || !gst_memory_map(memory, &m->map[m->n], flags)) {
    g_clear_pointer(&memory, gst_memory_unref);
    return FALSE;
  }
  m->memory[m->n++] = memory;
  return TRUE;
}

static gboolean short_buffer(GstQnnInfer *self, GstBuffer *buffer, const QfTensorDesc *desc, gsize have)
{
  g_autofree gchar *text = gst_qnn_tensor_to_string(desc);

  GST_ELEMENT_ERROR(self, STREAM, FAILED,
                    ("A buffer of %" G_GSIZE_FORMAT " bytes in %u memories has %" G_GSIZE_FORMAT
                     " bytes for the input \"%s\", %s, which needs %" G_GSIZE_FORMAT
                     ". Send whole tensors, all of a run in one buffer.",
                     gst_buffer_get_size(buffer), gst_buffer_n_memory(buffer), have, desc->name, text,
                     desc->size_bytes),
                    (NULL));
  return FALSE;
}

/* One memory a tensor, as it should be: bound as it lies. */
static gboolean bind_separate(GstQnnInfer *self, GstBuffer *buffer, Mapped *m, GError **error)
{
  for (guint i = 0; i < self->in->n; i++) {
    const QfTensorDesc *desc = &self->in->desc[i];
    if (!map_one(m, gst_memory_ref(gst_buffer_peek_memory(buffer, i)), GST_MAP_READ))
      return short_buffer(self, buffer, desc, 0);
    if (m->map[i].size != desc->size_bytes)
      return short_buffer(self, buffer, desc, m->map[i].size);
    if (!qf_session_bind_input(self->session, i, m->map[i].data, m->map[i].size, error))
      return FALSE;
  }
  return TRUE;
}

/* All tensors in a row, in one memory or, copied together first, in any number. */
static gboolean bind_joined(GstQnnInfer *self, GstBuffer *buffer, Mapped *m, GError **error)
{
  gboolean packed = self->in->packed_bytes && gst_buffer_get_size(buffer) == self->in->packed_bytes;
  gsize at = 0, size;

  if (gst_buffer_n_memory(buffer) > 1) {
    GST_OBJECT_LOCK(self);
    self->n_copies += self->in->n;
    GST_OBJECT_UNLOCK(self);
  }
  if (!map_one(m, gst_buffer_get_all_memory(buffer), GST_MAP_READ))
    return short_buffer(self, buffer, &self->in->desc[0], 0);
  size = m->map[0].size;
  for (guint i = 0; i < self->in->n; i++) {
    const QfTensorDesc *desc = &self->in->desc[i];
    if (packed)
      at = self->in->offset[i];
    if (desc->size_bytes > size - at)
      return short_buffer(self, buffer, desc, size - at);
    if (!qf_session_bind_input(self->session, i, m->map[0].data + at, desc->size_bytes, error))
      return FALSE;
    at += desc->size_bytes;
  }
  if (!packed && at != size)
    return short_buffer(self, buffer, &self->in->desc[self->in->n - 1],
                        self->in->desc[self->in->n - 1].size_bytes + size - at);
  return TRUE;
}

static gboolean bind_inputs(GstQnnInfer *self, GstBuffer *buffer, Mapped *m, GError **error)
{
  if (gst_buffer_n_memory(buffer) == self->in->n && self->in->n <= GST_QNN_MAX_MEMORIES)
    return bind_separate(self, buffer, m, error);
  return bind_joined(self, buffer, m, error);
}

static gboolean bind_outputs(GstQnnInfer *self, GstBuffer *buffer, Mapped *m, GError **error)
{
  const GstQnnTensors *out = self->out;
  GstAllocationParams params;

  gst_qnn_allocation_params_init(&params);
  for (guint i = 0; i < out->n_memories; i++) {
    gsize size = out->packed_bytes ? out->packed_bytes : out->desc[i].size_bytes;
    GstMemory *memory = gst_allocator_alloc(self->allocator, size, &params);
    if (!memory || !map_one(m, gst_memory_ref(memory), GST_MAP_WRITE)) {
      g_clear_pointer(&memory, gst_memory_unref);
      g_set_error(error, QF_ERROR, QF_ERROR_LIMIT, "no memory for outputs of %" G_GSIZE_FORMAT " bytes",
                  size);
      return FALSE;
    }
    gst_buffer_append_memory(buffer, memory);
  }
  for (guint i = 0; i < out->n; i++) {
    GstMapInfo *map = &m->map[out->packed_bytes ? 0 : i];
    if (!qf_session_bind_output(self->session, i, map->data + out->offset[i], out->desc[i].size_bytes, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean run(GstQnnInfer *self, GError **error)
{
  gboolean grown;
  guint64 ns;

  if (!qf_session_run(self->session, error))
    return FALSE;
  ns = qf_session_last_run_ns(self->session);
  GST_OBJECT_LOCK(self);
  self->n_inferences++;
  self->last_ns = ns;
  self->total_ns += ns;
  self->average_ns = self->total_ns / self->n_inferences;
  grown = ns > self->latency_ns;
  if (grown)
    self->latency_ns = GST_QNN_INFER_LATENCY(ns);
  GST_OBJECT_UNLOCK(self);
  if (grown)
    gst_element_post_message(GST_ELEMENT(self), gst_message_new_latency(GST_OBJECT(self)));
  return TRUE;
}

/* FALSE: an error was posted, or @error is set. */
static gboolean run_buffer(GstQnnInfer *self, GstBuffer *in, GstBuffer *out, GError **error)
{
  Mapped inputs = {.n = 0}, outputs = {.n = 0};
  gboolean ok =
      bind_inputs(self, in, &inputs, error) && bind_outputs(self, out, &outputs, error) && run(self, error);

  unmap(&outputs);
  unmap(&inputs);
  return ok;
}

/* FALSE: an error was posted, or @error is set. */
static gboolean infer(GstQnnInfer *self, GstBuffer *in, GstBuffer *out, GError **error)
{
  g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&self->lock);
  g_autoptr(GError) why = NULL;

  if (g_atomic_int_get(&self->want_profile) && !self->profiling && !gst_qnn_infer_open_session(self, error))
    return FALSE;
  if (run_buffer(self, in, out, &why))
    return TRUE;
  if (!why)
    return FALSE;
  if (!gst_qnn_infer_fall_back(self, why)) {
    g_propagate_error(error, g_steal_pointer(&why));
    return FALSE;
  }
  gst_buffer_remove_all_memory(out);
  return run_buffer(self, in, out, error);
}

static GstFlowReturn gst_qnn_infer_generate_output(GstBaseTransform *trans, GstBuffer **outbuf)
{
  GstQnnInfer *self = GST_QNN_INFER(trans);
  g_autoptr(GstBuffer) in = g_steal_pointer(&trans->queued_buf);
  g_autoptr(GstBuffer) out = NULL;
  g_autoptr(GError) error = NULL;

  *outbuf = NULL;
  if (!in)
    return GST_FLOW_OK;
  if (GST_BUFFER_FLAG_IS_SET(in, GST_BUFFER_FLAG_GAP) && !gst_buffer_get_size(in)) {
    *outbuf = g_steal_pointer(&in); /* nothing to infer; the frame travels on */
    return GST_FLOW_OK;
  }
  out = gst_buffer_new();
  if (!infer(self, in, out, &error)) {
    if (error)
      GST_ELEMENT_ERROR(self, LIBRARY, FAILED,
                        ("Running %s failed: %s", qf_model_name(self->loaded), error->message), (NULL));
    return GST_FLOW_ERROR;
  }
  gst_buffer_copy_into(out, in, GST_BUFFER_COPY_FLAGS | GST_BUFFER_COPY_TIMESTAMPS, 0, -1);
  gst_qnn_buffer_add_tensor_meta(out, self->out);
  gst_qnn_buffer_copy_frame_meta(out, in);
  *outbuf = g_steal_pointer(&out);
  return GST_FLOW_OK;
}

/* Never called, as generate_output is ours; but without it the base class takes the element for one that works in
 * place and never answers upstream's question for an allocator. */
static GstFlowReturn gst_qnn_infer_transform(GstBaseTransform *trans, GstBuffer *in, GstBuffer *out)
{
  return GST_FLOW_NOT_SUPPORTED;
}

static void gst_qnn_infer_finalize(GObject *object)
{
  g_mutex_clear(&GST_QNN_INFER(object)->lock);
  gst_qnn_props_clear(object, props, G_N_ELEMENTS(props));
  G_OBJECT_CLASS(gst_qnn_infer_parent_class)->finalize(object);
}

static void gst_qnn_infer_class_init(GstQnnInferClass *klass)
{
  GstBaseTransformClass *base = GST_BASE_TRANSFORM_CLASS(klass);

  GST_DEBUG_CATEGORY_INIT(gst_qnn_infer_debug, "qnninfer", 0, "runs models");
  gst_qnn_props_install(G_OBJECT_CLASS(klass), props, G_N_ELEMENTS(props), 0);
  G_OBJECT_CLASS(klass)->finalize = gst_qnn_infer_finalize;
  gst_element_class_set_static_metadata(GST_ELEMENT_CLASS(klass), "Neural network", "Filter/Tensor",
                                        "Runs a model on tensors", "qnnflow");
  gst_qnn_infer_caps_class_init(klass);
  base->generate_output = gst_qnn_infer_generate_output;
  base->transform = gst_qnn_infer_transform;
  base->start = gst_qnn_infer_start;
  base->stop = gst_qnn_infer_stop;
  base->passthrough_on_same_caps = FALSE;
}

static void gst_qnn_infer_init(GstQnnInfer *self)
{
  gst_base_transform_set_passthrough(GST_BASE_TRANSFORM(self), FALSE);
  gst_qnn_props_init(self, props, G_N_ELEMENTS(props));
  g_mutex_init(&self->lock);
}
