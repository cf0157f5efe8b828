/* SPDX-License-Identifier: MIT */
/*
 * anchors.c - decoders whose boxes are relative to a fixed set of anchors: UltraFace and MediaPipe's BlazeFace family.
 * The anchors are made once, in fractions of the input, from tables of grids.
 */
#include "decoder.h"

#include <math.h>

typedef struct {
  float cx, cy, w, h;
} Anchor;

typedef struct {
  int boxes, scores;
  int32_t n, columns, classes;
  int form;
  gboolean known; /* ultraface: form was found out */
  uint32_t n_anchors;
  Anchor anchors[];
} State;

enum { FORM_AUTO, FORM_CORNERS, FORM_OFFSETS };

/* --- UltraFace: corners as fractions, or offsets from priors (centre variance 0.1, size variance 0.2) --- */

static const struct {
  int stride, count;
  float boxes[3]; /* pixels */
} priors[] = {{8, 3, {10, 16, 24}}, {16, 2, {32, 48}}, {32, 2, {64, 96}}, {64, 3, {128, 192, 256}}};

static uint32_t make_priors(float width, float height, Anchor *out)
{
  uint32_t n = 0;
  for (guint p = 0; p < G_N_ELEMENTS(priors); p++) {
    int stride = priors[p].stride, cols = (int)ceilf(width / (float)stride),
        rows = (int)ceilf(height / (float)stride);
    for (int i = 0; i < cols * rows; i++)
      for (int k = 0; k < priors[p].count; k++, n++) {
        Anchor a = {((float)(i % cols) + 0.5f) * (float)stride / width,
                    ((float)(i / cols) + 0.5f) * (float)stride / height, priors[p].boxes[k] / width,
                    priors[p].boxes[k] / height};
        if (out)
          out[n] = (Anchor){fminf(a.cx, 1), fminf(a.cy, 1), fminf(a.w, 1), fminf(a.h, 1)};
      }
  }
  return n;
}

static gboolean ultraface_assign(QfDecoder *d, State *s)
{
  int64_t dims[2];
  if (d->n_outputs != 2 || (s->boxes = qf_decoder_find(d, -1, 4)) < 0)
    return FALSE;
  s->scores = 1 - s->boxes;
  qf_decoder_dims(d, (uint32_t)s->boxes, 2, dims);
  s->n = (int32_t)dims[0];
  if (dims[0] < 2 || dims[0] > G_MAXINT32 / 4 || !qf_decoder_dims(d, (uint32_t)s->scores, 2, dims))
    return FALSE;
  s->classes = (int32_t)dims[1];
  return dims[0] == s->n && dims[1] >= 2 && dims[1] <= 4096;
}

static gboolean ultraface_fits(QfDecoder *d)
{
  State s;
  return ultraface_assign(d, &s);
}

static gboolean ultraface_prepare(QfDecoder *d, GError **error)
{
  static const char *const forms[] = {"auto", "corners", "offsets", NULL};
  gboolean sized = d->config.input_width > 0 && d->config.input_height > 0 && d->config.input_width <= 8192 &&
                   d->config.input_height <= 8192;
  float width = sized ? (float)d->config.input_width : 1, height = sized ? (float)d->config.input_height : 1;
  uint32_t n = make_priors(width, height, NULL);
  State *s = d->state = g_malloc0(sizeof(State) + n * sizeof(Anchor));
  ultraface_assign(d, s);
  if (!qf_decoder_param_word(d, "boxes", forms, &s->form, error))
    return FALSE;
  s->known = s->form != FORM_AUTO;
  if (s->form == FORM_OFFSETS && !qf_decoder_need_input_size(d, error))
    return FALSE;
  if (sized && n == (uint32_t)s->n)
    s->n_anchors = make_priors(width, height, s->anchors);
  if (s->form == FORM_OFFSETS && !s->n_anchors) {
    g_set_error(error, QF_ERROR, QF_ERROR_UNSUPPORTED,
                "decoder ultraface: an input of %dx%d has %u priors, the model gives %d boxes",
                d->config.input_width, d->config.input_height, n, s->n);
    return FALSE;
  }
  if (!s->n_anchors) { /* cannot be anything else */
    s->form = FORM_CORNERS;
    s->known = TRUE;
  }
  return qf_decoder_want_floats(d, 0, error) && qf_decoder_want_floats(d, 1, error);
}

/* Corners are in order for nearly every box; offsets are not, whatever the picture. */
static int find_form(const State *s, const float *boxes)
{
  int32_t ordered = 0;
  for (int32_t i = 0; i < s->n; i++)
    ordered += boxes[4 * i + 2] > boxes[4 * i] && boxes[4 * i + 3] > boxes[4 * i + 1];
  return ordered >= s->n - s->n / 50 ? FORM_CORNERS : FORM_OFFSETS;
}

static void ultraface_offer(QfDecoder *d, const State *s, int32_t i, const float *b, float score,
                            int32_t class_id)
{
  if (s->form == FORM_CORNERS) {
    qf_decoder_offer(d, b[0] * d->width, b[1] * d->height, b[2] * d->width, b[3] * d->height, score,
                     class_id);
    return;
  }
  const Anchor *a = &s->anchors[i];
  float cx = a->cx + b[0] * 0.1f * a->w, cy = a->cy + b[1] * 0.1f * a->h;
  qf_decoder_offer_centre(d, cx * d->width, cy * d->height, expf(b[2] * 0.2f) * a->w * d->width,
                          expf(b[3] * 0.2f) * a->h * d->height, score, class_id);
}

