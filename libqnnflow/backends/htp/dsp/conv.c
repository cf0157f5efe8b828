/* SPDX-License-Identifier: MIT */
/*
 * conv.c - steps that convolve. Grids and offsets are made here, of the shape; what comes from the host is weights and numbers by channel.
 *
 * A job is some rows of some output channels of an image.
 */
#include "step.h"
#include "kernels/conv/conv16_hvx.h"
#include "kernels/dwconv/dwconv16_hvx.h"

#include <string.h>

#define MOST_DIM (1 << 20)
#define MOST_GRID (UINT64_C(1) << 28) /* bytes: offsets in it are 32 bits */

typedef struct {
  union {
    QfkConvHvx conv;
    QfkDwconvHvx dw;
    QfkConv16Hvx conv16;
    QfkDwconv16Hvx dw16;
  } p;
  bool wide;             /* 16 bits */
  int32_t tiles, chunks; /* of an image: of rows, of channels */
  int32_t blocks;        /* of a chunk */
  int32_t n_blocks;
  size_t x_image, y_image; /* bytes */
  int32_t stage_rows;      /* of a half of the stage */
  uint32_t stage_bytes;    /* of a half */
  const int32_t *stage_offsets;
} Form;

/* Fewer blocks take less time than what they read takes to come. */
#define STAGE_BLOCKS 4

static bool dims_are_sound(const QfDspConv *c, bool wide)
{
  const int32_t dims[] = {c->n, c->h, c->w, c->c, c->oh, c->ow, c->oc};
  for (int i = 0; i < 7; i++)
    if (!qf_dsp_within(dims[i], 1, MOST_DIM))
      return false;
  for (int i = 0; i < 2; i++)
    if (!qf_dsp_within(c->stride[i], 1, 255) || !qf_dsp_within(c->dilation[i], 1, 4096) ||
        !qf_dsp_within(c->pad[i], 0, MOST_DIM))
      return false;
  return qf_dsp_within(c->kh, 1, 4096) && qf_dsp_within(c->kw, 1, 4096) && qf_dsp_within(c->group, 1, c->c) &&
         c->c % c->group == 0 && c->oc % c->group == 0 && qf_dsp_within(c->rows, 1, c->oh) &&
         qf_dsp_within(c->blocks, 1, MOST_DIM) && qf_dsp_within(c->x_signed, 0, wide) &&
         (wide ? qf_dsp_is_wide_zero(c->x_zero, c->x_signed) : qf_dsp_within(c->x_zero, 0, 255)) &&
         qf_dsp_within(c->shifted, wide, 1) && qf_dsp_within(c->rests, 0, MOST_DIM);
}

static QfkConvShape shape_of(const QfDspConv *c)
{
  return (QfkConvShape){.n = 1,
                        .h = c->h,
                        .w = c->w,
                        .c = c->c,
                        .oh = c->oh,
                        .ow = c->ow,
                        .oc = c->oc,
                        .kh = c->kh,
                        .kw = c->kw,
                        .stride = {c->stride[0], c->stride[1]},
                        .dilation = {c->dilation[0], c->dilation[1]},
                        .pad = {c->pad[0], c->pad[1]},
                        .group = c->group};
}

/* As the kernels' plans want it; weights are packed, so they are not asked for their values. */
static QfkIntArgs args_of(const QfDspConv *c, bool wide, QfkFixed *one)
{
  *one = (QfkFixed){0, wide ? QFK_HVX_WIDE_LEAST_SHIFT : c->shifted};
  return (QfkIntArgs){.x_type = !wide         ? QFK_U8
                                : c->x_signed ? QFK_S16
                                              : QFK_U16,
                      .w_type = QFK_S8,
                      .y_type = wide ? QFK_U16 : QFK_U8,
                      .x_zero = c->x_zero,
                      .requant = {.lo = 0, .hi = 255, .fixed = one, .once = true, .wide = wide}};
}

/* What lies behind the parameters. */
static const int32_t *shifts_of(const QfDspConv *c)
{
  return (const int32_t *)(const void *)(c + 1);
}

static const int32_t *rests_of(const QfDspConv *c, size_t channels)
{
  return shifts_of(c) + (c->shifted ? channels : 0);
}

