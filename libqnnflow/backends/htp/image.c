/* SPDX-License-Identifier: MIT */
/*
 * image.c - Resize, reductions along neighbouring axes, and where along an axis the extreme is.
 */
#include "build.h"
#include "../ref/encoded.h"
#include "../../ops/list.h"
#include "kernels/reduce/reduce_hvx.h"
#include "kernels/resize/resize_hvx.h"

gboolean qf_htp_resize(QfHtpBuild *b, const QfNode *node, GString *why)
{
  const QfTensor *x = node->inputs[0], *y = node->outputs[0];
  QfkEncoding ex, ey;
  QfkResize r;
  QfkResizeHvx k;
  int32_t dims[2];
  if (!qf_htp_any_encoding(x, &ex, why) || !qf_htp_any_encoding(y, &ey, why))
    return FALSE;
  qf_ref_resize_params(node, &r);
  if (x->rank != 4 || !qfk_resize_int_dims(&r, dims))
    return qf_htp_refuse(why, "it is cubic, or changes other dimensions than height and width");
  int32_t channels = (int32_t)x->dims[3];
  if (qf_dtype_size(x->dtype) == 2 || qf_dtype_size(y->dtype) == 2) { /* pixels of bytes, which only move */
    if (r.interpolation != QFK_RESIZE_NEAREST || !qf_ref_same_form(x, y))
      return qf_htp_refuse(why, "it is not the nearest of 16 bits in one encoding");
    channels = (channels + 3) / 4 * 8;
    r.in[3] = r.out[3] = channels;
    ex = ey = (QfkEncoding){QFK_U8, 1, 0};
  }
  const QfkResizeInt q = {QFK_U8,
                          QFK_U8,
                          ex.zero,
                          ey.zero,
                          0,
                          255,
                          qfk_once(qfk_resize_int_factor(&r, ex.scale, ey.scale), FALSE)};
  const int32_t oh = (int32_t)y->dims[1], parts = (int32_t)(2 * b->n_threads);
  int32_t rows = MAX((oh + parts - 1) / parts, 1);
  r.in[0] = r.out[0] = 1;
  while (qfk_resize_hvx_init(&k, &r, &q, rows) && rows > 1 && qfk_resize_hvx_scratch(&k) > b->tile_bytes)
    rows = (rows + 1) / 2;
  if (x->dims[0] != y->dims[0] || !qfk_resize_hvx_init(&k, &r, &q, rows))
    return qf_htp_refuse(why, "its dimensions or its encodings are not those of a kernel");
  const QfDspResize c = {.n = (int32_t)x->dims[0],
                         .c = channels,
                         .h = (int32_t)x->dims[1],
                         .w = (int32_t)x->dims[2],
                         .oh = oh,
                         .ow = (int32_t)y->dims[2],
                         .interpolation = r.interpolation,
                         .coordinate_mode = r.coordinate_mode,
                         .nearest_mode = r.nearest_mode,
                         .scale = {r.scale[1], r.scale[2]},
                         .x_zero = ex.zero,
                         .y_zero = ey.zero,
                         .lo = 0,
                         .hi = 255,
                         .multiplier = q.m.multiplier,
                         .left = q.m.shift,
                         .rows = rows};
  const uint32_t in = qf_htp_in(b, x, QF_HTP_D4);
  qf_htp_step(b, QF_DSP_ROW_resize, &c, sizeof(c), NULL, 0, &in, 1, qf_htp_out(b, y, QF_HTP_D4));
  return TRUE;
}

/* Reduced axes that are neighbours: [outer, n, inner]. FALSE: they are not. */
static gboolean neighbours(const QfTensor *x, const QfReduceAttrs *a, int32_t *first, int32_t *last)
{
  uint32_t mask = a->axes.n ? 0 : UINT32_MAX >> (32 - MAX(x->rank, 1));
  for (int32_t i = 0; i < a->axes.n; i++)
    mask |= 1u << a->axes.v[i];
  if (!mask || !x->rank)
    return FALSE;
  *first = g_bit_nth_lsf(mask, -1);
  *last = g_bit_nth_msf(mask, -1);
  return (mask >> *first) == UINT32_MAX >> (31 - (*last - *first));
}

static const struct {
  const QfOpDef *op;
  QfkReduceOp kernel;
} kinds[] = {
    {&qf_op_ReduceMean, QFK_REDUCE_MEAN},
    {&qf_op_ReduceSum, QFK_REDUCE_SUM},
    {&qf_op_ReduceMax, QFK_REDUCE_MAX},
    {&qf_op_ReduceMin, QFK_REDUCE_MIN},
};