/* Class 0 is the background. Two scores that are no probabilities are logits. */
static void ultraface_run(QfDecoder *d)
{
  State *s = d->state;
  const float *boxes = qf_decoder_floats(d, (uint32_t)s->boxes),
              *scores = qf_decoder_floats(d, (uint32_t)s->scores);
  if (!s->known) {
    s->form = find_form(s, boxes);
    s->known = TRUE;
  }
  for (int32_t i = 0; i < s->n; i++) {
    const float *v = scores + (size_t)i * (size_t)s->classes;
    if (s->classes == 2 && fabsf(v[0] + v[1] - 1) > 0.02f)
      ultraface_offer(d, s, i, boxes + 4 * (size_t)i, qf_sigmoid(v[1] - v[0]), 0);
    else
      for (int32_t c = 1; c < s->classes; c++)
        if (v[c] >= d->config.threshold)
          ultraface_offer(d, s, i, boxes + 4 * (size_t)i, v[c], c - 1);
  }
}

const QfDecoderType qf_decoder_ultraface = {
    .info = {"ultraface", "UltraFace (slim, RFB), and other boxes with a score a class, background first",
             "boxes=auto,agnostic=0,label-offset=0"},
    .threshold = 0.6f,
    .overlap = TRUE,
    .label = "face",
    .expects = "boxes [1,N,4] and scores [1,N,1+classes]",
    .fits = ultraface_fits,
    .prepare = ultraface_prepare,
    .run = ultraface_run,
};

/* --- BlazeFace and its kin: square grids, anchors without a size, offsets in pixels --- */

static const struct {
  int32_t n;
  struct {
    int cells, per_cell;
  } grid[2];
} layouts[] = {
    {896, {{16, 2}, {8, 6}}},   /* faces, 128 (front) and 256 (back) pixels */
    {2016, {{24, 2}, {12, 6}}}, /* palms, 192 */
    {2944, {{32, 2}, {16, 6}}}, /* palms, 256 */
    {2304, {{48, 1}, {0, 0}}},  /* faces, full range, 192 */
};

static int layout_of(int64_t n)
{
  for (guint i = 0; i < G_N_ELEMENTS(layouts); i++)
    if (layouts[i].n == n)
      return (int)i;
  return -1;
}

static gboolean blazeface_assign(QfDecoder *d, State *s)
{
  int64_t dims[2];
  if (d->n_outputs != 2 || (s->scores = qf_decoder_find(d, -1, 1)) < 0)
    return FALSE;
  s->boxes = 1 - s->scores;
  if (!qf_decoder_dims(d, (uint32_t)s->boxes, 2, dims) || layout_of(dims[0]) < 0)
    return FALSE;
  s->n = (int32_t)dims[0];
  s->columns = (int32_t)dims[1];
  return dims[1] >= 4 && dims[1] % 2 == 0 && dims[1] <= 4 + 2 * QF_MAX_KEYPOINTS &&
         d->outputs[s->scores].count == s->n;
}

static gboolean blazeface_fits(QfDecoder *d)
{
  State s;
  return blazeface_assign(d, &s);
}

static gboolean blazeface_prepare(QfDecoder *d, GError **error)
{
  State found;
  blazeface_assign(d, &found);
  State *s = d->state = g_malloc0(sizeof(State) + (gsize)found.n * sizeof(Anchor));
  *s = found;
  s->n_anchors = 0;
  int layout = layout_of(s->n);
  for (int g = 0; g < 2; g++) {
    int cells = layouts[layout].grid[g].cells, per_cell = layouts[layout].grid[g].per_cell;
    for (int i = 0; i < cells * cells * per_cell; i++) {
      int cell = i / per_cell;
      s->anchors[s->n_anchors++] = (Anchor){((float)(cell % cells) + 0.5f) / (float)cells,
                                            ((float)(cell / cells) + 0.5f) / (float)cells, 0, 0};
    }
  }
  return qf_decoder_need_input_size(d, error) && qf_decoder_want_floats(d, 0, error) &&
         qf_decoder_want_floats(d, 1, error);
}

static void blazeface_run(QfDecoder *d)
{
  const State *s = d->state;
  const float *boxes = qf_decoder_floats(d, (uint32_t)s->boxes),
              *scores = qf_decoder_floats(d, (uint32_t)s->scores);
  for (int32_t i = 0; i < s->n; i++) {
    float score = qf_sigmoid(scores[i]);
    if (!(score >= d->config.threshold))
      continue;
    const float *b = boxes + (size_t)i * (size_t)s->columns;
    float x = s->anchors[i].cx * d->width, y = s->anchors[i].cy * d->height;
    QfCandidate *c = qf_decoder_offer_centre(d, x + b[0], y + b[1], b[2], b[3], score, 0);
    for (int32_t k = 4; c && k < s->columns; k += 2)
      qf_candidate_add_keypoint(c, x + b[k], y + b[k + 1], 1);
  }
}

const QfDecoderType qf_decoder_blazeface = {
    .info = {"blazeface",
             "MediaPipe's BlazeFace (front, back, full range) and palm detector, with key points",
             "agnostic=0,label-offset=0"},
    .threshold = 0.5f,
    .overlap = TRUE,
    .label = "face",
    .expects = "boxes with key points [1,N,4+2K] and logits [1,N,1], N one of 896, 2016, 2304, 2944",
    .fits = blazeface_fits,
    .prepare = blazeface_prepare,
    .run = blazeface_run,
};
