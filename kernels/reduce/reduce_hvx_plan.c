/* SPDX-License-Identifier: MIT */
/*
 * reduce_hvx_plan.c - shapes and constants of reductions for HVX. Plain C, for any machine.
 */
#include "../hvx/d4.h"
#include "reduce_hvx.h"

#define MOST_VALUES (1 << 22) /* sums of 255 fit 31 bits; so do a byte and an index */

static bool shape_fits(int32_t outer, int32_t n, int32_t inner)
{
  return outer > 0 && n > 0 && inner > 0 && n <= MOST_VALUES && (int64_t)outer * inner <= INT32_MAX / n;
}

/* A unit is a row of rows and lanes, a vector of columns. */
static int32_t vectors_of(QfkReduceHvxKind kind, int32_t inner)
{
  return kind <= QFK_REDUCE_HVX_LANES ? 1 : (inner + 127) / 128;
}

static bool set(QfkReduceHvx *p, QfkReduceOp op, const QfkReduceInt *q, int32_t count)
{
  const int32_t x_zero = q->x_zero + (q->x_type == QFK_S8 ? 128 : 0);
  const QfkRequant *r = &q->requant;
  if (q->x_type > QFK_S8 || q->y_type > QFK_S8 || op > QFK_REDUCE_MIN || !r->fixed || !r->once || r->wide)
    return false;
  p->op = op;
  p->vectors = vectors_of(p->kind, p->inner);
  p->units = p->outer * p->vectors;
  p->flip = qfk_hvx_flip(q->x_type);
  p->less = op <= QFK_REDUCE_MEAN ? count * x_zero : x_zero;
  p->m = r->fixed[0];
  p->out = qfk_hvx_out(q->y_type, r->zero_point, r->lo, r->hi);
  return true;
}

bool qfk_reduce_hvx_init(QfkReduceHvx *p, QfkReduceOp op, const QfkReduceInt *q, int32_t outer, int32_t n,
                         int32_t inner)
{
  const QfkReduceHvxKind kind = inner == 1   ? QFK_REDUCE_HVX_ROWS
                                : inner == 4 ? QFK_REDUCE_HVX_LANES
                                             : QFK_REDUCE_HVX_COLUMNS;
  *p = (QfkReduceHvx){.kind = kind, .outer = outer, .n = n, .inner = inner};
  return shape_fits(outer, n, inner) && set(p, op, q, n);
}

bool qfk_reduce_hvx_init_channels(QfkReduceHvx *p, QfkReduceOp op, const QfkReduceInt *q, int32_t channels,
                                  int32_t pixels)
{
  if (channels < 1 || channels > MOST_VALUES || pixels < 1 || pixels > INT32_MAX / 4)
    return false;
  *p = (QfkReduceHvx){.kind = QFK_REDUCE_HVX_CHANNELS,
                      .outer = 1,
                      .n = qfk_d4_planes(channels),
                      .inner = pixels * 4,
                      .tail = (channels - 1) % 4 + 1};
  return shape_fits(1, p->n, p->inner) && set(p, op, q, channels);
}

static bool set_arg(QfkArgHvx *p, const QfkAxis *a, QfkInt type)
{
  p->flip = (uint8_t)(qfk_hvx_flip(type) ^ (a->min ? 0xff : 0));
  p->last = a->last;
  p->vectors = vectors_of(p->kind, p->inner);
  p->units = p->outer * p->vectors;
  return type <= QFK_S8;
}

bool qfk_arg_hvx_init(QfkArgHvx *p, const QfkAxis *a, QfkInt type)
{
  if (a->outer > INT32_MAX || a->n > INT32_MAX || a->inner > INT32_MAX ||
      !shape_fits((int32_t)a->outer, (int32_t)a->n, (int32_t)a->inner))
    return false;
  *p = (QfkArgHvx){.kind = a->inner == 1 ? QFK_REDUCE_HVX_ROWS : QFK_REDUCE_HVX_COLUMNS,
                   .outer = (int32_t)a->outer,
                   .n = (int32_t)a->n,
                   .inner = (int32_t)a->inner};
  return set_arg(p, a, type);
}

bool qfk_arg_hvx_init_channels(QfkArgHvx *p, const QfkAxis *a, QfkInt type, int32_t channels, int32_t pixels)
{
  if (channels < 1 || channels > MOST_VALUES || pixels < 1 || pixels > INT32_MAX / 4)
    return false;
  *p = (QfkArgHvx){.kind = QFK_REDUCE_HVX_CHANNELS,
                   .outer = 1,
                   .n = qfk_d4_planes(channels),
                   .inner = pixels * 4,
                   .tail = (channels - 1) % 4 + 1};
  return shape_fits(1, p->n, p->inner) && set_arg(p, a, type);
}
