/* SPDX-License-Identifier: MIT */
/*
 * fc.c - fully connected layers, row by row. A job is some panels of 32 outputs of a row.
 */
#include "step.h"
#include "kernels/gemm/fc16_hvx.h"

#include <string.h>

typedef struct {
  QfkFc16Hvx p;           /* of bytes: its f alone */
  int32_t panels, chunks; /* of a job; of a row */
  int32_t piece;          /* panels of a half of the stage */
  uint32_t piece_bytes;   /* of a half */
} Form;

#define MOST_PIECE (64u << 10)

static bool sizes_are_sound(const QfDspPlan *p, const QfDspFc *c, bool wide)
{
  const uint64_t x = QF_DSP_PRODUCT(c->m, c->k, 1 + wide), y = QF_DSP_PRODUCT(c->m, c->n, 1 + wide);
  return x && y && p->in[0].size_bytes == x && p->out[0].size_bytes == y && c->k < 1 << 22 &&
         c->n < 1 << 22 && QF_DSP_PRODUCT((c->k + 3) / 4, (c->n + 31) / 32, 128) &&
         qf_dsp_within(c->shifted, wide, 1) && qf_dsp_within(c->x_signed, 0, wide) && c->panels > 0 &&
         (wide ? c->w_zero == 128 : qf_dsp_within(c->w_zero, 0, 255));
}

static bool outputs_are_sound(const QfDspPlan *p, const QfDspFc *c, bool wide, size_t n)
{
  if (!qf_dsp_is_constant(&p->in[2], n * 4) || !qf_dsp_is_constant(&p->in[3], n * 4) ||
      (wide && !qf_dsp_is_constant(&p->in[4], n * 4)) || (c->shifted && p->params_bytes < sizeof(*c) + n * 4))
    return false;
  return !c->shifted || qf_dsp_are_shifts((const int32_t *)(const void *)(c + 1), n, wide);
}

static bool init(const QfDspFc *c, bool wide, QfkFc16Hvx *k)
{
  const QfkFixed one = {0, wide ? QFK_HVX_WIDE_LEAST_SHIFT : c->shifted};
  const QfkIntArgs q = {.x_type = !wide         ? QFK_U8
                                  : c->x_signed ? QFK_S16
                                                : QFK_U16,
                        .w_type = QFK_S8,
                        .y_type = wide ? QFK_U16 : QFK_U8,
                        .requant = {.lo = 0, .hi = 255, .fixed = &one, .once = true, .wide = wide}};
  return wide ? qfk_fc16_hvx_init(k, c->k, c->n, &q, NULL) && qf_dsp_wide_out(&c->out, &k->out)
              : qfk_fc_hvx_init(&k->f, c->k, c->n, &q, NULL) && qf_dsp_out(&c->out, &k->f.out);
}

/* Each weight is used once, as a part of a vector: they go through VTCM, half of the stage after the other, while the half before is used. */
static void plan_stage(QfDspPlan *p, Form *f)
{
  const uint64_t panel = (uint64_t)f->p.f.steps * 128, room = p->vtcm_share / 2;
  if (room < panel + QF_DSP_ALIGNMENT)
    return;
  const uint64_t most = (room < MOST_PIECE    ? room
                         : panel > MOST_PIECE ? panel + QF_DSP_ALIGNMENT
                                              : MOST_PIECE);
  const int32_t fit = (int32_t)((most - QF_DSP_ALIGNMENT) / panel), half = (f->panels + 1) / 2;
  f->piece = fit < half ? fit : half;
  if (f->piece > 4)
    f->piece &= ~3; /* whole vectors of results */
  if (f->piece < 1 || f->panels < 2) {
    f->piece = 0;
    return;
  }
  f->piece_bytes =
      (uint32_t)((uint64_t)f->piece * panel + QF_DSP_ALIGNMENT); /* the kernel reads a vector beyond */
  p->stage_bytes = 2 * (uint64_t)f->piece_bytes;
  p->moved_bytes = panel * (uint64_t)f->p.f.panels;
}

