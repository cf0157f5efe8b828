/* SPDX-License-Identifier: MIT */
/*
 * pool.c - windows over images. A job is some rows of some planes of an image.
 */
#include "step.h"
#include "kernels/pool/pool_hvx.h"

#include <string.h>

#define MOST_DIM (1 << 20)
#define MOST_GRID (UINT64_C(1) << 28)

typedef struct {
  QfkPoolHvx p;
  int32_t tiles, chunks, planes, n_planes;
  size_t x_image, y_image;
} Form;

static bool dims_are_sound(const QfDspPool *c)
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
         qf_dsp_within(c->x_zero, 0, 255) && qf_dsp_within(c->count_pad, 0, 1);
}

/* Multipliers of averages, by divisor; of a maximum none is needed. */
static bool table_is_sound(const QfDspPlan *p, const QfDspPool *c, QfkFixed *fixed)
{
  const int32_t *m = (const int32_t *)(const void *)(c + 1);
  const int32_t n = c->kh * c->kw + 1;
  if (c->kh * c->kw > 256 || (!c->max && p->params_bytes < sizeof(*c) + (uint32_t)n * 4))
    return false;
  for (int32_t i = 0; !c->max && i < n; i++)
    fixed[i] = (QfkFixed){m[i], 0};
  return true;
}

bool qf_dsp_pool_plan(QfDspPlan *p)
{
  const QfDspPool *c = p->params;
  QfkFixed fixed[257];
  Form f = {0};
  QfkPoolHvx *k = &f.p;
  if (!dims_are_sound(c) || !table_is_sound(p, c, fixed) ||
      !qf_dsp_is_d4(&p->in[0], c->n, c->c, c->h, c->w) || !qf_dsp_is_d4(&p->out[0], c->n, c->c, c->oh, c->ow))
    return false;
  const QfkPoolShape s = {.n = 1,
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
  const QfkPoolInt q = {
      .type = QFK_U8, .y_type = QFK_U8, .x_zero = c->x_zero, .lo = 0, .hi = 255, .fixed = fixed};
  if (!qfk_pool_hvx_init(k, &s, &q, c->max, c->rows) || !qf_dsp_out(&c->out, &k->out))
    return false;
  const uint64_t grid = QF_DSP_PRODUCT(4, k->grid.n_phases, k->grid.gh, k->grid.gw);
  if (!grid || grid > MOST_GRID || !QF_DSP_PRODUCT(16, c->oh, k->grid.gw))
    return false;
  const size_t multipliers = c->max ? 0 : qfk_pool_hvx_multipliers(k), taps = (size_t)k->taps;
  f.n_planes = qfk_d4_planes(c->c);
  f.planes = c->planes < f.n_planes ? c->planes : f.n_planes;
  f.chunks = (f.n_planes + f.planes - 1) / f.planes;
  f.tiles = (c->oh + c->rows - 1) / c->rows;
  f.x_image = qfk_d4_bytes(c->c, c->h, c->w);
  f.y_image = qfk_d4_bytes(c->c, c->oh, c->ow);
  p->form_bytes = sizeof(f) + (taps + multipliers) * 4;
  p->rows = (uint32_t)c->rows;
  p->scratch_bytes = qfk_pool_hvx_scratch(k);
  p->jobs = (uint32_t)QF_DSP_PRODUCT(c->n, f.tiles, f.chunks);
  if (!p->form)
    return p->jobs != 0;
  int32_t *at = (int32_t *)(void *)(p->form + sizeof(f));
  qfk_pool_hvx_pack(k, &q, at, c->max ? NULL : at + taps);
  k->offsets = at;
  k->multiplier = at + taps;
  memcpy(p->form, &f, sizeof(f));
  return true;
}

void qf_dsp_pool_job(const QfDspCall *call, uint32_t job, const QfDspScratch *scratch)
{
  const Form *f = call->form;
  QfkPoolHvx k = f->p;
  const int32_t of_image = f->tiles * f->chunks, image = (int32_t)job / of_image;
  const int32_t rest = (int32_t)job % of_image, plane = rest / f->tiles * f->planes;
  const int32_t left = f->n_planes - plane, y0 = rest % f->tiles * k.rows;
  k.s.c = (left < f->planes ? left : f->planes) * 4;
  qfk_pool_u8_hvx(&k, call->in[0] + (size_t)image * f->x_image + qfk_d4_bytes(plane * 4, k.s.h, k.s.w), y0,
                  call->out[0] + (size_t)image * f->y_image + qfk_d4_bytes(plane * 4, k.s.oh, k.s.ow),
                  scratch->vectors);
}
