/* SPDX-License-Identifier: MIT */
/*
 * pool.c - windows over images. A job is some rows of some planes of an image.
 */
#include "step.h"
#include "kernels/pool/pool16_hvx.h"

#include <string.h>

#define MOST_DIM (1 << 20)
#define MOST_GRID (UINT64_C(1) << 28)

typedef struct {
  QfkPool16Hvx p; /* of bytes: its p alone */
  int32_t tiles, chunks, planes, n_planes;
  size_t x_image, y_image;
} Form;

static bool dims_are_sound(const QfDspPool *c, bool wide)
{
  const int32_t dims[] = {c->n, c->h, c->w, c->c, c->oh, c->ow};
  for (int i = 0; i < 6; i++)
    if (!qf_dsp_within(dims[i], 1, MOST_DIM))
      return false;
  for (int i = 0; i < 4; i++)
    if (!qf_dsp_within(c->pad[i], 0, MOST_DIM))
      return false;
  for (int i = 0; i < 2; i++)
    if (!qf_dsp_within(c->stride[i], 1, 255) || !qf_dsp_within(c->dilation[i], 1, 4096))
      return false;
  return qf_dsp_within(c->kh, 1, 256) && qf_dsp_within(c->kw, 1, 256) && qf_dsp_within(c->rows, 1, c->oh) &&
         qf_dsp_within(c->planes, 1, MOST_DIM) && qf_dsp_within(c->max, 0, 1) &&
         (wide ? qf_dsp_is_wide_zero(c->x_zero, c->x_signed) : qf_dsp_within(c->x_zero, 0, 255)) &&
         qf_dsp_within(c->x_signed, 0, wide) && qf_dsp_within(c->count_pad, 0, 1);
}

/* Multipliers of averages, by divisor, of 16 bits with shifts; of a maximum none is needed. */
static bool table_is_sound(const QfDspPlan *p, const QfDspPool *c, bool wide, QfkFixed *fixed)
{
  const int32_t *m = (const int32_t *)(const void *)(c + 1);
  const int32_t n = c->kh * c->kw + 1;
  if (c->kh * c->kw > 256 || (!c->max && p->params_bytes < sizeof(*c) + (uint32_t)n * (4u << wide)))
    return false;
  for (int32_t i = 0; !c->max && i < n; i++) {
    fixed[i] = wide ? (QfkFixed){m[2 * i], m[2 * i + 1]} : (QfkFixed){m[i], 0};
    if (wide && (fixed[i].multiplier < 0 || !qf_dsp_are_shifts(&fixed[i].shift, 1, true)))
      return false;
  }
  return true;
}

static QfkPoolShape shape_of(const QfDspPool *c)
{
  return (QfkPoolShape){.n = 1,
                        .h = c->h,
                        .w = c->w,
                        .c = c->c,
                        .oh = c->oh,
                        .ow = c->ow,
                        .kh = c->kh,
                        .kw = c->kw,
                        .stride = {c->stride[0], c->stride[1]},
                        .dilation = {c->dilation[0], c->dilation[1]},
                        .pad = {c->pad[0], c->pad[1], c->pad[2], c->pad[3]},
                        .count_pad = c->count_pad};
}

/* The kernel's plan without its pointers. */
static bool init(const QfDspPlan *p, bool wide, QfkPoolInt *q, QfkFixed *fixed, QfkPool16Hvx *k)
{
  const QfDspPool *c = p->params;
  if (!dims_are_sound(c, wide) || !table_is_sound(p, c, wide, fixed) ||
      !qf_dsp_is_d4_of(&p->in[0], 1 + wide, c->n, c->c, c->h, c->w) ||
      !qf_dsp_is_d4_of(&p->out[0], 1 + wide, c->n, c->c, c->oh, c->ow))
    return false;
  const QfkPoolShape s = shape_of(c);
  const QfkInt type = !wide ? QFK_U8 : c->x_signed ? QFK_S16 : QFK_U16;
  QfkHvxWideOut out = {c->out.zero, c->out.lo, c->out.hi};
  *q = (QfkPoolInt){.type = type, .y_type = type, .x_zero = c->x_zero, .lo = 0, .hi = 255, .fixed = fixed};
  if (wide && !qf_dsp_wide_out(&c->out, &out))
    return false;
  if (wide) { /* the kernel has a way of its own with the bounds of a maximum */
    q->y_zero = out.zero;
    q->lo = out.lo;
    q->hi = out.hi;
  }
  if (!(wide ? qfk_pool16_hvx_init(k, &s, q, c->max, c->rows)
             : qfk_pool_hvx_init(&k->p, &s, q, c->max, c->rows) && qf_dsp_out(&c->out, &k->p.out)))
    return false;
  const uint64_t grid = QF_DSP_PRODUCT(4 << wide, k->p.grid.n_phases, k->p.grid.gh, k->p.grid.gw);
  return grid && grid <= MOST_GRID && QF_DSP_PRODUCT(32, c->oh, k->p.grid.gw);
}