/* Numbers by channel: bias, multipliers (constants), shifts (parameters). */
static bool channels_are_sound(const QfDspPlan *p, const QfDspConv *c, bool wide, uint64_t n)
{
  if (n > MOST_DIM * 2 || !qf_dsp_is_constant(&p->in[2], n * 4) || !qf_dsp_is_constant(&p->in[3], n * 4) ||
      (wide && !qf_dsp_is_constant(&p->in[4], n * 4)) || (c->shifted && p->params_bytes < sizeof(*c) + n * 4))
    return false;
  return !c->shifted || qf_dsp_are_shifts(shifts_of(c), n, wide);
}

/* Steps that come again are among the @steps others. */
static bool rests_are_sound(const QfDspPlan *p, const QfDspConv *c, uint64_t channels, int32_t steps)
{
  const uint64_t before = sizeof(*c) + (c->shifted ? channels * 4 : 0);
  if (p->params_bytes < before + (uint64_t)c->rests * 4)
    return false;
  for (int32_t i = 0; i < c->rests; i++)
    if (!qf_dsp_within(rests_of(c, channels)[i], 0, steps - 1))
      return false;
  return true;
}

static bool images_are_sound(const QfDspPlan *p, const QfDspConv *c, bool wide)
{
  return qf_dsp_is_d4_of(&p->in[0], 1 + wide, c->n, c->c, c->h, c->w) &&
         qf_dsp_is_d4_of(&p->out[0], 1 + wide, c->n, c->oc, c->oh, c->ow);
}

/* What both have behind their plans: tiles, and the arrays behind the form: offsets, then shifts. */
static void finish_form(QfDspPlan *p, Form *f, size_t offsets, size_t channels, int32_t **shift)
{
  const QfDspConv *c = p->params;
  f->tiles = (c->oh + c->rows - 1) / c->rows;
  f->blocks = c->blocks < f->n_blocks ? c->blocks : f->n_blocks;
  f->chunks = (f->n_blocks + f->blocks - 1) / f->blocks;
  f->x_image = qfk_d4_bytes(c->c, c->h, c->w) << f->wide;
  f->y_image = qfk_d4_bytes(c->oc, c->oh, c->ow) << f->wide;
  p->form_bytes = sizeof(*f) + (offsets + channels) * 4;
  p->rows = (uint32_t)c->rows;
  p->jobs = (uint32_t)QF_DSP_PRODUCT(c->n, f->tiles, f->chunks);
  if (!p->form)
    return;
  *shift = (int32_t *)(void *)(p->form + sizeof(*f)) + offsets;
  memset(*shift, 0, channels * 4);
  if (c->shifted)
    memcpy(*shift, shifts_of(c), channels * 4);
}

/* A kernel's plan without its pointers, and what it takes. */
static bool init_conv(const QfDspPlan *p, Form *f, QfkConvHvx **plan)
{
  const QfDspConv *c = p->params;
  QfkFixed one;
  QfkConvHvx *k = *plan = f->wide ? &f->p.conv16.c : &f->p.conv;
  if (!dims_are_sound(c, f->wide) || !images_are_sound(p, c, f->wide))
    return false;
  const QfkConvShape s = shape_of(c);
  const QfkIntArgs q = args_of(c, f->wide, &one);
  if (!QF_DSP_PRODUCT(s.kh, s.kw, qfk_d4_planes(s.c / s.group), s.oc / s.group + 8, s.group, 4) ||
      !(f->wide ? qfk_conv16_hvx_init(&f->p.conv16, &s, &q, NULL, c->rows) &&
                      qf_dsp_wide_out(&c->out, &f->p.conv16.out)
                : qfk_conv_hvx_init(k, &s, &q, NULL, c->rows) && qf_dsp_out(&c->out, &k->out)))
    return false;
  qfk_conv_hvx_add_rests(k, c->rests);
  const int32_t all = k->planes * s.group;
  const uint64_t grid =
      k->direct ? 4 : QF_DSP_PRODUCT(4 << f->wide, k->grid.n_phases, all, k->grid.gh, k->grid.gw);
  f->n_blocks = k->blocks;
  return grid && grid <= MOST_GRID && QF_DSP_PRODUCT(16, c->rows, k->grid.gw) &&
         QF_DSP_PRODUCT(k->steps, s.oc / s.group + 8, s.group, 4) && (s.group == 1 || c->blocks >= k->blocks);
}

