/* SPDX-License-Identifier: MIT */
/*
 * encode.c - steps between floats and bytes, flat. Tables come from the host; whatever is in them, kernels look up 256 entries. Floats may be the
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
