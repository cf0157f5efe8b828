/* SPDX-License-Identifier: MIT */
/*
 * encode.c - steps between floats and bytes, and from and to 16 bits, flat. Tables come from the host; whatever is in them, kernels look up 256 entries. Floats may be the
 * caller's: not a byte beyond them is read, for the last ones are taken from a copy.
 */
#include "step.h"
#include "kernels/quantize/quantize_hvx.h"

#include <string.h>

#define RUN (16 << 10) /* elements of a job */
#define BLOCK 128      /* of a kernel's step */

static uint32_t runs(uint32_t n)
{
  return (n + RUN - 1) / RUN;
}

static uint32_t run_at(uint32_t n, uint32_t at)
{
  return n - at < RUN ? n - at : RUN;
}

typedef struct {
  uint8_t bytes[1024] __attribute__((aligned(128)));
  QfkQuantizeHvx p;
  uint32_t n;
} Quantize;

bool qf_dsp_quantize_plan(QfDspPlan *p)
{
  const QfDspQuantize *c = p->params;
  const uint32_t n = p->out[0].size_bytes;
  if (p->in[0].size_bytes / 4 != n || p->in[0].size_bytes % 4 || !qf_dsp_within(c->top, 0, 255))
    return false;
  p->form_bytes = sizeof(Quantize);
  p->scalar_bytes = BLOCK * sizeof(float);
  p->jobs = runs(n);
  if (p->form) {
    Quantize *f = (Quantize *)(void *)p->form;
    memcpy(f->bytes, c->bytes, sizeof(f->bytes));
    f->p = (QfkQuantizeHvx){0, c->low, c->high, c->top, c->m, c->base, f->bytes};
    f->n = n;
  }
  return true;
}

void qf_dsp_quantize_job(const QfDspCall *call, uint32_t job, const QfDspScratch *scratch)
{
  const Quantize *f = call->form;
  const uint32_t at = job * RUN, n = run_at(f->n, at), whole = n / BLOCK * BLOCK;
  const uint8_t *x = call->in[0] + (size_t)at * 4;
  uint8_t *y = call->out[0] + at;
  qfk_quantize_f32_hvx(&f->p, (const float *)(const void *)x, y, whole);
  if (n == whole)
    return;
  memcpy(scratch->scalars, x + (size_t)whole * 4, (size_t)(n - whole) * 4);
  qfk_quantize_f32_hvx(&f->p, (const float *)(const void *)scratch->scalars, y + whole, n - whole);
}

typedef struct {
  uint8_t bytes[1024] __attribute__((aligned(128)));
  uint32_t n;
} Dequantize;

bool qf_dsp_dequantize_plan(QfDspPlan *p)
{
  const QfDspDequantize *c = p->params;
  const uint32_t n = p->in[0].size_bytes;
  if (p->out[0].size_bytes / 4 != n || p->out[0].size_bytes % 4)
    return false;
  p->form_bytes = sizeof(Dequantize);
  p->jobs = runs(n);
  if (p->form) {
    Dequantize *f = (Dequantize *)(void *)p->form;
    memcpy(f->bytes, c->bytes, sizeof(f->bytes));
    f->n = n;
  }
  return true;
}

void qf_dsp_dequantize_job(const QfDspCall *call, uint32_t job, const QfDspScratch *scratch)
{
  const Dequantize *f = call->form;
  const uint32_t at = job * RUN;
  (void)scratch;
  qfk_dequantize_u8_hvx(f->bytes, call->in[0] + at, (float *)(void *)(call->out[0] + (size_t)at * 4),
                        run_at(f->n, at));
}

typedef struct {
  uint8_t bytes[512] __attribute__((aligned(128)));
  uint32_t n;
} Widen;

bool qf_dsp_widen_plan(QfDspPlan *p)
{
  const QfDspWiden *c = p->params;
  const uint32_t n = p->in[0].size_bytes;
  if (p->out[0].size_bytes / 2 != n || p->out[0].size_bytes % 2)
    return false;
  p->form_bytes = sizeof(Widen);
  p->jobs = runs(n);
  if (p->form) {
    Widen *f = (Widen *)(void *)p->form;
    memcpy(f->bytes, c->bytes, sizeof(f->bytes));
    f->n = n;
  }
  return true;
}

void qf_dsp_widen_job(const QfDspCall *call, uint32_t job, const QfDspScratch *scratch)
{
  const Widen *f = call->form;
  const uint32_t at = job * RUN;
  (void)scratch;
  qfk_widen_u8_hvx(f->bytes, call->in[0] + at, (uint16_t *)(void *)(call->out[0] + (size_t)at * 2),
                   run_at(f->n, at));
}

typedef struct {
  QfkRequantizeHvx p;
  uint32_t n, y_bytes; /* of an element */
} Requantize;

bool qf_dsp_requantize_plan(QfDspPlan *p)
{
  const QfDspRequantize *c = p->params;
  const bool narrow = c->y_type == QFK_U8;
  const Requantize f = {
      {c->x_signed ? QFK_S16 : QFK_U16, (QfkInt)c->y_type, c->x_zero, c->y_zero, {c->multiplier, c->left}},
      p->in[0].size_bytes / 2,
      narrow ? 1 : 2};
  if ((!narrow && c->y_type != QFK_U16 && c->y_type != QFK_S16) || !qf_dsp_within(c->x_signed, 0, 1) ||
      !qf_dsp_is_wide_zero(c->x_zero, c->x_signed) || !qf_dsp_within(c->left, 0, 30) ||
      !(narrow ? qf_dsp_within(c->y_zero, 0, 255) : qf_dsp_is_wide_zero(c->y_zero, c->y_type == QFK_S16)) ||
      p->in[0].size_bytes % 2 || p->out[0].size_bytes / f.y_bytes != f.n || p->out[0].size_bytes % f.y_bytes)
    return false;
  p->form_bytes = sizeof(f);
  p->jobs = runs(f.n);
  if (p->form)
    memcpy(p->form, &f, sizeof(f));
  return true;
}

void qf_dsp_requantize_job(const QfDspCall *call, uint32_t job, const QfDspScratch *scratch)
{
  const Requantize *f = call->form;
  const uint32_t at = job * RUN;
  (void)scratch;
  qfk_requantize_u16_hvx(&f->p, (const uint16_t *)(const void *)(call->in[0] + (size_t)at * 2),
                         call->out[0] + (size_t)at * f->y_bytes, run_at(f->n, at));
}