/* A 1x1 convolution reads its input in place, again for each block of channels. Where that is not VTCM, rows of it go through the stage, a
 * half after the other, while the half before is used. Other filters copy theirs into the grid anyway. */
static void plan_stage(QfDspPlan *p, Form *f)
{
  const QfkConvHvx *k = &f->p.conv;
  const uint64_t scratch = qf_dsp_round(p->scratch_bytes),
                 row = (uint64_t)k->planes * (uint64_t)k->grid.gw * 4;
  if (!k->direct || k->s.group > 1 || f->blocks < STAGE_BLOCKS || p->in[0].region == QF_DSP_VTCM ||
      p->vtcm_share < scratch + 2 * (row + 2 * QF_DSP_SLACK))
    return;
  const uint64_t fit = ((p->vtcm_share - scratch) / 2 - 2 * QF_DSP_SLACK) / row;
  const int32_t half = (k->rows + 1) / 2, rows = fit < (uint64_t)half ? (int32_t)fit : half;
  if (rows * (int64_t)k->grid.gw < QFK_CONV_HVX_PIXELS)
    return;
  f->stage_rows = rows;
  f->stage_bytes = (uint32_t)qf_dsp_round(row * (uint64_t)rows + QF_DSP_SLACK);
  p->stage_bytes = 2 * (uint64_t)f->stage_bytes;
  p->moved_bytes = (uint64_t)((const QfDspConv *)p->params)->n * (uint64_t)f->chunks * f->x_image;
}

static bool plan_conv(QfDspPlan *p, bool wide)
{
  const QfDspConv *c = p->params;
  Form f = {.wide = wide};
  QfkConvHvx *k;
  int32_t *shift = NULL;
  if (!init_conv(p, &f, &k))
    return false;
  const size_t offsets = qfk_conv_hvx_offsets(k), channels = qfk_conv_hvx_channels(k);
  if (!channels_are_sound(p, c, wide, channels) || !rests_are_sound(p, c, channels, k->steps - c->rests) ||
      !qf_dsp_is_constant(&p->in[1], qfk_conv_hvx_weights(k)))
    return false;
  finish_form(p, &f, offsets, channels, &shift);
  p->scratch_bytes = wide ? qfk_conv16_hvx_scratch(&f.p.conv16) : qfk_conv_hvx_scratch(k);
  if (!wide)
    plan_stage(p, &f);
  p->form_bytes += f.stage_rows ? offsets * 4 : 0;
  if (!p->form)
    return p->jobs != 0;
  int32_t *at = (int32_t *)(void *)(p->form + sizeof(f));
  if (wide)
    qfk_conv16_hvx_fill_offsets(&f.p.conv16, rests_of(c, channels), at);
  else
    qfk_conv_hvx_fill_offsets(k, rests_of(c, channels), at);
  if (f.stage_rows) {
    QfkConvHvx staged = *k;
    int32_t *more = shift + channels;
    staged.grid.gh = f.stage_rows;
    qfk_conv_hvx_fill_offsets(&staged, rests_of(c, channels), more);
    f.stage_offsets = more;
  }
  k->offsets = at;
  k->weights = p->in[1].data;
  k->bias = p->in[2].data;
  k->multiplier = p->in[3].data;
  k->shift = shift;
  if (wide)
    f.p.conv16.first_high = p->in[4].data;
  memcpy(p->form, &f, sizeof(f));
  return true;
}

bool qf_dsp_conv_plan(QfDspPlan *p)
{
  return plan_conv(p, false);
}

bool qf_dsp_conv16_plan(QfDspPlan *p)
{
  return plan_conv(p, true);
}

/* Which image, rows and channels a job is. */
typedef struct {
  int32_t image, y0, block, blocks;
} Place;

static Place place_of(const Form *f, uint32_t job, int32_t rows)
{
  const int32_t of_image = f->tiles * f->chunks, rest = (int32_t)job % of_image;
  const int32_t block = rest / f->tiles * f->blocks, left = f->n_blocks - block;
  return (Place){(int32_t)job / of_image, rest % f->tiles * rows, block, left < f->blocks ? left : f->blocks};
}

