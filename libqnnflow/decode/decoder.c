/* SPDX-License-Identifier: MIT */
/*
 * decoder.c - makes and runs decoders: the table, the choice, settings, dequantization of outputs.
 * The outputs' descriptions are copied; their data belongs to the caller and is read during a run only.
 */
#include "decoder.h"

#include <math.h>
#include <string.h>

static const QfDecoderType *const types[] = {
#define QF_DECODER(symbol) &symbol,
#include "decoders.inc"
#undef QF_DECODER
};

const QfDecoderInfo *qf_decoder_list(uint32_t *count)
{
  static QfDecoderInfo infos[G_N_ELEMENTS(types)];
  static gsize once;
  if (g_once_init_enter(&once)) {
    for (guint i = 0; i < G_N_ELEMENTS(types); i++)
      infos[i] = types[i]->info;
    g_once_init_leave(&once, 1);
  }
  *count = G_N_ELEMENTS(types);
  return infos;
}

/* The value of @key in "key=value,key=value". */
static char *find_value(const char *params, const char *key)
{
  g_auto(GStrv) parts = g_strsplit(params ? params : "", ",", -1);
  size_t length = strlen(key);
  for (char **p = parts; *p; p++)
    if (!strncmp(g_strstrip(*p), key, length) && (*p)[length] == '=')
      return g_strdup(*p + length + 1);
  return NULL;
}

char *qf_decoder_param(const QfDecoder *d, const char *key)
{
  char *value = find_value(d->config.params, key);
  return value ? value : find_value(d->type->info.params, key);
}

gboolean qf_decoder_param_number(const QfDecoder *d, const char *key, double lo, double hi, double *value,
                                 GError **error)
{
  g_autofree char *text = qf_decoder_param(d, key);
  char *end;
  *value = g_ascii_strtod(text, &end);
  if (end != text && !*end && *value >= lo && *value <= hi)
    return TRUE;
  g_set_error(error, QF_ERROR, QF_ERROR_ARGUMENT, "decoder %s: %s=%s must be a number from %g to %g",
              d->type->info.name, key, text, lo, hi);
  return FALSE;
}

gboolean qf_decoder_param_word(const QfDecoder *d, const char *key, const char *const *words, int *index,
                               GError **error)
{
  g_autofree char *text = qf_decoder_param(d, key);
  for (*index = 0; words[*index]; ++*index)
    if (!strcmp(words[*index], text))
      return TRUE;
  g_autofree char *all = g_strjoinv(", ", (char **)words);
  g_set_error(error, QF_ERROR, QF_ERROR_ARGUMENT, "decoder %s: %s=%s is not one of %s", d->type->info.name,
              key, text, all);
  return FALSE;
}

/* Every key must be one of the type's. */
static gboolean check_params(const QfDecoder *d, GError **error)
{
  g_auto(GStrv) parts = g_strsplit(d->config.params ? d->config.params : "", ",", -1);
  for (char **p = parts; *p; p++) {
    char *equals = strchr(g_strstrip(*p), '=');
    if (equals)
      *equals = 0;
    g_autofree char *known = equals ? find_value(d->type->info.params, *p) : NULL;
    if (**p && !known) {
      g_set_error(error, QF_ERROR, QF_ERROR_ARGUMENT,
                  "decoder %s: there is no setting \"%s\"; settings and defaults: %s", d->type->info.name, *p,
                  *d->type->info.params ? d->type->info.params : "none");
      return FALSE;
    }
  }
  return TRUE;
}

gboolean qf_decoder_need_input_size(const QfDecoder *d, GError **error)
{
  if (d->config.input_width > 0 && d->config.input_height > 0)
    return TRUE;
  g_set_error(error, QF_ERROR, QF_ERROR_ARGUMENT,
              "decoder %s: needs the width and height of the model's input image (given: %dx%d)",
              d->type->info.name, d->config.input_width, d->config.input_height);
  return FALSE;
}

