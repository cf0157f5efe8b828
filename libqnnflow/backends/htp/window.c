/* SPDX-License-Identifier: MIT */
/*
 * window.c - PoolAvg2d and PoolMax2d.
 */
#include "build.h"
#include "../ref/encoded.h"
#include "../../ops/list.h"
#include "kernels/pool/pool_hvx.h"

static gboolean fits(const QfNode *node)
{
  const QfPool2dAttrs *a = node->attrs;
  for (int i = 0; i < 4; i++)
    if (a->pad[i] > INT32_MAX / 4)
      return FALSE;
  return (int64_t)a->filter[0] * a->filter[1] <= 256;
}

static QfkPoolShape describe(const QfNode *node)
{
  const QfPool2dAttrs *a = node->attrs;
  const int64_t *x = node->inputs[0]->dims, *y = node->outputs[0]->dims;
  /* Where there is one output, nothing is strided over. */
  return (QfkPoolShape){.n = (int32_t)x[0],
                        .h = (int32_t)x[1],
                        .w = (int32_t)x[2],
                        .c = (int32_t)x[3],
                        .oh = (int32_t)y[1],
                        .ow = (int32_t)y[2],
                        .kh = a->filter[0],
                        .kw = a->filter[1],
                        .stride = {y[1] > 1 ? a->stride[0] : 1, y[2] > 1 ? a->stride[1] : 1},
                        .dilation = {a->dilation[0], a->dilation[1]},
                        .pad = {a->pad[0], a->pad[1], a->pad[2], a->pad[3]},
                        .count_pad = a->count_pad};
}

/* Constants as the reference makes them, then as of uint8. */
static void make_args(QfkPoolInt *q, const QfkPoolShape *s, const QfNode *node, float *m, QfkFixed *fixed)
{
  const QfPool2dAttrs *a = node->attrs;
  QfkEncoding x, y;
  qf_ref_is_encoded(node->inputs[0], &x);
  qf_ref_is_encoded(node->outputs[0], &y);
  *q = (QfkPoolInt){.type = x.type, .y_type = y.type, .x_zero = x.zero, .y_zero = y.zero};
  qf_ref_bounds(&y, a->act, a->lo, a->hi, &q->lo, &q->hi);
  qfk_pool_avg_scales(q, s, x.scale, y.scale, m);
  qfk_pool_avg_fixed(q, s, x.scale, y.scale, fixed);
  const int32_t x_more = x.type == QFK_S8 ? 128 : 0, y_more = y.type == QFK_S8 ? 128 : 0;
  q->type = q->y_type = QFK_U8;
  q->x_zero += x_more;
  q->y_zero += y_more;
  q->lo += y_more;
  q->hi += y_more;
}

gboolean qf_htp_pool(QfHtpBuild *b, const QfNode *node, GString *why)
{
  const QfTensor *x = node->inputs[0], *y = node->outputs[0];
  const gboolean max = node->op == &qf_op_PoolMax2d;
  float m[257];
  QfkFixed fixed[257];
  int32_t multipliers[257];
  QfkPoolInt q;
  QfkPoolHvx k;
  if (!qf_htp_encoding(x, NULL, why) || !qf_htp_encoding(y, NULL, why))
    return FALSE;
  if (!fits(node) || (max && !qf_ref_same_form(x, y))) {
    g_string_append(why, max ? "its window is larger than 256, or input and output are encoded differently"
                             : "its window is larger than 256");
    return FALSE;
  }
  const QfkPoolShape s = describe(node);
  const int32_t planes = qfk_d4_planes(s.c), parts = (int32_t)(2 * b->n_threads);
  make_args(&q, &s, node, m, fixed);
  int32_t rows = s.oh;
  while (qfk_pool_hvx_init(&k, &s, &q, max, rows) && rows > 1 && qfk_pool_hvx_scratch(&k) > b->tile_bytes)
    rows = (rows + 1) / 2;
  if (!qfk_pool_hvx_init(&k, &s, &q, max, rows)) {
    g_string_append(why, "its stride, its padding or its ratio of scales are not those of a kernel");
    return FALSE;
  }
  const QfDspPool c = {s.n,
                       s.h,
                       s.w,
                       s.c,
                       s.oh,
                       s.ow,
                       s.kh,
                       s.kw,
                       {s.stride[0], s.stride[1]},
                       {s.dilation[0], s.dilation[1]},
                       {s.pad[0], s.pad[1], s.pad[2], s.pad[3]},
                       s.count_pad,
                       rows,
                       MAX((planes + parts - 1) / parts, 1),
                       max,
                       q.x_zero,
                       {max ? 0 : q.y_zero, q.lo, q.hi}};
  const int32_t n = s.kh * s.kw + 1;
  multipliers[0] = 0;
  for (int32_t i = 1; i < n; i++)
    multipliers[i] = fixed[i].multiplier;
  const uint32_t in = qf_htp_in(b, x, QF_HTP_D4);
  qf_htp_step(b, QF_DSP_ROW_pool, &c, sizeof(c), max ? NULL : multipliers, max ? 0 : (size_t)n * 4, &in, 1,
              qf_htp_out(b, y, QF_HTP_D4));
  return TRUE;
}
