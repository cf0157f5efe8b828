/* SPDX-License-Identifier: MIT */
/*
 * dwconv_hvx_plan.c - what a depthwise convolution for HVX is made of before it runs. Plain C, for any machine.
 *
 * The grid has phases in y only: along x neighbours must stay neighbours. Its width is a multiple of the stride.
 */
#include "dwthree_hvx.h"

#include <string.h>

static int32_t row_phase(const QfkConvShape *s, int32_t ky)
{
  return ky * s->dilation[0] % s->stride[0];
}

static int32_t row_shift(const QfkConvShape *s, int32_t ky)
{
  return ky * s->dilation[0] / s->stride[0];
}

static bool add_phases(QfkDwconvHvx *p)
{
  QfkGridHvx *g = &p->grid;
  if (p->s.stride[0] > 255)
    return false;
  for (int32_t ky = 0; ky < p->s.kh; ky++) {
    const int32_t phase = row_phase(&p->s, ky);
    if (qfk_grid_find(g, phase, 0) < g->n_phases)
      continue;
    if (g->n_phases == QFK_GRID_HVX_PHASES)
      return false;
    g->phase[g->n_phases++][0] = (uint8_t)phase;
  }
  return true;
}

static int32_t weight_at(const QfkDwconvHvx *p, const QfkIntArgs *q, const void *w, int32_t ky, int32_t kx,
                         int32_t c)
{
  return kx < p->s.kw ? qfk_load_int(w, q->w_type, (size_t)(ky * p->s.kw + kx) * p->s.c + c) -
                            (q->w_zero ? q->w_zero[c] : 0)
                      : 0;
}

static int32_t cut(int32_t weight)
{
  return weight < INT8_MIN ? INT8_MIN : weight > INT8_MAX ? INT8_MAX : weight;
}

/* What int8 takes in each round is cut off. */
static int32_t rounds_of(const QfkDwconvHvx *p, const QfkIntArgs *q, const void *w)
{
  int32_t rounds = 1;
  if (!q->w_zero && q->w_type == QFK_S8)
    return 1;
  for (int32_t i = 0; i < p->s.kh * p->s.kw * p->s.c; i++) {
    const int32_t tap = i / p->s.c;
    int32_t v = weight_at(p, q, w, tap / p->s.kw, tap % p->s.kw, i % p->s.c), n = 1;
    while ((v -= cut(v)) != 0)
      n++;
    rounds = n > rounds ? n : rounds;
  }
  return rounds;
}

void qfk_dwconv_hvx_set_rounds(QfkDwconvHvx *p, int32_t rounds)
{
  if (rounds > 1)
    p->three = (QfkDwthreeHvx){0};
  p->rounds = rounds;
  p->taps = p->s.kh * p->words * rounds;
}

bool qfk_dwconv_hvx_init(QfkDwconvHvx *p, const QfkConvShape *s, const QfkIntArgs *q, const void *w,
                         int32_t rows)
{
  const QfkRequant *r = &q->requant;
  const int32_t step = s->stride[1];
  if (q->x_type > QFK_S8 || q->y_type > QFK_S8 || q->w_type > QFK_S8 || !r->fixed || !r->once || r->wide ||
      s->oc != s->c || !qfk_hvx_zeros_fit(q, s->oc) || step < 1 || step > 2 || s->dilation[1] != 1)
    return false;
  *p = (QfkDwconvHvx){.s = *s,
                      .rows = rows,
                      .words = (s->kw + 3) / 4,
                      .out = qfk_hvx_out(q->y_type, r->zero_point, r->lo, r->hi)};
  p->s.n = 1;
  p->pitch = ((s->ow - 1) * step + s->kw + step - 1) / step;
  p->grid = (QfkGridHvx){.h = s->h,
                         .w = s->w,
                         .stride = {s->stride[0], 1},
                         .pad = {s->pad[0], s->pad[1]},
                         .gh = rows + row_shift(s, s->kh - 1),
                         .gw = p->pitch * step,
                         .flip = qfk_hvx_flip(q->x_type)};
  p->grid.fill = (uint8_t)(q->x_zero + p->grid.flip);
  for (int32_t c = 0; c < s->oc; c++)
    p->shifted |= r->fixed[r->per_channel ? c : 0].shift != 0;
  qfk_dwthree_hvx_init(p);
  qfk_dwconv_hvx_set_rounds(p, rounds_of(p, q, w));
  return add_phases(p);
}

size_t qfk_dwconv_hvx_offsets(const QfkDwconvHvx *p)
{
  return p->three.rows ? 0 : (size_t)p->taps;
}

size_t qfk_dwconv_hvx_words(const QfkDwconvHvx *p)
{
  return p->three.rows ? (size_t)qfk_dwthree_hvx_words(p) : qfk_dwconv_hvx_offsets(p);
}

size_t qfk_dwconv_hvx_weights(const QfkDwconvHvx *p)
{
  return qfk_dwconv_hvx_words(p) * qfk_dwconv_hvx_channels(p);
}

size_t qfk_dwconv_hvx_channels(const QfkDwconvHvx *p)
{
  return (size_t)qfk_d4_planes(p->s.c) * 4;
}

