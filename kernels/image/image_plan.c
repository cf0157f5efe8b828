/* SPDX-License-Identifier: MIT */
/*
 * image_plan.c - the tables of a plan: horizontal taps, shuffles, colour matrix, border.
 *
 * The memory needed depends on the frame's and the tensor's sizes only, so that a plan can be made anew for another crop in
 * the same place. `carve` runs both for measuring (memory NULL) and for real: the two cannot disagree.
 */
#include "image.h"

#include <string.h>

typedef struct {
  uint8_t *memory;
  size_t used;
} Arena;

static void *take(Arena *a, size_t count, size_t size)
{
  void *at = a->memory ? a->memory + a->used : NULL;
  a->used += (count * size + 63) & ~(size_t)63;
  return at;
}

static void carve_taps(Arena *a, const QfkImageSpec *s, const QfkImageComponent *c, QfkImageTaps *t)
{
  size_t w = (size_t)s->width, groups = (w + QFK_IMAGE_GROUP - 1) / QFK_IMAGE_GROUP;
  *t = (QfkImageTaps){.offset = c->offset, .step = c->step};
  if (s->area) {
    t->start = take(a, w, 4);
    t->count = take(a, w, 4);
    t->first = take(a, w, 4);
    /* Each output touches its share of the samples and part of two more, up to a whole group of bytes. */
    t->weight =
        take(a, ((size_t)s->frame_width + 3 * w + 3) * (size_t)c->step + (w + 2) * QFK_IMAGE_GROUP, 4);
    return;
  }
  t->off0 = take(a, w, 4);
  t->off1 = take(a, w, 4);
  t->frac = take(a, w, 4);
  t->base = take(a, groups * 2, 4);
  t->masks = take(a, groups * QFK_IMAGE_MAX_BLOCKS, 2 * QFK_IMAGE_BLOCK);
  t->pairs = take(a, groups * QFK_IMAGE_GROUP * 2, 2);
}

static size_t carve(const QfkImageSpec *s, QfkImagePlan *plan, void *memory)
{
  Arena a = {memory, 0};
  for (int32_t k = 0; k < s->n_components; k++)
    carve_taps(&a, s, &s->component[k], &plan->taps[k]);
  for (int32_t k = 0; k < 3; k++)
    plan->row[k] = k < s->n_components ? take(&a, (size_t)s->width + QFK_IMAGE_GROUP, 4) : plan->row[0];
  size_t longest = 0;
  for (int32_t p = 0; p < s->n_planes; p++)
    longest = (size_t)s->row_bytes[p] > longest ? (size_t)s->row_bytes[p] : longest;
  plan->sum = s->area ? take(&a, longest + QFK_IMAGE_GROUP, 4) : NULL;
  plan->row_weight = s->area ? take(&a, (size_t)s->frame_height + 2, 4) : NULL;
  if (plan->sum)
    memset(plan->sum, 0, (longest + QFK_IMAGE_GROUP) * sizeof *plan->sum);
  return a.used;
}

size_t qfk_image_plan_size(const QfkImageSpec *spec)
{
  QfkImagePlan plan;
  return carve(spec, &plan, NULL);
}

/* The weights of the samples of an output: *@start and the others into @w, which are returned. */
static int32_t area_weights(double from, double to, int32_t lo, int32_t hi, int32_t *start, int32_t step,
                            float *w)
{
  int32_t count = 0;
  if (to - from > 1) {
    *start = (int32_t)from;
    for (int32_t j = (int32_t)from; j <= hi && j < to; j++) {
      double a = from > j ? from : j, b = to < j + 1 ? to : j + 1;
      w[step * count++] = (float)((b - a) / (to - from));
    }
    return count;
  }
  double at = (from + to) / 2 - 0.5;
  at = at < lo ? lo : at > hi ? hi : at;
  *start = (int32_t)at;
  w[step * count++] = (float)(1 - (at - *start));
  if (at > *start)
    w[step * count++] = (float)(at - *start);
  return count;
}