/* Makes @k a convolution with fewer output channels; returns the first. */
static int32_t take_blocks(QfkConvHvx *k, const Place *at)
{
  const int32_t first = at->block * QFK_CONV_HVX_CHANNELS, left = k->s.oc - first;
  k->s.oc = left < at->blocks * QFK_CONV_HVX_CHANNELS ? left : at->blocks * QFK_CONV_HVX_CHANNELS;
  k->blocks = at->blocks;
  k->weights += (ptrdiff_t)first * k->steps * 4;
  k->bias += first;
  k->multiplier += first;
  k->shift += first;
  return first;
}

/* Begins to copy @rows rows of all planes from row @y0 on. */
static void fetch(const Form *f, const QfkConvHvx *k, const uint8_t *x, int32_t y0, int32_t rows,
                  const QfDspScratch *scratch, uint8_t *to)
{
  const uint32_t row = (uint32_t)k->grid.gw * 4;
  scratch->port->copy2d(scratch->port, scratch->queue, to, row * (uint32_t)f->stage_rows,
                        x + (size_t)y0 * row, row * (uint32_t)k->s.h, row * (uint32_t)rows,
                        (uint32_t)k->planes);
}

static void run_staged(const Form *f, const QfkConvHvx *of_job, const uint8_t *x, int32_t y0, uint8_t *y,
                       const QfDspScratch *scratch)
{
  QfkConvHvx k = *of_job;
  const int32_t end = y0 + k.rows < k.s.oh ? y0 + k.rows : k.s.oh, most = f->stage_rows;
  k.offsets = f->stage_offsets;
  k.grid.gh = most;
  fetch(f, of_job, x, y0, end - y0 < most ? end - y0 : most, scratch, scratch->stage);
  for (int32_t at = y0, half = 0; at < end; at += most, half = !half) {
    const int32_t next = at + most, left = end - next;
    scratch->port->copy_wait(scratch->port, scratch->queue);
    if (left > 0)
      fetch(f, of_job, x, next, left < most ? left : most, scratch,
            scratch->stage + (half ? 0 : f->stage_bytes));
    k.rows = left < 0 ? end - at : most;
    qfk_conv_s8_hvx(&k, scratch->stage + (half ? f->stage_bytes : 0), 0, y + (size_t)at * (size_t)k.s.ow * 4,
                    scratch->vectors);
  }
}

void qf_dsp_conv_job(const QfDspCall *call, uint32_t job, const QfDspScratch *scratch)
{
  const Form *f = call->form;
  QfkConvHvx k = f->p.conv;
  const Place at = place_of(f, job, k.rows);
  uint8_t *y = call->out[0] + (size_t)at.image * f->y_image;
  if (f->chunks > 1)
    y += qfk_d4_bytes(take_blocks(&k, &at), k.s.oh, k.s.ow);
  const uint8_t *x = call->in[0] + (size_t)at.image * f->x_image;
  if (scratch->stage)
    run_staged(f, &k, x, at.y0, y, scratch);
  else
    qfk_conv_s8_hvx(&k, x, at.y0, y, scratch->vectors);
}

void qf_dsp_conv16_job(const QfDspCall *call, uint32_t job, const QfDspScratch *scratch)
{
  const Form *f = call->form;
  QfkConv16Hvx k = f->p.conv16;
  const Place at = place_of(f, job, k.c.rows);
  uint8_t *y = call->out[0] + (size_t)at.image * f->y_image;
  const int32_t first = f->chunks > 1 ? take_blocks(&k.c, &at) : 0;
  k.first_low = k.c.bias;
  k.first_high += first;
  qfk_conv_s16_hvx(&k, call->in[0] + (size_t)at.image * f->x_image, at.y0,
                   y + 2 * qfk_d4_bytes(first, k.c.s.oh, k.c.s.ow), scratch->vectors);
}

