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
    /* Each output touches its share of the samples and part of two more. */
    t->weight = take(a, (size_t)s->frame_width + 3 * w + 3, 4);
    return;
  }
  t->off0 = take(a, w, 4);
  t->off1 = take(a, w, 4);
  t->frac = take(a, w, 4);
  t->base = take(a, groups, 4);
  t->masks = take(a, groups * QFK_IMAGE_MAX_BLOCKS, QFK_IMAGE_BLOCK);
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
  plan->sum = s->area ? take(&a, longest, 4) : NULL;
  return a.used;
}

size_t qfk_image_plan_size(const QfkImageSpec *spec)
{
  QfkImagePlan plan;
  return carve(spec, &plan, NULL);
}

static void area_taps(const QfkImageSpec *s, const QfkImageComponent *c, QfkImageTaps *t)
{
  int32_t n = s->fit[2], sub = 1 << c->shift_x, used = 0;
  int32_t lo = s->crop[0] >> c->shift_x, hi = (s->crop[0] + s->crop[2] - 1) >> c->shift_x;
  double ratio = (double)s->crop[2] / n / sub, origin = (double)s->crop[0] / sub;
  for (int32_t i = 0; i < n; i++) {
    double from = origin + i * ratio, to = origin + (i + 1) * ratio;
    float *w = t->weight + used;
    int32_t count = 0;
    if (ratio <= 1) {
      double at = origin + (i + 0.5) * ratio - 0.5;
      at = at < lo ? lo : at > hi ? hi : at;
      t->start[i] = (int32_t)at;
      w[count++] = (float)(1 - (at - (int32_t)at));
      if (at > (int32_t)at)
        w[count++] = (float)(at - (int32_t)at);
    } else {
      t->start[i] = (int32_t)from;
      for (int32_t j = (int32_t)from; j <= hi && j < to; j++) {
        double a = from > j ? from : j, b = to < j + 1 ? to : j + 1;
        w[count++] = (float)((b - a) / ratio);
      }
    }
    t->count[i] = count;
    t->first[i] = used;
    used += count;
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

/* Loads for the widest group, all of which start within the row; 0 when that is too many. */
static int32_t blocks_of(const QfkImageTaps *t, int32_t n, int32_t row_bytes)
{
  int32_t blocks = 1;
  for (int32_t i = 0; i < n; i += QFK_IMAGE_GROUP) {
    int32_t last = i + QFK_IMAGE_GROUP < n ? i + QFK_IMAGE_GROUP - 1 : n - 1;
    int32_t need = (t->off1[last] - t->off0[i]) / QFK_IMAGE_BLOCK + 1;
    blocks = need > blocks ? need : blocks;
  }
  return blocks > QFK_IMAGE_MAX_BLOCKS || blocks * QFK_IMAGE_BLOCK > row_bytes ? 0 : blocks;
}

static void set_mask(QfkImageTaps *t, int32_t group, int32_t slot, int32_t byte)
{
  int32_t at = byte - t->base[group], block = group * t->blocks + at / QFK_IMAGE_BLOCK;
  int32_t in = at % QFK_IMAGE_BLOCK, half = in / 16;
  t->masks[(size_t)block * QFK_IMAGE_BLOCK + half * 16 + slot] = (uint8_t)(in % 16);
}

static void shuffle_tables(QfkImageTaps *t, int32_t n, int32_t row_bytes)
{
  t->blocks = blocks_of(t, n, row_bytes);
  if (!t->blocks)
    return;
  int32_t groups = (n + QFK_IMAGE_GROUP - 1) / QFK_IMAGE_GROUP, span = t->blocks * QFK_IMAGE_BLOCK;
  memset(t->masks, 0x80, (size_t)groups * span);
  for (int32_t g = 0; g < groups; g++) {
    int32_t base = t->off0[g * QFK_IMAGE_GROUP];
    t->base[g] = base + span <= row_bytes ? base : row_bytes - span;
    for (int32_t k = 0; k < QFK_IMAGE_GROUP; k++) {
      int32_t i = g * QFK_IMAGE_GROUP + k;
      i = i < n ? i : n - 1;
      set_mask(t, g, 2 * k, t->off0[i]);
      set_mask(t, g, 2 * k + 1, t->off1[i]);
      int16_t w = (int16_t)(t->frac[i] * 16384 + 0.5f), *pair = t->pairs + 2 * (g * QFK_IMAGE_GROUP + k);
      pair[0] = (int16_t)(16384 - w);
      pair[1] = w;
    }
  }
}

static void value_tables(QfkImagePlan *plan)
{
  static const float lo[] = {
      [QFK_IMAGE_U8] = 0, [QFK_IMAGE_I8] = -128, [QFK_IMAGE_U16] = 0, [QFK_IMAGE_I16] = -32768};
  static const float hi[] = {
      [QFK_IMAGE_U8] = 255, [QFK_IMAGE_I8] = 127, [QFK_IMAGE_U16] = 65535, [QFK_IMAGE_I16] = 32767};
  const QfkImageSpec *s = &plan->spec;
  bool integer = s->type != QFK_IMAGE_F32 && s->type != QFK_IMAGE_F16;
  size_t size = qfk_image_type_size(s->type);
  memset(plan->matrix, 0, sizeof plan->matrix);
  plan->border_is_byte = true;
  for (int32_t c = 0; c < s->channels; c++) {
    double unit = s->std[c] * (integer ? s->scale : 1);
    plan->gain[c] = (float)(1 / unit);
    plan->shift[c] = (float)(-s->mean[c] / unit);
    for (int32_t k = 0; k < s->n_components; k++)
      plan->matrix[c][k] = (float)s->matrix[c][k];
    plan->matrix[c][3] = (float)s->bias[c];
    qfk_image_quantize_ref(s, c, s->border[c], plan->border + c * size);
  }
  for (size_t i = 1; i < size * s->channels; i++)
    plan->border_is_byte &= plan->border[i] == plan->border[0];
  plan->lo = integer ? lo[s->type] + (float)s->offset : 0;
  plan->hi = integer ? hi[s->type] + (float)s->offset : 0;
}

void qfk_image_plan_init(QfkImagePlan *plan, const QfkImageSpec *spec, const QfkImageRows *rows, void *memory)
{
  memset(plan, 0, sizeof *plan);
  plan->spec = *spec;
  plan->rows = rows;
  carve(spec, plan, memory);
  for (int32_t k = 0; k < spec->n_components; k++) {
    const QfkImageComponent *c = &spec->component[k];
    QfkImageTaps *t = &plan->taps[k];
    if (spec->area) {
      area_taps(spec, c, t);
      continue;
    }
    bilinear_taps(spec, c, t);
    if (rows->shuffles)
      shuffle_tables(t, spec->fit[2], spec->row_bytes[c->plane]);
  }
  value_tables(plan);
}
