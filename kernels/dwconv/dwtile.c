/* SPDX-License-Identifier: MIT */
/*
 * dwtile.c - the list of depthwise kernels, packing, and the walk over a layer's rows and borders.
 */
#include "dwtile.h"

#include <string.h>

#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))
#define ITEM_BYTES (128u << 10) /* of lines in one S16 item */

#define QFK_DW(fn, isa, kind, taps, stride, lanes, interleaved, borders)                                     \
  {#fn, isa, kind, taps, stride, lanes, interleaved, borders, fn},
const QfkDwKernel qfk_dw_kernels[] = {
#include "dwtile.inc"
};
#undef QFK_DW
const uint32_t qfk_n_dw_kernels = sizeof(qfk_dw_kernels) / sizeof(qfk_dw_kernels[0]);

const QfkDwKernel *qfk_dw_find(QfkTileKind kind, uint32_t features, int32_t taps, int32_t stride)
{
  for (uint32_t i = 0; i < qfk_n_dw_kernels; i++) {
    const QfkDwKernel *k = &qfk_dw_kernels[i];
    if (k->kind == kind && !(k->isa & ~features) && (!k->taps || k->taps == taps) &&
        (!k->stride || k->stride == stride))
      return k;
  }
  return NULL;
}

uint32_t qfk_dw_columns(const QfkDwKernel *k, uint32_t c)
{
  return (c + k->lanes - 1) / k->lanes * k->lanes;
}

size_t qfk_dw_pack_bytes(const QfkDwKernel *k, const QfkConvShape *s)
{
  if (k->kind == QFK_TILE_DOT_U)
    return (size_t)qfk_dw_columns(k, (uint32_t)s->c) / 64 * QFK_DW_DOT_BLOCK;
  const size_t pairs = (size_t)(s->kh + 1) / 2;
  return qfk_dw_columns(k, (uint32_t)s->c) * (size_t)s->kw * pairs * 2 * sizeof(int16_t);
}

/* Channel within a block that stands at @slot. */
static uint32_t channel_at(const QfkDwKernel *k, uint32_t slot)
{
  if (k->kind == QFK_TILE_DOT_U)
    return 16 * (slot % 16 / 4) + 4 * (slot / 16) + slot % 4;
  return k->interleaved ? 8 * (slot % (k->lanes / 2) / 4) + 4 * (slot / (k->lanes / 2)) + slot % 4 : slot;
}

static int32_t weight_at(const QfkConvShape *s, const void *w, QfkInt type, const int32_t *w_zero,
                         int32_t tap, uint32_t c)
{
  return qfk_load_int(w, type, (size_t)tap * (size_t)s->c + c) - (w_zero ? w_zero[c] : 0);
}

static void pack_dot(const QfkDwKernel *k, const QfkConvShape *s, const void *w, QfkInt type,
                     const int32_t *w_zero, int8_t *dst)
{
  for (uint32_t c0 = 0; c0 < (uint32_t)s->c; c0 += 64)
    for (int32_t shift = 0; shift < 2; shift++)
      for (int32_t ky = 0; ky < 3; ky++)
        for (uint32_t slot = 0; slot < 64; slot++)
          for (int32_t j = 0; j < 4; j++) {
            const uint32_t c = c0 + channel_at(k, slot);
            const int32_t kx = j - shift;
            const bool there = c < (uint32_t)s->c && kx >= 0 && kx < 3;
            *dst++ = (int8_t)(there ? weight_at(s, w, type, w_zero, 3 * ky + kx, c) : 0);
          }
}

void qfk_dw_pack_bias(const QfkDwKernel *k, const QfkConvShape *s, const void *w, QfkInt type,
                      const int32_t *w_zero, const int32_t *bias, int32_t x_zero, bool x_signed, int32_t *dst)
{
  const uint32_t n = (uint32_t)s->c;
  const int32_t seen = k->kind == QFK_TILE_DOT_U ? x_zero + (x_signed ? 128 : 0) : 0;
  for (uint32_t c0 = 0; c0 < n; c0 += k->lanes)
    for (uint32_t slot = 0; slot < k->lanes; slot++) {
      const uint32_t c = c0 + channel_at(k, slot);
      int64_t value = bias && c < n ? bias[c] : 0;
      for (int32_t tap = 0; seen && c < n && tap < s->kh * s->kw; tap++)
        value -= (int64_t)seen * weight_at(s, w, type, w_zero, tap, c);
      *dst++ = (int32_t)value;
    }
}

void qfk_dw_pack_weights(const QfkDwKernel *k, const QfkConvShape *s, const void *w, QfkInt type,
                         const int32_t *w_zero, void *packed)
{
  int16_t *dst = packed;
  if (k->kind == QFK_TILE_DOT_U) {
    pack_dot(k, s, w, type, w_zero, packed);
    return;
  }
  for (uint32_t c0 = 0; c0 < (uint32_t)s->c; c0 += k->lanes)
    for (int32_t kx = 0; kx < s->kw; kx++)
      for (int32_t ky = 0; ky < s->kh; ky += 2)
        for (uint32_t slot = 0; slot < k->lanes; slot++)
          for (int32_t j = 0; j < 2; j++, dst++) {
            uint32_t c = c0 + channel_at(k, slot);
            *dst = 0;
            if (c < (uint32_t)s->c && ky + j < s->kh)
              *dst = (int16_t)weight_at(s, w, type, w_zero, (ky + j) * s->kw + kx, c);
          }
}

void qfk_dw_pack_vector(const QfkDwKernel *k, uint32_t n, const void *src, void *dst)
{
  uint32_t *out = dst;
  for (uint32_t c0 = 0; c0 < n; c0 += k->lanes)
    for (uint32_t slot = 0; slot < k->lanes; slot++) {
      uint32_t c = c0 + channel_at(k, slot);
      *out++ = src && c < n ? ((const uint32_t *)src)[c] : 0;
    }
}

/* Bytes of a value of a line. */
static size_t value_bytes(const QfkDwPlan *p)
{
  return p->any->kind == QFK_TILE_DOT_U ? 1 : sizeof(int16_t);
}

/* Values of one line: the padded row, and slack for the last block of channels; bytes are read two pixels at a time. */
static size_t line_values(const QfkDwPlan *p)
{
  const QfkConvShape *s = &p->s;
  const int32_t span = (s->ow - 1) * s->stride[1] + (s->kw - 1) * s->dilation[1] + 1;
  const size_t more = p->any->kind == QFK_TILE_DOT_U ? 2 * (size_t)s->c : 0;
  return ((size_t)span * (size_t)s->c + more + p->any->lanes + 31) / 32 * 32;
}

static uint32_t lines(const QfkDwPlan *p, uint32_t rows)
{
  return (rows - 1) * (uint32_t)p->s.stride[0] + (uint32_t)((p->s.kh - 1) * p->s.dilation[0]) + 1;
}

bool qfk_dw_plan(QfkDwPlan *p, QfkTileKind kind, uint32_t features, const QfkConvShape *s)
{
  *p = (QfkDwPlan){.s = *s};
  const bool spread = s->dilation[0] > 1 || s->dilation[1] > 1;
  const bool square = s->kh == s->kw && (!spread || (kind == QFK_TILE_F32 && s->stride[1] == 1));
  p->any = qfk_dw_find(kind, features, 0, 0);
  p->special = qfk_dw_find(kind, features, square ? s->kh : 0, square ? s->stride[1] : 0);
  if (kind == QFK_TILE_DOT_U)
    p->any = p->special;
  if (!p->any || !p->special || p->any->lanes != p->special->lanes)
    return false;
  p->rows = (uint32_t)MIN(s->oh, 4);
  if (kind != QFK_TILE_F32)
    while (p->rows < (uint32_t)s->oh && lines(p, p->rows + 1) * line_values(p) * value_bytes(p) <= ITEM_BYTES)
      p->rows++;
  uint32_t items = ((uint32_t)s->oh + p->rows - 1) / p->rows;
  p->rows = ((uint32_t)s->oh + items - 1) / items;
  return true;
}

uint32_t qfk_dw_items(const QfkDwPlan *p, uint32_t n_threads, uint32_t *parts)
{
  const uint32_t oh = (uint32_t)p->s.oh, least = (oh + p->rows - 1) / p->rows;
  *parts = MIN((least + n_threads - 1) / n_threads * n_threads, oh);
  return (uint32_t)p->s.n * *parts;
}

size_t qfk_dw_scratch(const QfkDwPlan *p)
{
  return p->any->kind == QFK_TILE_F32 ? 0 : lines(p, p->rows) * line_values(p) * value_bytes(p) + 64;
}

/* @n values as the kernel reads them. */
static void convert(const QfkDwPlan *p, uint8_t *dst, const uint8_t *src, size_t n)
{
  if (p->any->kind == QFK_TILE_S16)
    p->widen((int16_t *)(void *)dst, src, n, p->x_zero, p->x_signed);
  else if (!p->x_signed)
    memcpy(dst, src, n);
  else
    for (size_t i = 0; i < n; i++)
      dst[i] = src[i] ^ 0x80;
}

/* One padded line from input row @iy, which may be outside. */
static void make_line(const QfkDwPlan *p, const uint8_t *image, int32_t iy, uint8_t *line)
{
  const QfkConvShape *s = &p->s;
  const size_t c = (size_t)s->c, pixel = c * value_bytes(p);
  const int32_t span = (s->ow - 1) * s->stride[1] + (s->kw - 1) * s->dilation[1] + 1;
  const int32_t left = MIN(s->pad[1], span), used = MIN(s->w, span - left), right = span - left - used;
  const int32_t zero = p->any->kind == QFK_TILE_S16 ? 0 : p->x_zero + (p->x_signed ? 128 : 0);
  if (iy < 0 || iy >= s->h) {
    memset(line, zero, (size_t)span * pixel);
    return;
  }
  memset(line, zero, (size_t)left * pixel);
  convert(p, line + (size_t)left * pixel, image + (size_t)iy * (size_t)s->w * c, (size_t)used * c);
  memset(line + (size_t)(left + used) * pixel, zero, (size_t)right * pixel);
}

static void run_ints(const QfkDwPlan *p, int32_t begin, int32_t end, const uint8_t *image, uint8_t *y,
                     void *scratch)
{
  const QfkConvShape *s = &p->s;
  const size_t pitch = line_values(p), line = pitch * value_bytes(p);
  uint8_t *base = (uint8_t *)(((uintptr_t)scratch + 63) / 64 * 64);
  const int32_t first = begin * s->stride[0] - s->pad[0];
  int32_t made = first;
  for (int32_t oy = begin; oy < end; oy++) {
    const int32_t iy = oy * s->stride[0] - s->pad[0];
    for (; made <= iy + (s->kh - 1) * s->dilation[0]; made++)
      make_line(p, image, made, base + (size_t)(made - first) * line);
    QfkDwTile t = {.x = base + (size_t)(iy - first) * line,
                   .row = (ptrdiff_t)pitch * s->dilation[0],
                   .col = (ptrdiff_t)s->c * s->dilation[1],
                   .pixel = (ptrdiff_t)s->c * s->stride[1],
                   .w = p->w,
                   .rows = (uint32_t)s->kh,
                   .cols = (uint32_t)s->kw,
                   .n = (uint32_t)s->ow,
                   .c = (uint32_t)s->c,
                   .bias = p->bias,
                   .scale = p->scale,
                   .lo = p->lo,
                   .hi = p->hi,
                   .zero_point = p->y_zero,
                   .y_signed = p->y_signed,
                   .y = y + (size_t)oy * (size_t)s->ow * (size_t)s->c};
    p->special->run(&t);
  }
}

/* Taps of output coordinate @o that are inside, along dimension @d. */
static void taps_inside(const QfkConvShape *s, int d, int32_t o, int32_t *begin, int32_t *end)
{
  const int32_t taps = d ? s->kw : s->kh, size = d ? s->w : s->h, at = o * s->stride[d] - s->pad[d];
  *begin = 0;
  *end = taps;
  while (*begin < taps && at + *begin * s->dilation[d] < 0)
    ++*begin;
  while (*end > *begin && at + (*end - 1) * s->dilation[d] >= size)
    --*end;
}

/* Pixels [ox, ox + n) of a row, which all have the taps [kx0, kx1). With dilation, those that share taps go together. */
static void run_pixels(const QfkDwPlan *p, QfkDwTile *t, const float *row, int32_t ox, int32_t n, int32_t kx0,
                       int32_t kx1, float *y, const float *res)
{
  const QfkConvShape *s = &p->s;
  const bool all = kx1 - kx0 == s->kw;
  t->x = row + (ptrdiff_t)(ox * s->stride[1] - s->pad[1] + kx0 * s->dilation[1]) * s->c;
  const float *w = t->w;
  t->w = w + (ptrdiff_t)kx0 * s->c;
  t->cols = (uint32_t)(kx1 - kx0);
  const int32_t apart = all && p->special->taps ? s->dilation[1] : 1;
  t->pixel = (ptrdiff_t)apart * s->stride[1] * s->c;
  t->out = (ptrdiff_t)apart * s->c;
  for (int32_t i = 0; i < MIN(apart, n); i++, ox++, t->x = (const float *)t->x + s->c) {
    t->n = (uint32_t)((n - i + apart - 1) / apart);
    t->y = y + (size_t)ox * (size_t)s->c;
    t->res = res ? res + (size_t)ox * (size_t)s->c : NULL;
    (all ? p->special : p->any)->run(t);
  }
  t->w = w;
}

/* The whole row at once: at most one column is missing at either side. FALSE: not this kernel or layer. */
static bool run_whole(const QfkDwPlan *p, QfkDwTile *t, const float *row, float *y, const float *res)
{
  const QfkConvShape *s = &p->s;
  const int32_t over = (s->ow - 1) * s->stride[1] - s->pad[1] + s->kw - s->w;
  if (!p->special->borders || s->dilation[1] > 1 || s->pad[1] > 1 || over > 1 || s->c < p->special->lanes ||
      s->kw != 3)
    return false;
  t->x = row;
  t->pixel = (ptrdiff_t)s->stride[1] * s->c;
  t->out = s->c;
  t->cols = 3;
  t->n = (uint32_t)s->ow;
  t->y = y;
  t->res = res;
  t->cut_first = s->pad[1] > 0;
  t->cut_last = over > 0;
  p->special->run(t);
  return true;
}

static void run_row(const QfkDwPlan *p, int32_t oy, const float *image, float *y, const float *res)
{
  const QfkConvShape *s = &p->s;
  int32_t ky0, ky1;
  taps_inside(s, 0, oy, &ky0, &ky1);
  QfkDwTile t = {.row = (ptrdiff_t)s->w * s->c * s->dilation[0],
                 .col = (ptrdiff_t)s->c * s->dilation[1],
                 .w = (const float *)p->w + (ptrdiff_t)ky0 * s->kw * s->c,
                 .w_row = (ptrdiff_t)s->kw * s->c,
                 .w_col = s->c,
                 .rows = (uint32_t)(ky1 - ky0),
                 .c = (uint32_t)s->c,
                 .bias = p->bias,
                 .lo = p->lo,
                 .hi = p->hi};
  const float *row = image + (ptrdiff_t)(oy * s->stride[0] - s->pad[0] + ky0 * s->dilation[0]) * s->w * s->c;
  const bool whole = t.rows && run_whole(p, &t, row, y, res);
  for (int32_t ox = 0; ox < s->ow && !whole;) {
    int32_t kx0, kx1, n = 1;
    taps_inside(s, 1, ox, &kx0, &kx1);
    if (kx1 - kx0 == s->kw) /* as many as have their last tap inside */
      n = MIN(s->ow - ox, (s->w - 1 - (s->kw - 1) * s->dilation[1] + s->pad[1]) / s->stride[1] - ox + 1);
    run_pixels(p, &t, row, ox, n, kx0, kx1, y, res);
    ox += n;
  }
  if (p->act_fn && p->act.act != QFK_ACT_PRELU)
    p->act_fn(&p->act, y, (size_t)s->ow * (size_t)s->c, 0);
  else if (p->act_fn)
    for (int32_t ox = 0; ox < s->ow; ox++)
      p->act_fn(&p->act, y + (size_t)ox * (size_t)s->c, (size_t)s->c, 0);
}

/* The output row that comes at place @i: with dilation d first every d-th, which share rows of the image. */
static int32_t row_at(const QfkConvShape *s, int32_t i)
{
  const int32_t apart = s->stride[0] == 1 ? MIN(s->dilation[0], s->oh) : 1;
  const int32_t n = s->oh / apart, longer = s->oh % apart; /* rows of a set; so many sets have one more */
  const int32_t set = i < longer * (n + 1) ? i / (n + 1) : longer + (i - longer * (n + 1)) / n;
  return set + (i - set * n - MIN(set, longer)) * apart;
}

void qfk_dw_run(const QfkDwPlan *p, uint32_t parts, uint32_t item, const void *x, const void *res, void *y,
                void *scratch)
{
  const QfkConvShape *s = &p->s;
  const uint32_t image = item / parts, part = item % parts;
  const int32_t begin = (int32_t)((int64_t)s->oh * part / parts),
                end = (int32_t)((int64_t)s->oh * (part + 1) / parts);
  const size_t in = (size_t)image * (size_t)s->h * (size_t)s->w * (size_t)s->c;
  const size_t row = (size_t)s->ow * (size_t)s->c, out = (size_t)image * (size_t)s->oh * row;
  if (p->any->kind != QFK_TILE_F32) {
    run_ints(p, begin, end, (const uint8_t *)x + in, (uint8_t *)y + out, scratch);
    return;
  }
  for (int32_t i = begin; i < end; i++) {
    const int32_t oy = row_at(s, i);
    const size_t at = out + (size_t)oy * row;
    run_row(p, oy, (const float *)x + in, (float *)y + at, res ? (const float *)res + at : NULL);
  }
}
