/* SPDX-License-Identifier: MIT */
/*
 * image.c - steps that resample images, and reductions along an axis, to an index too. Tables are made here, of the shape.
 */
#include "step.h"
#include "kernels/reduce/reduce_hvx.h"
#include "kernels/resize/resize_hvx.h"

#include <string.h>

#define MOST_JOBS 64
#define MOST_DIM (1 << 16)

typedef struct {
  QfkResizeHvx p;
  int32_t tiles;
  size_t x_image, y_image;
} Resize;

static bool resize_is_sound(const QfDspPlan *p, const QfDspResize *c)
{
  const int32_t dims[] = {c->n, c->c, c->h, c->w, c->oh, c->ow};
  for (int i = 0; i < 6; i++)
    if (!qf_dsp_within(dims[i], 1, MOST_DIM))
      return false;
  for (int i = 0; i < 2; i++)
    if (!(c->scale[i] > 1e-5f && c->scale[i] < 1e5f))
      return false;
  return qf_dsp_is_d4(&p->in[0], c->n, c->c, c->h, c->w) &&
         qf_dsp_is_d4(&p->out[0], c->n, c->c, c->oh, c->ow) &&
         qf_dsp_within(c->interpolation, 0, QFK_RESIZE_LINEAR) &&
         qf_dsp_within(c->coordinate_mode, 0, QFK_COORD_ASYMMETRIC) &&
         qf_dsp_within(c->nearest_mode, 0, QFK_NEAREST_CEIL) && qf_dsp_within(c->x_zero, 0, 255) &&
         qf_dsp_within(c->y_zero, 0, 255) && qf_dsp_within(c->lo, 0, 255) &&
         qf_dsp_within(c->hi, c->lo, 255) && qf_dsp_within(c->left, 0, 30) &&
         qf_dsp_within(c->rows, 1, c->oh);
}

bool qf_dsp_resize_plan(QfDspPlan *p)
{
  const QfDspResize *c = p->params;
  Resize f = {0};
  QfkResizeHvx *k = &f.p;
  if (!resize_is_sound(p, c))
    return false;
  const QfkResize r = {.rank = 4,
                       .in = {1, c->h, c->w, c->c},
                       .out = {1, c->oh, c->ow, c->c},
                       .scale = {1, c->scale[0], c->scale[1], 1},
                       .interpolation = c->interpolation,
                       .coordinate_mode = c->coordinate_mode,
                       .nearest_mode = c->nearest_mode};
  const QfkResizeInt q = {QFK_U8, QFK_U8, c->x_zero, c->y_zero, c->lo, c->hi, {c->multiplier, c->left}};
  if (!qfk_resize_hvx_init(k, &r, &q, c->rows))
    return false;
  const QfkResizeHvxSizes n = qfk_resize_hvx_sizes(k);
  const uint64_t rows = qf_dsp_round(n.rows * sizeof(QfkResizeRow)), firsts = qf_dsp_round(n.firsts * 4);
  const uint64_t pieces = qf_dsp_round(n.pieces * sizeof(QfkResizePiece)), network = qf_dsp_round(n.network);
  f.tiles = (c->oh + c->rows - 1) / c->rows;
  f.x_image = qfk_d4_bytes(c->c, c->h, c->w);
  f.y_image = qfk_d4_bytes(c->c, c->oh, c->ow);
  p->form_bytes = qf_dsp_round(sizeof(f)) + rows + firsts + pieces + network + qf_dsp_round(n.weights * 4);
  p->rows = (uint32_t)c->rows;
  p->scratch_bytes = qfk_resize_hvx_scratch(k);
  p->jobs = (uint32_t)QF_DSP_PRODUCT(c->n, f.tiles);
  if (!p->form)
    return p->jobs != 0;
  uint8_t *at = p->form + qf_dsp_round(sizeof(f));
  QfkResizeRow *row = (QfkResizeRow *)(void *)at;
  int32_t *first = (int32_t *)(void *)(at + rows);
  QfkResizePiece *piece = (QfkResizePiece *)(void *)(at + rows + firsts);
  uint8_t *net = at + rows + firsts + pieces;
  int32_t *weight = (int32_t *)(void *)(net + network);
  qfk_resize_hvx_pack(k, &r, row, first, piece, net, n.weights ? weight : NULL);
  k->row = row;
  k->first = first;
  k->piece = piece;
  k->network = net;
  k->weight = weight;
  memcpy(p->form, &f, sizeof(f));
  return true;
}

void qf_dsp_resize_job(const QfDspCall *call, uint32_t job, const QfDspScratch *scratch)
{
  const Resize *f = call->form;
  const size_t image = job / (uint32_t)f->tiles;
  const int32_t y0 = (int32_t)(job % (uint32_t)f->tiles) * f->p.rows;
  qfk_resize_u8_hvx(&f->p, call->in[0] + image * f->x_image, y0, call->out[0] + image * f->y_image,
                    scratch->vectors);
}