gboolean qf_decoder_want_floats(QfDecoder *d, uint32_t k, GError **error)
{
  QfDecoderOutput *o = &d->outputs[k];
  if (o->desc.dtype == QF_DTYPE_FLOAT32 || o->floats)
    return TRUE;
  o->floats = g_try_malloc_n((gsize)MAX(o->count, 1), sizeof(float));
  if (!o->floats)
    g_set_error(error, QF_ERROR, QF_ERROR_LIMIT,
                "decoder %s: output \"%s\" of %" G_GINT64_FORMAT " elements does not fit into memory",
                d->type->info.name, o->desc.name, o->count);
  return o->floats != NULL;
}

static float half_to_float(uint16_t h)
{
  int exponent = (h >> 10) & 31, mantissa = h & 1023;
  float v = exponent == 31 ? (mantissa ? NAN : INFINITY)
            : exponent     ? ldexpf((float)(1024 + mantissa), exponent - 25)
                           : ldexpf((float)mantissa, -24);
  return h & 0x8000 ? -v : v;
}

static float bfloat_to_float(uint16_t b)
{
  uint32_t u = (uint32_t)b << 16;
  float f;
  memcpy(&f, &u, 4);
  return f;
}

#define PLAIN(v) ((float)(v))
#define CONVERT(type, read)                                                                                  \
  for (int64_t i = 0; i < n; i++)                                                                            \
    out[i] = read(((const type *)data)[i]);                                                                  \
  break

static void to_floats(QfDType dtype, const void *data, int64_t n, float *out)
{
  switch (dtype) {
  case QF_DTYPE_FLOAT16: CONVERT(uint16_t, half_to_float);
  case QF_DTYPE_BFLOAT16: CONVERT(uint16_t, bfloat_to_float);
  case QF_DTYPE_FLOAT64: CONVERT(double, PLAIN);
  case QF_DTYPE_INT8: CONVERT(int8_t, PLAIN);
  case QF_DTYPE_BOOL:
  case QF_DTYPE_UINT8: CONVERT(uint8_t, PLAIN);
  case QF_DTYPE_INT16: CONVERT(int16_t, PLAIN);
  case QF_DTYPE_UINT16: CONVERT(uint16_t, PLAIN);
  case QF_DTYPE_INT32: CONVERT(int32_t, PLAIN);
  case QF_DTYPE_UINT32: CONVERT(uint32_t, PLAIN);
  case QF_DTYPE_INT64: CONVERT(int64_t, PLAIN);
  case QF_DTYPE_UINT64: CONVERT(uint64_t, PLAIN);
  default: memset(out, 0, (size_t)n * sizeof *out);
  }
}

const float *qf_decoder_floats(QfDecoder *d, uint32_t k)
{
  QfDecoderOutput *o = &d->outputs[k];
  const QfQuant *q = &o->desc.quant;
  if (o->desc.dtype == QF_DTYPE_FLOAT32)
    return o->data;
  to_floats(o->desc.dtype, o->data, o->count, o->floats);
  if (q->count == 1) {
    float scale = q->entries[0].scale, offset = (float)q->entries[0].offset;
    for (int64_t i = 0; i < o->count; i++)
      o->floats[i] = (o->floats[i] + offset) * scale;
  } else if (q->count > 1) {
    int64_t inner = qf_dims_count(o->desc.dims + q->axis + 1, o->desc.rank - q->axis - 1);
    for (int64_t i = 0; i < o->count; i++) {
      const QfScaleOffset *e = &q->entries[i / inner % q->count];
      o->floats[i] = (o->floats[i] + (float)e->offset) * e->scale;
    }
  }
  return o->floats;
}

gboolean qf_decoder_dims(const QfDecoder *d, uint32_t k, int rank, int64_t *dims)
{
  const QfTensorDesc *desc = &d->outputs[k].desc;
  int skip = desc->rank - rank;
  for (int i = 0; i < skip; i++)
    if (desc->dims[i] != 1)
      return FALSE;
  for (int i = 0; i < rank; i++)
    dims[i] = i + skip < 0 ? 1 : desc->dims[i + skip];
  return TRUE;
}

