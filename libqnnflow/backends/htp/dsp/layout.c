/* SPDX-License-Identifier: MIT */
/*
 * layout.c - steps that carry tensors over the border: copies, and images between pixels and planes of four channels. They touch not
 * a byte beyond a tensor: the last pixels of an image are taken from a copy that has room behind it.
 */
#include "step.h"
#include "kernels/copy/d4_hvx.h"

#include <string.h>

#define COPY_BYTES (32 << 10) /* of a job */
#define READ_BEYOND 128       /* what qfk_d4_from_nhwc_part_hvx() reads beyond a pixel's start */

typedef struct {
  uint32_t bytes;
  uint8_t flip;
} Copy;

bool qf_dsp_copy_plan(QfDspPlan *p)
{
  const QfDspCopy *c = p->params;
  const uint32_t bytes = p->in[0].size_bytes;
  if ((c->flip && c->flip != 0x80) || bytes != p->out[0].size_bytes)
    return false;
  p->form_bytes = sizeof(Copy);
  p->jobs = (bytes + COPY_BYTES - 1) / COPY_BYTES;
  if (p->form)
    *(Copy *)(void *)p->form = (Copy){bytes, (uint8_t)c->flip};
  return true;
}

void qf_dsp_copy_job(const QfDspCall *call, uint32_t job, const QfDspScratch *scratch)
{
  const Copy *c = call->form;
  const uint32_t at = job * COPY_BYTES, left = c->bytes - at;
  (void)scratch;
  qfk_turn_over_hvx(call->in[0] + at, c->flip, call->out[0] + at, left < COPY_BYTES ? left : COPY_BYTES);
}

typedef struct {
  int32_t pixels, channels, planes;
  int32_t part;  /* pixels of a job */
  int32_t parts; /* jobs of an image */
  uint8_t flip;
} Pixels;

static bool plan_pixels(QfDspPlan *p, const QfDspSpan *pixels, const QfDspSpan *planes)
{
  const QfDspPixels *c = p->params;
  const uint64_t bytes = QF_DSP_PRODUCT(c->n, c->pixels, c->channels);
  if ((c->flip && c->flip != 0x80) || !bytes || pixels->size_bytes != bytes ||
      !qf_dsp_is_d4(planes, c->n, c->channels, c->pixels, 1))
    return false;
  const int32_t part = COPY_BYTES / c->channels / 32 * 32;
  Pixels f = {c->pixels, c->channels, (c->channels + 3) / 4, part < 32 ? 32 : part, 0, (uint8_t)c->flip};
  f.parts = (f.pixels + f.part - 1) / f.part;
  p->form_bytes = sizeof(f);
  p->scalar_bytes = 4 * READ_BEYOND + 2 * (uint64_t)(c->channels + 4);
  p->jobs = (uint32_t)f.parts * (uint32_t)c->n;
  if (p->form)
    memcpy(p->form, &f, sizeof(f));
  return true;
}

bool qf_dsp_from_nhwc_plan(QfDspPlan *p)
{
  return plan_pixels(p, &p->in[0], &p->out[0]);
}

bool qf_dsp_to_nhwc_plan(QfDspPlan *p)
{
  return plan_pixels(p, &p->out[0], &p->in[0]);
}

/* How many of @n pixels, which end where the image does, the kernel must not read in place: it takes READ_BEYOND bytes from each plane's start. */
static int32_t pixels_near_end(const Pixels *f, int32_t n)
{
  const int32_t last = (f->planes + 31) / 32 * 128 - 128; /* where the last load of a pixel begins */
  int32_t k = 0;
  while (k < n && k * f->channels < last + READ_BEYOND)
    k++;
  return k;
}

void qf_dsp_from_nhwc_job(const QfDspCall *call, uint32_t job, const QfDspScratch *scratch)
{
  const Pixels *f = call->form;
  const int32_t image = (int32_t)job / f->parts, first = (int32_t)job % f->parts * f->part;
  const int32_t n = f->pixels - first < f->part ? f->pixels - first : f->part;
  const uint8_t *x = call->in[0] + ((ptrdiff_t)image * f->pixels + first) * f->channels;
  uint8_t *y = call->out[0] + ((ptrdiff_t)image * f->planes * f->pixels + first) * 4;
  const int32_t near = pixels_near_end(f, n), most = 2 * READ_BEYOND / f->channels + 1;
  qfk_d4_from_nhwc_part_hvx(x, f->channels, n - near, y, f->pixels);
  for (int32_t i = n - near; i < n; i += most) {
    const int32_t some = n - i < most ? n - i : most;
    memcpy(scratch->scalars, x + (ptrdiff_t)i * f->channels, (size_t)some * (size_t)f->channels);
    qfk_d4_from_nhwc_part_hvx(scratch->scalars, f->channels, some, y + (ptrdiff_t)i * 4, f->pixels);
  }
  for (int32_t plane = 0; plane < f->planes && f->flip; plane++) {
    uint8_t *to = y + (ptrdiff_t)plane * f->pixels * 4;
    qfk_turn_over_hvx(to, f->flip, to, (size_t)n * 4);
  }
}

void qf_dsp_to_nhwc_job(const QfDspCall *call, uint32_t job, const QfDspScratch *scratch)
{
  const Pixels *f = call->form;
  const int32_t image = (int32_t)job / f->parts, first = (int32_t)job % f->parts * f->part;
  const int32_t n = f->pixels - first < f->part ? f->pixels - first : f->part;
  const uint8_t *x = call->in[0] + ((ptrdiff_t)image * f->planes * f->pixels + first) * 4;
  uint8_t *y = call->out[0] + ((ptrdiff_t)image * f->pixels + first) * f->channels;
  (void)scratch;
  qfk_d4_to_nhwc_part_hvx(x, f->pixels, f->channels, n, y);
  if (f->flip)
    qfk_turn_over_hvx(y, f->flip, y, (size_t)n * (size_t)f->channels);
}