typedef struct {
  QfkReduceHvx p;
  int32_t units; /* of a job */
} Reduce;

bool qf_dsp_reduce_plan(QfDspPlan *p)
{
  const QfDspReduce *c = p->params;
  const uint64_t in = QF_DSP_PRODUCT(c->outer, c->n, c->inner), out = QF_DSP_PRODUCT(c->outer, c->inner);
  const QfkFixed m = {c->multiplier, c->left};
  const QfkReduceInt q = {QFK_U8,
                          QFK_U8,
                          c->x_zero,
                          {.zero_point = c->y_zero, .lo = 0, .hi = 255, .fixed = &m, .once = true}};
  Reduce f = {0};
  if (!in || in != p->in[0].size_bytes || out != p->out[0].size_bytes || c->n > 1 << 22 ||
      !qf_dsp_within(c->op, 0, QFK_REDUCE_MIN) || !qf_dsp_within(c->x_zero, 0, 255) ||
      !qf_dsp_within(c->y_zero, 0, 255) || !qf_dsp_within(c->left, 0, 30) ||
      !qfk_reduce_hvx_init(&f.p, (QfkReduceOp)c->op, &q, c->outer, c->n, c->inner))
    return false;
  f.units = (f.p.units + MOST_JOBS - 1) / MOST_JOBS;
  p->form_bytes = sizeof(f);
  p->jobs = f.units ? (uint32_t)((f.p.units + f.units - 1) / f.units) : 0;
  if (p->form)
    memcpy(p->form, &f, sizeof(f));
  return true;
}

void qf_dsp_reduce_job(const QfDspCall *call, uint32_t job, const QfDspScratch *scratch)
{
  const Reduce *f = call->form;
  const int32_t unit = (int32_t)job * f->units, left = f->p.units - unit;
  (void)scratch;
  qfk_reduce_u8_hvx(&f->p, call->in[0], call->out[0], unit, left < f->units ? left : f->units);
}

typedef struct {
  QfkArgHvx p;
  int32_t parts; /* jobs of an image */
  int32_t units; /* of a job */
  size_t x_image;
  int32_t y_image; /* elements */
} Arg;

bool qf_dsp_arg_plan(QfDspPlan *p)
{
  const QfDspArg *c = p->params;
  const bool images = c->pixels > 0;
  const QfkAxis a = {.outer = c->outer, .n = c->n, .inner = c->inner, .min = c->min, .last = c->last};
  const uint64_t out =
      images ? QF_DSP_PRODUCT(c->outer, c->pixels, 4) : QF_DSP_PRODUCT(c->outer, c->inner, 4);
  Arg f = {0};
  if (!out || p->out[0].size_bytes != out || !qf_dsp_within(c->min, 0, 1) || !qf_dsp_within(c->last, 0, 1) ||
      !qf_dsp_within(c->n, 1, 1 << 22) ||
      (images ? !qf_dsp_is_d4(&p->in[0], c->outer, c->n, c->pixels, 1)
              : QF_DSP_PRODUCT(c->outer, c->n, c->inner) != p->in[0].size_bytes))
    return false;
  if (!(images ? qfk_arg_hvx_init_channels(&f.p, &a, QFK_U8, c->n, c->pixels)
               : qfk_arg_hvx_init(&f.p, &a, QFK_U8)))
    return false;
  const int32_t n_images = images ? c->outer : 1;
  f.x_image = p->in[0].size_bytes / (uint32_t)n_images;
  f.y_image = (int32_t)(out / 4) / n_images;
  f.units = (f.p.units + MOST_JOBS - 1) / MOST_JOBS;
  f.parts = (f.p.units + f.units - 1) / f.units;
  p->form_bytes = sizeof(f);
  p->jobs = (uint32_t)QF_DSP_PRODUCT(n_images, f.parts);
  if (p->form)
    memcpy(p->form, &f, sizeof(f));
  return p->jobs != 0;
}

void qf_dsp_arg_job(const QfDspCall *call, uint32_t job, const QfDspScratch *scratch)
{
  const Arg *f = call->form;
  const size_t image = job / (uint32_t)f->parts;
  const int32_t unit = (int32_t)(job % (uint32_t)f->parts) * f->units, left = f->p.units - unit;
  int32_t *y = (int32_t *)(void *)call->out[0] + image * (size_t)f->y_image;
  (void)scratch;
  qfk_arg_u8_hvx(&f->p, call->in[0] + image * f->x_image, y, unit, left < f->units ? left : f->units);
}
