/* SPDX-License-Identifier: MIT */
/*
 * move.c - steps that copy elements: along strides, and channels of images in planes of four.
 */
#include "step.h"
#include "kernels/copy/channels_hvx.h"
#include "kernels/copy/move_hvx.h"

#include <string.h>

#define MOST_JOBS 64

typedef struct {
  QfkMoveHvx p;
  int32_t units; /* of a job */
  uint32_t x_start, y_start;
} Move;

/* Everything from @start along @strides lies within @elements. */
static bool reach_is_sound(const QfDspMove *c, const int32_t *strides, int64_t start, int64_t elements)
{
  int64_t least = start, most = start;
  for (int32_t i = 0; i < c->rank; i++) {
    const int64_t by = (int64_t)strides[i] * (c->dims[i] - 1);
    least += by < 0 ? by : 0;
    most += by > 0 ? by : 0;
  }
  return least >= 0 && most < elements;
}

bool qf_dsp_move_plan(QfDspPlan *p)
{
  const QfDspMove *c = p->params;
  const int32_t bytes = c->element_bytes;
  Move f = {0};
  QfkNd nd = {.rank = c->rank, .n_operands = 2};
  if ((bytes != 1 && bytes != 2 && bytes != 4 && bytes != 8) ||
      !qf_dsp_within(c->rank, 1, QF_DSP_MOVE_RANK) ||
      !qf_dsp_product(c->dims, (uint32_t)c->rank, QF_DSP_MOST_BYTES) ||
      !reach_is_sound(c, c->x, c->x_start, p->in[0].size_bytes / (uint32_t)bytes) ||
      !reach_is_sound(c, c->y, c->y_start, p->out[0].size_bytes / (uint32_t)bytes))
    return false;
  for (int32_t i = 0; i < c->rank; i++) {
    nd.dims[i] = c->dims[i];
    nd.stride[0][i] = c->y[i];
    nd.stride[1][i] = c->x[i];
  }
  if (!qfk_move_hvx_init(&f.p, &nd, (uint32_t)bytes))
    return false;
  f.units = (f.p.units + MOST_JOBS - 1) / MOST_JOBS;
  f.x_start = (uint32_t)c->x_start * (uint32_t)bytes;
  f.y_start = (uint32_t)c->y_start * (uint32_t)bytes;
  p->form_bytes = sizeof(f);
  p->jobs = f.units ? (uint32_t)((f.p.units + f.units - 1) / f.units) : 0;
  if (p->form)
    memcpy(p->form, &f, sizeof(f));
  return true;
}

void qf_dsp_move_job(const QfDspCall *call, uint32_t job, const QfDspScratch *scratch)
{
  const Move *f = call->form;
  const int32_t unit = (int32_t)job * f->units, left = f->p.units - unit;
  (void)scratch;
  qfk_move_hvx(&f->p, call->in[0] + f->x_start, call->out[0] + f->y_start, unit,
               left < f->units ? left : f->units);
}

typedef struct {
  QfkChannelsHvx p;
  int32_t part, parts; /* pixels of a job; jobs of an image */
  size_t y_image;
  uint32_t n_in;
  uint32_t x_image[QF_DSP_MAX_PORTS];
} Channels;

/* Each input holds whole images, and the channels that are taken from it. */
static bool sources_are_sound(const QfDspPlan *p, const QfDspChannels *c, Channels *f)
{
  const QfkChannelFrom *from = (const QfkChannelFrom *)(const void *)(c + 1);
  const uint64_t plane = QF_DSP_PRODUCT(4, c->pixels, c->n);
  if (!plane || p->params_bytes < sizeof(*c) + (uint64_t)c->channels * sizeof(*from))
    return false;
  for (uint32_t i = 0; i < p->n_in; i++) {
    if (p->in[i].size_bytes % plane)
      return false;
    f->x_image[i] = p->in[i].size_bytes / (uint32_t)c->n;
  }
  for (int32_t k = 0; k < c->channels; k++)
    if (from[k].input != QFK_CHANNELS_HVX_FILL &&
        (!qf_dsp_within(from[k].input, 0, (int64_t)p->n_in - 1) ||
         !qf_dsp_within(from[k].channel, 0, (int64_t)(p->in[from[k].input].size_bytes / plane) * 4 - 1)))
      return false;
  return true;
}

bool qf_dsp_channels_plan(QfDspPlan *p)
{
  const QfDspChannels *c = p->params;
  Channels f = {.n_in = p->n_in};
  if (!qf_dsp_within(c->fill, 0, 255) || !qf_dsp_is_d4(&p->out[0], c->n, c->channels, c->pixels, 1) ||
      !sources_are_sound(p, c, &f) || !qfk_channels_hvx_init(&f.p, c->channels, c->pixels, (uint8_t)c->fill))
    return false;
  f.part = (c->pixels / 8 + 255) / 32 * 32;
  f.parts = (c->pixels + f.part - 1) / f.part;
  f.y_image = p->out[0].size_bytes / (uint32_t)c->n;
  p->form_bytes = qf_dsp_round(sizeof(f)) + qfk_channels_hvx_pieces(&f.p) * sizeof(QfkChannelPiece);
  p->jobs = (uint32_t)QF_DSP_PRODUCT(c->n, f.parts);
  if (!p->form)
    return p->jobs != 0;
  QfkChannelPiece *pieces = (QfkChannelPiece *)(void *)(p->form + qf_dsp_round(sizeof(f)));
  qfk_channels_hvx_pack(&f.p, (const QfkChannelFrom *)(const void *)(c + 1), pieces);
  f.p.pieces = pieces;
  memcpy(p->form, &f, sizeof(f));
  return true;
}

void qf_dsp_channels_job(const QfDspCall *call, uint32_t job, const QfDspScratch *scratch)
{
  const Channels *f = call->form;
  const int32_t image = (int32_t)job / f->parts, first = (int32_t)job % f->parts * f->part;
  const int32_t left = f->p.pixels - first;
  const uint8_t *x[QF_DSP_MAX_PORTS];
  (void)scratch;
  for (uint32_t i = 0; i < f->n_in; i++)
    x[i] = call->in[i] + (size_t)image * f->x_image[i];
  qfk_channels_u8_hvx(&f->p, x, first, left < f->part ? left : f->part,
                      call->out[0] + (size_t)image * f->y_image);
}
