/* SPDX-License-Identifier: MIT */
/*
 * gstqnntensor.h - tensor caps: what flows between the elements, and the frame's caps inside them.
 *
 *   neural-network/tensors, type=(string)UINT8, dimensions=(int)<<1,224,224,3>>, names=(string)<input>,
 *     layouts=(string)<NHWC>, qscales=(double)<0.0078125>, qoffsets=(int)<-128>,
 *     frame-media=(string)video/x-raw, frame-features=..., frame-format=(string)NV12, frame-width=1280, ...
 *
 * `types=(string)<UINT8,FLOAT32>` stands in place of `type` when they differ. Pad templates name none of the array
 * fields (absent means anything) and no caps hold a range inside an array: gst_caps_is_subset() would refuse both.
 */
#ifndef GST_QNN_TENSOR_H
#define GST_QNN_TENSOR_H

#include <gst/base/gstbasetransform.h>
#include <gst/gst.h>
#include <qnnflow/image.h>
#include <qnnflow/model.h>

#define GST_QNN_TENSORS_MEDIA "neural-network/tensors"
#define GST_QNN_JSON_MEDIA "application/x-json"
#define GST_QNN_FRAME_MEDIA_FIELD "frame-media"

/* Size of the image that the model was given, on the caps of its outputs: decoders make anchors and grids from it. */
#define GST_QNN_IMAGE_WIDTH_FIELD "image-width"
#define GST_QNN_IMAGE_HEIGHT_FIELD "image-height"

/* A buffer holds one GstMemory a tensor, or a single one with all tensors when there are more than this. */
#define GST_QNN_MAX_MEMORIES 16

/* The tensors of a buffer. Immutable and reference counted; thread-safe. */
typedef struct {
  gint refcount;
  guint n;
  QfTensorDesc *desc; /* [n]; names and quantization are owned */
  gsize *offset;      /* [n]; of the tensor in its memory */
  guint n_memories;   /* n, or 1 */
  gsize packed_bytes; /* of the one memory, when n_memories is 1 and n is not */
} GstQnnTensors;

GstQnnTensors *gst_qnn_tensors_new(const QfTensorDesc *const *desc, guint n);
GstQnnTensors *gst_qnn_tensors_ref(GstQnnTensors *tensors);
void gst_qnn_tensors_unref(GstQnnTensors *tensors);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GstQnnTensors, gst_qnn_tensors_unref)

/* A model's inputs or outputs. */
GstQnnTensors *gst_qnn_tensors_from_model(const QfModel *model, gboolean inputs);

/* From and to caps. NULL when types or dimensions are missing or make no sense; @why (may be NULL) then says so. */
GstQnnTensors *gst_qnn_tensors_from_structure(const GstStructure *s, gchar **why);
void gst_qnn_tensors_to_structure(const GstQnnTensors *tensors, GstStructure *s);

/* Why tensors with the caps @offered cannot go into a model that wants @wanted, with a remedy; NULL: they can.
 * Fields that @offered leaves out fit anything. Free with g_free(). */
gchar *gst_qnn_tensors_mismatch(const GstQnnTensors *wanted, const GstStructure *offered);

/* Reads a tensor as one image: width, height, channels and layout (never ANY). FALSE when it is none. */
gboolean gst_qnn_tensor_is_image(const QfTensorDesc *desc, gint *width, gint *height, gint *channels,
                                 QfLayout *layout);

/* "FLOAT32 1x3x224x224 NCHW". Free with g_free(). */
gchar *gst_qnn_tensor_to_string(const QfTensorDesc *desc);

/* TRUE for caps of tensors. */
gboolean gst_qnn_caps_are_tensors(const GstCaps *caps);

/* Caps of frames to caps of tensors that carry them (all fields prefixed "frame-"); structure by structure. */
GstCaps *gst_qnn_caps_carry_frame(const GstCaps *frame_caps);
/* The other way; NULL when @s carries no frame. */
GstCaps *gst_qnn_structure_frame_caps(const GstStructure *s);
/* Copies the carried frame from one tensor structure to another. */
void gst_qnn_structure_copy_frame(const GstStructure *from, GstStructure *to);

/* Takes @caps and returns its intersection with @filter (NULL: @caps as it is), in the filter's order. */
GstCaps *gst_qnn_caps_filter(GstCaps *caps, GstCaps *filter);

/* After a CAPS query on the sink pad of a running element was answered with nothing: tells both sides in a warning
 * on the bus, as the element upstream will only say "not-negotiated". @message starts the text. TRUE: it was told. */
gboolean gst_qnn_explain_empty_caps(GstBaseTransform *trans, GstQuery *query, const gchar *message);

#endif