int qf_decoder_find(const QfDecoder *d, int64_t a, int64_t b)
{
  int found = -1;
  for (uint32_t k = 0; k < d->n_outputs; k++) {
    int64_t dims[2];
    if (!qf_decoder_dims(d, k, 2, dims) || d->outputs[k].desc.rank < 2 || (a >= 0 && dims[0] != a) ||
        (b >= 0 && dims[1] != b))
      continue;
    if (found >= 0)
      return -1;
    found = (int)k;
  }
  return found;
}

gboolean qf_decoder_named(const QfDecoder *d, uint32_t k, const char *part)
{
  g_autofree char *lower = g_ascii_strdown(d->outputs[k].desc.name, -1);
  return strstr(lower, part) != NULL;
}

/* FALSE with an error when a description makes no sense. */
static gboolean copy_outputs(QfDecoder *d, const QfTensorDesc *const *outputs, uint32_t n, GError **error)
{
  d->outputs = g_new0(QfDecoderOutput, MAX(n, 1));
  for (d->n_outputs = 0; d->n_outputs < n; d->n_outputs++) {
    const QfTensorDesc *from = outputs[d->n_outputs];
    QfDecoderOutput *o = &d->outputs[d->n_outputs];
    o->desc = *from;
    o->desc.name = g_strdup(from->name ? from->name : "");
    o->desc.quant.entries = g_memdup2(from->quant.entries, sizeof(QfScaleOffset) * from->quant.count);
    o->count = from->rank >= 0 && from->rank <= QF_MAX_RANK ? qf_dims_count(from->dims, from->rank) : -1;
    gboolean axis_fits = from->quant.count <= 1 || (from->quant.axis >= 0 && from->quant.axis < from->rank);
    if (o->count > 0 && axis_fits && qf_dtype_size(from->dtype))
      continue;
    d->n_outputs++;
    g_set_error(error, QF_ERROR, QF_ERROR_SHAPE,
                "decoder: output %u \"%s\" has no fixed, non-empty shape and type", d->n_outputs - 1,
                o->desc.name);
    return FALSE;
  }
  return TRUE;
}

static char *describe_outputs(const QfDecoder *d)
{
  GString *s = g_string_new(NULL);
  for (uint32_t k = 0; k < d->n_outputs; k++) {
    const QfTensorDesc *o = &d->outputs[k].desc;
    g_autofree char *dims = qf_dims_to_string(o->dims, o->rank);
    g_string_append_printf(s, "%s\"%s\" %s %s", k ? ", " : "", o->name, qf_dtype_name(o->dtype), dims);
  }
  return g_string_free(s, FALSE);
}

static gboolean choose(QfDecoder *d, const char *name, GError **error)
{
  gboolean any = !name || !strcmp(name, "auto");
  g_autofree char *have = describe_outputs(d);
  GString *wants = g_string_new(NULL);
  for (guint i = 0; i < G_N_ELEMENTS(types); i++) {
    d->type = types[i];
    gboolean (*sure)(QfDecoder *) = types[i]->fits_auto ? types[i]->fits_auto : types[i]->fits;
    if (any ? sure(d) : !strcmp(name, types[i]->info.name)) {
      g_string_free(wants, TRUE);
      if (any || types[i]->fits(d))
        return TRUE;
      g_set_error(error, QF_ERROR, QF_ERROR_UNSUPPORTED, "decoder %s wants %s; the model gives %s", name,
                  types[i]->expects, have);
      return FALSE;
    }
    g_string_append_printf(wants, "%s%s", i ? (any ? "; " : ", ") : "", types[i]->info.name);
    if (any)
      g_string_append_printf(wants, ": %s", types[i]->expects);
  }
  if (any)
    g_set_error(error, QF_ERROR, QF_ERROR_UNSUPPORTED,
                "no decoder fits the outputs %s; choose one by name if it should. They want: %s", have,
                wants->str);
  else
    g_set_error(error, QF_ERROR, QF_ERROR_ARGUMENT, "there is no decoder \"%s\"; there are auto, %s", name,
                wants->str);
  g_string_free(wants, TRUE);
  return FALSE;
}