static bool plan(QfDspPlan *p, bool wide)
{
  const QfDspFc *c = p->params;
  Form f = {0};
  QfkFcHvx *k = &f.p.f;
  if (!sizes_are_sound(p, c, wide) || !init(c, wide, &f.p) ||
      !qf_dsp_is_constant(&p->in[1], qfk_fc_hvx_weights(k)))
    return false;
  k->w_zero = c->w_zero;
  const size_t outputs = qfk_fc_hvx_channels(k);
  if (!outputs_are_sound(p, c, wide, outputs))
    return false;
  f.panels = c->panels < k->panels ? c->panels : k->panels;
  f.chunks = (k->panels + f.panels - 1) / f.panels;
  p->form_bytes = qf_dsp_round(sizeof(f)) + outputs * 4;
  p->scalar_bytes = wide ? qfk_fc16_hvx_scratch(&f.p) : qfk_fc_hvx_scratch(k);
  if (!wide)
    plan_stage(p, &f);
  p->jobs = (uint32_t)QF_DSP_PRODUCT(c->m, f.chunks);
  if (!p->form)
    return p->jobs != 0;
  int32_t *shift = (int32_t *)(void *)(p->form + qf_dsp_round(sizeof(f)));
  memset(shift, 0, outputs * 4);
  if (c->shifted)
    memcpy(shift, c + 1, outputs * 4);
  k->weights = p->in[1].data;
  k->bias = p->in[wide ? 4 : 2].data;
  k->multiplier = p->in[3].data;
  k->shift = shift;
  f.p.first_low = p->in[2].data;
  memcpy(p->form, &f, sizeof(f));
  return true;
}

bool qf_dsp_fc_plan(QfDspPlan *p)
{
  return plan(p, false);
}

bool qf_dsp_fc16_plan(QfDspPlan *p)
{
  return plan(p, true);
}

/* Makes @p that of a job's outputs; returns the first one and the row. */
static int32_t take_panels(const Form *f, uint32_t job, QfkFc16Hvx *p, int32_t *row)
{
  QfkFcHvx *k = &p->f;
  const int32_t panel = (int32_t)job % f->chunks * f->panels, first = panel * 32, left = k->panels - panel;
  *row = (int32_t)job / f->chunks;
  k->panels = left < f->panels ? left : f->panels;
  k->n = k->n - first < k->panels * 32 ? k->n - first : k->panels * 32;
  k->weights += (ptrdiff_t)panel * k->steps * 128;
  k->bias += first;
  k->multiplier += first;
  k->shift += first;
  p->first_low += first;
  return first;
}

static void fetch(const QfDspScratch *scratch, const QfkFcHvx *k, int32_t panel, int32_t n, uint8_t *to)
{
  const uint32_t bytes = (uint32_t)k->steps * 128;
  scratch->port->copy2d(scratch->port, scratch->queue, to, bytes, k->weights + (size_t)panel * bytes, bytes,
                        bytes, (uint32_t)n);
}

/* Panels of a row, a piece after the other. */
static void run_staged(const Form *f, const QfkFcHvx *k, int32_t less, uint8_t *y,
                       const QfDspScratch *scratch)
{
  QfkFcHvx part = *k;
  fetch(scratch, k, 0, f->piece < k->panels ? f->piece : k->panels, scratch->stage);
  for (int32_t panel = 0, half = 0; panel < k->panels; panel += f->piece, half = !half) {
    const int32_t next = panel + f->piece, left = k->panels - next;
    scratch->port->copy_wait(scratch->port, scratch->queue);
    if (left > 0)
      fetch(scratch, k, next, left < f->piece ? left : f->piece,
            scratch->stage + (half ? 0 : f->piece_bytes));
    part.panels = left < 0 ? k->panels - panel : f->piece;
    part.n = left > 0 ? part.panels * 32 : k->n - panel * 32;
    part.weights = scratch->stage + (half ? f->piece_bytes : 0);
    part.bias = k->bias + panel * 32;
    part.multiplier = k->multiplier + panel * 32;
    part.shift = k->shift + panel * 32;
    qfk_fc_panels_hvx(&part, less, y + panel * 32, scratch->scalars);
  }
}

void qf_dsp_fc_job(const QfDspCall *call, uint32_t job, const QfDspScratch *scratch)
{
  const Form *f = call->form;
  QfkFc16Hvx p = f->p;
  int32_t row;
  const int32_t first = take_panels(f, job, &p, &row);
  uint8_t *y = call->out[0] + (ptrdiff_t)row * f->p.f.n + first;
  const int32_t less = qfk_fc_take_hvx(&p.f, call->in[0] + (ptrdiff_t)row * p.f.k, scratch->scalars);
  if (scratch->stage)
    run_staged(f, &p.f, less, y, scratch);
  else
    qfk_fc_panels_hvx(&p.f, less, y, scratch->scalars);
}

void qf_dsp_fc16_job(const QfDspCall *call, uint32_t job, const QfDspScratch *scratch)
{
  const Form *f = call->form;
  QfkFc16Hvx p = f->p;
  int32_t row;
  const int32_t first = take_panels(f, job, &p, &row);
  qfk_fc_s16_hvx(&p, (const uint16_t *)(const void *)call->in[0] + (ptrdiff_t)row * p.f.k,
                 (uint16_t *)(void *)call->out[0] + (ptrdiff_t)row * f->p.f.n + first, scratch->scalars);
}
