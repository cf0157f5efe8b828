/* SPDX-License-Identifier: MIT */
/*
 * yolo.c - decoded YOLO heads in one tensor: version 8 and after [1,4+C,N] (or transposed) with box centre, size and class
 * probabilities; version 5 and 7 [1,N,5+C] with objectness before the classes; end-to-end ones [1,N,6] with corners, score
 * and class, where the model has dropped overlapping boxes itself.
 */
#include "decoder.h"

#include <math.h>

enum { FORM_AUTO, FORM_V8, FORM_V5, FORM_END };
enum { UNIT_AUTO, UNIT_PIXELS, UNIT_FRACTION };

typedef struct {
  int form, unit;
  int32_t n, columns;
  size_t column, item; /* elements from one to the next */
} State;

static gboolean fits(QfDecoder *d)
{
  int64_t dims[2];
  if (d->n_outputs != 1 || d->outputs[0].desc.rank != 3 || !qf_decoder_dims(d, 0, 2, dims) ||
      d->outputs[0].count > G_MAXINT32)
    return FALSE;
  int64_t columns = MIN(dims[0], dims[1]), n = MAX(dims[0], dims[1]);
  return columns >= 5 && columns <= 4096 && n > columns;
}

/* Many more boxes than numbers a box, and no map of class indices. */
static gboolean fits_auto(QfDecoder *d)
{
  int64_t dims[2];
  const QfTensorDesc *o = &d->outputs[0].desc;
  return fits(d) && qf_decoder_dims(d, 0, 2, dims) && MAX(dims[0], dims[1]) > 4 * MIN(dims[0], dims[1]) &&
         (qf_dtype_is_float(o->dtype) || o->quant.count > 0);
}

/* Three anchors a cell at strides 8, 16 and 32 is version 5; one is version 8. */
static int find_form(const QfDecoder *d, const State *s, gboolean columns_last)
{
  if (columns_last && s->columns == 6 && s->n <= 1000)
    return FORM_END;
  int64_t cells = 0, w = d->config.input_width, h = d->config.input_height;
  for (int stride = 8; stride <= 32; stride *= 2)
    cells += (w / stride) * (h / stride);
  if (cells > 0 && s->n == 3 * cells)
    return FORM_V5;
  if (cells > 0 && s->n == cells)
    return FORM_V8;
  return columns_last && s->columns > 5 ? FORM_V5 : FORM_V8;
}

static gboolean prepare(QfDecoder *d, GError **error)
{
  static const char *const forms[] = {"auto", "v8", "v5", "end2end", NULL};
  static const char *const units[] = {"auto", "pixels", "fraction", NULL};
  State *s = d->state = g_new0(State, 1);
  int64_t dims[2];
  qf_decoder_dims(d, 0, 2, dims);
  gboolean last = dims[1] < dims[0];
  s->columns = (int32_t)MIN(dims[0], dims[1]);
  s->n = (int32_t)MAX(dims[0], dims[1]);
  s->column = last ? 1 : (size_t)s->n;
  s->item = last ? (size_t)s->columns : 1;
  if (!qf_decoder_param_word(d, "version", forms, &s->form, error) ||
      !qf_decoder_param_word(d, "unit", units, &s->unit, error))
    return FALSE;
  if (s->form == FORM_AUTO)
    s->form = find_form(d, s, last);
  if (s->columns < (s->form == FORM_V8 ? 5 : 6)) {
    g_set_error(error, QF_ERROR, QF_ERROR_UNSUPPORTED,
                "decoder yolo: version=%s needs more than %d numbers a box", forms[s->form], s->columns);
    return FALSE;
  }
  return qf_decoder_want_floats(d, 0, error);
}

/* Among thousands of boxes some are larger than two pixels, unless they are fractions. */
static gboolean are_fractions(const State *s, const float *all)
{
  float top = 0;
  for (int32_t i = 0; i < s->n; i++)
    for (int k = 2; k < 4; k++)
      top = fmaxf(top, all[(size_t)i * s->item + (size_t)k * s->column]);
  return top <= 2;
}

static void run_end(QfDecoder *d, const State *s, const float *v, float sx, float sy)
{
  size_t c = s->column;
  for (int32_t i = 0; i < s->n; i++, v += s->item)
    if (v[5 * c] >= 0 && v[5 * c] < 1e6f)
      qf_decoder_offer(d, v[0] * sx, v[c] * sy, v[2 * c] * sx, v[3 * c] * sy, v[4 * c], (int32_t)v[5 * c]);
}

static void run_v8(QfDecoder *d, const State *s, const float *all, float sx, float sy)
{
  size_t c = s->column;
  int32_t best[QF_BLOCK];
  float score[QF_BLOCK];
  for (int32_t at = 0; at < s->n; at += QF_BLOCK) {
    const float *v = all + (size_t)at * s->item;
    uint32_t items = (uint32_t)MIN(s->n - at, QF_BLOCK);
    qf_best_classes(v + 4 * c, items, s->item, s->columns - 4, c, best, score);
    for (uint32_t i = 0; i < items; i++, v += s->item)
      if (score[i] >= d->config.threshold)
        qf_decoder_offer_centre(d, v[0] * sx, v[c] * sy, v[2 * c] * sx, v[3 * c] * sy, score[i], best[i]);
  }
}

static void run_v5(QfDecoder *d, const State *s, const float *v, float sx, float sy)
{
  size_t c = s->column;
  for (int32_t i = 0; i < s->n; i++, v += s->item) {
    float object = v[4 * c], score;
    int32_t best;
    if (!(object >= d->config.threshold)) /* a class only makes it less */
      continue;
    qf_best_classes(v + 5 * c, 1, s->item, s->columns - 5, c, &best, &score);
    if (object * score >= d->config.threshold)
      qf_decoder_offer_centre(d, v[0] * sx, v[c] * sy, v[2 * c] * sx, v[3 * c] * sy, object * score, best);
  }
}

static void run(QfDecoder *d)
{
  const State *s = d->state;
  const float *all = qf_decoder_floats(d, 0);
  gboolean fractions = s->unit == UNIT_AUTO ? are_fractions(s, all) : s->unit == UNIT_FRACTION;
  float sx = fractions ? d->width : 1, sy = fractions ? d->height : 1;
  (s->form == FORM_END ? run_end : s->form == FORM_V5 ? run_v5 : run_v8)(d, s, all, sx, sy);
}

const QfDecoderType qf_decoder_yolo = {
    .info = {"yolo", "YOLO heads with decoded boxes: versions 5 to 11 and end-to-end ones",
             "version=auto,unit=auto,agnostic=0,label-offset=0"},
    .threshold = 0.25f,
    .overlap = TRUE,
    .expects = "one output [1,4+C,N], [1,N,4+C], [1,N,5+C] or [1,N,6]",
    .fits = fits,
    .fits_auto = fits_auto,
    .prepare = prepare,
    .run = run,
};