static gboolean check_config(const QfDecoderConfig *c, GError **error)
{
  if (c->threshold >= 0 && c->threshold <= 1 && c->iou_threshold >= 0 && c->iou_threshold <= 1 &&
      c->max_results <= QF_MAX_CANDIDATES)
    return TRUE;
  g_set_error(error, QF_ERROR, QF_ERROR_ARGUMENT,
              "decoder: threshold %g and iou threshold %g must be 0 to 1, results (%u) at most %d",
              c->threshold, c->iou_threshold, c->max_results, QF_MAX_CANDIDATES);
  return FALSE;
}

static gboolean setup(QfDecoder *d, const char *name, const QfTensorDesc *const *outputs, uint32_t n_outputs,
                      GError **error)
{
  static const char *const no_yes[] = {"0", "1", NULL};
  if (!check_config(&d->config, error) || !copy_outputs(d, outputs, n_outputs, error) ||
      !choose(d, name, error) || !check_params(d, error))
    return FALSE;
  if (d->config.labels_path && !(d->labels = qf_labels_load(d->config.labels_path, &d->n_labels, error)))
    return FALSE;
  double offset;
  if (!qf_decoder_param_number(d, "label-offset", -100000, 100000, &offset, error))
    return FALSE;
  g_autofree char *agnostic = qf_decoder_param(d, "agnostic");
  if (agnostic && !qf_decoder_param_word(d, "agnostic", no_yes, &d->agnostic, error))
    return FALSE;
  d->label_offset = (int32_t)offset;
  d->config.threshold = d->config.threshold > 0 ? d->config.threshold : d->type->threshold;
  d->config.iou_threshold = d->config.iou_threshold > 0 ? d->config.iou_threshold : 0.45f;
  return d->type->prepare(d, error);
}

QfDecoder *qf_decoder_new(const char *name, const QfDecoderConfig *config, const QfTensorDesc *const *outputs,
                          uint32_t n_outputs, GError **error)
{
  QfDecoder *d = g_new0(QfDecoder, 1);
  if (config)
    d->config = *config;
  d->config.params = g_strdup(d->config.params);
  d->config.labels_path = g_strdup(d->config.labels_path);
  if (!setup(d, name, outputs, n_outputs, error)) {
    qf_decoder_free(d);
    return NULL;
  }
  d->candidates = g_new(QfCandidate, QF_MAX_CANDIDATES);
  d->heap = g_new(uint32_t, QF_MAX_CANDIDATES);
  d->detections = g_new(QfDetection, QF_MAX_CANDIDATES);
  return d;
}

void qf_decoder_free(QfDecoder *d)
{
  if (!d)
    return;
  for (uint32_t k = 0; k < d->n_outputs; k++) {
    g_free((char *)d->outputs[k].desc.name);
    g_free((void *)d->outputs[k].desc.quant.entries);
    g_free(d->outputs[k].floats);
  }
  for (uint32_t i = 0; i < d->n_labels; i++)
    g_free(d->labels[i]);
  g_free(d->labels);
  g_free(d->outputs);
  g_free(d->state);
  g_free(d->candidates);
  g_free(d->heap);
  g_free(d->detections);
  g_free(d->classes);
  g_free(d->mask_memory);
  g_free((char *)d->config.params);
  g_free((char *)d->config.labels_path);
  g_free(d);
}

const char *qf_decoder_name(const QfDecoder *decoder)
{
  return decoder->type->info.name;
}

void qf_decoder_run(QfDecoder *d, const void *const *data, const QfGeometry *geometry, QfResults *results)
{
  d->geometry = geometry;
  d->width = geometry ? (float)geometry->width : d->config.input_width > 0 ? (float)d->config.input_width : 1;
  d->height = geometry                     ? (float)geometry->height
              : d->config.input_height > 0 ? (float)d->config.input_height
                                           : 1;
  d->n_candidates = d->n_seen = d->n_detections = d->n_classes = 0;
  d->mask = (QfMask){0};
  for (uint32_t k = 0; k < d->n_outputs; k++)
    d->outputs[k].data = data[k];
  d->type->run(d);
  qf_decoder_finish_boxes(d);
  *results = (QfResults){.detections = d->detections,
                         .n_detections = d->n_detections,
                         .classes = d->classes,
                         .n_classes = d->n_classes,
                         .mask = d->mask};
}