static bool init_dwconv(const QfDspPlan *p, Form *f, QfkDwconvHvx **plan)
{
  const QfDspConv *c = p->params;
  QfkFixed one;
  QfkDwconvHvx *k = *plan = f->wide ? &f->p.dw16.d : &f->p.dw;
  if (!dims_are_sound(c, f->wide) || c->c != c->oc || c->rests > 2 || !images_are_sound(p, c, f->wide))
    return false;
  const QfkConvShape s = shape_of(c);
  const QfkIntArgs q = args_of(c, f->wide, &one);
  if (!(f->wide ? qfk_dwconv16_hvx_init(&f->p.dw16, &s, &q, NULL, c->rows) &&
                      qf_dsp_wide_out(&c->out, &f->p.dw16.out)
                : qfk_dwconv_hvx_init(k, &s, &q, NULL, c->rows) && qf_dsp_out(&c->out, &k->out)))
    return false;
  qfk_dwconv_hvx_set_rounds(k, c->rests + 1);
  const uint64_t grid = QF_DSP_PRODUCT(4 << f->wide, k->grid.n_phases, k->grid.gh, k->grid.gw);
  f->n_blocks = qfk_d4_planes(s.c);
  return grid && grid <= MOST_GRID && QF_DSP_PRODUCT(32, c->rows, k->pitch) &&
         QF_DSP_PRODUCT(12, k->words, s.kh, s.c + 4, 4) &&
         (!k->three.rows || QF_DSP_PRODUCT(64, k->three.groups, k->three.pitch + 128));
}

static bool plan_dwconv(QfDspPlan *p, bool wide)
{
  const QfDspConv *c = p->params;
  Form f = {.wide = wide};
  QfkDwconvHvx *k;
  int32_t *shift = NULL;
  if (!init_dwconv(p, &f, &k))
    return false;
  const size_t offsets = qfk_dwconv_hvx_offsets(k), channels = qfk_dwconv_hvx_channels(k);
  if (!channels_are_sound(p, c, wide, channels) ||
      !qf_dsp_is_constant(&p->in[1], qfk_dwconv_hvx_weights(k) * 4))
    return false;
  finish_form(p, &f, offsets, channels, &shift);
  p->scratch_bytes = wide ? qfk_dwconv16_hvx_scratch(&f.p.dw16) : qfk_dwconv_hvx_scratch(k);
  if (!p->form)
    return p->jobs != 0;
  int32_t *at = (int32_t *)(void *)(p->form + sizeof(f));
  qfk_dwconv_hvx_fill_offsets(k, at);
  k->offsets = at;
  k->weights = p->in[1].data;
  k->bias = p->in[2].data;
  k->multiplier = p->in[3].data;
  k->shift = shift;
  if (wide)
    f.p.dw16.first_high = p->in[4].data;
  memcpy(p->form, &f, sizeof(f));
  return true;
}

bool qf_dsp_dwconv_plan(QfDspPlan *p)
{
  return plan_dwconv(p, false);
}

bool qf_dsp_dwconv16_plan(QfDspPlan *p)
{
  return plan_dwconv(p, true);
}

/* Makes @k that of some channels; returns the first. */
static int32_t take_planes(QfkDwconvHvx *k, const Place *at)
{
  const int32_t first = at->block * 4, left = k->s.c - first;
  k->s.c = k->s.oc = left < at->blocks * 4 ? left : at->blocks * 4;
  k->weights += (ptrdiff_t)first * (ptrdiff_t)qfk_dwconv_hvx_words(k);
  k->bias += first;
  k->multiplier += first;
  k->shift += first;
  return first;
}

void qf_dsp_dwconv_job(const QfDspCall *call, uint32_t job, const QfDspScratch *scratch)
{
  const Form *f = call->form;
  QfkDwconvHvx k = f->p.dw;
  const Place at = place_of(f, job, k.rows);
  const int32_t first = take_planes(&k, &at);
  const uint8_t *x = call->in[0] + (size_t)at.image * f->x_image + qfk_d4_bytes(first, k.s.h, k.s.w);
  uint8_t *y = call->out[0] + (size_t)at.image * f->y_image + qfk_d4_bytes(first, k.s.oh, k.s.ow);
  qfk_dwconv_s8_hvx(&k, x, at.y0, y, scratch->vectors);
}

void qf_dsp_dwconv16_job(const QfDspCall *call, uint32_t job, const QfDspScratch *scratch)
{
  const Form *f = call->form;
  QfkDwconv16Hvx k = f->p.dw16;
  const Place at = place_of(f, job, k.d.rows);
  const int32_t first = take_planes(&k.d, &at);
  k.first_low = k.d.bias;
  k.first_high += first;
  const QfkConvShape *s = &k.d.s;
  qfk_dwconv_s16_hvx(&k, call->in[0] + (size_t)at.image * f->x_image + 2 * qfk_d4_bytes(first, s->h, s->w),
                     at.y0,
                     call->out[0] + (size_t)at.image * f->y_image + 2 * qfk_d4_bytes(first, s->oh, s->ow),
                     scratch->vectors);
}