void qfk_dwconv_hvx_fill_offsets(const QfkDwconvHvx *p, int32_t *offsets)
{
  const QfkConvShape *s = &p->s;
  for (int32_t k = 0; k < (int32_t)qfk_dwconv_hvx_offsets(p); k++) {
    const int32_t ky = k / p->words % s->kh;
    offsets[k] = (qfk_grid_find(&p->grid, row_phase(s, ky), 0) * p->grid.gh + row_shift(s, ky)) * p->grid.gw +
                 k % p->words * 4;
  }
}

/* A channel's weights, by words of four columns; returns their sum. */
static int32_t pack_rows(const QfkDwconvHvx *p, const QfkIntArgs *q, const void *w, int32_t c, int8_t *to)
{
  int32_t sum = 0;
  for (int32_t k = 0; k < p->taps * 4; k++) {
    const int32_t row = k / 4 / p->words;
    int32_t v = weight_at(p, q, w, row % p->s.kh, k / 4 % p->words * 4 + k % 4, c);
    for (int32_t round = row / p->s.kh; round > 0; round--)
      v -= cut(v);
    to[k] = (int8_t)cut(v);
    sum += to[k];
  }
  return sum;
}

/* Likewise, by words of four rows: output row r of a word begins with its row r. Rows of a column follow each other. */
static int32_t pack_columns(const QfkDwconvHvx *p, const QfkIntArgs *q, const void *w, int32_t c, int8_t *to)
{
  int32_t sum = 0;
  for (int32_t r = 0; r < p->three.rows; r++)
    for (int32_t kx = 0; kx < p->s.kw; kx++)
      for (int32_t ky = 0; ky < p->s.kh; ky++) {
        const int32_t v = weight_at(p, q, w, ky, kx, c);
        to[(kx * p->three.rows + r) * 4 + r + ky] = (int8_t)v;
        sum += r ? 0 : v;
      }
  return sum;
}

/* Of a channel's sums the least and the largest, with its @bias. */
static bool is_narrow(const QfkDwconvHvx *p, const QfkIntArgs *q, const void *w, int32_t c, QfkFixed f)
{
  int64_t least = q->bias ? q->bias[c] : 0, most = least;
  for (int32_t i = 0; i < p->s.kh * p->s.kw; i++) {
    const int32_t v = weight_at(p, q, w, i / p->s.kw, i % p->s.kw, c);
    least -= (int64_t)v * p->grid.fill - (v < 0 ? 255 * v : 0);
    most -= (int64_t)v * p->grid.fill - (v > 0 ? 255 * v : 0);
  }
  return qfk_dwthree_hvx_narrow(p, f, least, most);
}

void qfk_dwconv_hvx_pack(const QfkDwconvHvx *p, const QfkIntArgs *q, const void *w, int32_t *offsets,
                         int32_t *weights, int32_t *bias, int32_t *multiplier, int32_t *shift)
{
  const QfkConvShape *s = &p->s;
  const size_t n = qfk_dwconv_hvx_channels(p), words = qfk_dwconv_hvx_words(p);
  memset(weights, 0, words * n * sizeof(*weights));
  memset(bias, 0, n * sizeof(*bias));
  memset(multiplier, 0, n * sizeof(*multiplier));
  memset(shift, 0, n * sizeof(*shift));
  qfk_dwconv_hvx_fill_offsets(p, offsets);
  for (int32_t c = 0; c < s->c; c++) {
    const QfkFixed f = q->requant.fixed[q->requant.per_channel ? c : 0];
    const int32_t sum =
        (p->three.rows ? pack_columns : pack_rows)(p, q, w, c, (int8_t *)(weights + c * words));
    bias[c] = (int32_t)((uint32_t)(q->bias ? q->bias[c] : 0) - (uint32_t)p->grid.fill * (uint32_t)sum);
    multiplier[c] = f.multiplier;
    shift[c] = f.shift;
    if (p->three.rows)
      weights[(c + 1) * words - 1] = is_narrow(p, q, w, c, f);
  }
  for (size_t c = (size_t)s->c; c < n && p->three.rows; c++) /* they are of no concern */
    weights[(c + 1) * words - 1] = true;
}

size_t qfk_dwconv_hvx_part(const QfkDwconvHvx *p)
{
  return ((size_t)p->grid.n_phases * p->grid.gh * p->grid.gw + 127) / 128 * 128 + 768;
}

size_t qfk_dwconv_hvx_pixels(const QfkDwconvHvx *p)
{
  return ((size_t)p->rows * p->pitch + 127) / 128 * 128;
}

/* The grid of a plane, its four parts, the sums of a channel, results of four channels, results of the plane. */
size_t qfk_dwconv_hvx_scratch(const QfkDwconvHvx *p)
{
  const size_t part = qfk_dwconv_hvx_part(p), pixels = qfk_dwconv_hvx_pixels(p);
  if (p->three.rows)
    return qfk_dwthree_hvx_scratch(p);
  return 4 * (part + 128) + 4 * part + 4 * pixels + 4 * pixels + 4 * pixels + 1024;
}
