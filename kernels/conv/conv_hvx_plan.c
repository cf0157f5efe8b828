/* SPDX-License-Identifier: MIT */
/*
 * conv_hvx_plan.c - what a convolution for HVX is made of before it runs: grid, offsets, packed weights. Plain C, for any machine.
 *
 * Output pixel (y, x) of a run is at y * gw + x of every plane of the grid; tap (ky, kx) is a phase of the stride and a shift.
 */
#include "conv_hvx.h"

#include <string.h>

/* A tap along dimension @d: its phase and its shift in the grid. */
static int32_t tap_phase(const QfkConvShape *s, int d, int32_t k)
{
  return k * s->dilation[d] % s->stride[d];
}

static int32_t tap_shift(const QfkConvShape *s, int d, int32_t k)
{
  return k * s->dilation[d] / s->stride[d];
}

static int32_t find_phase(const QfkConvHvx *p, int32_t ky, int32_t kx)
{
  return qfk_grid_find(&p->grid, tap_phase(&p->s, 0, ky), tap_phase(&p->s, 1, kx));
}

static bool add_phases(QfkConvHvx *p)
{
  const QfkConvShape *s = &p->s;
  QfkGridHvx *g = &p->grid;
  if (s->stride[0] > 255 || s->stride[1] > 255)
    return false;
  for (int32_t ky = 0; ky < s->kh; ky++)
    for (int32_t kx = 0; kx < s->kw; kx++) {
      if (find_phase(p, ky, kx) < g->n_phases)
        continue;
      if (g->n_phases == QFK_GRID_HVX_PHASES)
        return false;
      g->phase[g->n_phases][0] = (uint8_t)tap_phase(s, 0, ky);
      g->phase[g->n_phases++][1] = (uint8_t)tap_phase(s, 1, kx);
    }
  return true;
}

/* Weight (step, four) of output channel @oc without its zero point; what only fills a plane up is 0. */
static int32_t weight_at(const QfkConvHvx *p, const QfkIntArgs *q, const void *w, int32_t step, int32_t four,
                         int32_t oc)
{
  const int32_t cg = p->s.c / p->s.group, tap = step / p->planes, c = step % p->planes * 4 + four;
  if (c >= cg)
    return 0;
  return qfk_load_int(w, q->w_type, (size_t)(tap * cg + c) * p->s.oc + oc) - (q->w_zero ? q->w_zero[oc] : 0);
}

/* What is left of a weight after it has been cut to int8 @rounds times, and been cut so much less. */
static int32_t rest_of(int32_t weight, int rounds)
{
  while (rounds-- > 0)
    weight -= weight < INT8_MIN ? INT8_MIN : weight > INT8_MAX ? INT8_MAX : weight;
  return weight;
}

static int32_t cut(int32_t weight)
{
  return weight < INT8_MIN ? INT8_MIN : weight > INT8_MAX ? INT8_MAX : weight;
}

/* Whether any output channel has a rest after @rounds in @step. */
static bool has_rest(const QfkConvHvx *p, const QfkIntArgs *q, const void *w, int32_t step, int rounds)
{
  for (int32_t i = 0; i < 4 * p->s.oc; i++)
    if (rest_of(weight_at(p, q, w, step, i % 4, i / 4), rounds))
      return true;
  return false;
}

/* Fills @rests if not NULL; returns their number. */
static int32_t find_rests(const QfkConvHvx *p, const QfkIntArgs *q, const void *w, int32_t *rests)
{
  const int32_t steps = p->s.kh * p->s.kw * p->planes;
  int32_t n = 0;
  if (!q->w_zero && q->w_type == QFK_S8)
    return 0;
  for (int32_t step = 0; step < steps; step++)
    for (int rounds = 1; rounds <= 2 && has_rest(p, q, w, step, rounds); rounds++, n++)
      if (rests)
        rests[n] = step;
  return n;
}

void qfk_conv_hvx_rests(const QfkConvHvx *p, const QfkIntArgs *q, const void *w, int32_t *rests)
{
  find_rests(p, q, w, rests);
}

void qfk_conv_hvx_add_rests(QfkConvHvx *p, int32_t n)
{
  p->rests += n;
  p->steps += n;
}

bool qfk_conv_hvx_init(QfkConvHvx *p, const QfkConvShape *s, const QfkIntArgs *q, const void *w, int32_t rows)
{
  const QfkRequant *r = &q->requant;
  const int32_t cg = s->c / s->group, og = s->oc / s->group;
  if (q->x_type > QFK_S8 || q->y_type > QFK_S8 || q->w_type > QFK_S8 || !r->fixed || !r->once || r->wide ||
      !qfk_hvx_zeros_fit(q, s->oc) || (s->group > 1 && (cg % 4 || og % 4)))
    return false;
  *p = (QfkConvHvx){.s = *s,
                    .rows = rows,
                    .planes = qfk_d4_planes(cg),
                    .blocks = (og + QFK_CONV_HVX_CHANNELS - 1) / QFK_CONV_HVX_CHANNELS,
                    .out = qfk_hvx_out(q->y_type, r->zero_point, r->lo, r->hi)};
  const uint8_t flip = qfk_hvx_flip(q->x_type);
  p->s.n = 1;
  p->steps = s->kh * s->kw * p->planes;
  p->direct = s->kh == 1 && s->kw == 1 && s->stride[0] == 1 && s->stride[1] == 1 && !s->pad[0] &&
              !s->pad[1] && s->oh <= s->h && s->ow == s->w && !flip;
  p->grid = (QfkGridHvx){.h = s->h,
                         .w = s->w,
                         .stride = {s->stride[0], s->stride[1]},
                         .pad = {s->pad[0], s->pad[1]},
                         .gh = p->direct ? s->h : rows + tap_shift(s, 0, s->kh - 1),
                         .gw = s->ow + tap_shift(s, 1, s->kw - 1),
                         .flip = flip,
                         .fill = (uint8_t)(q->x_zero + flip)};
  for (int32_t c = 0; c < s->oc; c++)
    p->shifted |= r->fixed[r->per_channel ? c : 0].shift != 0;
  if (!add_phases(p))
    return false;
  qfk_conv_hvx_add_rests(p, find_rests(p, q, w, NULL));
  return true;
}