static void area_taps(const QfkImageSpec *s, const QfkImageComponent *c, QfkImageTaps *t)
{
  int32_t n = s->fit[2], sub = 1 << c->shift_x, used = 0;
  int32_t lo = s->crop[0] >> c->shift_x, hi = (s->crop[0] + s->crop[2] - 1) >> c->shift_x;
  double ratio = (double)s->crop[2] / n / sub, origin = (double)s->crop[0] / sub;
  size_t longest = ((size_t)ratio + 3) * (size_t)c->step + QFK_IMAGE_GROUP;
  for (int32_t i = 0; i < n; i++) {
    int32_t sample;
    memset(t->weight + used, 0, longest * sizeof(float));
    int32_t count = area_weights(origin + i * ratio, origin + (i + 1) * ratio, lo, hi, &sample, c->step,
                                 t->weight + used);
    int32_t bytes = (count - 1) * c->step + 1;
    t->start[i] = sample * c->step + c->offset;
    t->count[i] = (bytes + QFK_IMAGE_GROUP - 1) / QFK_IMAGE_GROUP * QFK_IMAGE_GROUP;
    t->first[i] = used;
    used += t->count[i];
  }
}

static void bilinear_taps(const QfkImageSpec *s, const QfkImageComponent *c, QfkImageTaps *t)
{
  int32_t n = s->fit[2], sub = 1 << c->shift_x;
  int32_t lo = s->crop[0] >> c->shift_x, hi = (s->crop[0] + s->crop[2] - 1) >> c->shift_x;
  for (int32_t i = 0; i < n; i++) {
    double at = (s->crop[0] + (i + 0.5) * s->crop[2] / n) / sub - 0.5;
    at = at < lo ? lo : at > hi ? hi : at;
    int32_t i0 = (int32_t)at, i1 = i0 < hi ? i0 + 1 : hi;
    t->off0[i] = c->offset + i0 * c->step;
    t->off1[i] = c->offset + i1 * c->step;
    t->frac[i] = (float)(at - i0);
  }
}

/* The bytes that a lane of outputs of @count components touches: from *@first to *@last. Lanes past the end repeat it. */
static void lane_span(const QfkImageTaps *t, int32_t count, int32_t n, int32_t lane, int32_t *first,
                      int32_t *last)
{
  int32_t i = lane * QFK_IMAGE_LANE, end = i + QFK_IMAGE_LANE < n ? i + QFK_IMAGE_LANE : n;
  i = i < n ? i : n - 1;
  *first = t->off0[i];
  *last = t->off1[end - 1];
  for (int32_t k = 1; k < count; k++) {
    *first = t[k].off0[i] < *first ? t[k].off0[i] : *first;
    *last = t[k].off1[end - 1] > *last ? t[k].off1[end - 1] : *last;
  }
}

static void set_mask(QfkImageTaps *t, int32_t slot, int32_t tap, int32_t byte)
{
  int32_t lane = slot / QFK_IMAGE_LANE, at = byte - t->base[lane];
  int32_t block = lane / 2 * t->blocks + at / QFK_IMAGE_BLOCK;
  int32_t place = 2 * (2 * (slot % QFK_IMAGE_LANE) + tap);
  t->masks[(size_t)(2 * block + lane % 2) * QFK_IMAGE_BLOCK + place] = (uint8_t)(at % QFK_IMAGE_BLOCK);
}

static void component_tables(QfkImageTaps *t, int32_t n, int32_t slots)
{
  memset(t->masks, 0x80, (size_t)(slots / QFK_IMAGE_LANE) * t->blocks * QFK_IMAGE_BLOCK);
  for (int32_t slot = 0; slot < slots; slot++) {
    int32_t i = slot < n ? slot : n - 1;
    set_mask(t, slot, 0, t->off0[i]);
    set_mask(t, slot, 1, t->off1[i]);
    t->pairs[2 * slot + 1] = (int16_t)(t->frac[i] * 16384 + 0.5f);
    t->pairs[2 * slot] = (int16_t)(16384 - t->pairs[2 * slot + 1]);
  }
}

