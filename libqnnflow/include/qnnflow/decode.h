/* SPDX-License-Identifier: MIT */
/*
 * decode.h - output tensors to results: boxes, classes, masks, in the coordinates of the original frame.
 *
 * A decoder is chosen by name, or by "auto" from the shapes and names of the outputs. Adding one is one file and one
 * line in libqnnflow/decode/decoders.inc.
 */
#ifndef QNNFLOW_DECODE_H
#define QNNFLOW_DECODE_H

#include <qnnflow/image.h>

G_BEGIN_DECLS

/* Number of key points of one detection, at most. */
#define QF_MAX_KEYPOINTS 17

typedef struct {
  float x, y;  /* frame pixels */
  float score; /* 0..1; 1 when the model gives none */
} QfKeypoint;

/* One box. */
typedef struct {
  float x, y, width, height; /* frame pixels, clipped to the frame; x and y are the top left corner */
  float score;               /* 0..1 */
  int32_t class_id;          /* index into the labels */
  const char *label;         /* from the label file or the model, else NULL; owned by the decoder */
  uint32_t n_keypoints;      /* 0 to QF_MAX_KEYPOINTS */
  QfKeypoint keypoints[QF_MAX_KEYPOINTS];
} QfDetection;

/* One class of the whole frame (or of the region that was cropped). */
typedef struct {
  float score; /* as the model gives it: a probability when it ends in a softmax */
  int32_t class_id;
  const char *label; /* owned by the decoder; may be NULL */
} QfClass;

/* A class index per pixel of the tensor's own grid, to be scaled onto `region`. */
typedef struct {
  const uint8_t
      *classes; /* width * height, dense; owned by the decoder, valid until its next call; NULL: no mask */
  int32_t width, height;
  QfRect region;      /* of the frame, in pixels, that the mask covers */
  uint32_t n_classes; /* highest possible index + 1 */
} QfMask;

/* What one run gave. Arrays are owned by the decoder and valid until its next call. */
typedef struct {
  const QfDetection *detections; /* highest score first */
  uint32_t n_detections;
  const QfClass *classes; /* highest score first */
  uint32_t n_classes;
  QfMask mask;
} QfResults;

/* Zero-initialise; zero means the default named here. */
typedef struct {
  float threshold;         /* least score that is reported; 0: the decoder's own (0.5 for most) */
  float iou_threshold;     /* overlap above which the lesser box is dropped; 0: 0.45 */
  uint32_t max_results;    /* 0: 100 detections, 5 classes */
  const char *labels_path; /* one label a line, or "index label" lines; NULL: none */
  const char *params;      /* decoder's own settings, "key=value,key=value"; NULL: none */
  int32_t
      input_width; /* of the model's image input, in pixels: grids and anchors are made from it; required by */
  int32_t input_height; /* decoders with anchors, ignored by others */
} QfDecoderConfig;

typedef struct _QfDecoder QfDecoder;

/* One row of the table of decoders. */
typedef struct {
  const char *name;
  const char *description; /* one line: which models, which outputs it wants */
  const char *params;      /* its settings with defaults, for help; "" when it has none */
} QfDecoderInfo;

/* All decoders. @count must not be NULL. */
QF_API const QfDecoderInfo *qf_decoder_list(uint32_t *count);

/*
 * Makes a decoder for a model with @outputs. @name is one of the list or "auto". Labels are read here. NULL with
 * QF_ERROR_UNSUPPORTED (the outputs do not fit: the message says what was expected), _FILE or _FORMAT (labels).
 */
QF_API QfDecoder *qf_decoder_new(const char *name, const QfDecoderConfig *config,
                                 const QfTensorDesc *const *outputs, uint32_t n_outputs, GError **error);
QF_API void qf_decoder_free(QfDecoder *decoder);

/* The name that was chosen, when made with "auto". */
QF_API const char *qf_decoder_name(const QfDecoder *decoder);

/*
 * Decodes one run. @data holds a pointer to each output, in the order given at creation; quantized outputs are
 * dequantized on the way. @geometry says where the frame lies in the input tensor (NULL: results are in tensor
 * pixels). Allocates nothing after the first calls. A decoder belongs to one thread at a time.
 */
QF_API void qf_decoder_run(QfDecoder *decoder, const void *const *data, const QfGeometry *geometry,
                           QfResults *results);

/* Results as one line of JSON (no newline). @frame_index and @pts_ns go in as they are. Free with g_free(). */
QF_API char *qf_results_to_json(const QfResults *results, uint64_t frame_index, uint64_t pts_ns);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(QfDecoder, qf_decoder_free)

G_END_DECLS

#endif