size_t qfk_conv_hvx_offsets(const QfkConvHvx *p)
{
  return (size_t)p->steps + 1;
}

size_t qfk_conv_hvx_weights(const QfkConvHvx *p)
{
  return qfk_conv_hvx_channels(p) * (size_t)p->steps * 4 + 32;
}

size_t qfk_conv_hvx_channels(const QfkConvHvx *p)
{
  return (size_t)p->s.group * (size_t)p->blocks * QFK_CONV_HVX_CHANNELS;
}

void qfk_conv_hvx_fill_offsets(const QfkConvHvx *p, const int32_t *rests, int32_t *offsets)
{
  const QfkConvShape *s = &p->s;
  const int32_t steps = p->steps - p->rests;
  const int32_t plane = p->grid.gh * p->grid.gw * 4, all = p->planes * s->group;
  for (int32_t step = 0; step < steps; step++) {
    const int32_t tap = step / p->planes, ky = tap / s->kw, kx = tap % s->kw;
    offsets[step] = (find_phase(p, ky, kx) * all + step % p->planes) * plane +
                    (tap_shift(s, 0, ky) * p->grid.gw + tap_shift(s, 1, kx)) * 4;
  }
  for (int32_t i = 0; i < p->rests; i++)
    offsets[steps + i] = offsets[rests[i]];
  offsets[p->steps] = 0; /* read ahead, not used */
}

/* One channel's weights; returns their sum. */
static int32_t pack_channel(const QfkConvHvx *p, const QfkIntArgs *q, const void *w, const int32_t *rests,
                            int32_t oc, int8_t *to)
{
  const int32_t steps = p->steps - p->rests;
  int32_t sum = 0;
  for (int32_t k = 0; k < p->steps; k++, to += 4 * QFK_CONV_HVX_CHANNELS) {
    const int32_t step = k < steps ? k : rests[k - steps];
    const int rounds = k < steps ? 0 : k > steps && rests[k - steps - 1] == step ? 2 : 1;
    for (int32_t i = 0; i < 4; i++) {
      to[i] = (int8_t)cut(rest_of(weight_at(p, q, w, step, i, oc), rounds));
      sum += to[i];
    }
  }
  return sum;
}

void qfk_conv_hvx_pack(const QfkConvHvx *p, const QfkIntArgs *q, const void *w, const int32_t *rests,
                       int32_t *offsets, int8_t *weights, int32_t *bias, int32_t *multiplier, int32_t *shift)
{
  const int32_t og = p->s.oc / p->s.group;
  const size_t n = qfk_conv_hvx_channels(p);
  memset(weights, 0, qfk_conv_hvx_weights(p));
  memset(bias, 0, n * sizeof(*bias));
  memset(multiplier, 0, n * sizeof(*multiplier));
  memset(shift, 0, n * sizeof(*shift));
  qfk_conv_hvx_fill_offsets(p, rests, offsets);
  for (int32_t oc = 0; oc < p->s.oc; oc++) {
    const int32_t slot = oc / og * p->blocks * QFK_CONV_HVX_CHANNELS + oc % og;
    const int32_t block = slot / QFK_CONV_HVX_CHANNELS, lane = slot % QFK_CONV_HVX_CHANNELS;
    const QfkFixed f = q->requant.fixed[q->requant.per_channel ? oc : 0];
    const int32_t sum = pack_channel(p, q, w, rests, oc,
                                     weights + ((size_t)block * p->steps * QFK_CONV_HVX_CHANNELS + lane) * 4);
    /* Padding counts as the zero point, so all of it goes into the bias. */
    bias[slot] = (int32_t)((uint32_t)(q->bias ? q->bias[oc] : 0) - (uint32_t)p->grid.fill * (uint32_t)sum);
    multiplier[slot] = f.multiplier;
    shift[slot] = f.shift;
  }
}

size_t qfk_conv_hvx_scratch(const QfkConvHvx *p)
{
  const size_t plane = (size_t)p->grid.gh * (size_t)p->grid.gw * 4;
  const size_t grid =
      p->direct ? 0 : (size_t)p->grid.n_phases * p->planes * p->s.group * plane + QFK_D4_SLACK;
  const size_t pixels = (size_t)p->rows * p->grid.gw + QFK_CONV_HVX_PIXELS;
  return (grid + 127) / 128 * 128 + 2 * (pixels * 4 + 127) / 128 * 128 + 128;
}