static bool plan(QfDspPlan *p, bool wide)
{
  const QfDspPool *c = p->params;
  QfkFixed fixed[257] = {{0, QFK_HVX_WIDE_LEAST_SHIFT}};
  QfkPoolInt q;
  Form f = {0};
  QfkPoolHvx *k = &f.p.p;
  if (!init(p, wide, &q, fixed, &f.p))
    return false;
  const size_t multipliers = c->max ? 0 : qfk_pool_hvx_multipliers(k), taps = (size_t)k->taps;
  f.n_planes = qfk_d4_planes(c->c);
  f.planes = c->planes < f.n_planes ? c->planes : f.n_planes;
  f.chunks = (f.n_planes + f.planes - 1) / f.planes;
  f.tiles = (c->oh + c->rows - 1) / c->rows;
  f.x_image = qfk_d4_bytes(c->c, c->h, c->w) << wide;
  f.y_image = qfk_d4_bytes(c->c, c->oh, c->ow) << wide;
  p->form_bytes = sizeof(f) + (taps + (multipliers << wide)) * 4;
  p->rows = (uint32_t)c->rows;
  p->scratch_bytes = wide ? qfk_pool16_hvx_scratch(&f.p) : qfk_pool_hvx_scratch(k);
  p->jobs = (uint32_t)QF_DSP_PRODUCT(c->n, f.tiles, f.chunks);
  if (!p->form)
    return p->jobs != 0;
  int32_t *at = (int32_t *)(void *)(p->form + sizeof(f)), *m = c->max ? NULL : at + taps;
  if (wide)
    qfk_pool16_hvx_pack(&f.p, &q, at, m, m ? m + multipliers : NULL);
  else
    qfk_pool_hvx_pack(k, &q, at, m);
  k->offsets = at;
  k->multiplier = at + taps;
  f.p.shift = at + taps + multipliers;
  memcpy(p->form, &f, sizeof(f));
  return true;
}

bool qf_dsp_pool_plan(QfDspPlan *p)
{
  return plan(p, false);
}

bool qf_dsp_pool16_plan(QfDspPlan *p)
{
  return plan(p, true);
}

typedef struct {
  int32_t y0;
  size_t x, y; /* where the first plane begins */
} Place;

/* Makes @k that of a job's planes. */
static Place take_planes(const Form *f, uint32_t job, bool wide, QfkPoolHvx *k)
{
  const int32_t of_image = f->tiles * f->chunks, rest = (int32_t)job % of_image;
  const size_t image = job / (uint32_t)of_image;
  const int32_t plane = rest / f->tiles * f->planes, left = f->n_planes - plane;
  k->s.c = (left < f->planes ? left : f->planes) * 4;
  return (Place){rest % f->tiles * k->rows,
                 image * f->x_image + (qfk_d4_bytes(plane * 4, k->s.h, k->s.w) << wide),
                 image * f->y_image + (qfk_d4_bytes(plane * 4, k->s.oh, k->s.ow) << wide)};
}

void qf_dsp_pool_job(const QfDspCall *call, uint32_t job, const QfDspScratch *scratch)
{
  const Form *f = call->form;
  QfkPoolHvx k = f->p.p;
  const Place at = take_planes(f, job, false, &k);
  qfk_pool_u8_hvx(&k, call->in[0] + at.x, at.y0, call->out[0] + at.y, scratch->vectors);
}

void qf_dsp_pool16_job(const QfDspCall *call, uint32_t job, const QfDspScratch *scratch)
{
  const Form *f = call->form;
  QfkPool16Hvx k = f->p;
  const Place at = take_planes(f, job, true, &k.p);
  qfk_pool_u16_hvx(&k, call->in[0] + at.x, at.y0, call->out[0] + at.y, scratch->vectors);
}