/* The tables of the @count components of a plane, unless a lane needs too many loads or more bytes than a row has. */
static void shuffle_tables(QfkImageTaps *t, int32_t count, int32_t n, int32_t row_bytes)
{
  int32_t slots = (n + QFK_IMAGE_GROUP - 1) / QFK_IMAGE_GROUP * QFK_IMAGE_GROUP,
          lanes = slots / QFK_IMAGE_LANE;
  int32_t blocks = 1, first, last;
  for (int32_t lane = 0; lane < lanes; lane++) {
    lane_span(t, count, n, lane, &first, &last);
    int32_t need = (last - first) / QFK_IMAGE_BLOCK + 1;
    blocks = need > blocks ? need : blocks;
  }
  int32_t span = blocks * QFK_IMAGE_BLOCK;
  if (blocks > QFK_IMAGE_MAX_BLOCKS || span > row_bytes)
    return;
  for (int32_t k = 0; k < count; k++) {
    t[k].blocks = blocks;
    for (int32_t lane = 0; lane < lanes; lane++) {
      lane_span(t, count, n, lane, &first, &last);
      t[k].base[lane] = first + span <= row_bytes ? first : row_bytes - span;
    }
    component_tables(&t[k], n, slots);
  }
}

static float clampf(double v, double lo, double hi)
{
  return (float)(v < lo ? lo : v > hi ? hi : v);
}

static void value_tables(QfkImagePlan *plan)
{
  static const double least[] = {[QFK_IMAGE_I8] = -128, [QFK_IMAGE_I16] = -32768};
  static const double most[] = {
      [QFK_IMAGE_U8] = 255, [QFK_IMAGE_I8] = 127, [QFK_IMAGE_U16] = 65535, [QFK_IMAGE_I16] = 32767};
  const QfkImageSpec *s = &plan->spec;
  bool integer = s->type != QFK_IMAGE_F32 && s->type != QFK_IMAGE_F16;
  size_t size = qfk_image_type_size(s->type);
  memset(plan->matrix, 0, sizeof plan->matrix);
  plan->border_is_byte = true;
  for (int32_t c = 0; c < s->channels; c++) {
    double unit = s->std[c] * (integer ? s->scale : 1);
    double black = -s->mean[c] / unit, white = (255 - s->mean[c]) / unit;
    double lo = black < white ? black : white, hi = black < white ? white : black;
    double type_lo = integer ? least[s->type] + s->offset : lo,
           type_hi = integer ? most[s->type] + s->offset : hi;
    for (int32_t k = 0; k < s->n_components; k++)
      plan->matrix[c][k] = (float)(s->matrix[c][k] / unit);
    plan->matrix[c][3] = (float)((s->bias[c] - s->mean[c]) / unit);
    plan->lo[c] = clampf(lo, type_lo, type_hi);
    plan->hi[c] = clampf(hi, type_lo, type_hi);
    qfk_image_quantize_ref(s, c, s->border[c], plan->border + c * size);
  }
  for (size_t i = 1; i < size * s->channels; i++)
    plan->border_is_byte &= plan->border[i] == plan->border[0];
}

void qfk_image_plan_init(QfkImagePlan *plan, const QfkImageSpec *spec, const QfkImageRows *rows, void *memory)
{
  memset(plan, 0, sizeof *plan);
  plan->spec = *spec;
  plan->rows = rows;
  plan->row_ratio = (double)spec->crop[3] / spec->fit[3];
  carve(spec, plan, memory);
  for (int32_t k = 0; k < spec->n_components; k++) {
    const QfkImageComponent *c = &spec->component[k];
    if (!plan->plane[c->plane].count++)
      plan->plane[c->plane].first = k;
    if (spec->area)
      area_taps(spec, c, &plan->taps[k]);
    else
      bilinear_taps(spec, c, &plan->taps[k]);
  }
  for (int32_t p = 0; p < spec->n_planes && rows->shuffles && !spec->area; p++)
    if (plan->plane[p].count)
      shuffle_tables(&plan->taps[plan->plane[p].first], plan->plane[p].count, spec->fit[2],
                     spec->row_bytes[p]);
  value_tables(plan);
}
