/* SPDX-License-Identifier: MIT */
/*
 * decoder.h - what a decoder is inside the library, and what all of them share.
 *
 * A decoder is one `const QfDecoderType`: it looks at the outputs once (prepare) and turns their numbers into candidates,
 * classes or a mask (run), always in pixels of the model's input tensor. Everything else is common and lives in decoder.c
 * and results.c: labels, thresholds, dequantization, the best candidates, overlap, the way back to frame pixels.
 */
#ifndef QF_DECODER_H
#define QF_DECODER_H

#include <qnnflow/decode.h>

/* Most candidates that compete for a place; more are dropped, least scores first. */
#define QF_MAX_CANDIDATES 1024

/* A box before overlap is looked at, in pixels of the tensor. */
typedef struct {
  float x0, y0, x1, y1;
  float score;
  int32_t class_id;
  uint32_t order; /* of arrival: equal scores keep it */
  uint32_t n_keypoints;
  QfKeypoint keypoints[QF_MAX_KEYPOINTS];
} QfCandidate;

typedef struct {
  QfTensorDesc desc; /* owned copy */
  int64_t count;     /* elements */
  const void *data;  /* of this run */
  float *floats;     /* room for the conversion; NULL when it is float32 already or is not wanted as floats */
} QfDecoderOutput;

typedef struct QfDecoderType QfDecoderType;

struct _QfDecoder {
  const QfDecoderType *type;
  QfDecoderConfig config; /* thresholds filled in; strings owned */
  char **labels;          /* n_labels, entries may be NULL; NULL: none */
  uint32_t n_labels;
  int32_t label_offset; /* added to a class index to find its label */
  gboolean agnostic;    /* boxes of different classes compete */
  QfDecoderOutput *outputs;
  uint32_t n_outputs;
  void *state; /* of the type; g_free'd */
  /* this run */
  const QfGeometry *geometry;
  float width, height; /* of the tensor in pixels; 1 when not known: results are fractions then */
  QfCandidate *candidates;
  uint32_t *heap; /* indices of candidates, the least score first */
  uint32_t n_candidates, n_seen;
  QfDetection *detections;
  uint32_t n_detections;
  QfClass *classes;
  uint32_t n_classes;
  QfMask mask;
  uint8_t *mask_memory;
};

struct QfDecoderType {
  QfDecoderInfo info;
  float threshold;                     /* default */
  gboolean overlap;                    /* overlapping boxes are dropped; FALSE: the model did it */
  const char *label;                   /* of class 0 when there is no label file; may be NULL */
  const char *expects;                 /* the outputs it wants, for messages */
  gboolean (*fits)(QfDecoder *d);      /* do the outputs have the right shapes and types */
  gboolean (*fits_auto)(QfDecoder *d); /* the same, for "auto" to be sure; NULL: as fits */
  gboolean (*prepare)(QfDecoder *d, GError **error); /* reads params, makes state; only after fits */
  void (*run)(QfDecoder *d);
};

#define QF_DECODER(symbol) extern const QfDecoderType symbol;
#include "decoders.inc"
#undef QF_DECODER

/* The given or the default value of a setting that the type lists in info.params. */
char *qf_decoder_param(const QfDecoder *d, const char *key);
/* The same as a number within @lo to @hi. */
gboolean qf_decoder_param_number(const QfDecoder *d, const char *key, double lo, double hi, double *value,
                                 GError **error);
/* The same as the index of one of @words (NULL-terminated). */
gboolean qf_decoder_param_word(const QfDecoder *d, const char *key, const char *const *words, int *index,
                               GError **error);
/* FALSE with QF_ERROR_UNSUPPORTED unless the config has the input's size. */
gboolean qf_decoder_need_input_size(const QfDecoder *d, GError **error);

/* Makes room to read output @k as floats. To be called in prepare. */
gboolean qf_decoder_want_floats(QfDecoder *d, uint32_t k, GError **error);
/* Output @k of this run as floats, dequantized. */
const float *qf_decoder_floats(QfDecoder *d, uint32_t k);

/* The dimensions of output @k without leading ones down to @rank: TRUE when all before are 1. */
gboolean qf_decoder_dims(const QfDecoder *d, uint32_t k, int rank, int64_t *dims);
/* The only output whose last dimensions are @a and @b (-1: any), or -1. */
int qf_decoder_find(const QfDecoder *d, int64_t a, int64_t b);
/* TRUE when the name of output @k has @part in it, in any case. */
gboolean qf_decoder_named(const QfDecoder *d, uint32_t k, const char *part);

/*
 * Offers a box (corners, tensor pixels). Kept when @score reaches the threshold and it is among the best. Returns where
 * key points may be put (n_keypoints is 0), or NULL when it was not kept.
 */
QfCandidate *qf_decoder_offer(QfDecoder *d, float x0, float y0, float x1, float y1, float score,
                              int32_t class_id);
/* The same by centre and size. */
QfCandidate *qf_decoder_offer_centre(QfDecoder *d, float cx, float cy, float w, float h, float score,
                                     int32_t class_id);
void qf_candidate_add_keypoint(QfCandidate *c, float x, float y, float score);

/* Candidates to detections: best first, overlap, frame pixels. */
void qf_decoder_finish_boxes(QfDecoder *d);
/* The label of a class or NULL. */
const char *qf_decoder_label(const QfDecoder *d, int32_t class_id);
/* Tensor pixels to frame pixels. */
void qf_decoder_to_frame(const QfDecoder *d, float x, float y, float *fx, float *fy);

/* One label a line, or "index label" / "index: label" in all lines. Entries may be NULL. NULL with _FILE or _FORMAT. */
char **qf_labels_load(const char *path, uint32_t *count, GError **error);

/* Items that qf_best_classes() takes at a time. */
#define QF_BLOCK 64

/*
 * The best of @n_classes for each of @n_items (at most QF_BLOCK), the first of equal ones: class c of item i is at
 * v[i * item + c * channel]. Walks memory in its own order, whichever of both is the shorter step.
 */
void qf_best_classes(const float *v, uint32_t n_items, size_t item, int32_t n_classes, size_t channel,
                     int32_t *best, float *score);

static inline float qf_sigmoid(float x)
{
  return 1 / (1 + __builtin_expf(-x));
}

#endif