gboolean qf_htp_reduce(QfHtpBuild *b, const QfNode *node, GString *why)
{
  const QfTensor *x = node->inputs[0], *y = node->outputs[0];
  int32_t first, last;
  QfkReduceHvx k;
  QfkEncoding ex, ey;
  QfDspReduce c = {0};
  for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++)
    if (kinds[i].op == node->op)
      c.op = kinds[i].kernel;
  if (!neighbours(x, node->attrs, &first, &last))
    return qf_htp_refuse(why, "it is along axes that are not neighbours");
  if (c.op == QFK_REDUCE_MEAN && qf_dtype_size(x->dtype) == 2 && x->rank == 4 && first == 1 && last == 2)
    return qf_htp_mean_pool(b, node, why);
  if (!qf_htp_encoding(x, &ex, why) || !qf_htp_encoding(y, &ey, why))
    return FALSE;
  c.outer = (int32_t)qf_dims_count(x->dims, first);
  c.n = (int32_t)qf_dims_count(x->dims + first, last - first + 1);
  c.inner = (int32_t)qf_dims_count(x->dims + last + 1, x->rank - last - 1);
  const double count = c.op == QFK_REDUCE_MEAN ? c.n : 1;
  const QfkFixed m = qfk_once((double)ex.scale / (double)ey.scale / count, FALSE);
  const QfkReduceInt q = {QFK_U8,
                          QFK_U8,
                          ex.zero,
                          {.zero_point = ey.zero, .lo = 0, .hi = 255, .fixed = &m, .once = TRUE}};
  /* Over height and width images stay in planes: [planes][pixels][4]. */
  const gboolean image = x->rank == 4 && first == 1 && last == 2 && qf_htp_form(b, x) == QF_HTP_D4;
  const QfHtpForm form = image ? QF_HTP_D4 : QF_HTP_FLAT;
  if (image) {
    c.outer = (int32_t)(x->dims[0] * ((x->dims[3] + 3) / 4));
    c.inner = 4;
  }
  if (!qfk_reduce_hvx_init(&k, c.op, &q, c.outer, c.n, c.inner))
    return qf_htp_refuse(why, "it has too many values, or its scales are not those of a kernel");
  c.x_zero = ex.zero;
  c.y_zero = ey.zero;
  c.multiplier = m.multiplier;
  c.left = m.shift;
  const uint32_t in = qf_htp_in(b, x, form);
  /* What comes out is [N, planes, 4], which is flat where channels fill planes or there is one image. */
  const gboolean flat = image && y->rank != 4 && (x->dims[0] == 1 || x->dims[3] % 4 == 0);
  if (image && y->rank != 4 && !flat)
    return qf_htp_refuse(why, "its channels do not fill planes");
  qf_htp_step(b, QF_DSP_ROW_reduce, &c, sizeof(c), NULL, 0, &in, 1,
              image && y->rank == 4 ? qf_htp_out(b, y, QF_HTP_D4)
              : image               ? qf_htp_out_planes(b, y, (size_t)c.outer * 4)
                                    : qf_htp_out(b, y, QF_HTP_FLAT));
  return TRUE;
}

/* @index, int32, as the words of int64: zeros, then the low words. */
static void add_long(QfHtpBuild *b, const QfTensor *y, uint32_t index)
{
  const int32_t n = (int32_t)qf_tensor_count(y);
  const QfDspMove zeros = {.element_bytes = 4, .rank = 1, .dims = {2 * n}, .y = {1}};
  const QfDspMove words = {.element_bytes = 4, .rank = 1, .dims = {n}, .x = {1}, .y = {2}};
  void *zero;
  const uint32_t constant = qf_htp_constant(b, QF_DSP_ALIGNMENT, &zero);
  const uint32_t out = qf_htp_out(b, y, QF_HTP_FLAT);
  qf_htp_step(b, QF_DSP_ROW_move, &zeros, sizeof(zeros), NULL, 0, &constant, 1, out);
  qf_htp_step(b, QF_DSP_ROW_move, &words, sizeof(words), NULL, 0, &index, 1, out);
}

gboolean qf_htp_arg(QfHtpBuild *b, const QfNode *node, GString *why)
{
  const QfAxisAttrs *a = node->attrs;
  const QfTensor *x = node->inputs[0], *y = node->outputs[0];
  QfkArgHvx k;
  if (!qf_htp_encoding(x, NULL, why))
    return FALSE;
  if (y->dtype != QF_DTYPE_INT32 && y->dtype != QF_DTYPE_INT64)
    return qf_htp_refuse(why, "its indices are neither int32 nor int64");
  const QfkAxis axis = {.outer = qf_dims_count(x->dims, a->axis),
                        .n = x->dims[a->axis],
                        .inner = qf_dims_count(x->dims + a->axis + 1, x->rank - a->axis - 1),
                        .min = node->op == &qf_op_Argmin,
                        .last = a->last != 0};
  QfDspArg c = {.outer = (int32_t)axis.outer,
                .n = (int32_t)axis.n,
                .inner = (int32_t)axis.inner,
                .min = axis.min,
                .last = axis.last};
  const gboolean channels = x->rank == 4 && a->axis == 3 && qf_htp_form(b, x) == QF_HTP_D4;
  if (channels)
    qf_htp_images(x, &c.outer, &c.pixels, &c.n);
  if (!(channels ? qfk_arg_hvx_init_channels(&k, &axis, QFK_U8, c.n, c.pixels)
                 : qfk_arg_hvx_init(&k, &axis, QFK_U8)))
    return qf_htp_refuse(why, "it has too many values");
  const uint32_t in = qf_htp_in(b, x, channels ? QF_HTP_D4 : QF_HTP_FLAT);
  const uint32_t out = y->dtype == QF_DTYPE_INT32 ? qf_htp_out(b, y, QF_HTP_FLAT)
                                                  : qf_htp_memory(b, (size_t)qf_tensor_count(y) * 4);
  qf_htp_step(b, QF_DSP_ROW_arg, &c, sizeof(c), NULL, 0, &in, 1, out);
  if (y->dtype == QF_DTYPE_INT64)
    add_long(b, y, out);
  return TRUE;
}
